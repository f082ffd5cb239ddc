"""Where a traced module of torch puts tensors together as a spec's branches do."""

from __future__ import annotations

from collections.abc import Mapping

from torch import fx

from gan_rosetta.shared.spec.read_graph import Graph, Join

_JOINS: Mapping[str, Join] = {
    **dict.fromkeys(("add", "iadd", "add_"), "add"),
    **dict.fromkeys(("mul", "imul", "mul_", "multiply"), "multiply"),
    **dict.fromkeys(("cat", "concat", "concatenate"), "concatenate"),
}


def find_join(node: fx.Node, graph: Graph[fx.Node], /) -> tuple[Join, tuple[fx.Node, ...]] | None:
    """Return how a node joins which tensors of the graph, None where it does not, or not as a spec does."""
    named = node.target if node.op == "call_method" else getattr(node.target, "__name__", "")
    join = None if node.op == "call_module" else _JOINS.get(str(named))
    if join is None:
        return None
    if join == "concatenate":
        given, axis = node.args[0], node.kwargs.get("dim", node.args[1] if len(node.args) > 1 else 0)
        rank = len(node.meta["tensor_meta"].shape)
        ends = tuple(given) if isinstance(given, list | tuple) and axis % rank == 1 else ()
    else:
        ends = node.args if not node.kwargs else ()
    if len(ends) < 2 or not all(isinstance(end, fx.Node) and end in graph for end in ends):
        return None
    nodes = tuple(end for end in ends if isinstance(end, fx.Node))
    shapes = [end.meta["tensor_meta"].shape for end in nodes]
    alike = join == "concatenate" or all(shape == shapes[0] for shape in shapes)
    return (join, nodes) if alike else None
