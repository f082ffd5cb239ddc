"""A network's graph, as a framework has it, as layers in a row and branches: which join is of what, where ways part."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from typing import Generic, Literal, NoReturn, TypeVar

from gan_rosetta.shared.spec.branches import Branch, Branches, Layer
from gan_rosetta.shared.spec.embedding import ClassEmbedding

Join = Literal["add", "concatenate", "multiply"]
Node = TypeVar("Node", bound=Hashable)


class Graph(Generic[Node]):
    """Nodes of a graph, added in order of execution. refuse: raises, naming a node and what is wrong with it."""

    def __init__(self, start: Node, refuse: Callable[[Node, str], NoReturn]) -> None:
        self._start, self._refuse = start, refuse
        self._inputs: dict[Node, tuple[Node, ...]] = {start: ()}
        # Through which nodes, in order, everything on its way from the start to a node goes.
        self._passed: dict[Node, list[Node]] = {start: [start]}
        self._joins: dict[Node, Join] = {}
        self._read: set[Node] = set()

    def __contains__(self, node: object) -> bool:
        """Whether a node has been added."""
        return node in self._inputs

    def add_join(self, node: Node, join: Join, ends: Sequence[Node], /) -> None:
        """Add a node that joins others, which have been added."""
        self._joins[node] = join
        self._add(node, tuple(ends))

    def add_layer(self, node: Node, given: Node | None, /) -> None:
        """Add a node that takes one other."""
        if given is None or given not in self._inputs:
            self._refuse(node, "is not given what a layer before it gives")
        self._add(node, (given,))

    def row(self, layers: Mapping[Node, list[Layer]], end: Node | None, /) -> list[Layer]:
        """Return the layers of the whole graph, which ends in a node; all that are there must be on the way to it."""
        if end is None or end not in self._inputs:
            self._refuse(self._start, "is not what the network's end is made of")
        found = self._row(layers, self._start, end)
        for node in self._inputs:
            if node != self._start and node not in self._read:
                self._refuse(node, "is no part of what the network gives")
        return found

    def _row(self, layers: Mapping[Node, list[Layer]], start: Node, end: Node) -> list[Layer]:
        found: list[Layer] = []
        node = end
        while node != start:
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
            joined = _with_classes(ways) if self._joins[node] == "concatenate" else None
            found = [*(joined or [Branches(name=name, join=self._joins[node], branches=_named(ways))]), *found]
            node = fork
        return found

    def _fork(self, nodes: tuple[Node, ...]) -> Node:
        """Return the last node that all these come from, whichever way one goes back."""
        common = [node for node in self._passed[nodes[0]] if all(node in self._passed[other] for other in nodes)]
        return common[-1]

    def _add(self, node: Node, inputs: tuple[Node, ...]) -> None:
        self._inputs[node] = inputs
        first, *others = (self._passed[given] for given in inputs)
        self._passed[node] = [*(each for each in first if all(each in other for other in others)), node]


def _with_classes(ways: Sequence[tuple[Layer, ...]]) -> list[Layer] | None:
    """Return rows with the embedding of a class before or after them, where that is what is put together."""
    places = [place for place, way in enumerate(ways) if len(way) == 1 and _is_alone(way[0])]
    if len(ways) != 2 or len(places) != 1:
        return None
    (embedding,), rows = ways[places[0]], ways[1 - places[0]]
    return [*rows, replace(embedding, joined="after" if places[0] else "before")]  # type: ignore[arg-type]


def _is_alone(layer: Layer) -> bool:
    return isinstance(layer, ClassEmbedding) and not layer.takes_input


def _named(ways: list[tuple[Layer, ...]]) -> tuple[Branch, ...]:
    if len(ways) == 2:
        main = 0 if ways[0] else 1
        names = ["main", "shortcut"] if main == 0 else ["shortcut", "main"]
    else:
        names = [f"branch{place}" for place in range(1, len(ways) + 1)]
    return tuple(Branch(name=name, layers=layers) for name, layers in zip(names, ways, strict=True))
