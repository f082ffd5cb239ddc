"""Convolutions in MXNet, whose own pad both sides alike, and transposed are wrong by a dilation and a stride."""

from __future__ import annotations

from typing import Any

from gan_rosetta.shared.errors import UnsupportedLayer
from gan_rosetta.shared.spec import PlacedLayer
from gan_rosetta.shared.translate.parts import Part, pair
from gan_rosetta.shared.translate.writing import number, numbers


def conv2d(placed: PlacedLayer, name: str, /) -> Part:
    """Write a cross-correlation."""
    layer: Any = placed.layer
    x = "{x}"
    if layer.even_margins is None:
        widths = numbers((0, 0, 0, 0, *layer.margins[0], *layer.margins[1]))
        x = f'mx.nd.pad({{x}}, mode="constant", pad_width={widths})'
    return Part(made=("nn.Conv2D(", _window(layer, dilates=True)), applied=f"self.{name}({x})")


def conv_transpose2d(placed: PlacedLayer, name: str, /) -> Part:
    """Write a transposed convolution."""
    layer: Any = placed.layer
    applied = f"self.{name}({{x}})"
    if layer.even_margins is None:
        _, height, width = placed.output_shape
        (top, _), (left, _) = layer.margins
        ends = f"(None, None, {number(top + height)}, {number(left + width)})"
        applied = f"mx.nd.slice({applied}, begin={numbers((0, 0, top, left))}, end={ends})"
    if layer.dilation == 1:
        return Part(made=("nn.Conv2DTranspose(", _window(layer)), applied=applied)
    if layer.spectral_norm is not None:
        raise UnsupportedLayer(f"MXNet: {layer.name!r} has a spectral norm and a dilation; leave one of the two out")
    settings = [*_window(layer), f"gaps={number(layer.dilation)}"]
    return Part(made=("DilatedConv2DTranspose(", settings), applied=applied, needs=("stamped", "dilated_transpose"))


def _window(layer: Any, *, dilates: bool = False) -> list[str]:
    settings = [number(layer.out_channels), pair(layer.kernel), f"in_channels={number(layer.in_channels)}"]
    settings += [f"strides={number(layer.stride)}"] if layer.stride != 1 else []
    settings += [f"padding={pair(layer.even_margins)}"] if any(layer.even_margins or ()) else []
    more = getattr(layer, "output_padding", 0)
    settings += [f"output_padding={number(more)}"] if more else []
    settings += [f"dilation={number(layer.dilation)}"] if dilates and layer.dilation != 1 else []
    settings += [f"groups={number(layer.groups)}"] if layer.groups != 1 else []
    return [*settings, *(["use_bias=False"] if layer.bias_init is None else [])]


STAMPED = '''\
def stamped(
    x: NDArray,
    weight: NDArray,
    *,
    sizes: Sequence[int],
    stride: int,
    begins: Sequence[int],
    dilation: int,
    groups: int,
) -> NDArray:
    """Return the transpose of a convolution, by one of images with zeros in between.

    mx.nd.Deconvolution is wrong with a dilation and a stride, and in float32 it has no gradient of
    a weight that is computed. sizes: the height and width to return; begins: what is cut before.
    """
    count, channels, height, width = x.shape
    spread = x.reshape((count * channels, height, 1, width, 1))
    if stride > 1:
        gaps = (0, 0, 0, 0, 0, stride - 1, 0, 0, 0, stride - 1)
        spread = mx.nd.pad(spread, mode="constant", pad_width=gaps)
    spread = spread.reshape((count, channels, stride * height, stride * width))
    kernel = weight.shape[2:]
    turned = weight.flip(axis=(2, 3)).reshape((groups, channels // groups, -1, *kernel))
    turned = turned.swapaxes(1, 2).reshape((-1, channels // groups, *kernel))
    found = mx.nd.Convolution(
        spread,
        turned,
        no_bias=True,
        kernel=kernel,
        pad=tuple(dilation * (size - 1) for size in kernel),
        dilate=(dilation, dilation),
        num_filter=len(turned),
        num_group=groups,
    )
    ends = tuple(first + size for first, size in zip(begins, sizes, strict=True))
    return mx.nd.slice(found, begin=(None, None, *begins), end=(None, None, *ends))'''

DILATED_TRANSPOSE = '''\
class DilatedConv2DTranspose(nn.Conv2DTranspose):
    """A transposed convolution with gaps; MXNet's `dilation` is wrong at a stride above 1."""

    def __init__(self, *sizes: Any, gaps: int, **settings: Any) -> None:
        super().__init__(*sizes, **settings)
        self.gaps = gaps

    def hybrid_forward(self, ops: Any, x: NDArray, weight: NDArray, bias: Any = None) -> NDArray:
        """Return what nn.Conv2DTranspose does, with zeros between the kernel's entries."""
        told = self._kwargs
        each = zip(x.shape[2:], told["kernel"], told["pad"], told["adj"], strict=True)
        sizes = [
            (size - 1) * told["stride"][0] - 2 * pad + self.gaps * (kernel - 1) + 1 + more
            for size, kernel, pad, more in each
        ]
        y = stamped(
            x,
            weight,
            sizes=sizes,
            stride=told["stride"][0],
            begins=told["pad"],
            dilation=self.gaps,
            groups=told["num_group"],
        )
        return y if bias is None else ops.broadcast_add(y, bias.reshape((1, -1, 1, 1)))'''
