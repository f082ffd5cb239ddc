"""A weight's spectral norm in JAX: a function that puts the divided weight in the place of a layer's own."""

from __future__ import annotations

from dataclasses import replace

from gan_rosetta.shared import spec
from gan_rosetta.shared.spec import GanSpec, PlacedLayer, SpectralNorm
from gan_rosetta.shared.spec.spectral import V
from gan_rosetta.shared.translate.parts import Part, spectral_forms
from gan_rosetta.shared.translate.writing import indented, number


def with_spectral_norm(part: Part, placed: PlacedLayer, gan: GanSpec, /) -> Part:
    """Return a layer as it is applied with the norm that its weight has, or as it was where it has none."""
    norm = getattr(placed.layer, "spectral_norm", None)
    if norm is None:
        return part
    divided = f'divided{spectral_forms(gan)[norm]}(parameters, buffers, "{placed.name}"{_turned(placed)})'
    return replace(part, applied=part.applied.replace("(parameters,", f"({divided},", 1))


def _turned(placed: PlacedLayer) -> str:
    return ", outputs=1" if isinstance(placed.layer, spec.ConvTranspose2d) else ""


def spectral_functions(gan: GanSpec, /) -> list[str]:
    """Return the functions that divide weights by their largest singular value."""
    return [_function(norm, suffix) for norm, suffix in spectral_forms(gan).items()]


def _function(norm: SpectralNorm, suffix: str) -> str:
    followed = "matrix" if norm.sigma_gradient == "followed" else "constant"
    return f'''\
def divided{suffix}(parameters: Tensors, buffers: Tensors, name: str, *, outputs: int = 0) -> Tensors:
    """Return parameters with a weight divided by its largest singular value (Miyato et al. 2018).

    outputs: the weight's axis of outputs. u and v move in every pass, and are put into `buffers`.
    """
    weight = parameters[f"{{name}}.weight"]
    u, v = buffers[f"{{name}}.weight_u"], buffers[f"{{name}}.weight_v"]
    matrix = jnp.moveaxis(weight, outputs, 0).reshape(len(u), -1)
    constant = lax.stop_gradient(matrix)  # u and v are constants for the gradient
{indented(chr(10).join(moves_of(norm)), by=4)}
    buffers[f"{{name}}.weight_u"], buffers[f"{{name}}.weight_v"] = u, v
    return parameters | {{f"{{name}}.weight": weight / (u @ ({followed} @ v))}}'''


def moves_of(norm: SpectralNorm, /) -> list[str]:
    """Return the lines in which u and v move, by the matrix that is called `constant`."""
    moves = [line for short in norm.updates[:2] for line in _move(norm, short)]
    if norm.num_iterations > 1:
        return [f"for _ in range({number(norm.num_iterations)}):", *(f"    {line}" for line in moves)]
    return moves


def _move(norm: SpectralNorm, short: str) -> list[str]:
    name, moved = ("v", "constant.T @ u") if short == V else ("u", "constant @ v")
    epsilon = number(norm.epsilon)
    length = {
        "outside": f"(jnp.linalg.norm({name}) + {epsilon})",
        "floor": f"jnp.maximum(jnp.linalg.norm({name}), {epsilon})",
        "inside": f"jnp.sqrt({name} @ {name} + {epsilon})",
    }[norm.epsilon_placement]
    return [f"{name} = {moved}", f"{name} = {name} / {length}"]
