"""The graph that a Gluon block makes of a symbol, and where it puts arrays together as a spec's branches do."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gan_rosetta.backends.mxnet.framework import mx
from gan_rosetta.shared.spec import Shape
from gan_rosetta.shared.spec.read_graph import Graph, Join

_JOINS: Mapping[str, Join] = {
    **dict.fromkeys(("elemwise_add", "broadcast_add", "_Plus", "_plus"), "add"),
    **dict.fromkeys(("elemwise_mul", "broadcast_mul", "_Mul", "_mul"), "multiply"),
    **dict.fromkeys(("Concat", "concat"), "concatenate"),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Operation:
    """An operation of a graph. name: its own; settings: as Python's values; inputs: by name, each of which output.

    shape: of what it gives of a batch, (batch, ...).
    """

    kind: str
    name: str
    settings: Mapping[str, Any]
    inputs: tuple[str, ...]
    shape: Shape


def read_operations(symbol: Any, /, **shapes: Shape) -> list[Operation]:
    """Return what a symbol is computed by, in order, its variables (of kind "null") among them.

    Operations that have one name, as those of a block that is called twice, are told apart by their places.
    """
    graph = json.loads(symbol.tojson())
    nodes = graph["nodes"]
    names = [node["name"] for node in nodes]
    keys = [name if name not in names[:place] else f"{name}#{place}" for place, name in enumerate(names)]
    for node, key in zip(nodes, keys, strict=True):
        node["name"] = key
    parts = mx.sym.load_json(json.dumps(graph)).get_internals()
    sizes = dict(zip(parts.list_outputs(), parts.infer_shape(**shapes)[1], strict=True))
    found = []
    for node, key in zip(nodes, keys, strict=True):
        shape = sizes.get(key) or sizes.get(f"{key}_output") or ()
        # The running averages, which BatchNorm alone takes, are inputs of a later version of their variables.
        inputs = tuple(keys[place] if output == 0 else "" for place, output, _ in node["inputs"])
        settings = {name: _value(text) for name, text in (node.get("attrs") or {}).items()}
        found.append(Operation(kind=node["op"], name=key, settings=settings, inputs=inputs, shape=tuple(shape)))
    return found


def find_join(
    node: Operation, graph: Graph[str], operations: Mapping[str, Operation], /
) -> tuple[Join, tuple[str, ...]] | None:
    """Return how an operation joins which others of a graph, None where it does not, or not as a spec does."""
    join = _JOINS.get(node.kind)
    if join is None or (join == "concatenate" and node.settings.get("dim", 1) != 1):
        return None
    if len(node.inputs) < 2 or not all(name in graph for name in node.inputs):
        return None
    shapes = [operations[name].shape for name in node.inputs]
    alike = join == "concatenate" or all(shape == shapes[0] for shape in shapes)
    return (join, node.inputs) if alike else None


def _value(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
