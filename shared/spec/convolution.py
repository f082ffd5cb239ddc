"""Convolutions and their transposes. Shapes are per sample: the batch axis is left out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from gan_rosetta.shared.spec.checks import label, require, require_integer, require_positive_integer
from gan_rosetta.shared.spec.initializers import Initializer
from gan_rosetta.shared.spec.layer import LayerBase, ParameterSpec, Shape, affine_parameters
from gan_rosetta.shared.spec.spectral import SpectralNorm, spectral_buffers

Pair = tuple[int, int]
Margins = tuple[Pair, Pair]
_NUM_SIDES = 4


@dataclass(frozen=True, kw_only=True)
class Convolution(LayerBase):
    """What both have in common.

    kernel_size: the kernel's height, and its width too unless kernel_width says another. padding: of each of the four
    sides, unless sides says (top, bottom, left, right), and padding is 0 then. dilation: how far the kernel's entries
    are apart. groups: into how many parts the channels fall, each convolved by itself. `bias_init=None` leaves the bias
    out. spectral_norm: of the weight; None for none.
    """

    name: str
    in_channels: int
    out_channels: int
    kernel_size: int
    stride: int
    padding: int
    weight_init: Initializer
    bias_init: Initializer | None
    spectral_norm: SpectralNorm | None = None
    kernel_width: int | None = None
    sides: tuple[int, ...] | None = None
    dilation: int = 1
    groups: int = 1

    def __post_init__(self) -> None:
        for field in ("in_channels", "out_channels", "kernel_size", "stride", "dilation", "groups"):
            require_positive_integer(self, field)
        require_integer(self, "padding", minimum=0)
        if self.kernel_width is not None:
            require_positive_integer(self, "kernel_width")
            good = self.kernel_width != self.kernel_size
            require(good, f"{label(self)}: kernel_width is kernel_size; leave it out", "kernel_width")
        if self.sides is not None:
            good = len(self.sides) == _NUM_SIDES and all(type(side) is int and side >= 0 for side in self.sides)
            expected = "expected four integers of at least 0: top, bottom, left, right"
            require(good, f"{label(self)}: sides is {self.sides!r}; {expected}", "sides")
            require(self.padding == 0, f"{label(self)}: padding is {self.padding} beside sides; expected 0", "padding")
            require(
                len(set(self.sides)) > 1, f"{label(self)}: sides are alike; say padding, and leave them out", "sides"
            )
        for field in ("in_channels", "out_channels"):
            count = getattr(self, field)
            message = f"{label(self)}: groups is {self.groups}, which does not divide {field}={count}"
            require(count % self.groups == 0, message, "groups")

    @property
    def kernel(self) -> Pair:
        """The kernel's height and width."""
        return self.kernel_size, self.kernel_size if self.kernel_width is None else self.kernel_width

    @property
    def reach(self) -> Pair:
        """How many places high and wide what the kernel sees is."""
        height, width = self.kernel
        return self.dilation * (height - 1) + 1, self.dilation * (width - 1) + 1

    @property
    def margins(self) -> Margins:
        """The padding (top, bottom) and (left, right)."""
        if self.sides is None:
            return (self.padding, self.padding), (self.padding, self.padding)
        top, bottom, left, right = self.sides
        return (top, bottom), (left, right)

    @property
    def even_margins(self) -> Pair | None:
        """The padding above and below, and at the left and right, where both are the same; else None."""
        (top, bottom), (left, right) = self.margins
        return (top, left) if (top, left) == (bottom, right) else None

    def _image_size(self, input_shape: Shape) -> Pair:
        require(
            len(input_shape) == 3 and input_shape[0] == self.in_channels,
            f"{label(self)} takes in_channels={self.in_channels} images, but its input has shape {input_shape}",
        )
        return input_shape[1], input_shape[2]


@dataclass(frozen=True, kw_only=True)
class Conv2d(Convolution):
    """Cross-correlation of (in_channels, height, width) with a kernel, W (out, in / groups, height, width).

    Height and width become floor((size + both paddings - dilation · (kernel - 1) - 1) / stride) + 1.
    """

    kind: ClassVar[str] = "conv"

    def output_shape(self, input_shape: Shape, /) -> Shape:
        sizes = self._image_size(input_shape)
        return (self.out_channels, *(self._output_size(size, axis) for axis, size in enumerate(sizes)))

    def _output_size(self, size: int, axis: int) -> int:
        span = size + sum(self.margins[axis]) - self.reach[axis]
        found = self.kernel[axis] if self.dilation == 1 else self.reach[axis]
        require(span >= 0, f"Conv2d {self.name!r}: kernel {found} is larger than its padded input {size}")
        return span // self.stride + 1

    def parameters(self) -> dict[str, ParameterSpec]:
        shape = (self.out_channels, self.in_channels // self.groups, *self.kernel)
        return affine_parameters(shape, self.out_channels, self.weight_init, self.bias_init)

    def buffers(self) -> dict[str, ParameterSpec]:
        return spectral_buffers(self.spectral_norm, self.parameters()["weight"].shape)


@dataclass(frozen=True, kw_only=True)
class ConvTranspose2d(Convolution):
    """The gradient of Conv2d with respect to its input, as a layer; W (in, out / groups, height, width).

    Height and width become (size - 1) · stride - both paddings + dilation · (kernel - 1) + 1 + output_padding.
    output_padding: rows at the bottom and columns at the right more, fewer than a stride.
    """

    kind: ClassVar[str] = "conv_transpose"
    output_padding: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_integer(self, "output_padding", minimum=0)
        message = (
            f"{label(self)}: output_padding is {self.output_padding}; expected less than the stride, {self.stride}"
        )
        require(self.output_padding < self.stride, message, "output_padding")
        spectral = self.spectral_norm is None or self.groups == 1
        require(spectral, f"{label(self)}: a spectral_norm is of one group; leave one of the two out", "groups")

    def output_shape(self, input_shape: Shape, /) -> Shape:
        sizes = self._image_size(input_shape)
        return (self.out_channels, *(self._output_size(size, axis) for axis, size in enumerate(sizes)))

    def _output_size(self, size: int, axis: int) -> int:
        result = (size - 1) * self.stride - sum(self.margins[axis]) + self.reach[axis] + self.output_padding
        found = self.padding if self.sides is None else self.margins[axis]
        require(result >= 1, f"ConvTranspose2d {self.name!r}: padding {found} leaves no output of input {size}")
        return result

    def parameters(self) -> dict[str, ParameterSpec]:
        shape = (self.in_channels, self.out_channels // self.groups, *self.kernel)
        return affine_parameters(shape, self.out_channels, self.weight_init, self.bias_init)

    def buffers(self) -> dict[str, ParameterSpec]:
        return spectral_buffers(self.spectral_norm, self.parameters()["weight"].shape, transposed=True)


def same_sides(size: Pair, /, *, kernel: Pair, stride: int, dilation: int = 1) -> tuple[int, ...]:
    """Return the padding (top, bottom, left, right) of TensorFlow's and XLA's "SAME" for images of a size.

    As much as makes the output ceil(size / stride); where that is odd, the one more is at the bottom and the right.
    """
    found: list[int] = []
    for length, own in zip(size, kernel, strict=True):
        total = max((math.ceil(length / stride) - 1) * stride + dilation * (own - 1) + 1 - length, 0)
        found += [total // 2, total - total // 2]
    return tuple(found)
