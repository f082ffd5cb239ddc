"""The graph of a Keras model, and where it puts tensors together as a spec's branches do."""

from __future__ import annotations

import inspect
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

import keras

from gan_rosetta.shared.errors import UnsupportedLayer
from gan_rosetta.shared.spec import Shape
from gan_rosetta.shared.spec.read_graph import Graph, Join

START = 0
# Layers of Keras, and what `x + y` of its symbolic tensors is.
_JOINS: Mapping[str, Join] = {"Add": "add", "Multiply": "multiply", "Concatenate": "concatenate"}


@dataclass(frozen=True, kw_only=True, eq=False)
class Step:
    """A layer, or an operation, of a model. place: its own; inputs: the places of what it takes, START of the input."""

    place: int
    path: str
    operation: Any
    inputs: tuple[int, ...]


def read_steps(network: Any, shape: Shape, what: str, /) -> Iterator[Step]:
    """Yield a built model's layers in order, the last of which gives what it gives; raises UnsupportedLayer.

    Those of a model, or of a layer with a call of its own, that is a layer of another stand in its place, by their path
    through it. shape: of a sample, channels last.
    """
    if not network.built:
        raise UnsupportedLayer(f"the {what} has no variables yet; build it, or call it on a batch once")
    yield from _steps(as_graph(network, shape, what), what, START, count(START + 1))


def has_own_call(operation: Any, /) -> bool:
    """Whether something is a model or a layer of a person's own, whose call is Python."""
    if isinstance(operation, keras.Sequential) or hasattr(operation, "_operations"):
        return False
    return isinstance(operation, keras.Layer) and type(operation).__module__.partition(".")[0] != "keras"


def as_graph(network: Any, shape: Shape, path: str, /) -> Any:
    """Return a model of layers in a graph: of a call of one's own what it does to a tensor without numbers.

    Raises UnsupportedLayer where that is more than to call layers of Keras, and operations of keras.ops.
    """
    if not has_own_call(network):
        return network
    for variable in (*network._trainable_variables, *network._non_trainable_variables):
        raise UnsupportedLayer(f"{path} keeps {variable.name} itself; expected layers of Keras, which keep them")
    given = keras.Input(shape)
    options = {"training": True} if "training" in inspect.signature(network.call).parameters else {}
    try:
        return keras.Model(given, network.call(given, **options))
    except Exception as error:  # a stranger's call may raise anything
        first = (str(error).splitlines() or [""])[0]
        raise UnsupportedLayer(
            f"{path} has a call that cannot be traced, {type(error).__name__}: {first}; it must be layers of Keras and "
            f"keras.ops, of samples {shape}"
        ) from None


def given_shape(operation: Any, /) -> Shape:
    """Return the shape of the samples that a layer of a graph was given last, channels last."""
    return tuple(operation._inbound_nodes[-1].arguments.keras_tensors[0].shape[1:])


def _steps(network: Any, what: str, start: int, places: Iterator[int]) -> Generator[Step, None, int]:
    """Yield a model's steps from what stands at a place; returns the place of what it gives."""
    if isinstance(network, keras.Sequential):
        for layer in network.layers:
            start = yield from _step(layer, f"{what}.{layer.name}", (start,), places)
        return start
    if not isinstance(network, keras.Model) or not hasattr(network, "_operations"):
        raise UnsupportedLayer(
            f"the {what} is a {type(network).__name__}, which is not read; expected a Sequential, a model of the "
            "functional API, or one with a call of its own"
        )
    if len(network.inputs) != 1 or len(network.outputs) != 1:
        raise UnsupportedLayer(
            f"the {what} has {len(network.inputs)} inputs and {len(network.outputs)} outputs; expected one of each"
        )
    return (yield from _functional_steps(network, what, start, places))


def _step(operation: Any, path: str, inputs: tuple[int, ...], places: Iterator[int]) -> Generator[Step, None, int]:
    if len(inputs) == 1 and (isinstance(operation, keras.Model) or has_own_call(operation)):
        graph = as_graph(operation, given_shape(operation), path) if has_own_call(operation) else operation
        return (yield from _steps(graph, path, inputs[0], places))
    place = next(places)
    yield Step(place=place, path=path, operation=operation, inputs=inputs)
    return place


def _functional_steps(network: Any, what: str, start: int, places: Iterator[int]) -> Generator[Step, None, int]:
    found = {id(network.inputs[0]): start}
    nodes = [node for _, level in sorted(network._nodes_by_depth.items(), reverse=True) for node in level]
    for node in nodes:
        if node.is_input:
            continue
        path, given = f"{what}.{node.operation.name}", node.arguments.keras_tensors
        if len(node.output_tensors) != 1 or not all(id(each) in found for each in given):
            raise UnsupportedLayer(f"{path} gives or takes what is no tensor of a layer's")
        inputs = tuple(found[id(each)] for each in given)
        found[id(node.output_tensors[0])] = yield from _step(node.operation, path, inputs, places)
    return found[id(network.outputs[0])]


def find_join(step: Step, graph: Graph[int], shapes: Mapping[int, Shape], /) -> tuple[Join, Shape] | None:
    """Return how a step joins tensors of a graph, and the shape it makes; None where it does not, or not as a spec.

    shapes: of the samples that each step gives, channels first.
    """
    join = _JOINS.get(type(step.operation).__name__)
    if join is None or len(step.inputs) < 2 or not all(each in graph for each in step.inputs):
        return None
    found = [shapes[each] for each in step.inputs]
    first, *others = found
    if join != "concatenate":
        return (join, first) if all(shape == first for shape in others) else None
    if getattr(step.operation, "axis", -1) not in (-1, len(first)) or any(each[1:] != first[1:] for each in others):
        return None
    return join, (sum(shape[0] for shape in found), *first[1:])
