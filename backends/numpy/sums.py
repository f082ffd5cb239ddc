"""How many numbers a layer adds up for each of its results: what rounding does to a sum grows with its length."""

from __future__ import annotations

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
        reach = layer.kernel_size if isinstance(layer, Conv2d) else -(-layer.kernel_size // layer.stride)
        back = layer.kernel_size if isinstance(layer, ConvTranspose2d) else -(-layer.kernel_size // layer.stride)
        shape = placed.output_shape if isinstance(layer, Conv2d) else placed.input_shape
        return SumLengths(
            output=layer.in_channels * reach**2,
            input_gradient=layer.out_channels * back**2,
            gradient_per_sample=shape[1] * shape[2],
        )
    return SumLengths()
