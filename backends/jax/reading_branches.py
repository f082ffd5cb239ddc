"""The graph that a module of flax makes in JAX, with its layers whole, and where it puts arrays together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

import jax
import jax.numpy as jnp

from gan_rosetta.shared.spec import Shape
from gan_rosetta.shared.spec.read_graph import Graph, Join

_LAYER = "gan_rosetta_layer_"
_JOINS: Mapping[str, Join] = {"add": "add", "add_any": "add", "mul": "multiply", "concatenate": "concatenate"}
# Functions of jax.nn that JAX compiles by their names, and so are seen whole.
_WHOLE = ("relu", "leaky_relu", "silu", "elu", "selu", "softplus", "sigmoid", "tanh")


@dataclass(frozen=True, kw_only=True, eq=False)
class Operation:
    """An operation of a graph. place: its own; inputs: the places of others, or numbers; layer: the module that it is.

    shape: of what it gives of a batch, (batch, ...).
    """

    place: int
    kind: str
    settings: Mapping[str, Any]
    inputs: tuple[Any, ...]
    shape: Shape
    layer: Any = None


@dataclass(frozen=True)
class Given:
    """What an operation takes: what another gives, by its place; None of a constant or a number.

    number: of a constant that is one number.
    """

    place: int | None
    number: float | None = None


def read_operations(
    call: Callable[[Any], Any], shape: Shape, kinds: tuple[type, ...], /
) -> tuple[list[Operation], Given]:
    """Return what a function does to arrays (batch, ...), in order, and what it gives. kinds: modules seen whole.

    The input has the place -1.
    """
    layers: list[Any] = []
    with _whole(kinds, layers):
        closed = jax.make_jaxpr(call)(jnp.zeros(shape, "float64"))
    graph = _Flattened(layers)
    (end,) = graph.walk(closed.jaxpr, [Given(-1)])
    return graph.operations, end


class _Flattened:
    """Goes through a program of JAX's, and those within it that are no activation."""

    def __init__(self, layers: list[Any]) -> None:
        self.operations: list[Operation] = []
        self._layers = layers

    def walk(self, program: Any, given: list[Given]) -> list[Given]:
        """Return what a program gives of what it is given; its constants are known by no place."""
        known = dict(zip(program.invars, given, strict=True))
        for step in program.eqns:
            inputs = [self._read(known, each) for each in step.invars]
            name = str(step.params.get("name", ""))
            inner = step.params.get("jaxpr", step.params.get("call_jaxpr"))
            if name.startswith(_LAYER):
                layer = self._layers[int(name.removeprefix(_LAYER))]
                given_back = [self._add("layer", step, inputs, layer)]
            elif inner is not None and name in _WHOLE:
                given_back = [self._add(name, step, inputs)]
            elif inner is not None and hasattr(inner, "jaxpr") and not inner.consts:
                given_back = self.walk(inner.jaxpr, inputs)
            else:
                given_back = [self._add(step.primitive.name, step, inputs)] * len(step.outvars)
            known |= dict(zip(step.outvars, given_back, strict=True))
        return [self._read(known, each) for each in program.outvars]

    def _read(self, known: Mapping[Any, Given], variable: Any) -> Given:
        value = getattr(variable, "val", None)
        if value is not None:
            return Given(None, float(value) if jnp.ndim(value) == 0 else None)
        return known.get(variable, Given(None))

    def _add(self, kind: str, step: Any, inputs: list[Given], layer: Any = None) -> Given:
        place, shape = len(self.operations), tuple(step.outvars[0].aval.shape)
        # A number that takes another type, or an array's shape, is the number still.
        if kind in ("convert_element_type", "broadcast_in_dim") and inputs[0].place is None:
            return inputs[0]
        self.operations.append(
            Operation(place=place, kind=kind, settings=step.params, inputs=tuple(inputs), shape=shape, layer=layer)
        )
        return Given(place)


def find_join(node: Operation, graph: Graph[int], shapes: Mapping[int, Shape], /) -> tuple[Join, list[int]] | None:
    """Return how an operation joins which others of a graph, None where it does not, or not as a spec does.

    shapes: of what each gives of a batch.
    """
    join = _JOINS.get(node.kind)
    ends = [each.place for each in node.inputs if each.place is not None and each.place in graph]
    if join is None or len(ends) < 2 or len(ends) < len(node.inputs):
        return None
    if join == "concatenate":
        return (join, ends) if node.settings["dimension"] == len(node.shape) - 1 else None
    return (join, ends) if all(shapes[each] == shapes[ends[0]] for each in ends) else None


@contextmanager
def _whole(kinds: tuple[type, ...], layers: list[Any]) -> Iterator[None]:
    """Let modules of these kinds be one operation each while they are traced, and do nothing."""
    with ExitStack() as stack:
        for kind in kinds:
            stack.enter_context(mock.patch.object(kind, "__call__", _standing_in(kind, kind.__call__, layers)))
        yield


def _standing_in(kind: type, own: Callable[..., Any], layers: list[Any]) -> Callable[..., Any]:
    def call(self: Any, inputs: Any, *more: Any, **settings: Any) -> Any:
        if type(self) is not kind or more or settings:
            return own(self, inputs, *more, **settings)
        shape = jax.eval_shape(lambda x: own(self, x), inputs).shape if hasattr(self, "kernel") else inputs.shape

        def layer(x: Any) -> Any:
            return jnp.zeros(shape, x.dtype)

        layer.__name__ = f"{_LAYER}{len(layers)}"
        layers.append(self)
        return jax.jit(layer)(inputs)

    return call
