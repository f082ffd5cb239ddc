"""Which line of a TOML file each table, key and value stands on; neither tomllib nor tomlkit tells."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

import tree_sitter_toml
from tree_sitter import Language, Node, Parser

Place = tuple[str | int, ...]


def line_numbers(text: str, /) -> dict[Place, int]:
    """Map each table, key and list entry of valid TOML to its line, counted from 1.

    A place is what leads there from outside in: keys, and positions in lists and in [[tables]], counted from 0.
    """
    lines: dict[Place, int] = {(): 1}
    num_tables: dict[Place, int] = {}
    tree = Parser(Language(tree_sitter_toml.language())).parse(text.encode())
    for node in tree.root_node.named_children:
        if node.type == "pair":
            _add_pair(lines, (), node)
        elif node.type in ("table", "table_array_element"):
            key, *rest = _without_comments(node)
            place = _open_table(lines, num_tables, key, repeated=node.type == "table_array_element")
            for child in rest:
                if child.type == "pair":
                    _add_pair(lines, place, child)
    return lines


def line_of(lines: Mapping[Place, int], place: Place, /) -> int:
    """Return the line of a place, or of the nearest table around it where the file says nothing of it."""
    while place not in lines:
        place = place[:-1]
    return lines[place]


def _open_table(lines: dict[Place, int], num_tables: dict[Place, int], key: Node, *, repeated: bool) -> Place:
    """Return the place of the table with this header; in a name above it, [[tables]] stand for their last."""
    line = key.start_point.row + 1
    place: Place = ()
    *outer, last = _names(key)
    for name in outer:
        place = (*place, name)
        lines.setdefault(place, line)
        if place in num_tables:
            place = (*place, num_tables[place] - 1)
    place = (*place, last)
    if repeated:
        lines.setdefault(place, line)
        num_tables[place] = num_tables.get(place, 0) + 1
        place = (*place, num_tables[place] - 1)
    lines[place] = line
    return place


def _add_pair(lines: dict[Place, int], place: Place, pair: Node) -> None:
    key, value = _without_comments(pair)
    for name in _names(key):
        place = (*place, name)
        lines.setdefault(place, key.start_point.row + 1)
    _add_value(lines, place, value)


def _add_value(lines: dict[Place, int], place: Place, value: Node) -> None:
    if value.type == "inline_table":
        for pair in _without_comments(value):
            _add_pair(lines, place, pair)
    elif value.type == "array":
        for index, entry in enumerate(_without_comments(value)):
            lines[*place, index] = entry.start_point.row + 1
            _add_value(lines, (*place, index), entry)


def _without_comments(node: Node) -> list[Node]:
    return [child for child in node.named_children if child.type != "comment"]


def _names(key: Node) -> list[str]:
    """Return the names in a key, which may be quoted and dotted."""
    names = []
    rest: Any = tomllib.loads(f"{(key.text or b'').decode()} = 0")
    while isinstance(rest, dict):
        ((name, rest),) = rest.items()
        names.append(name)
    return names
