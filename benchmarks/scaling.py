"""GANs in other sizes: another batch, or hidden layers some times as wide."""

from __future__ import annotations

from dataclasses import replace

from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.spec import (
    BatchNorm,
    Conv2d,
    ConvTranspose2d,
    GanSpec,
    Layer,
    Linear,
    MinibatchDiscrimination,
    Network,
    Reshape,
)


def with_batch_size(spec: GanSpec, batch_size: int, /) -> GanSpec:
    """Return the GAN with another number of samples a step; raises SpecError for less than 1."""
    return replace(spec, batch_size=batch_size)


def with_width(spec: GanSpec, factor: float, /) -> GanSpec:
    """Return the GAN with every hidden layer `factor` times as wide: features of Linear, channels of convolutions.

    What a network takes and gives stays as it is; widths are rounded, and are 1 at least. Raises UsageError for a
    factor that is not positive, SpecError where the widened layers do not fit one another.
    """
    if not 0 < factor < float("inf"):
        raise UsageError(f"width factor is {factor}; expected a positive number, such as 2")
    if factor == 1:
        return spec
    return replace(spec, generator=_widened(spec.generator, factor), discriminator=_widened(spec.discriminator, factor))


def _widened(network: Network, factor: float) -> Network:
    affine = [i for i, layer in enumerate(network.layers) if isinstance(layer, Linear | Conv2d | ConvTranspose2d)]
    last = affine[-1] if affine else -1
    layers: list[Layer] = []
    width: int | None = None  # of what comes into the next layer, None while that is the network's own input
    for index, layer in enumerate(network.layers):
        if isinstance(layer, Linear):
            out = layer.out_features if index == last else _scaled(layer.out_features, factor)
            layers.append(replace(layer, in_features=layer.in_features if width is None else width, out_features=out))
            width = out
        elif isinstance(layer, Conv2d | ConvTranspose2d):
            out = layer.out_channels if index == last else _scaled(layer.out_channels, factor)
            layers.append(replace(layer, in_channels=layer.in_channels if width is None else width, out_channels=out))
            width = out
        elif isinstance(layer, BatchNorm) and width is not None:
            layers.append(replace(layer, num_features=width))
        elif isinstance(layer, MinibatchDiscrimination) and width is not None:
            layers.append(replace(layer, in_features=width))
            width += layer.num_kernels
        elif isinstance(layer, Reshape) and width is not None and index < last:
            raise UsageError(
                f"a Reshape to {layer.shape} lies between hidden layers, whose widths it ties to one another; "
                "expected a GAN without one: write the sizes out as GANs of their own"
            )
        else:
            layers.append(layer)
    return replace(network, layers=tuple(layers))


def _scaled(width: int, factor: float) -> int:
    return max(1, round(width * factor))
