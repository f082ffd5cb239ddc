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
    return Part(made=("DilatedConv2DTranspose(", settings), applied=applied, needs=("dilated_transpose",))


def _window(layer: Any, *, dilates: bool = False) -> list[str]:
    settings = [number(layer.out_channels), pair(layer.kernel), f"in_channels={number(layer.in_channels)}"]
    settings += [f"strides={number(layer.stride)}"] if layer.stride != 1 else []
    settings += [f"padding={pair(layer.even_margins)}"] if any(layer.even_margins or ()) else []
    more = getattr(layer, "output_padding", 0)
    settings += [f"output_padding={number(more)}"] if more else []
    settings += [f"dilation={number(layer.dilation)}"] if dilates and layer.dilation != 1 else []
    settings += [f"groups={number(layer.groups)}"] if layer.groups != 1 else []
    return [*settings, *(["use_bias=False"] if layer.bias_init is None else [])]


DILATED_TRANSPOSE = '''\
class DilatedConv2DTranspose(nn.Conv2DTranspose):
    """A transposed convolution with gaps; MXNet's `dilation` is wrong at a stride above 1."""

    def __init__(self, *sizes: Any, gaps: int, **settings: Any) -> None:
        super().__init__(*sizes, **settings)
        self.gaps = gaps
        self._kwargs["kernel"] = tuple(gaps * (size - 1) + 1 for size in self._kwargs["kernel"])

    def hybrid_forward(self, ops: Any, x: NDArray, weight: NDArray, bias: Any = None) -> NDArray:
        """Return what nn.Conv2DTranspose does, with zeros between the kernel's entries."""
        stamp = ops.ones_like(weight[:1, :, :1, :1]).swapaxes(0, 1)  # of each channel a 1
        spread = ops.Deconvolution(
            weight,
            stamp,
            kernel=(1, 1),
            stride=(self.gaps, self.gaps),
            num_filter=len(stamp),
            num_group=len(stamp),
            no_bias=True,
        )
        return super().hybrid_forward(ops, x, spread, bias)'''
