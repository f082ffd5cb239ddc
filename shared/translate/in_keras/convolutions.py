"""Convolutions in Keras: its own between layers that pad and crop, and layers for what has no gradient on a CPU."""

from __future__ import annotations

from typing import Any

from gan_rosetta.shared.spec import PlacedLayer
from gan_rosetta.shared.translate.in_keras.making import keras_layer, layers
from gan_rosetta.shared.translate.in_tensorflow import convolutions
from gan_rosetta.shared.translate.parts import Part
from gan_rosetta.shared.translate.writing import number


def conv2d(placed: PlacedLayer, name: str, /) -> Part:
    """Write a cross-correlation; Keras has no padding that is equal on both sides."""
    layer: Any = placed.layer
    part = convolutions.conv2d(placed, name)
    padding = _around("ZeroPadding2D", layer.margins)
    needs = tuple(each for each in part.needs if each != "pad")
    return layers(*padding, _made(part), needs=needs)


def conv_transpose2d(placed: PlacedLayer, name: str, /) -> Part:
    """Write a transposed convolution: Keras's own without padding, of which the inner is taken."""
    layer: Any = placed.layer
    part = convolutions.conv_transpose2d(placed, name)
    margins = layer.margins
    if not part.needs:  # Keras's own is no smaller than its steps
        wholes = [
            (size - 1) * layer.stride + max(kernel, layer.stride)
            for size, kernel in zip(placed.input_shape[1:], layer.kernel, strict=True)
        ]
        margins = [
            (before, whole - before - size)
            for (before, _), whole, size in zip(layer.margins, wholes, placed.output_shape[1:], strict=True)
        ]
    return layers(_made(part), *_around("Cropping2D", margins), needs=part.needs)


def _made(part: Part) -> str:
    if part.made is None:
        raise TypeError("a convolution is made")
    kind, settings = part.made
    return f"{kind}{', '.join(settings)})"


def _around(kind: str, margins: Any) -> list[str]:
    """Return the layer of a kind that pads or crops by these margins, none where they are 0."""
    if not any(map(any, margins)):
        return []
    ends = {end for sides in margins for end in sides}
    return [keras_layer(kind, [number(ends.pop()) if len(ends) == 1 else _sides(margins)])]


def _sides(margins: Any) -> str:
    (top, bottom), (left, right) = margins
    return f"(({number(top)}, {number(bottom)}), ({number(left)}, {number(right)}))"
