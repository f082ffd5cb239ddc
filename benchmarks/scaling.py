"""GANs in other sizes: another batch, or hidden layers some times as wide."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.spec import (
    ERRORS,
    BatchNorm,
    Branches,
    ClassEmbedding,
    Conv2d,
    ConvTranspose2d,
    GanSpec,
    GroupNorm,
    Layer,
    Linear,
    MinibatchDiscrimination,
    Network,
    PReLU,
    PullAway,
    Recall,
    Reshape,
    Shape,
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
    hidden = frozenset(placed.name for placed in network.placed if isinstance(placed.layer, Linear))
    layers = _recalling_more(network.layers, hidden, factor)
    last = _last_affine(layers)
    endings = [(place, layer) for place, layer in enumerate(layers) if isinstance(layer, Branches) and place > last]
    if not endings:
        return replace(network, layers=_widened_layers(layers, network.input_shape, factor, last=last))
    place, block = endings[-1]
    before = _widened_layers(layers[:place], network.input_shape, factor, last=len(layers))
    shape = _end(before, network.input_shape)
    return replace(network, layers=(*before, _widened_heads(block, shape, factor), *layers[place + 1 :]))


def _recalling_more(layers: Sequence[Layer], hidden: frozenset[str], factor: float) -> tuple[Layer, ...]:
    """Return layers whose Recalls of hidden Linears take features in proportion to how many these come to give."""
    new: list[Layer] = []
    for layer in layers:
        if isinstance(layer, Recall) and layer.of in hidden:
            parts = tuple((round(start * factor), _scaled(stop, factor)) for start, stop in layer.parts)
            new.append(replace(layer, parts=parts))
        elif isinstance(layer, Branches):
            ways = (replace(each, layers=_recalling_more(each.layers, hidden, factor)) for each in layer.branches)
            new.append(replace(layer, branches=tuple(ways)))
        else:
            new.append(layer)
    return tuple(new)


def _last_affine(layers: Sequence[Layer]) -> int:
    """Return the place of the last layer with a matrix or kernels, -1 where there is none."""
    return max(
        (i for i, layer in enumerate(layers) if isinstance(layer, Linear | Conv2d | ConvTranspose2d)), default=-1
    )


def _gives_a_number(layers: Sequence[Layer]) -> bool:
    """Whether layers end in what gives one number a sample however wide they are."""
    last = layers[-1] if layers else None
    of_ends = isinstance(last, Branches) and last.join in ("dot", *ERRORS)
    return of_ends or isinstance(last, PullAway)


def _widened_heads(block: Branches, shape: Shape, factor: float) -> Branches:
    """Return Branches that a network ends in, each widened but for what it gives; raises UsageError."""
    if _gives_a_number([block]):
        return _widened_block(block, shape, factor)
    ways = []
    for branch in block.branches:
        last = len(branch.layers) if _gives_a_number(branch.layers) else _last_affine(branch.layers)
        if last < 0:
            raise UsageError(
                f"no layer behind the Branches {block.name!r} has a weight, nor has its branch {branch.name!r}, so "
                "that a network of them widened gives another shape; put a Linear or a convolution behind them"
            )
        ways.append(replace(branch, layers=_widened_layers(branch.layers, shape, factor, last=last)))
    return replace(block, branches=tuple(ways))


def _widened_layers(layers: Sequence[Layer], shape: Shape, factor: float, /, *, last: int) -> tuple[Layer, ...]:
    """Return layers in a row widened, all but the outputs of the one at `last`."""
    widened: list[Layer] = []
    for index, layer in enumerate(layers):
        new: Layer = layer
        if isinstance(layer, Linear):
            out = layer.out_features if index == last else _widened_features(layers, index, factor)
            new = replace(layer, in_features=shape[0], out_features=out)
        elif isinstance(layer, Conv2d | ConvTranspose2d):
            out = layer.out_channels if index == last else _scaled(layer.out_channels, factor)
            new = replace(layer, in_channels=shape[0], out_channels=out)
        elif isinstance(layer, BatchNorm | GroupNorm):
            new = replace(layer, num_features=shape[0])
        elif isinstance(layer, PReLU) and layer.by_channel:
            new = replace(layer, num_parameters=shape[0])
        elif isinstance(layer, MinibatchDiscrimination):
            new = replace(layer, in_features=shape[0])
        elif isinstance(layer, Reshape) and index < last:
            places = layer.shape[1:]
            new = Reshape(shape=(math.prod(shape) // math.prod(places), *places))
        elif isinstance(layer, Branches):
            new = _widened_block(layer, shape, factor)
        widened.append(new)
        shape = new.output_shape(shape)
    return tuple(widened)


def _widened_block(block: Branches, shape: Shape, factor: float) -> Branches:
    ways = [_widened_layers(branch.layers, shape, factor, last=len(branch.layers)) for branch in block.branches]
    if block.join in ERRORS and () in ways:
        # What is handed on is wider only where what came before is, and what is given back is as wide.
        held = [_widened_layers(one.layers, shape, factor, last=_last_affine(one.layers)) for one in block.branches]
        ways = [free if _end(free, shape) == shape else own for free, own in zip(ways, held, strict=True)]
    elif block.join != "concatenate":
        ways = _of_one_width(ways, shape)
    pairs = zip(block.branches, ways, strict=True)
    return replace(block, branches=tuple(replace(branch, layers=layers) for branch, layers in pairs))


def _of_one_width(ways: list[tuple[Layer, ...]], shape: Shape) -> list[tuple[Layer, ...]]:
    """Return ways from one shape, where a class's row that stands alone has as many features as the first other one."""
    end = _end(next((layers for layers in ways if _row_alone(layers) is None), ()), shape)
    rows = [(layers, _row_alone(layers)) for layers in ways]
    return [layers if row is None else (replace(row, num_features=end[0]),) for layers, row in rows]


def _end(layers: Sequence[Layer], shape: Shape) -> Shape:
    for layer in layers:
        shape = layer.output_shape(shape)
    return shape


def _row_alone(layers: tuple[Layer, ...]) -> ClassEmbedding | None:
    (first,) = layers if len(layers) == 1 else (None,)
    return first if isinstance(first, ClassEmbedding) and not first.takes_input else None


def _widened_features(layers: Sequence[Layer], index: int, factor: float) -> int:
    """Return the outputs of a widened Linear: so many as the channels of the images that become of them ask for."""
    for layer in layers[index + 1 :]:
        if isinstance(layer, Reshape):
            return _scaled(layer.shape[0], factor) * math.prod(layer.shape[1:])
        if isinstance(layer, Linear | MinibatchDiscrimination):
            break
    own = layers[index]
    return _scaled(own.out_features, factor) if isinstance(own, Linear) else 0


def _scaled(width: int, factor: float) -> int:
    return max(1, round(width * factor))
