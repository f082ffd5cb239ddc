"""What makes images larger or smaller, in PyTorch, all of it torch's own."""

from __future__ import annotations

from typing import Any

from gan_rosetta.shared import spec
from gan_rosetta.shared.spec import PlacedLayer
from gan_rosetta.shared.translate.layers import Writer
from gan_rosetta.shared.translate.parts import Part
from gan_rosetta.shared.translate.writing import number


def upsample(placed: PlacedLayer, name: str, /) -> Part:
    """Write an upsampling."""
    del name
    layer: Any = placed.layer
    more = "" if layer.mode == "nearest" else ', mode="bilinear"'
    return Part(applied=f"functional.interpolate({{x}}, scale_factor={number(layer.factor)}{more})")


def pool2d(placed: PlacedLayer, name: str, /) -> Part:
    """Write the means or the largest of windows."""
    del name
    layer: Any = placed.layer
    kind = "avg_pool2d" if layer.mode == "average" else "max_pool2d"
    return Part(applied=f"functional.{kind}({{x}}, {number(layer.kernel_size)}, stride={number(layer.stride)})")


def global_pool(placed: PlacedLayer, name: str, /) -> Part:
    """Write the mean, the sum or the largest of each channel."""
    del name
    layer: Any = placed.layer
    if layer.mode != "maximum":
        return Part(applied=f"{{x}}.{'mean' if layer.mode == 'average' else 'sum'}(dim=(2, 3))")
    window = ", ".join(map(number, placed.input_shape[1:]))
    return Part(applied=f"functional.max_pool2d({{x}}, ({window})).flatten(1)")


def pixel_shuffle(placed: PlacedLayer, name: str, /) -> Part:
    """Write larger images of fewer channels."""
    del name
    layer: Any = placed.layer
    factor = number(layer.factor)
    if layer.order == "channel":
        return Part(applied=f"functional.pixel_shuffle({{x}}, {factor})")
    moved = f"{{x}}.unflatten(1, ({factor}, {factor}, -1)).permute(0, 3, 1, 2, 4, 5)"
    return Part(applied=f"functional.pixel_shuffle({moved}.flatten(1, 3), {factor})")


LAYERS: dict[type, Writer] = {
    spec.Upsample: upsample,
    spec.Pool2d: pool2d,
    spec.GlobalPool: global_pool,
    spec.PixelShuffle: pixel_shuffle,
}
