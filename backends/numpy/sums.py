"""How many numbers a layer adds up for each of its results: what rounding does to a sum grows with its length."""

from __future__ import annotations

import math
from dataclasses import dataclass

from gan_rosetta.shared.spec import Conv2d, ConvTranspose2d, Linear, MinibatchDiscrimination, PlacedLayer


@dataclass(frozen=True, kw_only=True)
class SumLengths:
    """Terms of each entry of the output, of the input's gradient, and, a sample, of a parameter's gradient."""

    output: int = 1
    input_gradient: int = 1
    gradient_per_sample: int = 1


def sum_lengths(placed: PlacedLayer, /) -> SumLengths:
    """Return the lengths of a layer's sums; layers that add nothing up have 1."""
    layer = placed.layer
    if isinstance(layer, Linear):
        return SumLengths(output=layer.in_features, input_gradient=layer.out_features)
    if isinstance(layer, MinibatchDiscrimination):
        return SumLengths(output=layer.in_features, input_gradient=layer.num_kernels * layer.kernel_dims)
    if isinstance(layer, Conv2d | ConvTranspose2d):
        seen = math.prod(layer.kernel)
        # Of a kernel's entries those that a stride brings to one place, or of a dilated one no fewer.
        met = math.prod(-(-length // layer.stride) for length in layer.kernel) if layer.dilation == 1 else seen
        reach, back = (seen, met) if isinstance(layer, Conv2d) else (met, seen)
        shape = placed.output_shape if isinstance(layer, Conv2d) else placed.input_shape
        return SumLengths(
            output=layer.in_channels // layer.groups * reach,
            input_gradient=layer.out_channels // layer.groups * back,
            gradient_per_sample=shape[1] * shape[2],
        )
    return SumLengths()
