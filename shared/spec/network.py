"""A network: layers in a row or in branches, each fitting what comes before, each with a name."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from gan_rosetta.shared.errors import SpecError, unknown_name
from gan_rosetta.shared.spec.branches import Branches, Layer
from gan_rosetta.shared.spec.checks import require, require_name, require_shape, within
from gan_rosetta.shared.spec.layer import Shape
from gan_rosetta.shared.spec.layers import BatchNorm, NamedLayer
from gan_rosetta.shared.spec.recall import Recall

Path = tuple[str | int, ...]
# The source of a layer that takes the network's own input.
NETWORK_INPUT = -1


@dataclass(frozen=True, kw_only=True)
class PlacedLayer:
    """A layer with its place: the name under which its output is reported, and its shapes, per sample.

    Branches stand behind the layers inside of them, for what joins their ends; input_shape is then that of what all
    branches are given, and that of a Recall's what it recalls. sources: whose outputs it takes, by their places,
    NETWORK_INPUT for the network's input; one, or of Branches each branch's end. path: where it stands in the network's
    fields.
    """

    name: str
    layer: Layer
    input_shape: Shape
    output_shape: Shape
    sources: tuple[int, ...]
    path: Path


@dataclass(frozen=True, kw_only=True)
class Network:
    """A sequence of layers; input_shape is per sample. Raises SpecError where a layer does not fit its input.

    A layer without a name of its own takes that of the last named layer and its kind, `hidden1_tanh`, and a number
    where that is taken, `hidden1_reshape2`. Layers inside of Branches have theirs before them, `block1.main.conv1`.
    """

    input_shape: Shape
    layers: tuple[Layer, ...]

    def __post_init__(self) -> None:
        require_shape(self, "input_shape")
        require(len(self.layers) >= 1, "a network needs at least one layer", "layers")
        names = [placed.name for placed in self.placed]
        for index, name in enumerate(names):
            require(
                name not in names[:index],
                f"two layers are named {name!r}; expected each name once",
                *self.placed[index].path,
            )

    @cached_property
    def placed(self) -> tuple[PlacedLayer, ...]:
        """The layers in order of execution, those inside of Branches among them, with their names and shapes."""
        result: list[PlacedLayer] = []
        shapes = {NETWORK_INPUT: self.input_shape}
        _place(result, self.layers, shapes, source=NETWORK_INPUT, path=("layers",), prefix="")
        return tuple(result)

    @property
    def all_layers(self) -> tuple[Layer, ...]:
        """The layers of `placed`, those inside of Branches too."""
        return tuple(placed.layer for placed in self.placed)

    def layers_with(self, place: int, /, *layers: Layer) -> tuple[Layer, ...]:
        """Return the layers with others in a place of `placed`, or none, whether or not they fit."""
        return _replaced(self.layers, self.placed[place].path[1:], layers)

    def replaced(self, place: int, /, *layers: Layer) -> Network:
        """Return the network with other layers in a place of `placed`; raises SpecError where they do not fit."""
        return replace(self, layers=self.layers_with(place, *layers))

    def mapped(self, change: Callable[[Any], Layer], /) -> Network:
        """Return the network with each layer changed, those inside of Branches too, but Branches themselves."""
        return replace(self, layers=_mapped(self.layers, change))

    @property
    def output_shape(self) -> Shape:
        """The per-sample shape of the last layer's output."""
        return self.placed[-1].output_shape

    @property
    def is_samplewise(self) -> bool:
        """Whether each sample's output hangs on that sample alone, so that batches may be put together.

        Not where passes move buffers, of which there would then be one in place of two.
        """
        return all(layer.is_samplewise for layer in self.all_layers) and not self.has_buffers

    @property
    def has_buffers(self) -> bool:
        """Whether passes move tensors, so that their number and order matter."""
        return any(layer.buffers() for layer in self.all_layers)

    @property
    def fed_layers(self) -> tuple[PlacedLayer, ...]:
        """The layers that a pass is fed something for, beside the samples (see feeding.py), in order."""
        return tuple(placed for placed in self.placed if placed.layer.fed)

    @property
    def has_batch_norm(self) -> bool:
        """Whether any layer couples the samples of a batch through its statistics."""
        return any(isinstance(layer, BatchNorm) for layer in self.all_layers)

    def batch_norm_of_one(self, batch_size: int, /) -> str | None:
        """Return the name of the first BatchNorm that sees one value a channel in batches of this size, or None.

        One value has no variance: torch refuses it, and others go on with a running variance of NaN.
        """
        for placed in self.placed:
            num_places = math.prod(placed.input_shape[1:])
            if isinstance(placed.layer, BatchNorm) and batch_size * num_places == 1:
                return placed.name
        return None


def _place(
    result: list[PlacedLayer],
    layers: Sequence[Layer],
    shapes: dict[int, Shape],
    /,
    *,
    source: int,
    path: Path,
    prefix: str,
) -> int:
    """Append layers in a row and what they give, by place, to result and shapes; return the place of their end."""
    last_name = f"{prefix}input"
    for index, layer in enumerate(layers):
        here = (*path, index)
        sources: tuple[int, ...] = (source,)
        with within(*here):
            require(isinstance(layer, Layer), f"{layer!r} is not a layer; expected one of shared/spec/layers.py")
            if isinstance(layer, NamedLayer | Branches):
                require_name(layer, "layer")
                name = last_name = f"{prefix}{layer.name}"
            else:
                name = _free_name(f"{last_name}_{layer.kind}", result)
            if isinstance(layer, Recall):
                sources = (_recalled(layer, result, shapes),)
            recalls_it = isinstance(layer, Recall) and sources == (source,)
            require(
                layer.takes_input or recalls_it or (index == 0 and bool(prefix)),
                f"{type(layer).__name__} {name!r} leaves out what comes before it; expected it first in a branch",
            )
            if isinstance(layer, Branches) and not any(branch.takes_input for branch in layer.branches):
                recalled = [_recalled(branch.recalls, result, shapes) for branch in layer.branches if branch.recalls]
                require(
                    source in recalled,
                    f"Branches {name!r} has no branch that takes or recalls what it is given; expected one at least",
                    "branches",
                )
            input_shape = shapes[sources[0]]
            shape = layer.output_shape(input_shape)
        if isinstance(layer, Branches):
            sources = tuple(
                _place(
                    result,
                    branch.layers,
                    shapes,
                    source=source,
                    path=(*here, "branches", place, "layers"),
                    prefix=f"{name}.{branch.name}.",
                )
                for place, branch in enumerate(layer.branches)
            )
        source = len(result)
        shapes[source] = shape
        result.append(
            PlacedLayer(name=name, layer=layer, input_shape=input_shape, output_shape=shape, sources=sources, path=here)
        )
    return source


def _recalled(layer: Recall, placed: list[PlacedLayer], shapes: dict[int, Shape], /) -> int:
    """Return the place whose features a layer recalls; raises SpecError where there is none, or it has others."""
    places = {other.name: place for place, other in enumerate(placed)}
    if layer.of is not None and layer.of not in places:
        raise SpecError(f"Recall: {unknown_name('layer before it', layer.of, places)}", path=("of",))
    place = NETWORK_INPUT if layer.of is None else places[layer.of]
    layer.check_recalled("the network's input" if layer.of is None else layer.of, shapes[place])
    return place


def _free_name(name: str, placed: list[PlacedLayer]) -> str:
    taken = {other.name for other in placed}
    numbered = (f"{name}{number}" for number in range(2, len(taken) + 3))
    return name if name not in taken else next(other for other in numbered if other not in taken)


def _replaced(layers: tuple[Layer, ...], path: Path, others: tuple[Layer, ...]) -> tuple[Layer, ...]:
    """Return layers with others in the place that a path leads to, an index or one within Branches."""
    index, *rest = path
    if not isinstance(index, int):
        raise TypeError(f"a path of layers begins with {index!r}; expected an index")
    if rest:
        owner, place = layers[index], rest[1]
        if not isinstance(owner, Branches) or not isinstance(place, int):
            raise TypeError(f"{path} leads into {owner!r}; expected Branches")
        inside = owner.branches[place]
        changed = replace(inside, layers=_replaced(inside.layers, tuple(rest[3:]), others))
        others = (replace(owner, branches=(*owner.branches[:place], changed, *owner.branches[place + 1 :])),)
    return (*layers[:index], *others, *layers[index + 1 :])


def _mapped(layers: tuple[Layer, ...], change: Callable[[Any], Layer]) -> tuple[Layer, ...]:
    return tuple(
        replace(
            layer,
            branches=tuple(replace(branch, layers=_mapped(branch.layers, change)) for branch in layer.branches),
        )
        if isinstance(layer, Branches)
        else change(layer)
        for layer in layers
    )
