"""How alike a sample's features are to those of the batch's others."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gan_rosetta.backends.numpy.layer import Array, Layer, Tensors
from gan_rosetta.shared import spec


class _Units(NamedTuple):
    """Vectors divided by their sizes, and those, (N, features) and (N, 1)."""

    units: Array
    sizes: Array


class PullAway(Layer):
    """y_i = (Σ_j u_i · u_j - 1) / (N - 1), u = x / ‖x‖: x (N, features), y (N, 1).

    ∂u_i = Σ_j (∂y_i + ∂y_j) u_j / (N - 1), of which the part along u_i, a sample's likeness to itself, adds nothing to
    ∂x = (∂u - u (u · ∂u)) / ‖x‖.
    """

    rounds = False

    def __init__(self, layer: spec.PullAway, input_shape: spec.Shape) -> None:
        del layer, input_shape

    def forward(self, x: Array, tensors: Tensors) -> tuple[Array, _Units]:
        del tensors
        sizes = np.sqrt(_squares(x))
        units: Array = x / sizes
        self._disturb(units, num_terms=x.shape[1], spread=np.zeros_like(units))
        near: Array = units @ units.T
        self._disturb(near, num_terms=x.shape[1], spread=np.square(units) @ np.square(units).T)
        total: Array = np.add.reduce(near, axis=1, keepdims=True)
        self._disturb(total, num_terms=len(x), spread=_squares(near))
        return (total - 1.0) / (len(x) - 1), _Units(units, sizes)

    def backward(
        self, gradient_y: Array, cache: _Units, *, gradients: Tensors | None, wants_input: bool
    ) -> Array | None:
        del gradients
        if not wants_input:
            return None
        units, sizes = cache
        shares = (gradient_y + gradient_y.T) / (len(units) - 1)
        of_units: Array = shares @ units
        self._disturb(of_units, num_terms=len(units), spread=np.square(shares) @ np.square(units))
        inner = np.add.reduce(of_units * units, axis=1, keepdims=True)
        result: Array = (of_units - units * inner) / sizes
        if self.rounding is not None:
            inner_spread = np.hypot(inner, np.sqrt(_squares(of_units * units)))
            scale = (np.abs(of_units) + np.abs(units) * inner_spread) / sizes
            self.rounding.disturb(result, num_terms=units.shape[1], scale=scale)
        return result

    def _disturb(self, sums: Array, *, num_terms: int, spread: Array) -> None:
        """Disturb sums whose terms may cancel. spread: of the squares of the terms."""
        if self.rounding is not None:
            self.rounding.disturb(sums, num_terms=num_terms, scale=np.hypot(sums, np.sqrt(spread)))


def _squares(vectors: Array) -> Array:
    total: Array = np.add.reduce(np.square(vectors), axis=1, keepdims=True)
    return total
