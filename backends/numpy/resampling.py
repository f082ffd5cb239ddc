"""Layers that give images another size without a parameter.

Upsampling and means of windows are y = A x Bᵀ for every channel, with A and B the same for all images, and so
∂x = Aᵀ ∂y B.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from gan_rosetta.backends.numpy.layer import Array, LinearMap, Tensors
from gan_rosetta.shared import spec
from gan_rosetta.shared.spec.resampling import pooling_weights, upsampling_weights


class _Weighed(LinearMap):
    """y = A x Bᵀ: images (N, C, H, W) to (N, C, rows of A, rows of B).

    An entry is a sum of products whose terms may cancel: what rounds is the terms.
    """

    rounds = False

    def __init__(self, rows: Array, columns: Array) -> None:
        self._rows, self._columns = rows, columns

    def forward(self, x: Array, tensors: Tensors) -> tuple[Array, Any]:
        del tensors
        return self._weighed(x, self._rows, self._columns), None

    def backward(self, gradient_y: Array, cache: Any, *, gradients: Tensors | None, wants_input: bool) -> Array | None:
        del cache, gradients, wants_input
        return self._weighed(gradient_y, self._rows.T, self._columns.T)

    def _weighed(self, images: Array, rows: Array, columns: Array) -> Array:
        left, right = rows.astype(images.dtype), columns.astype(images.dtype)
        result: Array = left @ images @ right.T
        if self.rounding is not None:
            spread = np.sqrt(np.square(left) @ np.square(images) @ np.square(right.T))
            num_terms = int(np.prod([np.count_nonzero(one, axis=1).max() for one in (rows, columns)]))
            self.rounding.disturb(result, num_terms=num_terms, scale=np.hypot(result, spread))
        return result


class Upsample(_Weighed):
    """Images (N, C, H, W) to (N, C, H · factor, W · factor): nearest repeats pixels, bilinear weighs two each way."""

    def __init__(self, layer: spec.Upsample, input_shape: spec.Shape) -> None:
        self._factor, self._mode = layer.factor, layer.mode
        super().__init__(*(upsampling_weights(layer, size) for size in input_shape[1:]))

    def forward(self, x: Array, tensors: Tensors) -> tuple[Array, None]:
        if self._mode == "nearest":
            return np.repeat(np.repeat(x, self._factor, axis=2), self._factor, axis=3), None
        return super().forward(x, tensors)


class _Pooling(_Weighed):
    """The mean of each window or its sum, or its largest, to whose first place its gradient goes."""

    def __init__(self, mode: str, input_shape: spec.Shape, *, kernel: tuple[int, int], stride: int) -> None:
        pairs = zip(input_shape[1:], kernel, strict=True)
        super().__init__(*(_weights(mode, size, length, stride=stride) for size, length in pairs))
        self._mode, self._input_shape, self._kernel, self._stride = mode, input_shape, kernel, stride

    def forward(self, x: Array, tensors: Tensors) -> tuple[Array, Any]:
        if self._mode != "maximum":
            return super().forward(x, tensors)
        windows = self._windows(x)
        places = np.argmax(windows, axis=-1)
        return _at(windows, places), places

    def forward_tangent(self, tangent_x: Array, cache: Any) -> Array:
        return super().forward_tangent(tangent_x, cache) if cache is None else _at(self._windows(tangent_x), cache)

    def backward(self, gradient_y: Array, cache: Any, *, gradients: Tensors | None, wants_input: bool) -> Array | None:
        if self._mode != "maximum":
            return super().backward(gradient_y, cache, gradients=gradients, wants_input=wants_input)
        result = self._spread(gradient_y, cache)
        if self.rounding is not None:
            squares = self._spread(np.square(gradient_y), cache)
            num_terms = int(np.prod([-(-length // self._stride) for length in self._kernel]))
            self.rounding.disturb(result, num_terms=num_terms, scale=np.hypot(result, np.sqrt(squares)))
        return result

    def _windows(self, images: Array) -> Array:
        """Return the windows of images, (N, C, rows, columns, places in the window)."""
        # NumPy's own annotation knows of one axis alone.
        windows = sliding_window_view(images, self._kernel, axis=(2, 3))  # type: ignore[call-overload]
        windows = windows[:, :, :: self._stride, :: self._stride]
        return np.asarray(windows.reshape(*windows.shape[:4], -1))

    def _spread(self, values: Array, places: Array) -> Array:
        """Return images with each window's value added at its place."""
        result = np.zeros((len(values), *self._input_shape), values.dtype)
        reach = [self._stride * (size - 1) + 1 for size in values.shape[2:]]
        for place, (row, column) in enumerate(np.ndindex(self._kernel)):
            seen = result[:, :, row : row + reach[0] : self._stride, column : column + reach[1] : self._stride]
            seen += np.where(places == place, values, 0.0)
        return result


def _at(windows: Array, places: NDArray[np.intp]) -> Array:
    return np.asarray(np.take_along_axis(windows, places[..., np.newaxis], axis=-1)[..., 0])


def _weights(mode: str, size: int, length: int, *, stride: int) -> Array:
    means: Array = pooling_weights(size, kernel_size=length, stride=stride)
    return np.asarray(means > 0.0, np.float64) if mode == "sum" else means


class Pool2d(_Pooling):
    """Images (N, C, H, W) to (N, C, rows, columns) by their windows."""

    def __init__(self, layer: spec.Pool2d, input_shape: spec.Shape) -> None:
        super().__init__(layer.mode, input_shape, kernel=(layer.kernel_size,) * 2, stride=layer.stride)


class GlobalPool(_Pooling):
    """Images (N, C, H, W) to (N, C): the one window is the image."""

    def __init__(self, layer: spec.GlobalPool, input_shape: spec.Shape) -> None:
        _, height, width = input_shape
        super().__init__(layer.mode, input_shape, kernel=(height, width), stride=1)

    def forward(self, x: Array, tensors: Tensors) -> tuple[Array, Any]:
        y, cache = super().forward(x, tensors)
        return y[:, :, 0, 0], cache

    def forward_tangent(self, tangent_x: Array, cache: Any) -> Array:
        tangent_y = super().forward_tangent(tangent_x, cache)
        return tangent_y if cache is None else tangent_y[:, :, 0, 0]

    def backward(self, gradient_y: Array, cache: Any, *, gradients: Tensors | None, wants_input: bool) -> Array | None:
        images = gradient_y[:, :, np.newaxis, np.newaxis]
        return super().backward(images, cache, gradients=gradients, wants_input=wants_input)


class PixelShuffle(LinearMap):
    """Images (N, C · factor², H, W) to (N, C, H · factor, W · factor): each number goes to another place."""

    rounds = False

    def __init__(self, layer: spec.PixelShuffle, input_shape: spec.Shape) -> None:
        channels, height, width = layer.output_shape(input_shape)
        self._input_shape, self._output_shape = input_shape, (channels, height, width)
        factors = (layer.factor,) * 2
        parts = (channels, *factors) if layer.order == "channel" else (*factors, channels)
        self._parts = (*parts, *input_shape[1:])
        self._axes = (0, 1, 4, 2, 5, 3) if layer.order == "channel" else (0, 3, 4, 1, 5, 2)

    def forward(self, x: Array, tensors: Tensors) -> tuple[Array, None]:
        del tensors
        parts = x.reshape(len(x), *self._parts).transpose(self._axes)
        return parts.reshape(len(x), *self._output_shape), None

    def backward(self, gradient_y: Array, cache: None, *, gradients: Tensors | None, wants_input: bool) -> Array | None:
        del cache, gradients, wants_input
        sizes = [(len(gradient_y), *self._parts)[axis] for axis in self._axes]
        parts = gradient_y.reshape(sizes).transpose(np.argsort(self._axes))
        return parts.reshape(len(gradient_y), *self._input_shape)
