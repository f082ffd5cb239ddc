"""A network: layers in a row, each fitting the one before, each with a name."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import cached_property

from gan_rosetta.shared.spec.checks import require, require_shape, within
from gan_rosetta.shared.spec.layer import Shape
from gan_rosetta.shared.spec.layers import BatchNorm, Layer, NamedLayer

_NAME = re.compile(r"[a-z][a-z0-9]*\Z")


@dataclass(frozen=True, kw_only=True)
class PlacedLayer:
    """A layer with its place: the name under which its output is reported, and its shapes, per sample."""

    name: str
    layer: Layer
    input_shape: Shape
    output_shape: Shape


@dataclass(frozen=True, kw_only=True)
class Network:
    """A sequence of layers; input_shape is per sample. Raises SpecError where a layer does not fit its input.

    A layer without a name of its own takes that of the last named layer and its kind, `hidden1_tanh`, and a number
    where that is taken, `hidden1_reshape2`.
    """

    input_shape: Shape
    layers: tuple[Layer, ...]

    def __post_init__(self) -> None:
        require_shape(self, "input_shape")
        require(len(self.layers) >= 1, "a network needs at least one layer", "layers")
        names = [placed.name for placed in self.placed]
        for index, name in enumerate(names):
            require(
                name not in names[:index], f"two layers are named {name!r}; expected each name once", "layers", index
            )

    @cached_property
    def placed(self) -> tuple[PlacedLayer, ...]:
        """The layers in order, with their names and shapes."""
        result: list[PlacedLayer] = []
        shape = self.input_shape
        last_name = "input"
        for index, layer in enumerate(self.layers):
            with within("layers", index):
                require(isinstance(layer, Layer), f"{layer!r} is not a layer; expected one of shared/spec/layers.py")
                if isinstance(layer, NamedLayer):
                    name = last_name = _checked_name(layer)
                else:
                    name = _free_name(f"{last_name}_{layer.kind}", result)
                output_shape = layer.output_shape(shape)
            result.append(PlacedLayer(name=name, layer=layer, input_shape=shape, output_shape=output_shape))
            shape = output_shape
        return tuple(result)

    @property
    def output_shape(self) -> Shape:
        """The per-sample shape of the last layer's output."""
        return self.placed[-1].output_shape

    @property
    def is_samplewise(self) -> bool:
        """Whether each sample's output hangs on that sample alone, so that batches may be put together.

        Not where passes move buffers, of which there would then be one in place of two.
        """
        return all(layer.is_samplewise for layer in self.layers) and not self.has_buffers

    @property
    def has_buffers(self) -> bool:
        """Whether passes move tensors, so that their number and order matter."""
        return any(layer.buffers() for layer in self.layers)

    @property
    def fed_layers(self) -> tuple[PlacedLayer, ...]:
        """The layers that a pass is fed something for, beside the samples (see feeding.py), in order."""
        return tuple(placed for placed in self.placed if placed.layer.fed)

    @property
    def has_batch_norm(self) -> bool:
        """Whether any layer couples the samples of a batch through its statistics."""
        return any(isinstance(layer, BatchNorm) for layer in self.layers)

    def batch_norm_of_one(self, batch_size: int, /) -> str | None:
        """Return the name of the first BatchNorm that sees one value a channel in batches of this size, or None.

        One value has no variance: torch refuses it, and others go on with a running variance of NaN.
        """
        for placed in self.placed:
            num_places = math.prod(placed.input_shape[1:])
            if isinstance(placed.layer, BatchNorm) and batch_size * num_places == 1:
                return placed.name
        return None


def _free_name(name: str, placed: list[PlacedLayer]) -> str:
    taken = {other.name for other in placed}
    numbered = (f"{name}{number}" for number in range(2, len(taken) + 3))
    return name if name not in taken else next(other for other in numbered if other not in taken)


def _checked_name(layer: NamedLayer) -> str:
    good = isinstance(layer.name, str) and _NAME.match(layer.name) is not None
    expected = "expected lower-case letters and digits, starting with a letter"
    require(good, f"layer name {layer.name!r}; {expected}", "name")
    return layer.name
