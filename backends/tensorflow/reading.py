"""A live model or optimizer of Keras in the spec's words, layer by layer; what has no word is named."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NoReturn

import keras
import tensorflow as tf

from gan_rosetta.backends.tensorflow.reading_layers import ACTIVATIONS, LAYERS, SHORT, Read
from gan_rosetta.backends.tensorflow.reading_optimizers import read_optimizer, steps_taken
from gan_rosetta.shared.errors import SpecError, UnsupportedLayer
from gan_rosetta.shared.spec import Layer, Network, Shape

__all__ = ["first_shape", "plain_copy", "read_network", "read_optimizer", "steps_taken"]

_NAME = re.compile(r"[a-z][a-z0-9]*\Z")
_IMAGE_RANK = 3


def read_network(network: Any, /, *, input_shape: Shape, what: str) -> Network:
    """Return a model's layers, (input_shape) a sample, channels first; the model's layers come in a row.

    Raises UnsupportedLayer, with the path of the layer that the spec has no word for.
    """
    names: list[str] = []
    found: list[Layer] = []
    seen: set[int] = set()
    shape = input_shape
    for path, layer in _row(network, what):
        if isinstance(layer, keras.layers.InputLayer):
            continue
        if id(layer) in seen and layer.variables:
            _refuse(path, "is used twice; a spec's layers have each their own parameters")
        seen.add(id(layer))
        reads = LAYERS.get(type(layer))
        if reads is None:
            _refuse(path, f"is a {type(layer).__name__}, which no layer of a spec is")
        name = _name(layer, names)
        read: Read | str = reads(layer, name, shape)
        if isinstance(read, str):
            _refuse(path, read)
        own = [*read, *_activation(layer, path)]
        try:
            for each in own:
                shape = each.output_shape(shape)
        except SpecError as error:
            _refuse(path, f"does not fit: {error}")
        found += own
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
    layers = [layer for _, layer in _row(network, "network") if not isinstance(layer, keras.layers.InputLayer)]
    copy = keras.Sequential([_plain_layer(layer) for layer in layers])
    copy.build(network.input_shape)
    copy.set_weights(network.get_weights())
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


def _row(network: Any, what: str) -> Iterator[tuple[str, Any]]:
    """Yield a model's layers in order, each with its path; raises UnsupportedLayer where they part."""
    if not network.built:
        raise UnsupportedLayer(f"the {what} has no variables yet; build it, or call it on a batch once")
    if isinstance(network, keras.Sequential):
        for layer in network.layers:
            yield f"{what}.{layer.name}", layer
        return
    if not isinstance(network, keras.Model) or not hasattr(network, "_operations"):
        raise UnsupportedLayer(
            f"the {what} is a {type(network).__name__} with a call of its own, which is not read; expected a "
            "Sequential or a model of the functional API"
        )
    if len(network.inputs) != 1 or len(network.outputs) != 1:
        raise UnsupportedLayer(
            f"the {what} has {len(network.inputs)} inputs and {len(network.outputs)} outputs; expected one of each"
        )
    for depth, nodes in sorted(network._nodes_by_depth.items(), reverse=True):
        del depth
        (node, *others) = nodes
        given = node.arguments.keras_tensors
        if others or len(given) > 1:
            _refuse(f"{what}.{node.operation.name}", "is of branches; of Keras only layers in a row are read")
        yield f"{what}.{node.operation.name}", node.operation


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
