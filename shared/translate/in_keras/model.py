"""Both networks in Keras, a Sequential each or of the functional API, and what they start from."""

from __future__ import annotations

import re
from dataclasses import replace

from gan_rosetta.shared.spec import Augment, Branches, Dropout, GanSpec, Network, Shape
from gan_rosetta.shared.translate.calls import given_beside
from gan_rosetta.shared.translate.chain import chain
from gan_rosetta.shared.translate.feeds import uses_masks
from gan_rosetta.shared.translate.first_values import first_values
from gan_rosetta.shared.translate.in_keras.layers import FUNCTIONS, LAYERS
from gan_rosetta.shared.translate.in_keras.making import AUTOMATIC, made_of
from gan_rosetta.shared.translate.in_tensorflow.model import TENSORS
from gan_rosetta.shared.translate.in_tensorflow.spectral import spectral_classes
from gan_rosetta.shared.translate.parts import Part, spectral_forms, what_it_says
from gan_rosetta.shared.translate.writing import attribute, fitted, number, numbers

# Names that a function has already which makes a network.
RESERVED = frozenset(["classes", "codes", "keras", "noise", "ops", "samples", "tf", "x"])
_IMAGE_RANK = 3


def model_section(gan: GanSpec, /) -> str:
    """Return the layers that Keras has none of, both networks, and what they start from."""
    written = {name: _written(gan, network) for name, network in gan.networks().items()}
    needed = {name for parts in written.values() for part in parts for name in part.needs}
    parts = [text for name, text in FUNCTIONS.items() if name in needed]
    parts += spectral_classes(gan)
    parts += [_network(gan, name, written[name]) for name in gan.networks()]
    parts.append(_tensors(gan))
    parts.append(first_values(gan, kind="dict[str, np.ndarray]", made="np.asarray({array}, options.dtype)"))
    return "\n\n\n".join(parts) + f"\n\n\n{_MADE}"


_MADE = """\
generator, discriminator = make_generator(), make_discriminator()
for prefix, network in (("generator", generator), ("discriminator", discriminator)):
    tensors = first_tensors(prefix, options.seed)
    for name, tensor in tensors_of(network).items():
        tensor.assign(as_keras(tensor, tensors[name]))"""


def masks_of(network: Network, /) -> dict[str, Shape]:
    """Return the shapes of the masks that a network is given, in the order in which it takes them."""
    found = {
        placed.name: _native(placed.layer.mask_shape(placed.input_shape))
        for placed in network.placed
        if isinstance(placed.layer, Dropout | Augment)
    }
    return dict(sorted(found.items()))


def _written(gan: GanSpec, network: Network) -> list[Part]:
    parts = []
    for placed in network.placed:
        part = LAYERS[type(placed.layer)](placed, attribute(placed.name, RESERVED))
        norm = getattr(placed.layer, "spectral_norm", None)
        if norm is not None:
            own = f"Spectral{spectral_forms(gan)[norm]}"
            kinds = r"keras\.layers\.(Dense|Conv2D|Conv2DTranspose|Embedding)\("
            found = (part.remark, part.applied, *part.then)
            remark, applied, *then = (re.sub(kinds, rf"{own}\1(", each) for each in found)
            part = replace(part, remark=remark, applied=applied, then=tuple(then))
        parts.append(part)
    return parts


def _tensors(gan: GanSpec) -> str:
    names = {placed.name for network in gan.networks().values() for placed in network.placed}
    if not names & AUTOMATIC:
        return TENSORS
    # Keras calls layers of its own so: a "_" behind it tells them apart.
    return TENSORS.replace("{layer.name}.", "{layer.name.rstrip('_')}.")


def _native(shape: Shape) -> Shape:
    return (*shape[1:], shape[0]) if len(shape) == _IMAGE_RANK else shape


def _network(gan: GanSpec, network_name: str, written: list[Part]) -> str:
    network = gan.networks()[network_name]
    what = "makes samples of noise" if network_name == "generator" else _lower(what_it_says(gan))
    shape = numbers(_native(network.input_shape))
    given = given_beside(gan, network_name) or uses_masks(gan, network_name)
    if given or any(isinstance(layer, Branches) for layer in network.layers):
        kind, body = "Model", _functional(gan, network_name, written)
    else:
        kind, body = "Sequential", _sequential(shape, written)
    returned = ", ".join(map(number, _native(network.output_shape)))
    return "\n".join(
        [
            f"def make_{network_name}() -> keras.{kind}:",
            f'    """Return a network that {what}, (batch, {returned})."""',
            *body,
        ]
    )


def _lower(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:]


def _sequential(shape: str, written: list[Part]) -> list[str]:
    made = [f"keras.Input({shape})", *(each for part in written for each in made_of(part))]
    entries = [f"{fitted(each, indent=12, later=1)}," for each in made]
    return ["    return keras.Sequential(", "        [", *entries, "        ]", "    )"]


def _functional(gan: GanSpec, network_name: str, written: list[Part]) -> list[str]:
    network = gan.networks()[network_name]
    own = "noise" if network_name == "generator" else "samples"
    lines = [f"    {own} = keras.Input({numbers(_native(network.input_shape))})"]
    inputs = [own]
    made = {"classes": '(), dtype="int64"', "codes": numbers(gan.latent.sample_shape)}
    for given in given_beside(gan, network_name):
        lines.append(f"    {given} = keras.Input({made[given]})")
        inputs.append(given)
    for name, shape in masks_of(network).items():
        inputs.append(f"{attribute(name, RESERVED)}_mask")
        lines.append(f"    {inputs[-1]} = keras.Input({numbers(shape)}, optional=True)")
    of = inputs[0] if len(inputs) == 1 else f"[{', '.join(inputs)}]"
    return [*lines, *chain(network, written, own, indent=4, end=f"return keras.Model({of}, {{x}})")]
