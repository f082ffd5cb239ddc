"""Both networks in JAX, as functions of their parameters, and the values that those start from."""

from __future__ import annotations

from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.translate.calls import given_beside
from gan_rosetta.shared.translate.chain import chain
from gan_rosetta.shared.translate.feeds import uses_masks
from gan_rosetta.shared.translate.first_values import first_values
from gan_rosetta.shared.translate.in_jax.layers import FUNCTIONS, LAYERS
from gan_rosetta.shared.translate.in_jax.spectral import spectral_functions, with_spectral_norm
from gan_rosetta.shared.translate.parts import Part, what_it_says
from gan_rosetta.shared.translate.writing import attribute, call, number

# Names of layers are texts here, so that none is taken.
RESERVED: frozenset[str] = frozenset()
VERBS = {"generator": "generate", "discriminator": "discriminate"}


def has_buffers(gan: GanSpec, network: str, /) -> bool:
    """Whether a network has tensors that every pass moves, which then come in and go out with it."""
    return gan.networks()[network].has_buffers


def model_section(gan: GanSpec, /) -> str:
    """Return the layers' functions, both networks, and what they start from."""
    written = {
        name: [
            with_spectral_norm(LAYERS[type(placed.layer)](placed, _named(placed.name)), placed, gan)
            for placed in network.placed
        ]
        for name, network in gan.networks().items()
    }
    needed = {name for parts in written.values() for part in parts for name in part.needs}
    if any(uses_masks(gan, name) for name in gan.networks()):
        needed.add("masks_of")
    functions = [text for name, text in FUNCTIONS.items() if name in needed]
    functions += spectral_functions(gan)
    functions += [_network(gan, name, written[name]) for name in gan.networks()]
    functions.append(first_values(gan, kind="Tensors", made="jnp.asarray({array}, dtype)"))
    return "\n\n\n".join(functions)


def _named(name: str) -> str:
    attribute(name, ())  # refuses those that no line has room for
    return name


def _network(gan: GanSpec, name: str, written: list[Part]) -> str:
    x = "z" if name == "generator" else "x"
    arguments = ["parameters: Tensors"]
    arguments += ["buffers: Tensors"] if has_buffers(gan, name) else []
    arguments += [f"{x}: Array"]
    arguments += [f"{given}: Array" for given in given_beside(gan, name)]
    arguments += ["masks: Tensors"] if uses_masks(gan, name) else []
    verb = VERBS[name]
    result = "tuple[Array, Tensors]" if has_buffers(gan, name) else "Array"
    shape = ", ".join(map(number, gan.networks()[name].output_shape))
    if name == "generator":
        said = f"Make samples of noise, (batch, {shape})"
    else:
        first, _, rest = what_it_says(gan).partition(" ")
        said = f"{'Say' if first == 'Says' else 'Give'} {rest}, (batch, {shape})"
    said += ", and move the buffers" if has_buffers(gan, name) else ""
    lines = [call(f"def {verb}(", arguments, f") -> {result}:"), f'    """{said}."""']
    body = chain(gan.networks()[name], written, x, indent=4)
    if has_buffers(gan, name):
        lines.append("    buffers = dict(buffers)")
        body[-1] = body[-1].replace("return ", "x = ", 1)
        body.append("    return x, buffers")
    return "\n".join([*lines, *body])
