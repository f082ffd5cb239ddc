"""How far what a network finds of a code is from it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gan_rosetta.backends.numpy.layer import FED, Array, Layer, Tensors
from gan_rosetta.shared import spec


class _Cache(NamedTuple):
    """What the slopes are of: softmax(x) Σ c or x, and the code c, each (N, width)."""

    found: Array
    code: Array


class CodeError(Layer):
    """y of x (N, width) and the code c (N, width): Σ c (log Σ exp(x) - x), or the mean of (x - c)²; y (N, 1).

    ∂x = ∂y (softmax(x) Σ c - c), or ∂y 2 (x - c) / width.
    """

    rounds = False

    def __init__(self, layer: spec.CodeError, input_shape: spec.Shape) -> None:
        del input_shape
        self._layer = layer

    def forward(self, x: Array, tensors: Tensors) -> tuple[Array, _Cache]:
        code = tensors[FED][:, self._layer.start : self._layer.stop]
        return self._cross_entropy(x, code) if self._layer.form == "cross-entropy" else self._squared_error(x, code)

    def _cross_entropy(self, x: Array, code: Array) -> tuple[Array, _Cache]:
        shifted = x - np.max(x, axis=1, keepdims=True)
        powers = np.exp(shifted)
        total = np.add.reduce(powers, axis=1, keepdims=True)
        y: Array = np.add.reduce(code * (np.log(total) - shifted), axis=1, keepdims=True)
        if self.rounding is not None:
            # Near 0 it has the rounding of the logarithm of a number near 1.
            own = np.add.reduce(code * np.abs(shifted), axis=1, keepdims=True)
            self.rounding.disturb(y, num_terms=x.shape[1], scale=1.0 + own + y)
        return y, _Cache(powers / total * np.add.reduce(code, axis=1, keepdims=True), code)

    def _squared_error(self, x: Array, code: Array) -> tuple[Array, _Cache]:
        apart = x - code
        y: Array = np.add.reduce(np.square(apart), axis=1, keepdims=True) / self._layer.width
        if self.rounding is not None:
            self.rounding.disturb(y, num_terms=x.shape[1])
            self.rounding.disturb(y, scale=np.max(np.abs(apart) * (np.abs(x) + np.abs(code)), axis=1, keepdims=True))
        return y, _Cache(x, code)

    def backward(
        self, gradient_y: Array, cache: _Cache, *, gradients: Tensors | None, wants_input: bool
    ) -> Array | None:
        del gradients
        if not wants_input:
            return None
        share = gradient_y if self._layer.form == "cross-entropy" else gradient_y * (2.0 / self._layer.width)
        gradient: Array = share * (cache.found - cache.code)
        if self.rounding is not None:
            scale = np.abs(share) * (np.abs(cache.found) + np.abs(cache.code))
            self.rounding.disturb(gradient, num_terms=self._layer.width, scale=scale)
        return gradient
