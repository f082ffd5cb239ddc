"""Layers fitted to the shapes between which they stand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from gan_rosetta.shared.spec import (
    BatchNorm,
    Branch,
    Branches,
    Conv2d,
    ConvTranspose2d,
    GroupNorm,
    Layer,
    Linear,
    MinibatchDiscrimination,
    Network,
    PReLU,
    Reshape,
    Shape,
)


def fitted_network(layers: Sequence[Layer], start: Shape, end: Shape, /) -> Network:
    """Return a network of these layers, their sizes changed where they must be to lead from one shape to the other."""
    last = max((i for i, layer in enumerate(layers) if isinstance(layer, Linear)), default=None)
    fitted: list[Layer] = []
    shape = start
    for index, given in enumerate(layers):
        layer = _fitted_block(given, shape) if isinstance(given, Branches) else given
        if isinstance(layer, Linear | MinibatchDiscrimination):
            if len(shape) != 1:
                fitted.append(Reshape(shape=(math.prod(shape),)))
                shape = fitted[-1].output_shape(shape)
            layer = replace(layer, in_features=shape[0])
            if isinstance(layer, Linear) and index == last:
                follows = any(isinstance(other, Conv2d | ConvTranspose2d) for other in layers[index + 1 :])
                layer = layer if follows else replace(layer, out_features=math.prod(end))
        elif isinstance(layer, Conv2d | ConvTranspose2d):
            layer = replace(layer, in_channels=shape[0])
        elif isinstance(layer, BatchNorm | GroupNorm | PReLU):
            layer = _of_channels(layer, shape[0])
        elif isinstance(layer, Reshape):
            if len(layer.shape) == 1:
                layer = Reshape(shape=(math.prod(shape),))
            elif index == len(layers) - 1 or not any(isinstance(o, Conv2d | ConvTranspose2d) for o in layers[index:]):
                layer = Reshape(shape=end)
            if layer.shape == shape:
                continue
        shape = layer.output_shape(shape)
        fitted.append(layer)
    if shape != end and math.prod(shape) == math.prod(end):
        fitted.append(Reshape(shape=end))
    return Network(input_shape=start, layers=tuple(fitted))


def _of_channels(layer: BatchNorm | GroupNorm | PReLU, count: int) -> Layer:
    """Return what has numbers for each channel, of so many channels."""
    if isinstance(layer, PReLU):
        return replace(layer, num_parameters=count) if layer.by_channel else layer
    if isinstance(layer, BatchNorm):
        return replace(layer, num_features=count)
    return replace(layer, num_features=count, num_groups=layer.num_groups if count % layer.num_groups == 0 else 1)


def _fitted_block(block: Branches, start: Shape) -> Branches:
    """Return a block whose branches take this shape, and end in one that fits what hands its input on."""
    hands_on = block.join != "concatenate" and not all(branch.layers for branch in block.branches)
    branches = tuple(
        replace(branch, layers=fitted_network(branch.layers, start, start if hands_on else _end_of(branch)).layers)
        if branch.layers
        else branch
        for branch in block.branches
    )
    return replace(block, branches=branches)


def _end_of(branch: Branch) -> Shape:
    """Return the shape that a branch's last Linear gives, or one that none has, where there is none."""
    widths = [layer.out_features for layer in branch.layers if isinstance(layer, Linear)]
    return (widths[-1],) if widths else (0,)
