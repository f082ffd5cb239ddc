"""Both networks in JAX, as functions of their parameters, and the values that those start from."""

from __future__ import annotations

import math

from gan_rosetta.shared import spec
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.state.initial import uniform_bound
from gan_rosetta.shared.state.schema import TensorSpec, state_schema
from gan_rosetta.shared.translate.data import uses_classes, uses_masks
from gan_rosetta.shared.translate.in_jax.layers import FUNCTIONS, LAYERS
from gan_rosetta.shared.translate.in_jax.spectral import spectral_functions, with_spectral_norm
from gan_rosetta.shared.translate.parts import Part, chain, what_it_says
from gan_rosetta.shared.translate.writing import attribute, call, number, numbers

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
        needed.add("dropout")
    functions = [text for name, text in FUNCTIONS.items() if name in needed]
    functions += spectral_functions(gan)
    functions += [_network(gan, name, written[name]) for name in gan.networks()]
    functions.append(_first_values(gan))
    return "\n\n\n".join(functions)


def _named(name: str) -> str:
    attribute(name, ())  # refuses those that no line has room for
    return name


def _network(gan: GanSpec, name: str, written: list[Part]) -> str:
    x = "z" if name == "generator" else "x"
    arguments = ["parameters: Tensors"]
    arguments += ["buffers: Tensors"] if has_buffers(gan, name) else []
    arguments += [f"{x}: Array"]
    arguments += ["classes: Array"] if uses_classes(gan, name) else []
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
    body = chain(written, x, indent=4)
    if has_buffers(gan, name):
        lines.append("    buffers = dict(buffers)")
        body[-1] = body[-1].replace("return ", "x = ", 1)
        body.append("    return x, buffers")
    return "\n".join([*lines, *body])


def _first_values(gan: GanSpec) -> str:
    """Return the function that makes a network's first parameters and buffers."""
    lines = [
        "def first_tensors(network: str, seed: int) -> Tensors:",
        '    """Return what a network starts from, by the names of its tensors: of a state, or drawn."""',
        "    if options.state is not None:",
        '        state, start = read_state(options.state), f"{network}."',
        "        chosen = {n: array for n, array in state.items() if n.startswith(start)}",
        "        return {n.removeprefix(start): jnp.asarray(a, dtype) for n, a in chosen.items()}",
        "    random = np.random.default_rng([seed, len(network)])",
        "    drawn = {",
    ]
    for network in gan.networks():
        lines.append(f'        "{network}": {{')
        for name, tensor in state_schema(gan).items():
            if tensor.network == network and tensor.role in ("parameter", "buffer"):
                own = name.removeprefix(f"{network}.")
                lines.append(f'            "{own}": {_drawn(tensor)},')
        lines.append("        },")
    lines += [
        "    }",
        "    return {name: jnp.asarray(array, dtype) for name, array in drawn[network].items()}",
    ]
    return "\n".join(lines)


def _drawn(tensor: TensorSpec) -> str:
    initializer = tensor.initializer
    shape = numbers(tensor.shape)
    if isinstance(initializer, spec.Normal):
        return f"random.normal({number(initializer.mean)}, {number(initializer.standard_deviation)}, {shape})"
    if isinstance(initializer, spec.Constant):
        size = shape if len(tensor.shape) > 1 else number(math.prod(tensor.shape))
        known = {0.0: f"np.zeros({size})", 1.0: f"np.ones({size})"}
        return known.get(float(initializer.value), f"np.full({size}, {number(initializer.value)})")
    if isinstance(initializer, spec.NormalDirection):
        return f"direction(random, {number(math.prod(tensor.shape))})"
    if initializer is None:
        raise TypeError(f"{tensor.name} has no first values")
    bound = f"{uniform_bound(tensor, initializer):.6g}"
    return f"random.uniform(-{bound}, {bound}, {shape})"
