"""What a program's networks start from where it is no state: drawn by NumPy, the same in dialects that draw nothing."""

from __future__ import annotations

import math

from gan_rosetta.shared import spec
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.state.initial import uniform_bound
from gan_rosetta.shared.state.schema import TensorSpec, state_schema
from gan_rosetta.shared.translate.parts import spectral_forms
from gan_rosetta.shared.translate.writing import fitted, number, numbers

_DIRECTION = '''\
def direction(random: np.random.Generator, size: int) -> np.ndarray:
    """Return a vector of length 1, all directions as likely."""
    drawn = random.normal(size=size)
    return drawn / np.linalg.norm(drawn)'''

_AVERAGE_OF_A_STATE = (
    "        if not chosen:  # an average that a state lacks begins at G",
    '            return first_tensors("generator", seed)',
)


def first_values(gan: GanSpec, /, *, kind: str, made: str) -> str:
    """Return the function that makes a network's first parameters and buffers.

    kind: the type of what it returns. made: the expression of a tensor, with {array} for NumPy's.
    """
    averages = gan.training.generator_average is not None
    lines = [
        f"def first_tensors(network: str, seed: int) -> {kind}:",
        '    """Return what a network starts from, by the names of its tensors: of a state, or drawn."""',
        "    if options.state is not None:",
        '        state, start = read_state(options.state), f"{network}."',
        "        chosen = {n.removeprefix(start): a for n, a in state.items() if n.startswith(start)}",
        *(_AVERAGE_OF_A_STATE if averages else []),
        f"        return {{n: {made.replace('{array}', 'a')} for n, a in chosen.items()}}",
        *(['    network = network.removeprefix("average.")'] if averages else []),
        "    random = np.random.default_rng([seed, len(network)])",
        "    drawn = {",
    ]
    for network in gan.networks():
        lines.append(f'        "{network}": {{')
        for name, tensor in state_schema(gan).items():
            if tensor.network == network and tensor.role in ("parameter", "buffer"):
                own = name.removeprefix(f"{network}.")
                entry = f'"{own}": {_drawn(tensor)}'
                lines.append(f"{fitted(entry, indent=12, later=1)},")
        lines.append("        },")
    lines += [
        "    }",
        f"    return {{name: {made.replace('{array}', 'array')} for name, array in drawn[network].items()}}",
    ]
    whole = "\n".join(lines)
    return f"{_DIRECTION}\n\n\n{whole}" if spectral_forms(gan) else whole


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
