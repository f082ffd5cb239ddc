"""Upsampling: y = A x Bᵀ for every channel, with A and B the same for all images, and so ∂x = Aᵀ ∂y B."""

from __future__ import annotations

import numpy as np

from gan_rosetta.backends.numpy.layer import Array, Layer, Tensors
from gan_rosetta.shared import spec
from gan_rosetta.shared.spec.resampling import upsampling_weights


class Upsample(Layer):
    """Images (N, C, H, W) to (N, C, H · factor, W · factor). Nearest repeats pixels; bilinear weighs the two nearest.

    Each entry of ∂x is a sum over the pixels that x's went to, whose terms may cancel: what rounds is the terms.
    """

    rounds = False

    def __init__(self, layer: spec.Upsample, input_shape: spec.Shape) -> None:
        self._factor, self._mode = layer.factor, layer.mode
        self._rows, self._columns = (upsampling_weights(layer, size) for size in input_shape[1:])

    def forward(self, x: Array, tensors: Tensors) -> tuple[Array, None]:
        del tensors
        if self._mode == "nearest":
            return np.repeat(np.repeat(x, self._factor, axis=2), self._factor, axis=3), None
        return self._weighed(x, self._rows, self._columns), None

    def backward(self, gradient_y: Array, cache: None, *, gradients: Tensors | None, wants_input: bool) -> Array | None:
        del cache, gradients, wants_input
        return self._weighed(gradient_y, self._rows.T, self._columns.T)

    def _weighed(self, images: Array, rows: Array, columns: Array) -> Array:
        left, right = rows.astype(images.dtype), columns.astype(images.dtype)
        result: Array = left @ images @ right.T
        if self.rounding is not None:
            spread = np.sqrt(np.square(left) @ np.square(images) @ np.square(right.T))
            num_terms = int(max(np.count_nonzero(one, axis=1).max() for one in (rows, columns)) ** 2)
            self.rounding.disturb(result, num_terms=num_terms, scale=np.hypot(result, spread))
        return result
