"""Convolutions as matrix products: im2col gathers each window into a column, col2im adds columns back where they lay.

With the columns of an image x as a matrix, one for each place the kernel visits, a convolution is W · columns(x), and
its derivatives are those of a product: ∂W = ∂y · columns(x)ᵀ, ∂x = columnsᵀ(Wᵀ · ∂y), columnsᵀ being col2im. A
transposed convolution is the same with the two directions exchanged. Chellapilla, Puri and Simard 2006.

Images are (N, C, H, W) to whoever looks at them but lie in memory with the channels first, (C, N, H, W), since that is
what the product gives: no copy is made for it. The columns are made for a few samples at a time, to stay in the cache.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from gan_rosetta.backends.numpy.layer import Array, Layer, Tensors
from gan_rosetta.shared import spec

_COLUMNS_BYTES = 8 << 20


@dataclass(frozen=True, kw_only=True)
class _Windows:
    """Where a kernel visits an image: of one group num_channels; height and width count places.

    kernel: its height and width, its entries `dilation` apart. margins: the padding (top, bottom) and (left, right).
    """

    num_channels: int
    kernel: tuple[int, int]
    stride: int
    margins: tuple[tuple[int, int], tuple[int, int]]
    dilation: int
    height: int
    width: int

    @property
    def num_rows(self) -> int:
        """The length of a column."""
        return self.num_channels * self.kernel[0] * self.kernel[1]

    @property
    def num_places(self) -> int:
        """The number of columns that a sample has."""
        return self.height * self.width

    def blocks(self, num_samples: int, itemsize: int, /) -> Iterator[slice]:
        """Yield ranges of samples whose columns fit in the cache."""
        size = max(1, _COLUMNS_BYTES // (self.num_rows * self.num_places * itemsize))
        for start in range(0, num_samples, size):
            yield slice(start, min(start + size, num_samples))

    def new_columns(self, num_samples: int, dtype: np.dtype[np.floating[Any]], /) -> Array:
        """Return room for the columns of the largest block, flat."""
        samples = next(self.blocks(num_samples, dtype.itemsize))
        return np.empty(self.num_rows * (samples.stop - samples.start) * self.num_places, dtype)

    def shaped(self, columns: Array, num_samples: int, /) -> Array:
        """Return the front of a flat buffer as (C, *kernel, num_samples, height, width)."""
        shape = (self.num_channels, *self.kernel, num_samples, self.height, self.width)
        return columns[: self.num_rows * num_samples * self.num_places].reshape(shape)

    def visited(self, images: Array, row: int, column: int, /) -> Array:
        """Return what one entry of the kernel sees of padded images (C, n, H, W): a view (C, n, height, width)."""
        row, column = self.dilation * row, self.dilation * column
        stop_row, stop_column = row + self.stride * self.height, column + self.stride * self.width
        return images[:, :, row : stop_row : self.stride, column : stop_column : self.stride]

    def im2col(self, images: Array, columns: Array, /) -> Array:
        """Gather the windows of padded images (C, n, H, W) into the buffer; returns it as (num_rows, n·places)."""
        shaped = self.shaped(columns, images.shape[1])
        for row in range(self.kernel[0]):
            for column in range(self.kernel[1]):
                shaped[:, row, column] = self.visited(images, row, column)
        return shaped.reshape(self.num_rows, -1)

    def col2im(self, columns: Array, images: Array, /) -> None:
        """Add columns (num_rows, n·places) to padded images (C, n, H, W) where their windows lie."""
        shaped = self.shaped(columns.reshape(-1), images.shape[1])
        for row in range(self.kernel[0]):
            for column in range(self.kernel[1]):
                visited = self.visited(images, row, column)
                visited += shaped[:, row, column]

    def pad(self, images: Array, /) -> Array:
        """Return channels-first images with zeros around them."""
        return np.pad(images, ((0, 0), (0, 0), *self.margins)) if any(map(any, self.margins)) else images

    def crop(self, images: Array, /) -> Array:
        """Return channels-first images without their margin."""
        (top, bottom), (left, right) = self.margins
        return images[:, :, top : images.shape[2] - bottom, left : images.shape[3] - right]

    def correlate(self, images: Array, weight: Array, /) -> Array:
        """Return weight (out, num_rows) times the windows of unpadded images (C, N, H, W): (out, N, height, width)."""
        padded, num_samples = self.pad(images), images.shape[1]
        result = np.empty((weight.shape[0], num_samples, self.height, self.width), images.dtype)
        flat, buffer = result.reshape(weight.shape[0], -1), self.new_columns(num_samples, images.dtype)
        for samples in self.blocks(num_samples, images.itemsize):
            columns = self.im2col(padded[:, samples], buffer)
            np.matmul(weight, columns, out=flat[:, self.places(samples)])
        return result

    def scatter(self, values: Array, weight: Array, size: tuple[int, int], /) -> Array:
        """Return the adjoint of `correlate`: values (out, N, height, width) to images (C, N, *size)."""
        num_samples = values.shape[1]
        padded_size = (length + sum(margins) for length, margins in zip(size, self.margins, strict=True))
        padded = np.zeros((self.num_channels, num_samples, *padded_size), values.dtype)
        flat, buffer = values.reshape(weight.shape[0], -1), self.new_columns(num_samples, values.dtype)
        for samples in self.blocks(num_samples, values.itemsize):
            columns = self.shaped(buffer, samples.stop - samples.start).reshape(self.num_rows, -1)
            np.matmul(weight.T, flat[:, self.places(samples)], out=columns)
            self.col2im(columns, padded[:, samples])
        return self.crop(padded)

    def outer(self, values: Array, images: Array, result: Array, /) -> None:
        """Write Σ over places of values (out, N, height, width) times windows of images to result (out, num_rows)."""
        padded, num_samples = self.pad(images), images.shape[1]
        flat, buffer = values.reshape(result.shape[0], -1), self.new_columns(num_samples, images.dtype)
        for samples in self.blocks(num_samples, images.itemsize):
            columns = self.im2col(padded[:, samples], buffer)
            if samples.start == 0:
                np.matmul(flat[:, self.places(samples)], columns.T, out=result)
            else:
                result += flat[:, self.places(samples)] @ columns.T

    def places(self, samples: slice, /) -> slice:
        """Return the columns that belong to a range of samples."""
        return slice(samples.start * self.num_places, samples.stop * self.num_places)


def _channels_first(images: Array) -> Array:
    return images.transpose(1, 0, 2, 3)


class _Convolution(Layer):
    """What both directions have in common: each group of channels is convolved by itself."""

    is_affine = True

    def __init__(self, layer: spec.Conv2d | spec.ConvTranspose2d, *, num_channels: int, places: spec.Shape) -> None:
        self._groups = layer.groups
        self._windows = _Windows(
            num_channels=num_channels // layer.groups,
            kernel=layer.kernel,
            stride=layer.stride,
            margins=layer.margins,
            dilation=layer.dilation,
            height=places[1],
            width=places[2],
        )

    def _parts(self, *tensors: Array) -> Iterator[tuple[Array, ...]]:
        """Yield each group's part of tensors with channels first, or outputs; what there is once is the one part."""
        if self._groups == 1:
            yield tensors
        else:
            yield from zip(*(np.split(tensor, self._groups) for tensor in tensors), strict=True)

    def _correlate(self, images: Array, weight: Array) -> Array:
        found = [self._windows.correlate(own, rows.reshape(len(rows), -1)) for own, rows in self._parts(images, weight)]
        return found[0] if self._groups == 1 else np.concatenate(found)

    def _scatter(self, values: Array, weight: Array, size: tuple[int, int]) -> Array:
        parts = self._parts(values, weight)
        found = [self._windows.scatter(own, rows.reshape(len(rows), -1), size) for own, rows in parts]
        return found[0] if self._groups == 1 else np.concatenate(found)

    def _images(self, x: Array) -> Array:
        """Return of x, or its tangent, what the cache holds, as a factor of products."""
        raise NotImplementedError

    def backward_tangent(
        self,
        gradient_y: Array | None,
        gradient_tangent_y: Array,
        cache: tuple[Array, Array],
        tangent_x: Array,
        *,
        gradients: Tensors,
        wants_input: bool,
    ) -> tuple[Array | None, Array | None]:
        of_tangent = (self._images(tangent_x), cache[1])
        gradient_tangent_x = self.backward(gradient_tangent_y, of_tangent, gradients=gradients, wants_input=wants_input)
        if "bias" in gradients:
            gradients["bias"][...] = 0.0
        if gradient_y is None:
            return None, gradient_tangent_x
        weight = gradients["weight"].copy()
        gradient_x = self.backward(gradient_y, cache, gradients=gradients, wants_input=wants_input)
        gradients["weight"][...] += weight
        return gradient_x, gradient_tangent_x

    def _outer(self, values: Array, images: Array, result: Array) -> None:
        for own, seen, rows in self._parts(values, images, result):
            self._windows.outer(own, seen, rows.reshape(len(rows), -1))


class Conv2d(_Convolution):
    """y = W · columns(x) + b, x (N, in, H, W), W (out, in / groups, *kernel)."""

    def __init__(self, layer: spec.Conv2d, input_shape: spec.Shape) -> None:
        super().__init__(layer, num_channels=layer.in_channels, places=layer.output_shape(input_shape))

    def forward(self, x: Array, tensors: Tensors) -> tuple[Array, tuple[Array, Array]]:
        weight, images = self.factor(tensors["weight"]), self._images(x)
        y = self._correlate(images, weight)
        if "bias" in tensors:
            y += tensors["bias"][:, np.newaxis, np.newaxis, np.newaxis]
        return _channels_first(y), (images, weight)

    def forward_tangent(self, tangent_x: Array, cache: tuple[Array, Array]) -> Array:
        return _channels_first(self._correlate(self._images(tangent_x), cache[1]))

    def _images(self, x: Array) -> Array:
        return self.factor(_channels_first(x))

    def backward(
        self, gradient_y: Array, cache: tuple[Array, Array], *, gradients: Tensors | None, wants_input: bool
    ) -> Array | None:
        images, weight = cache
        values = np.ascontiguousarray(_channels_first(gradient_y))
        factors = self.factor(values)
        if gradients is not None:
            self._outer(factors, images, gradients["weight"])
            if "bias" in gradients:
                np.add.reduce(values, axis=(1, 2, 3), out=gradients["bias"])
        if not wants_input:
            return None
        return _channels_first(self._scatter(factors, weight, (images.shape[2], images.shape[3])))


class ConvTranspose2d(_Convolution):
    """y = col2im(Wᵀ · x) + b, x (N, in, H, W), W (in, out / groups, *kernel)."""

    def __init__(self, layer: spec.ConvTranspose2d, input_shape: spec.Shape) -> None:
        super().__init__(layer, num_channels=layer.out_channels, places=input_shape)
        _, height, width = layer.output_shape(input_shape)
        self._size = (height, width)

    def forward(self, x: Array, tensors: Tensors) -> tuple[Array, tuple[Array, Array]]:
        weight, values = self.factor(tensors["weight"]), self._images(x)
        y = self._scatter(values, weight, self._size)
        if "bias" in tensors:
            y += tensors["bias"][:, np.newaxis, np.newaxis, np.newaxis]
        return _channels_first(y), (values, weight)

    def forward_tangent(self, tangent_x: Array, cache: tuple[Array, Array]) -> Array:
        return _channels_first(self._scatter(self._images(tangent_x), cache[1], self._size))

    def _images(self, x: Array) -> Array:
        return self.factor(np.ascontiguousarray(_channels_first(x)))

    def backward(
        self, gradient_y: Array, cache: tuple[Array, Array], *, gradients: Tensors | None, wants_input: bool
    ) -> Array | None:
        values, weight = cache
        images = _channels_first(gradient_y)
        factors = self.factor(images)
        if gradients is not None:
            self._outer(values, factors, gradients["weight"])
            if "bias" in gradients:
                np.add.reduce(images, axis=(1, 2, 3), out=gradients["bias"])
        if not wants_input:
            return None
        return _channels_first(self._correlate(factors, weight))
