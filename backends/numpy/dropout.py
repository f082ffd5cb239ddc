"""Dropout, by a mask that the pass is fed."""

from __future__ import annotations

import numpy as np

from gan_rosetta.backends.numpy.layer import FED, Array, LinearMap, Tensors
from gan_rosetta.shared import spec


class Dropout(LinearMap):
    """y = x · m / (1 - p) and ∂x = ∂y · m / (1 - p), with the mask m; y = x where there is none. Srivastava 2014."""

    takes_copies = True

    def __init__(self, layer: spec.Dropout, input_shape: spec.Shape) -> None:
        del input_shape
        self._scale = layer.scale

    def forward(self, x: Array, tensors: Tensors) -> tuple[Array, Array | None]:
        if FED not in tensors:
            return x.copy(), None
        factors = np.multiply(tensors[FED], self._scale, dtype=x.dtype)
        return x * factors, factors

    def backward(
        self, gradient_y: Array, cache: Array | None, *, gradients: Tensors | None, wants_input: bool
    ) -> Array | None:
        del gradients, wants_input
        return gradient_y if cache is None else gradient_y * cache

    def forward_tangent(self, tangent_x: Array, cache: Array | None) -> Array:
        return tangent_x.copy() if cache is None else tangent_x * cache
