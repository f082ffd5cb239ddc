"""Layers that give images another size without a parameter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from gan_rosetta.shared.spec.checks import require, require_choice, require_positive_integer
from gan_rosetta.shared.spec.layer import LayerBase, Shape


@dataclass(frozen=True, kw_only=True)
class Upsample(LayerBase):
    """Images `factor` times as high and wide: (channels, height, width) to (channels, height·factor, width·factor).

    mode: "nearest" repeats each pixel. "bilinear" interpolates between the pixels' centres, and beyond the outermost
    has their values: torch's align_corners=False, TensorFlow 2's resize, JAX's.
    """

    kind: ClassVar[str] = "upsample"
    factor: int
    mode: Literal["nearest", "bilinear"]

    def __post_init__(self) -> None:
        require_positive_integer(self, "factor")
        require_choice(self, "mode", ("nearest", "bilinear"))

    def output_shape(self, input_shape: Shape, /) -> Shape:
        require(len(input_shape) == 3, f"Upsample takes images, but its input has shape {input_shape}")
        channels, height, width = input_shape
        return (channels, height * self.factor, width * self.factor)


@dataclass(frozen=True, kw_only=True)
class Pool2d(LayerBase):
    """The mean or the largest of each window of an image, channel by channel, without padding.

    Height and width become floor((size - kernel_size) / stride) + 1. mode: "average", or "maximum", whose gradient goes
    to the first of equals, row by row.
    """

    kind: ClassVar[str] = "pool"
    kernel_size: int
    stride: int
    mode: Literal["average", "maximum"]

    def __post_init__(self) -> None:
        require_positive_integer(self, "kernel_size")
        require_positive_integer(self, "stride")
        require_choice(self, "mode", ("average", "maximum"))

    def output_shape(self, input_shape: Shape, /) -> Shape:
        require(len(input_shape) == 3, f"Pool2d takes images, but its input has shape {input_shape}")
        channels, *sizes = input_shape
        for size in sizes:
            require(size >= self.kernel_size, f"Pool2d: kernel_size {self.kernel_size} is larger than its input {size}")
        height, width = ((size - self.kernel_size) // self.stride + 1 for size in sizes)
        return (channels, height, width)


@dataclass(frozen=True, kw_only=True)
class GlobalPool(LayerBase):
    """The mean, the sum or the largest of each channel: (channels, height, width) to (channels,). mode: as Pool2d's."""

    kind: ClassVar[str] = "global_pool"
    mode: Literal["average", "sum", "maximum"]

    def __post_init__(self) -> None:
        require_choice(self, "mode", ("average", "sum", "maximum"))

    def output_shape(self, input_shape: Shape, /) -> Shape:
        require(len(input_shape) == 3, f"GlobalPool takes images, but its input has shape {input_shape}")
        return input_shape[:1]


@dataclass(frozen=True, kw_only=True)
class PixelShuffle(LayerBase):
    """Images `factor` times as high and wide from as many more channels. Shi et al. 2016, section 3.2.

    (channels · factor², height, width) to (channels, height · factor, width · factor). order: which channels become
    one's pixels: "channel" takes factor² in a row, as torch does; "pixel" takes every so-many-th, as TensorFlow does.
    """

    kind: ClassVar[str] = "pixel_shuffle"
    factor: int
    order: Literal["channel", "pixel"]

    def __post_init__(self) -> None:
        require_positive_integer(self, "factor")
        require_choice(self, "order", ("channel", "pixel"))

    def output_shape(self, input_shape: Shape, /) -> Shape:
        require(
            len(input_shape) == 3 and input_shape[0] % self.factor**2 == 0,
            f"PixelShuffle by {self.factor} takes images of a multiple of {self.factor**2} channels, but its input has "
            f"shape {input_shape}",
        )
        channels, height, width = input_shape
        return (channels // self.factor**2, height * self.factor, width * self.factor)


def pooling_weights(size: int, /, *, kernel_size: int, stride: int) -> NDArray[np.float64]:
    """Return the matrix (outputs, size) that takes a row of pixels to its windows' means."""
    starts = stride * np.arange((size - kernel_size) // stride + 1)[:, np.newaxis]
    places = np.arange(size)
    return ((places >= starts) & (places < starts + kernel_size)) / kernel_size


def upsampling_weights(layer: Upsample, size: int, /) -> NDArray[np.float64]:
    """Return the matrix (size · factor, size) that takes a row of pixels to the upsampled row."""
    centres = (np.arange(size * layer.factor) + 0.5) / layer.factor - 0.5
    weights = np.zeros((size * layer.factor, size))
    rows = np.arange(len(centres))
    if layer.mode == "nearest":
        weights[rows, rows // layer.factor] = 1.0
        return weights
    inside = np.clip(centres, 0, size - 1)
    below = np.minimum(np.floor(inside).astype(int), max(size - 2, 0))
    weights[rows, below] = 1 - (inside - below)
    weights[rows, np.minimum(below + 1, size - 1)] += inside - below
    return weights
