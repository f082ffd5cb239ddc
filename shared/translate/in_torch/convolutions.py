"""Convolutions in PyTorch, whose own pad both sides alike."""

from __future__ import annotations

from typing import Any

from gan_rosetta.shared.spec import PlacedLayer
from gan_rosetta.shared.translate.parts import Part, inner, pair
from gan_rosetta.shared.translate.writing import number, numbers


def conv2d(placed: PlacedLayer, name: str, /) -> Part:
    """Write a cross-correlation."""
    layer: Any = placed.layer
    x = "{x}"
    if layer.even_margins is None:
        (top, bottom), (left, right) = layer.margins
        x = f"functional.pad({{x}}, {numbers((left, right, top, bottom))})"
    return Part(made=("nn.Conv2d(", _window(layer)), applied=f"self.{name}({x})")


def conv_transpose2d(placed: PlacedLayer, name: str, /) -> Part:
    """Write a transposed convolution."""
    layer: Any = placed.layer
    cut = f"[:, :, {', '.join(inner(placed))}]" if layer.even_margins is None else ""
    return Part(made=("nn.ConvTranspose2d(", _window(layer)), applied=f"self.{name}({{x}}){cut}")


def _window(layer: Any) -> list[str]:
    settings = [number(layer.in_channels), number(layer.out_channels), pair(layer.kernel)]
    settings += [f"stride={number(layer.stride)}"] if layer.stride != 1 else []
    settings += [f"padding={pair(layer.even_margins)}"] if any(layer.even_margins or ()) else []
    more = getattr(layer, "output_padding", 0)
    settings += [f"output_padding={number(more)}"] if more else []
    settings += [f"dilation={number(layer.dilation)}"] if layer.dilation != 1 else []
    settings += [f"groups={number(layer.groups)}"] if layer.groups != 1 else []
    return [*settings, *(["bias=False"] if layer.bias_init is None else [])]
