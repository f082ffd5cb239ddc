"""A live Gluon block or Trainer in the spec's words: the graph that it makes of a symbol; what has no word is named."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from gan_rosetta.backends.mxnet.framework import mx
from gan_rosetta.backends.mxnet.reading_branches import Operation, find_join, read_operations
from gan_rosetta.backends.mxnet.reading_layers import FUNCTIONS, SHORT, Found
from gan_rosetta.backends.mxnet.reading_operators import exact, of_symbols
from gan_rosetta.backends.mxnet.reading_optimizers import read_optimizer, steps_taken
from gan_rosetta.shared.errors import SpecError, UnsupportedLayer
from gan_rosetta.shared.spec import Layer, Network, Shape
from gan_rosetta.shared.spec.read_graph import Graph

__all__ = ["first_shape", "plain_copy", "read_network", "read_optimizer", "steps_taken"]

_NAME = re.compile(r"[a-z][a-z0-9]*\Z")
_BATCH = 3
_INPUT = "given"


def read_network(network: Any, /, *, input_shape: Shape, what: str) -> Network:
    """Return a block's layers, (input_shape) a sample; the block is called on a symbol.

    Raises UnsupportedLayer, with the path of the block of what the spec has no word for.
    """
    blocks = dict(_named_blocks(network))
    for path, block in blocks.items():
        if block._forward_hooks or block._forward_pre_hooks:
            _refuse(_place(what, path), "has hooks on its forward pass, which may change it; take them away")
    try:
        with of_symbols():
            symbol = network(mx.sym.var(_INPUT))
        operations = read_operations(symbol, **{_INPUT: (_BATCH, *input_shape)})
    except Exception as error:  # a stranger's block may do anything with a symbol
        first = (str(error).strip().splitlines() or [""])[-1]
        raise UnsupportedLayer(
            f"{what} does not make a graph of samples of shape {input_shape}, {type(error).__name__}: {first}; its "
            "forward must be layers and operators, of F or mx.nd, that ask no array for its numbers or shape"
        ) from None
    if len(symbol.list_outputs()) != 1:
        raise UnsupportedLayer(f"{what} gives {len(symbol.list_outputs())} arrays; a spec's network gives one")
    return _Reader(operations, blocks, what).network(input_shape, operations[-1].name)


def first_shape(network: Any, /) -> Shape | None:
    """Return the shape of a sample that a block's first layer with a weight takes; None where that leaves it open."""
    for _, block in _named_blocks(network):
        if isinstance(block, mx.gluon.nn.Dense):
            return (int(block.weight.shape[1]),) if block.weight.shape[1] > 0 else None
        if isinstance(block, mx.gluon.nn.Conv2DTranspose):
            return (int(block.weight.shape[0]), 1, 1) if block.weight.shape[0] > 0 else None
        if isinstance(block, mx.gluon.nn.Conv2D):
            return None
    return None


def plain_copy(network: Any, /, *, input_shape: Shape) -> Any:
    """Return a copy in float64 that drops nothing, to hold a pass of it to the reference.

    Its operators are exact where MXNet's own round a setting to float32, or are of float32 alone.
    """
    del input_shape
    compiled = {id(block._cached_op): None for _, block in _named_blocks(network) if getattr(block, "_cached_op", None)}
    plain = copy.deepcopy(network, compiled)  # What MXNet has compiled is a handle, which two would free.
    plain.cast("float64")
    for _, block in _named_blocks(plain):
        if isinstance(block, mx.gluon.HybridBlock):
            block.hybridize(False)
    forward = plain.forward

    def exactly(*inputs: Any) -> Any:
        with exact():
            return forward(*inputs)

    plain.forward = exactly
    return plain


class _Reader:
    """Goes through a graph from what comes in to what comes out."""

    def __init__(self, operations: list[Operation], blocks: dict[str, Any], what: str) -> None:
        self._operations = {each.name: each for each in operations}
        self._what = what
        self._paths = {block.name: path for path, block in blocks.items()}
        self._parameters = {own.name: own for block in blocks.values() for own in block._reg_params.values()}
        self._owners = {own.name: path for path, block in blocks.items() for own in block._reg_params.values()}
        self._names: list[str] = []
        self._used: set[str] = set()

    def network(self, input_shape: Shape, end: str) -> Network:
        """Return the layers, in a row or in branches."""
        layers: dict[str, list[Layer]] = {}
        graph: Graph[str] = Graph(_INPUT, self._refuse)
        for name, node in self._operations.items():
            if node.kind == "null":
                continue
            if node.shape[:1] != (_BATCH,):
                self._refuse(name, f"makes {node.shape} of a batch of {_BATCH}")
            joined = find_join(node, graph, self._operations)
            if joined is not None:
                graph.add_join(name, *joined)
                continue
            layers[name] = self._layers(node)
            graph.add_layer(name, node.inputs[0] if node.inputs else None)
        try:
            found = graph.row(layers, end)
            return Network(input_shape=input_shape, layers=tuple(found))
        except SpecError as error:
            raise UnsupportedLayer(f"{self._what}: {error}") from None

    def _layers(self, node: Operation) -> list[Layer]:
        function = FUNCTIONS.get(node.kind)
        if function is None:
            self._refuse(node.name, f"is {node.kind}, which no layer of a spec is")
        if not node.inputs or (node.inputs[0] in self._parameters or not node.inputs[0]):
            self._refuse(node.name, "is not given what a layer before it gives")
        parameters = [self._parameter(node, name) for name in node.inputs[1:]]
        given = self._operations[node.inputs[0]].shape[1:]
        found: Found = function(node, self._name(node), given, parameters)
        if isinstance(found, str):
            self._refuse(node.name, found)
        return found if isinstance(found, list) else [found]

    def _parameter(self, node: Operation, name: str) -> Any:
        if name not in self._parameters:
            self._refuse(node.name, f"takes {name or 'one of several arrays'}, which is no parameter of the network's")
        if name in self._used:
            self._refuse(node.name, f"takes {name} anew; a spec's layers have each their own parameters")
        self._used.add(name)
        return self._parameters[name]

    def _name(self, node: Operation) -> str:
        if node.kind not in SHORT:
            return ""
        own = self._path(node.name).rpartition(".")[2]
        if not _NAME.match(own) or own in self._names:
            short, count = SHORT[node.kind], 1
            while f"{short}{count}" in self._names:
                count += 1
            own = f"{short}{count}"
        self._names.append(own)
        return own

    def _path(self, name: str) -> str:
        """Return the path of the block that an operation is of: that of its parameters, or whose name begins its."""
        for given in self._operations[name].inputs[1:]:
            if given in self._owners:
                return self._owners[given]
        holders = [own for own in self._paths if name.startswith(f"{own}_")]
        return self._paths[max(holders, key=len)] if holders else ""

    def _refuse(self, name: str, said: str) -> NoReturn:
        path = self._path(name)
        _refuse(_place(self._what, path) if path else f"{self._what}, in forward: {name}", said)


def _named_blocks(network: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield a block and those within it, with their paths."""
    yield path, network
    for name, child in network._children.items():
        yield from _named_blocks(child, f"{path}.{name}" if path else name)


def _place(what: str, path: str) -> str:
    return f"{what}.{path}" if path else what


def _refuse(place: str, said: str) -> NoReturn:
    raise UnsupportedLayer(f"{place} {said}")
