"""The lines of a network's pass: its layers in a row, and its branches, each from what all of them are given."""

from __future__ import annotations

from collections.abc import Sequence

from gan_rosetta.shared.spec import NETWORK_INPUT, Branches, Layer, Network, Recall
from gan_rosetta.shared.translate.parts import Part
from gan_rosetta.shared.translate.writing import WIDTH, fitted


def chain(network: Network, parts: Sequence[Part], x: str, /, *, indent: int, end: str = "") -> list[str]:
    """Return the lines of a pass: one for each layer that keeps tensors, with what follows around it.

    parts: of the placed layers. x: the name of the network's input. end: the last line, with {x} for the name of what
    comes out; without one it is returned as it is.
    """
    return _Chain(network, parts, x, indent=indent).lines_of(end)


class _Chain:
    def __init__(self, network: Network, parts: Sequence[Part], x: str, *, indent: int) -> None:
        self._network, self._parts = network, parts
        self._next = 0
        # Which places are recalled further on, so that what they give keeps a name of its own.
        self._recalled = {placed.sources[0] for placed in network.placed if isinstance(placed.layer, Recall)}
        self._indent = indent
        self._lines: list[str] = []
        # What is computed so far and stands in no line yet, whether it is just a name, and whether it stays by itself.
        self._expression, self._is_name, self._is_whole = x, True, False
        self._remarks: list[str] = []

    def lines_of(self, end: str) -> list[str]:
        if NETWORK_INPUT in self._recalled:
            self._name(self._kept_name(NETWORK_INPUT))
        self._row(self._network.layers, "")
        if end and not self._is_name:
            self._name("x")
        self._end_line(end.replace("{x}", self._expression) if end else f"return {self._expression}")
        return self._lines

    def _row(self, layers: Sequence[Layer], prefix: str) -> None:
        for layer in layers:
            if isinstance(layer, Branches):
                self._block(layer, f"{prefix}{layer.name}")
            else:
                if isinstance(layer, Recall):
                    self._take(self._kept_name(self._network.placed[self._next].sources[0]), is_name=True)
                self._apply(self._parts[self._next])
                self._pass()

    def _pass(self) -> None:
        """Go on to the next place; what is recalled of this one gets its own line."""
        if self._next in self._recalled:
            self._name(self._kept_name(self._next))
        self._next += 1

    def _kept_name(self, place: int) -> str:
        # No block's input, no branch's end, and nothing that a dialect names, is called so.
        return "given" if place == NETWORK_INPUT else f"{self._network.placed[place].name.replace('.', '_')}_output"

    def _apply(self, part: Part) -> None:
        fits = self._indent + len("return ") + len(part.applied) + len(self._expression) <= WIDTH
        begins = part.begins or (part.made is not None and not part.joins)
        if not self._is_name and (begins or not fits or self._is_whole):
            self._name("x")
        self._take(part.applied.replace("{x}", self._expression))
        self._remarks += [part.remark] if part.remark else []
        for applied in part.then:
            self._name("x")
            self._take(applied.replace("{x}", self._expression))

    def _block(self, block: Branches, name: str) -> None:
        given = f"{name}_input"
        if any(branch.takes_input for branch in block.branches):
            self._name(given)
        ends = []
        for branch in block.branches:
            self._take(given, is_name=True)
            if branch.layers:
                self._row(branch.layers, f"{name}_{branch.name}_")
                # No branch is called so, and no two names are the same.
                self._name(f"{name}_{branch.name}_end")
            ends.append(self._expression)
        part = self._parts[self._next]
        self._take(part.applied.replace("{x}", part.between.join(ends)), is_whole=True)
        self._pass()

    def _take(self, expression: str, *, is_name: bool = False, is_whole: bool = False) -> None:
        self._expression, self._is_name, self._is_whole = expression, is_name, is_whole

    def _name(self, name: str) -> None:
        """Put what is computed so far into a line of its own."""
        self._end_line(f"{name} = {self._expression}")
        self._take(name, is_name=True)

    def _end_line(self, statement: str) -> None:
        space = " " * self._indent
        self._lines += [f"{space}{remark}" for remark in self._remarks]
        self._lines.append(fitted(statement, indent=self._indent))
        self._remarks = []
