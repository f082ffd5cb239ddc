"""A live model or optimizer of Keras in the spec's words, layer by layer; what has no word is named."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, NoReturn

import keras
import tensorflow as tf

from gan_rosetta.backends.tensorflow.reading_branches import (
    START,
    Step,
    as_graph,
    find_join,
    given_shape,
    has_own_call,
    read_steps,
)
from gan_rosetta.backends.tensorflow.reading_layers import (
    ACTIVATIONS,
    LAYERS,
    OPERATIONS,
    SHORT,
    Read,
    margins_of,
    with_margins,
)
from gan_rosetta.backends.tensorflow.reading_optimizers import read_optimizer, steps_taken
from gan_rosetta.shared.errors import SpecError, UnsupportedLayer
from gan_rosetta.shared.spec import Conv2d, ConvTranspose2d, Layer, Network, Shape
from gan_rosetta.shared.spec.read_graph import Graph

__all__ = ["first_shape", "plain_copy", "read_network", "read_optimizer", "steps_taken"]

_NAME = re.compile(r"[a-z][a-z0-9]*\Z")
_IMAGE_RANK = 3
_NOT_CONVOLVED = "is a ZeroPadding2D that something else than a Conv2D follows, which no layer of a spec is"


def read_network(network: Any, /, *, input_shape: Shape, what: str) -> Network:
    """Return a model's layers, (input_shape) a sample, channels first, in a row or in branches.

    Raises UnsupportedLayer, with the path of the layer that the spec has no word for.
    """
    reader = _Reader(what)
    found = reader.row(list(read_steps(network, _last(input_shape), what)), input_shape)
    try:
        return Network(input_shape=input_shape, layers=tuple(found))
    except SpecError as error:
        raise UnsupportedLayer(f"{what}: {error}") from None


def first_shape(network: Any, /) -> Shape | None:
    """Return the shape of a sample that a built model takes, channels first; None where that is open."""
    if has_own_call(network):
        dense = next((layer for layer in network._flatten_layers() if isinstance(layer, keras.layers.Dense)), None)
        return None if dense is None or not dense.built else (int(dense.kernel.shape[0]),)
    shape = getattr(network, "input_shape", None)
    if not isinstance(shape, tuple) or None in shape[1:] or any(isinstance(each, tuple) for each in shape):
        return None
    return (shape[-1], *shape[1:-1]) if len(shape) == _IMAGE_RANK + 1 else tuple(shape[1:])


def plain_copy(network: Any, /, *, input_shape: Shape) -> Any:
    """Return a copy in float64 that drops nothing, to hold a pass of it to the reference.

    A LeakyReLU of it has its slope as it was given: Keras's own rounds it to float32, whatever it computes in.
    """
    return _plain_copy(as_graph(network, _last(input_shape), network.name))


def _last(shape: Shape) -> Shape:
    return (*shape[1:], shape[0]) if len(shape) == _IMAGE_RANK else shape


def _plain_copy(network: Any) -> Any:
    pairs: list[tuple[Any, Any]] = []

    def plain(layer: Any) -> Any:
        if type(layer).__name__ == "LeakyRelu":  # of keras.ops
            return _LeakyReLU(negative_slope=layer.negative_slope, dtype="float64")
        if not isinstance(layer, keras.Layer) or isinstance(layer, keras.layers.InputLayer):
            return layer
        if has_own_call(layer):
            return _plain_copy(as_graph(layer, given_shape(layer), layer.name))
        if isinstance(layer, keras.Model):
            return _plain_copy(layer)
        pairs.append((layer, _plain_layer(layer)))
        return pairs[-1][1]

    if isinstance(network, keras.Sequential):
        copy = keras.Sequential([plain(layer) for layer in network.layers])
        copy.build(network.input_shape)
    else:
        given = keras.Input(batch_shape=network.input_shape, dtype="float64")
        structure = [given] if isinstance(network.input, list) else given
        copy = keras.Model(given, keras.tree.flatten(network._run_through_graph(structure, operation_fn=plain))[0])
    for layer, made in pairs:
        made.set_weights(layer.get_weights())
    return copy


class _LeakyReLU(keras.layers.LeakyReLU):  # type: ignore[misc]
    def call(self, inputs: Any) -> Any:
        return tf.where(inputs > 0, inputs, self.negative_slope * inputs)


def _plain_layer(layer: Any) -> Any:
    config = layer.get_config() | {"dtype": "float64"}
    if isinstance(layer, keras.layers.Dropout):
        config["rate"] = 0.0
    kind = _LeakyReLU if type(layer) is keras.layers.LeakyReLU else type(layer)
    return kind.from_config(config)


class _Reader:
    """Goes through a model's steps from what comes in to what comes out."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._names: list[str] = []
        self._seen: set[int] = set()
        self._paths: dict[int, str] = {}
        self._padded: dict[int, tuple[int, ...]] = {}

    def row(self, steps: Sequence[Step], input_shape: Shape) -> list[Layer]:
        """Return the layers of all steps.

        Padding becomes that of the convolutions it is before, and cropping that of the transposed one it is behind.
        """
        taken = Counter(place for step in steps for place in step.inputs)
        graph: Graph[int] = Graph(START, self._refuse)
        layers: dict[int, list[Layer]] = {}
        shapes = {START: input_shape}
        end = START
        for step in steps:
            end = step.place
            self._paths[end] = step.path
            source = step.inputs[0]
            if type(step.operation) is keras.layers.Cropping2D and taken[source] == 1:
                layers[source], shapes[end] = self._cropped(step, layers.get(source, []), shapes[source])
                layers[end] = []
                graph.add_layer(end, source)
                continue
            self._require_convolved(step)
            if type(step.operation) is keras.layers.ZeroPadding2D:
                self._padded[end] = margins_of(step.operation, "padding")
                layers[end], shapes[end] = [], shapes[source]
                graph.add_layer(end, source)
                continue
            joined = find_join(step, graph, shapes)
            if joined is not None:
                graph.add_join(end, joined[0], step.inputs)
                shapes[end] = joined[1]
                continue
            if len(step.inputs) != 1:
                self._refuse(end, f"takes {len(step.inputs)} tensors, and joins them as no branches of a spec are")
            layers[end], shapes[end] = self._layers(step, shapes[source])
            graph.add_layer(end, source)
        if end in self._padded:
            self._refuse(end, _NOT_CONVOLVED)
        return graph.row(layers, end)

    def _require_convolved(self, step: Step) -> None:
        """Refuse a padding that something else than a convolution follows."""
        for place in step.inputs:
            if place in self._padded and type(step.operation) is not keras.layers.Conv2D:
                self._refuse(place, _NOT_CONVOLVED)

    def _cropped(self, step: Step, before: list[Layer], shape: Shape) -> tuple[list[Layer], Shape]:
        margins = margins_of(step.operation, "cropping")
        if not before or not isinstance(before[0], ConvTranspose2d):
            self._refuse(step.place, "is a Cropping2D that is behind no Conv2DTranspose, which no layer of a spec is")
        top, bottom, left, right = margins
        cropped = (shape[0], shape[1] - top - bottom, shape[2] - left - right)
        return [with_margins(before[0], margins), *before[1:]], cropped

    def _layers(self, step: Step, shape: Shape) -> tuple[list[Layer], Shape]:
        layer = step.operation
        if id(layer) in self._seen and getattr(layer, "variables", None):
            self._refuse(step.place, "is used twice; a spec's layers have each their own parameters")
        self._seen.add(id(layer))
        reads = LAYERS.get(type(layer))
        if reads is None and type(layer).__module__.startswith("keras.src.ops."):
            reads = OPERATIONS.get(type(layer).__name__)
        if reads is None:
            self._refuse(step.place, f"is a {type(layer).__name__}, which no layer of a spec is")
        margins = self._padded.get(step.inputs[0], (0, 0, 0, 0))
        top, bottom, left, right = margins
        padded = (shape[0], shape[1] + top + bottom, shape[2] + left + right) if any(margins) else shape
        read: Read | str = reads(layer, _name(layer, self._names), padded)
        if isinstance(read, str):
            self._refuse(step.place, read)
        read = [with_margins(each, margins) if isinstance(each, Conv2d) else each for each in read]
        own = [*read, *_activation(layer, step.path)]
        try:
            for each in own:
                shape = each.output_shape(shape)
        except SpecError as error:
            self._refuse(step.place, f"does not fit: {error}")
        return own, shape

    def _refuse(self, place: int, said: str) -> NoReturn:
        _refuse(self._paths.get(place, f"{self._what}'s input"), said)


def _activation(layer: Any, path: str) -> list[Layer]:
    """Return the activation that a layer has built in."""
    if isinstance(layer, keras.layers.Activation):
        return []
    function = getattr(layer, "activation", None)
    name = getattr(function, "__name__", "")
    if function is None or name == "linear":
        return []
    if name not in ACTIVATIONS:
        _refuse(path, f"has the activation {name}, which no layer of a spec is")
    return [ACTIVATIONS[name]]


def _name(layer: Any, names: list[str]) -> str:
    own = layer.name
    if type(layer) not in SHORT:
        return ""
    if not _NAME.match(own) or own in names:
        short, count = SHORT[type(layer)], 1
        while f"{short}{count}" in names:
            count += 1
        own = f"{short}{count}"
    names.append(own)
    return str(own)


def _refuse(path: str, said: str) -> NoReturn:
    raise UnsupportedLayer(f"{path} {said}")
