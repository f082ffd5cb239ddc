"""Builds the dataclasses of a spec from plain data, as a file holds it, driven by their own annotations.

Errors carry the path of the part to blame, from which shared/spec/toml_file.py finds its line.
"""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from gan_rosetta.shared.errors import SpecError, unknown_name
from gan_rosetta.shared.spec.checks import require, within

_SCALARS: dict[Any, tuple[str, str]] = {
    str: ("a text in quotes", "texts"),
    bool: ("true or false", "true or false"),
    int: ("a whole number", "whole numbers"),
    float: ("a number", "numbers"),
}
_LARGEST_INTEGER = 2**63 - 1


def build(hint: Any, value: object, /, *, name: str) -> Any:
    """Return what an annotation asks for, made from dictionaries, lists, texts and numbers.

    Dictionaries name their dataclass by "type" where the annotation leaves a choice; a field whose key is missing, or
    null in JSON, has its default, or is None where it may be; whole numbers serve as floats. name: what to call it in
    messages. Raises SpecError.
    """
    options = alternatives(hint)
    if all(is_dataclass(option) for option in options):
        return _build_dataclass(options, value, name)
    (option,) = options
    if get_origin(option) is tuple:
        require(isinstance(value, list), f"{name} is {_describe(value)}; expected {_expected(option)}")
        return _build_tuple(get_args(option)[0], value, name)
    if isinstance(value, int) and not isinstance(value, bool):
        require(abs(value) <= _LARGEST_INTEGER, f"{name} is an integer of more than 64 bits; expected a smaller one")
        value = float(value) if option is float else value
    if get_origin(option) is Literal:
        good = any(value == choice and type(value) is type(choice) for choice in get_args(option))
    else:
        good = type(value) is option
    require(good, f"{name} is {_describe(value)}; expected {_expected(option)}")
    return value


def alternatives(hint: Any, /) -> tuple[Any, ...]:
    """Return the types that an annotation allows, None left out."""
    options = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    return tuple(option for option in options if option is not NoneType)


def _build_tuple(hint: Any, values: Any, name: str) -> tuple[Any, ...]:
    entries = []
    for index, value in enumerate(values):
        with within(index):
            entries.append(build(hint, value, name=f"entry {index + 1} of {name}"))
    return tuple(entries)


def _build_dataclass(kinds: tuple[Any, ...], value: Any, name: str) -> Any:
    require(isinstance(value, dict), f"{name} is {_describe(value)}; expected {_expected(*kinds)}")
    kind = _kind(kinds, value, name)
    hints, defaults = _fields_of(kind)
    names = list(defaults)
    for key in value:
        if key not in (*names, "type"):
            raise SpecError(f"{kind.__name__}: {unknown_name('key', key, names)}", path=(key,))
    arguments = {}
    for field in names:
        if value.get(field) is not None:
            with within(field):
                arguments[field] = build(hints[field], value[field], name=field)
        elif defaults[field] is MISSING:
            expected = _expected(*alternatives(hints[field]))
            require(NoneType in get_args(hints[field]), f"{kind.__name__} lacks {field}; expected {expected}")
            arguments[field] = None
    return kind(**arguments)


@cache
def _fields_of(kind: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the annotations of a dataclass, which take long to look up, and the defaults, by field."""
    defaults = {
        field.name: field.default if field.default_factory is MISSING else field.default_factory
        for field in fields(kind)
    }
    return get_type_hints(kind), defaults


def _kind(kinds: tuple[Any, ...], value: Mapping[str, Any], name: str) -> Any:
    """Return the dataclass that "type" names, which may be left out where there is no choice."""
    by_name = {kind.__name__: kind for kind in kinds}
    if "type" not in value:
        require(len(kinds) == 1, f"{name} lacks type; expected one of {', '.join(by_name)}")
        return kinds[0]
    found = value["type"]
    require(isinstance(found, str), f"type is {_describe(found)}; expected one of {', '.join(by_name)}", "type")
    if found not in by_name:
        raise SpecError(f"{name}: {unknown_name('type', found, by_name)}", path=("type",))
    return by_name[found]


def _expected(*options: Any) -> str:
    """Say in words what a value may be."""
    if all(is_dataclass(option) for option in options):
        names = ", ".join(option.__name__ for option in options)
        return f"a table with type one of {names}" if len(options) > 1 else f"a table, a {names}"
    (option,) = options
    if get_origin(option) is Literal:
        return f"one of {', '.join(repr(choice) for choice in get_args(option))}"
    if get_origin(option) is tuple:
        return f"a list of {_plural(get_args(option)[0])}"
    return _SCALARS[option][0]


def _plural(hint: Any) -> str:
    if get_origin(hint) is tuple:
        return f"lists of {_plural(get_args(hint)[0])}"
    return _SCALARS[hint][1] if hint in _SCALARS else "tables"


def _describe(value: object) -> str:
    """Say in words what a value is, in one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return "a table" if isinstance(value, dict) else "a list"
    return reprlib.repr(value) if isinstance(value, str | int | float) else "a date or time"
