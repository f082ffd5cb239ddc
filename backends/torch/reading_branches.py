"""A traced module's graph as layers in a row and branches: which join is of what, and where its branches part."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, NoReturn

from torch import fx

from gan_rosetta.shared.spec import Branch, Branches, Layer

Join = Literal["add", "concatenate", "multiply"]
_JOINS: Mapping[str, Join] = {
    **dict.fromkeys(("add", "iadd", "add_"), "add"),
    **dict.fromkeys(("mul", "imul", "mul_", "multiply"), "multiply"),
    **dict.fromkeys(("cat", "concat", "concatenate"), "concatenate"),
}


class Graph:
    """The nodes of a traced module, added in order of execution. refuse: raises, naming a node and what is wrong."""

    def __init__(self, start: fx.Node, refuse: Callable[[fx.Node, str], NoReturn]) -> None:
        self._start, self._refuse = start, refuse
        self._inputs: dict[fx.Node, tuple[fx.Node, ...]] = {start: ()}
        # Through which nodes, in order, everything on its way from the start to a node goes.
        self._passed: dict[fx.Node, list[fx.Node]] = {start: [start]}
        self._joins: dict[fx.Node, Join] = {}
        self._read: set[fx.Node] = set()

    def add_join(self, node: fx.Node, /) -> bool:
        """Add a node that joins others, if it does."""
        named = node.target if node.op == "call_method" else getattr(node.target, "__name__", "")
        join = None if node.op == "call_module" else _JOINS.get(str(named))
        ends = self._ends(node, join) if join is not None else None
        if join is None or ends is None:
            return False
        self._joins[node] = join
        self._add(node, ends)
        return True

    def add_layer(self, node: fx.Node, /) -> None:
        """Add a node that takes one other."""
        given = node.args[0] if node.args else None
        if not isinstance(given, fx.Node) or given not in self._inputs:
            self._refuse(node, "is not given what a layer before it gives")
        self._add(node, (given,))

    def row(self, layers: Mapping[fx.Node, list[Layer]], end: Any, /) -> list[Layer]:
        """Return the layers of the whole graph, which ends in a node; all that are there must be on the way to it."""
        if not isinstance(end, fx.Node) or end not in self._inputs:
            self._refuse(self._start, "is not what the network's end is made of")
        found = self._row(layers, self._start, end)
        for node in self._inputs:
            if node is not self._start and node not in self._read:
                self._refuse(node, "is no part of what the network gives")
        return found

    def _row(self, layers: Mapping[fx.Node, list[Layer]], start: fx.Node, end: fx.Node) -> list[Layer]:
        found: list[Layer] = []
        node = end
        while node is not start:
            if node in self._read:
                self._refuse(node, "is given to layers that come together in no one place; a spec's branches all do")
            self._read.add(node)
            if node not in self._joins:
                found = [*layers[node], *found]
                (node,) = self._inputs[node]
                continue
            fork = self._fork(self._inputs[node])
            ways = [tuple(self._row(layers, fork, each)) for each in self._inputs[node]]
            # A block is called after the place of its join among those of the module.
            name = f"block{1 + list(self._joins).index(node)}"
            found = [Branches(name=name, join=self._joins[node], branches=_named(ways)), *found]
            node = fork
        return found

    def _fork(self, nodes: tuple[fx.Node, ...]) -> fx.Node:
        """Return the last node that all these come from, whichever way one goes back."""
        common = [node for node in self._passed[nodes[0]] if all(node in self._passed[other] for other in nodes)]
        return common[-1]

    def _add(self, node: fx.Node, inputs: tuple[fx.Node, ...]) -> None:
        self._inputs[node] = inputs
        first, *others = (self._passed[given] for given in inputs)
        self._passed[node] = [*(each for each in first if all(each in other for other in others)), node]

    def _ends(self, node: fx.Node, join: Join) -> tuple[fx.Node, ...] | None:
        """Return the tensors that a node joins as a spec does, None where it does not."""
        if join == "concatenate":
            given, axis = node.args[0], node.kwargs.get("dim", node.args[1] if len(node.args) > 1 else 0)
            ends = tuple(given) if isinstance(given, list | tuple) and axis == 1 else ()
        else:
            ends = node.args if not node.kwargs else ()
        if len(ends) < 2 or not all(isinstance(end, fx.Node) and end in self._inputs for end in ends):
            return None
        shapes = [end.meta["tensor_meta"].shape for end in ends if isinstance(end, fx.Node)]
        alike = join == "concatenate" or all(shape == shapes[0] for shape in shapes)
        return tuple(end for end in ends if isinstance(end, fx.Node)) if alike else None


def _named(ways: list[tuple[Layer, ...]]) -> tuple[Branch, ...]:
    if len(ways) == 2:
        main = 0 if ways[0] else 1
        names = ["main", "shortcut"] if main == 0 else ["shortcut", "main"]
    else:
        names = [f"branch{place}" for place in range(1, len(ways) + 1)]
    return tuple(Branch(name=name, layers=layers) for name, layers in zip(names, ways, strict=True))
