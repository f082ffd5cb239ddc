"""A live module of flax.nnx in the spec's words: the graph that it makes in JAX; what has no word is named."""

from __future__ import annotations

import copy
import re
from typing import Any, NoReturn

from flax import nnx

from gan_rosetta.backends.jax.device import with_float64
from gan_rosetta.backends.jax.flax_modules import array_of, named_modules, named_variables, put_array
from gan_rosetta.backends.jax.reading_branches import Given, Operation, find_join, read_operations
from gan_rosetta.backends.jax.reading_layers import FUNCTIONS, LAYERS, SHORT, Found
from gan_rosetta.backends.jax.reading_optimizers import read_optimizer, steps_taken
from gan_rosetta.shared.errors import SpecError, UnsupportedLayer
from gan_rosetta.shared.spec import Layer, LeakyReLU, Network, Shape
from gan_rosetta.shared.spec.read_graph import Graph

__all__ = ["first_shape", "plain_copy", "read_network", "read_optimizer", "steps_taken"]

_NAME = re.compile(r"[a-z][a-z0-9]*\Z")
_BATCH = 3
_IMAGE_RANK = 3
_INPUT = -1
# Operations with a number that are no layer by themselves, but parts of `where(x > 0, x, slope * x)`.
_PARTS = ("gt", "ge", "mul")


def read_network(network: Any, /, *, input_shape: Shape, what: str) -> Network:
    """Return a module's layers, (input_shape) a sample, channels first; a copy of it is traced.

    Raises UnsupportedLayer, with the path of the module, or the operation, that the spec has no word for.
    """
    axes = (*input_shape[1:], input_shape[0]) if len(input_shape) == _IMAGE_RANK else input_shape
    _require_whole(network, what)
    copied = _in_float64(network)
    paths = {id(module): path for path, module in named_modules(copied)}
    try:
        with with_float64():
            operations, end = read_operations(copied, (_BATCH, *axes), tuple(LAYERS))
    except Exception as error:  # a stranger's module may raise anything
        first = (str(error).splitlines() or [""])[0]
        raise UnsupportedLayer(
            f"{what} cannot be traced, {type(error).__name__}: {first}; its __call__ must be layers, of samples {axes}"
        ) from None
    return _Reader(operations, paths, what).network(input_shape, axes, end)


def first_shape(network: Any, /) -> Shape | None:
    """Return the shape of a sample that a module's first layer with a kernel takes; None where that is open."""
    for _, module in named_modules(network):
        if isinstance(module, nnx.Linear):
            return (module.in_features,)
        if isinstance(module, nnx.ConvTranspose):
            return (module.in_features, 1, 1)
        if isinstance(module, nnx.Conv):
            return None
    return None


def plain_copy(network: Any, /, *, input_shape: Shape) -> Any:
    """Return a copy in float64 that drops nothing, to hold a pass of it to the reference."""
    del input_shape
    return _in_float64(network)


def _in_float64(network: Any) -> Any:
    plain = copy.deepcopy(network)
    copies = dict(named_modules(plain))
    for path, module in named_modules(network):
        # A copy has its attributes by the alphabet; the order in which they were made tells like layers apart.
        own = vars(copies[path])
        kept = dict(own)
        own.clear()
        own.update({name: kept[name] for name in vars(module)})
    with with_float64():
        for _, variable in named_variables(plain):
            put_array(variable, array_of(variable).astype("float64"))
    for _, module in named_modules(plain):
        if type(module) in LAYERS and hasattr(module, "dtype"):
            module.dtype = None
        if isinstance(module, nnx.BatchNorm | nnx.GroupNorm | nnx.LayerNorm):
            module.use_fast_variance = False
        if isinstance(module, nnx.Dropout):
            module.deterministic = True
    return plain


def _require_whole(network: Any, what: str) -> None:
    """Raise UnsupportedLayer where modules keep variables that no layer's words are of."""
    for path, module in named_modules(network):
        for name, value in vars(module).items():
            if isinstance(value, nnx.Param | nnx.BatchStat) and type(module) not in LAYERS:
                place = f"{what}.{path}" if path else what
                raise UnsupportedLayer(f"{place} keeps {name} itself; expected layers of nnx, which keep them")


class _Reader:
    """Goes through a graph from what comes in to what comes out."""

    def __init__(self, operations: list[Operation], paths: dict[int, str], what: str) -> None:
        self._operations = operations
        self._paths = paths
        self._what = what
        self._names: list[str] = []
        self._used: set[int] = set()
        self._parts: dict[int, Operation] = {}

    def network(self, input_shape: Shape, axes: Shape, end: Given) -> Network:
        """Return the layers, in a row or in branches."""
        layers: dict[int, list[Layer]] = {}
        graph: Graph[int] = Graph(_INPUT, self._refuse)
        shapes: dict[int, Shape] = {_INPUT: axes}
        for node in self._operations:
            shapes[node.place] = node.shape[1:]
            joined = find_join(node, graph, shapes)
            if joined is not None:
                graph.add_join(node.place, *joined)
                continue
            if node.kind in _PARTS and any(number is not None for number in self._numbers(node)):
                self._parts[node.place] = node
                continue
            given, found = self._layers(node, shapes)
            if node.shape[:1] != (_BATCH,):
                self._refuse(node.place, f"makes {node.shape} of a batch of {_BATCH}")
            layers[node.place] = found
            graph.add_layer(node.place, given)
        try:
            row = graph.row(layers, end.place)
            return Network(input_shape=input_shape, layers=tuple(row))
        except SpecError as error:
            raise UnsupportedLayer(f"{self._what}: {error}") from None

    def _layers(self, node: Operation, shapes: dict[int, Shape]) -> tuple[int | None, list[Layer]]:
        if node.kind == "select_n":
            above, slope = self._leaky_relu(node)
            return above, [LeakyReLU(slope=slope)]
        places = [each.place for each in node.inputs if each.place is not None]
        given = places[0] if len(places) == 1 else None
        if given is None or given not in shapes:
            self._refuse(node.place, "is not given what one layer before it gives")
        found: Found
        if node.layer is not None:
            kind = type(node.layer)
            if id(node.layer) in self._used and kind is not nnx.Dropout:
                self._refuse(node.place, "is used twice; a spec's layers have each their own parameters")
            self._used.add(id(node.layer))
            shape = shapes[given]
            first = (shape[-1], *shape[:-1]) if len(shape) == _IMAGE_RANK else shape
            found = LAYERS[kind](node.layer, self._name(node.layer), first)
        elif node.kind in FUNCTIONS:
            found = FUNCTIONS[node.kind](node, shapes[given])
        else:
            self._refuse(node.place, "is no layer of a spec")
        if isinstance(found, str):
            self._refuse(node.place, found)
        return given, found if isinstance(found, list) else [found]

    def _leaky_relu(self, node: Operation) -> tuple[int, float]:
        """Return what `where(x > 0, x, slope * x)` takes, and its slope."""
        condition, below, above = (each.place for each in node.inputs)
        compared, scaled = (None if place is None else self._parts.get(place) for place in (condition, below))
        if compared is None or scaled is None or scaled.kind != "mul" or compared.kind == "mul" or above is None:
            self._refuse(node.place, "is no layer of a spec")
        (slope,) = (number for number in self._numbers(scaled) if number is not None)
        is_of_one = above in [each.place for each in scaled.inputs] and compared.inputs[0].place == above
        if not is_of_one or compared.inputs[1].number != 0:
            self._refuse(node.place, "is no layer of a spec")
        return above, slope

    def _numbers(self, node: Operation) -> list[float | None]:
        return [each.number for each in node.inputs]

    def _name(self, module: Any) -> str:
        own = self._paths.get(id(module), "").rpartition(".")[2]
        if not _NAME.match(own) or own in self._names:
            short, count = SHORT[type(module)], 1
            while f"{short}{count}" in self._names:
                count += 1
            own = f"{short}{count}"
        self._names.append(own)
        return own

    def _refuse(self, place: int, said: str) -> NoReturn:
        node = self._operations[place] if place >= 0 else None
        if node is not None and node.layer is not None:
            raise UnsupportedLayer(f"{self._what}.{self._paths.get(id(node.layer), '')} {said}")
        raise UnsupportedLayer(f"{self._what}, in __call__: {node.kind if node is not None else 'its input'} {said}")
