"""A live model or optimizer of Keras in the spec's words, layer by layer; what has no word is named."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NoReturn

import keras
import tensorflow as tf

from gan_rosetta.backends.tensorflow.reading_branches import START, Step, find_join, read_steps
from gan_rosetta.backends.tensorflow.reading_layers import ACTIVATIONS, LAYERS, SHORT, Read
from gan_rosetta.backends.tensorflow.reading_optimizers import read_optimizer, steps_taken
from gan_rosetta.shared.errors import SpecError, UnsupportedLayer
from gan_rosetta.shared.spec import Layer, Network, Shape
from gan_rosetta.shared.spec.read_graph import Graph

__all__ = ["first_shape", "plain_copy", "read_network", "read_optimizer", "steps_taken"]

_NAME = re.compile(r"[a-z][a-z0-9]*\Z")
_IMAGE_RANK = 3


def read_network(network: Any, /, *, input_shape: Shape, what: str) -> Network:
    """Return a model's layers, (input_shape) a sample, channels first, in a row or in branches.

    Raises UnsupportedLayer, with the path of the layer that the spec has no word for.
    """
    reader = _Reader(what)
    found = reader.row(read_steps(network, what), input_shape)
    try:
        return Network(input_shape=input_shape, layers=tuple(found))
    except SpecError as error:
        raise UnsupportedLayer(f"{what}: {error}") from None


def first_shape(network: Any, /) -> Shape | None:
    """Return the shape of a sample that a built model takes, channels first; None where that is open."""
    shape = getattr(network, "input_shape", None)
    if not isinstance(shape, tuple) or None in shape[1:] or any(isinstance(each, tuple) for each in shape):
        return None
    return (shape[-1], *shape[1:-1]) if len(shape) == _IMAGE_RANK + 1 else tuple(shape[1:])


def plain_copy(network: Any, /) -> Any:
    """Return a copy in float64 that drops nothing, to hold a pass of it to the reference.

    A LeakyReLU of it has its slope as it was given: Keras's own rounds it to float32, whatever it computes in.
    """
    pairs: list[tuple[Any, Any]] = []

    def plain(layer: Any) -> Any:
        if not isinstance(layer, keras.Layer) or isinstance(layer, keras.layers.InputLayer):
            return layer
        if isinstance(layer, keras.Model):
            return plain_copy(layer)
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

    def row(self, steps: Iterator[Step], input_shape: Shape) -> list[Layer]:
        """Return the layers of all steps."""
        graph: Graph[int] = Graph(START, self._refuse)
        layers: dict[int, list[Layer]] = {}
        shapes = {START: input_shape}
        end = START
        for step in steps:
            end = step.place
            self._paths[end] = step.path
            joined = find_join(step, graph, shapes)
            if joined is not None:
                graph.add_join(end, joined[0], step.inputs)
                shapes[end] = joined[1]
                continue
            if len(step.inputs) != 1:
                self._refuse(end, f"takes {len(step.inputs)} tensors, and joins them as no branches of a spec are")
            layers[end], shapes[end] = self._layers(step, shapes[step.inputs[0]])
            graph.add_layer(end, step.inputs[0])
        return graph.row(layers, end)

    def _layers(self, step: Step, shape: Shape) -> tuple[list[Layer], Shape]:
        layer = step.operation
        if id(layer) in self._seen and layer.variables:
            self._refuse(step.place, "is used twice; a spec's layers have each their own parameters")
        self._seen.add(id(layer))
        reads = LAYERS.get(type(layer))
        if reads is None:
            self._refuse(step.place, f"is a {type(layer).__name__}, which no layer of a spec is")
        read: Read | str = reads(layer, _name(layer, self._names), shape)
        if isinstance(read, str):
            self._refuse(step.place, read)
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
