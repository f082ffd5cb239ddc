"""Augmentation of images by numbers that the pass is fed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gan_rosetta.backends.numpy.layer import FED, Array, Layer, Tensors
from gan_rosetta.shared import spec

_WHOLE = (1, 2, 3)


class Augment(Layer):
    """Colours, places or a window of each image (see the spec); y = x where no numbers are fed.

    Colours: y = k (x₂ - mean x₂) + mean x₂, x₂ = s (x₁ - mean x₁) + mean x₁ over channels, x₁ = x + b, so that ∂x₂ =
    k (∂y - mean ∂y) + mean ∂y and ∂x = s (∂x₂ - mean ∂x₂) + mean ∂x₂. What is moved or cut out has no rounding.
    """

    rounds = False

    def __init__(self, layer: spec.Augment, input_shape: spec.Shape) -> None:
        self._layer, self._sizes = layer, input_shape[1:]

    def forward(self, x: Array, tensors: Tensors) -> tuple[Array, Any]:
        if FED not in tensors:
            return x.copy(), None
        fed = tensors[FED]
        if self._layer.policy == "colour":
            moved, saturation, contrast = (fed[:, k].reshape(-1, 1, 1, 1).astype(x.dtype) for k in range(3))
            moved = x + moved
            if self.rounding is not None:
                self.rounding.disturb(moved, scale=np.abs(x) + np.abs(moved))
            return self._spread(self._spread(moved, saturation, 1), contrast, _WHOLE), (saturation, contrast)
        if self._layer.policy == "translation":
            return self._shifted(x, fed, sign=1), fed
        kept = ~(self._inside(fed[:, 0], 0)[:, :, np.newaxis] & self._inside(fed[:, 1], 1)[:, np.newaxis])
        factors = kept[:, np.newaxis].astype(x.dtype)
        return x * factors, factors

    def backward(self, gradient_y: Array, cache: Any, *, gradients: Tensors | None, wants_input: bool) -> Array | None:
        del gradients
        if cache is None or not wants_input:
            return gradient_y if wants_input else None
        if self._layer.policy == "colour":
            saturation, contrast = cache
            return self._spread(self._spread(gradient_y, contrast, _WHOLE), saturation, 1)
        if self._layer.policy == "translation":
            return self._shifted(gradient_y, cache, sign=-1)
        gradient: Array = gradient_y * cache
        return gradient

    def _spread(self, x: Array, factor: Array, axes: Any) -> Array:
        """Return factor · (x - m) + m, with m the mean over the axes; its own transpose."""
        mean = np.mean(x, axis=axes, keepdims=True)
        count = x[0].size // mean[0].size
        if self.rounding is not None:
            sizes = np.sqrt(np.mean(np.square(x), axis=axes, keepdims=True))
            self.rounding.disturb(mean, num_terms=count, scale=sizes)
        y: Array = (x - mean) * factor + mean
        if self.rounding is not None:
            self.rounding.disturb(y, scale=(np.abs(x) + np.abs(mean)) * np.abs(factor) + np.abs(mean))
        return y

    def _shifted(self, x: Array, fed: Array, *, sign: int) -> Array:
        y = np.zeros_like(x)
        for image, own, moves in zip(x, y, fed.astype(np.int64) * sign, strict=True):
            (to_rows, from_rows), (to_columns, from_columns) = map(_overlap, moves.tolist(), self._sizes)
            own[:, to_rows, to_columns] = image[:, from_rows, from_columns]
        return y

    def _inside(self, middles: Array, axis: int) -> NDArray[np.bool_]:
        """Return which rows or columns of each image are in its window, (N, size)."""
        size = self._sizes[axis]
        width = self._layer.reach(size)
        starts = middles.astype(np.int64)[:, np.newaxis] - width // 2
        places = np.arange(size)
        found: NDArray[np.bool_] = (places >= starts) & (places < starts + width)
        return found


def _overlap(move: int, size: int) -> tuple[slice, slice]:
    """Return the places i of an image of which i + move is one too, and those."""
    start, stop = max(0, -move), min(size, size - move)
    return slice(start, max(start, stop)), slice(start + move, max(start, stop) + move)
