"""The cross entropy of each sample's class, which a pass is fed."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gan_rosetta.backends.numpy.layer import FED, Array, Layer, Tensors


class _Cache(NamedTuple):
    shares: Array  # softmax(x), (N, classes)
    classes: NDArray[np.int64]  # (N, 1)


class ClassCrossEntropy(Layer):
    """y = log Σ exp(x) - x[c]: x (N, classes), c (N,), y (N, 1). ∂x = ∂y (softmax(x) - one-hot of c).

    Near 0 a y has the rounding of the logarithm of a number near 1, and a slope that of the share that 1 is taken from.
    """

    rounds = False

    def forward(self, x: Array, tensors: Tensors) -> tuple[Array, _Cache]:
        classes = tensors[FED].astype(np.int64)[:, np.newaxis]
        shifted = x - np.max(x, axis=1, keepdims=True)
        powers = np.exp(shifted)
        total = np.add.reduce(powers, axis=1, keepdims=True)
        own = np.take_along_axis(shifted, classes, axis=1)
        y: Array = np.log(total) - own
        if self.rounding is not None:
            self.rounding.disturb(y, num_terms=x.shape[1], scale=1.0 + np.abs(own) + y)
        return y, _Cache(powers / total, classes)

    def backward(
        self, gradient_y: Array, cache: _Cache, *, gradients: Tensors | None, wants_input: bool
    ) -> Array | None:
        del gradients
        if not wants_input:
            return None
        slopes = cache.shares.copy()
        own = np.take_along_axis(slopes, cache.classes, axis=1)
        np.put_along_axis(slopes, cache.classes, own - 1.0, axis=1)
        gradient: Array = gradient_y * slopes
        if self.rounding is not None:
            sizes = cache.shares.copy()
            np.put_along_axis(sizes, cache.classes, own + 1.0, axis=1)
            self.rounding.disturb(gradient, num_terms=slopes.shape[1], scale=np.abs(gradient_y) * sizes)
        return gradient
