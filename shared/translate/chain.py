"""The lines of a network's pass: its layers in a row, and its branches, each from what all of them are given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gan_rosetta.shared.spec import Branches, Layer, Network
from gan_rosetta.shared.translate.parts import Part
from gan_rosetta.shared.translate.writing import WIDTH, fitted


def chain(network: Network, parts: Sequence[Part], x: str, /, *, indent: int, end: str = "") -> list[str]:
    """Return the lines of a pass: one for each layer that keeps tensors, with what follows around it.

    parts: of the placed layers. x: the name of the network's input. end: the last line, with {x} for the name of what
    comes out; without one it is returned as it is.
    """
    return _Chain(parts, x, indent=indent).lines_of(network, end)


class _Chain:
    def __init__(self, parts: Sequence[Part], x: str, *, indent: int) -> None:
        self._parts: Iterator[Part] = iter(parts)
        self._indent = indent
        self._lines: list[str] = []
        # What is computed so far and stands in no line yet, whether it is just a name, and whether it stays by itself.
        self._expression, self._is_name, self._is_whole = x, True, False
        self._remarks: list[str] = []

    def lines_of(self, network: Network, end: str) -> list[str]:
        self._row(network.layers, "")
        if end and not self._is_name:
            self._name("x")
        self._end_line(end.replace("{x}", self._expression) if end else f"return {self._expression}")
        return self._lines

    def _row(self, layers: Sequence[Layer], prefix: str) -> None:
        for layer in layers:
            if isinstance(layer, Branches):
                self._block(layer, f"{prefix}{layer.name}")
            else:
                self._apply(next(self._parts))

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
        self._name(given)
        ends = []
        for branch in block.branches:
            self._take(given, is_name=True)
            if branch.layers:
                self._row(branch.layers, f"{name}_{branch.name}_")
                # No branch is called so, and no two names are the same.
                self._name(f"{name}_{branch.name}_end")
            ends.append(self._expression)
        part = next(self._parts)
        self._take(part.applied.replace("{x}", part.between.join(ends)), is_whole=True)

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
