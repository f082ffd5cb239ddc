"""The graph of a Keras model, and where it puts tensors together as a spec's branches do."""

from __future__ import annotations

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


def read_steps(network: Any, what: str, /) -> Iterator[Step]:
    """Yield a built model's layers in order, the last of which gives what it gives; raises UnsupportedLayer.

    Those of a model that is a layer of another stand in its place, by their path through it.
    """
    yield from _steps(network, what, START, count(START + 1))


def _steps(network: Any, what: str, start: int, places: Iterator[int]) -> Generator[Step, None, int]:
    """Yield a model's steps from what stands at a place; returns the place of what it gives."""
    if not network.built:
        raise UnsupportedLayer(f"the {what} has no variables yet; build it, or call it on a batch once")
    if isinstance(network, keras.Sequential):
        for layer in network.layers:
            start = yield from _step(layer, f"{what}.{layer.name}", (start,), places)
        return start
    if not isinstance(network, keras.Model) or not hasattr(network, "_operations"):
        raise UnsupportedLayer(
            f"the {what} is a {type(network).__name__} with a call of its own, which is not read; expected a "
            "Sequential or a model of the functional API"
        )
    if len(network.inputs) != 1 or len(network.outputs) != 1:
        raise UnsupportedLayer(
            f"the {what} has {len(network.inputs)} inputs and {len(network.outputs)} outputs; expected one of each"
        )
    return (yield from _functional_steps(network, what, start, places))


def _step(operation: Any, path: str, inputs: tuple[int, ...], places: Iterator[int]) -> Generator[Step, None, int]:
    if isinstance(operation, keras.Model) and len(inputs) == 1:
        return (yield from _steps(operation, path, inputs[0], places))
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
