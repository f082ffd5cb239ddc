"""The weight that a layer uses under a spectral norm, of which Gluon has none."""

from __future__ import annotations

from typing import Any

from gan_rosetta.shared import spec
from gan_rosetta.shared.spec.spectral import U, V


def normalised_weight(layer: Any, ops: Any, weight: Any, u: Any, v: Any, /) -> tuple[Any, Any, Any]:
    """Return W / σ, and u and v as the pass leaves them. Miyato et al. 2018, Algorithm 1."""
    norm: spec.SpectralNorm = layer.spectral_norm
    # Blocked before it is reshaped: MXNet ends in a segmentation fault at a Reshape to which no gradient comes.
    matrix, constant = (_as_matrix(layer, ops, each) for each in (weight, ops.BlockGrad(weight)))
    moved = {U: u, V: v}
    for short in norm.updates:
        vector = ops.dot(constant, moved[U], transpose_a=True) if short == V else ops.dot(constant, moved[V])
        moved[short] = ops.broadcast_div(vector, _length(norm, ops, vector))
    moved = {short: ops.BlockGrad(vector) for short, vector in moved.items()}
    # That one is never read before it is moved, and MXNet warns of inputs that a graph does not use.
    unread = V if norm.first == "v" else U
    moved[unread] = moved[unread] + ops.zeros_like(v if unread == V else u)
    followed = matrix if norm.sigma_gradient == "followed" else constant
    sigma = ops.sum(moved[U] * ops.dot(followed, moved[V]))  # (1,)
    sigma = ops.reshape(sigma, shape=(1,) * len(layer.parameters()["weight"].shape))
    sigma = sigma if norm.sigma_gradient == "followed" else ops.BlockGrad(sigma)
    return ops.broadcast_div(weight, sigma), moved[U], moved[V]


def _as_matrix(layer: Any, ops: Any, weight: Any) -> Any:
    """Return a weight as (out, rest)."""
    rows = ops.swapaxes(weight, dim1=0, dim2=1) if isinstance(layer, spec.ConvTranspose2d) else weight
    return ops.reshape(rows, shape=(0, -1))


def _length(norm: spec.SpectralNorm, ops: Any, vector: Any) -> Any:
    squares = ops.sum(ops.square(vector))
    if norm.epsilon_placement == "inside":
        return ops.sqrt(squares + norm.epsilon)
    length = ops.sqrt(squares)
    return length + norm.epsilon if norm.epsilon_placement == "outside" else ops.maximum(length, norm.epsilon)
