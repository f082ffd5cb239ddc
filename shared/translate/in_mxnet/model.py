"""Both networks in MXNet, as Gluon blocks with a forward of their own, and what they start from."""

from __future__ import annotations

from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.translate.calls import given_beside
from gan_rosetta.shared.translate.chain import chain
from gan_rosetta.shared.translate.feeds import uses_masks
from gan_rosetta.shared.translate.first_values import first_values
from gan_rosetta.shared.translate.in_mxnet.layers import FUNCTIONS, LAYERS
from gan_rosetta.shared.translate.in_mxnet.spectral import spectral_classes, with_spectral_norm
from gan_rosetta.shared.translate.parts import IN_STATE, Part, what_it_says
from gan_rosetta.shared.translate.writing import attribute, call, number

# What gluon.Block has names for, of those that a layer may have.
RESERVED = frozenset(("apply", "cast", "forward", "hybridize", "initialize", "params", "prefix", "name", "summary"))


def written_layers(gan: GanSpec, network: str, /) -> list[Part]:
    """Return a network's layers as a program has them."""
    return [
        with_spectral_norm(LAYERS[type(placed.layer)](placed, attribute(placed.name, RESERVED)), placed.layer, gan)
        for placed in gan.networks()[network].placed
    ]


def model_section(gan: GanSpec, /) -> str:
    """Return the layers that Gluon has none of, both networks, and what they start from."""
    written = {name: written_layers(gan, name) for name in gan.networks()}
    needed = {name for parts in written.values() for part in parts for name in part.needs}
    parts = [text for name, text in FUNCTIONS.items() if name in needed]
    parts += spectral_classes(gan)
    parts += [_network(gan, name, written[name]) for name in gan.networks()]
    renamed = any(
        attribute(placed.name, RESERVED) != placed.name
        for network in gan.networks().values()
        for placed in network.placed
    )
    if any("." in placed.name for network in gan.networks().values() for placed in network.placed):
        parts.append(f"{IN_STATE}\n\n\n{_TENSORS.replace(_FOUND, _RENAMED_INSIDE)}")
    else:
        parts.append(_TENSORS.replace(_FOUND, _RENAMED) if renamed else _TENSORS)
    parts.append(first_values(gan, kind="Batch", made="mx.nd.array({array}, dtype=options.dtype)"))
    return "\n\n\n".join(parts) + "\n\n\n" + _MADE


_FOUND = "    return dict(network._collect_params_with_prefix())"
_RENAMED = """\
    found = network._collect_params_with_prefix()
    return {name.replace("_.", "."): tensor for name, tensor in found.items()}"""

_RENAMED_INSIDE = """\
    found = network._collect_params_with_prefix()
    return {in_state(name): tensor for name, tensor in found.items()}"""

_TENSORS = '''\
def tensors_of(network: gluon.Block) -> dict[str, gluon.Parameter]:
    """Return parameters and buffers by the names that save_parameters has for them."""
    return dict(network._collect_params_with_prefix())


def trained(network: gluon.Block) -> list[gluon.Parameter]:
    """Return the parameters, without the buffers."""
    return [tensor for tensor in tensors_of(network).values() if tensor.grad_req != "null"]'''

_MADE = """\
generator, discriminator = Generator(), Discriminator()
for prefix, network in (("generator", generator), ("discriminator", discriminator)):
    network.cast(options.dtype)
    network.initialize()
    tensors = first_tensors(prefix, options.seed)
    for name, tensor in tensors_of(network).items():
        tensor.set_data(tensors[name])"""


def _network(gan: GanSpec, network_name: str, written: list[Part]) -> str:
    network = gan.networks()[network_name]
    made = [
        call(f"self.{attribute(placed.name, RESERVED)} = {part.made[0]}", part.made[1], indent=8)
        for placed, part in zip(network.placed, written, strict=True)
        if part.made is not None
    ]
    x = "z" if network_name == "generator" else "x"
    arguments = [f"{x}: NDArray"]
    arguments += [f"{given}: NDArray" for given in given_beside(gan, network_name)]
    arguments += ["masks: Batch"] if uses_masks(gan, network_name) else []
    what = "Makes samples of noise" if network_name == "generator" else what_it_says(gan)
    returned = "a batch of samples" if network_name == "generator" else "what it says of each sample"
    begins = ["    def __init__(self) -> None:", "        super().__init__()", *made, ""] if made else []
    return "\n".join(
        [
            f"class {network_name.capitalize()}(gluon.Block):",
            f'    """{what}."""',
            "",
            *begins,
            call("def forward(", ["self", *arguments], ") -> NDArray:", indent=4),
            f'        """Return {returned}, (batch, {", ".join(map(number, network.output_shape))})."""',
            *chain(network, written, x, indent=8),
        ]
    )
