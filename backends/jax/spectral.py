"""Layers whose weight is under a spectral norm; flax's keeps no v, and guards its division under the root."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax.numpy as jnp
from jax import lax

from gan_rosetta.shared import spec
from gan_rosetta.shared.spec.spectral import U, V


def normalised(
    apply: Callable[..., Any], layer: Any, tensors: Mapping[str, Any], inputs: Any, /
) -> tuple[Any, dict[str, Any]]:
    """Return what a layer gives with W / σ for W, and where the pass leaves u and v. Miyato et al. 2018."""
    norm: spec.SpectralNorm = layer.spectral_norm
    weight = tensors["weight"]
    rows = weight.swapaxes(0, 1) if isinstance(layer, spec.ConvTranspose2d) else weight
    matrix = rows.reshape(len(rows), -1)
    constant = lax.stop_gradient(matrix)
    moved = {U: tensors[U], V: tensors[V]}
    for short in norm.updates:
        vector = constant.T @ moved[U] if short == V else constant @ moved[V]
        moved[short] = vector / _length(norm, vector)
    followed = matrix if norm.sigma_gradient == "followed" else constant
    sigma = jnp.dot(moved[U], followed @ moved[V])
    return apply(layer, {**tensors, "weight": weight / sigma}, inputs), moved


def _length(norm: spec.SpectralNorm, vector: Any) -> Any:
    squares = jnp.sum(jnp.square(vector))
    if norm.epsilon_placement == "inside":
        return jnp.sqrt(squares + norm.epsilon)
    length = jnp.sqrt(squares)
    return length + norm.epsilon if norm.epsilon_placement == "outside" else jnp.maximum(length, norm.epsilon)
