"""Plain data against the type that its writer has: what reads a record and what writes it name the same class."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Mapping
from functools import cache
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    Required,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

_LARGEST_INTEGER = 2**63 - 1
# Numbers of things: whole ones, and their least.
Count = Annotated[int, 0]
Positive = Annotated[int, 1]
_WORDS = {str: "a text", bool: "true or false", int: "a whole number of 64 bits", float: "a finite number"}


def require_typed(hint: Any, value: Any, /, *, name: str) -> None:
    """Raise ValueError, naming the place, unless a value from JSON is of a type.

    hint: a TypedDict, dict, list, tuple, Literal, union, or one of JSON's own types; what a TypedDict does not name is
    not looked at. name: what to call the value.
    """
    origin = get_origin(hint)
    if hint is Any:
        return
    if origin is Annotated:
        kind, minimum = get_args(hint)
        require_typed(kind, value, name=name)
        _require(value >= minimum, value, name, f"a number from {minimum}")
        return
    if origin in (Union, UnionType):
        _require_one_of(get_args(hint), value, name=name)
    elif is_typeddict(hint):
        _require_table(hint, value, name=name)
    elif origin in (dict, Mapping):
        _require(isinstance(value, dict), value, name, "a table")
        for key, entry in value.items():
            require_typed(get_args(hint)[1], entry, name=f"{name}.{reprlib.repr(key)[1:-1]}")
    elif origin is list:
        _require(isinstance(value, list), value, name, "a list")
        for index, entry in enumerate(value):
            require_typed(get_args(hint)[0], entry, name=f"{name}[{index}]")
    elif origin is tuple:
        hints = get_args(hint)
        _require(isinstance(value, list) and len(value) == len(hints), value, name, f"a list of {len(hints)}")
        for index, (own, entry) in enumerate(zip(hints, value, strict=True)):
            require_typed(own, entry, name=f"{name}[{index}]")
    elif origin is Literal:
        good = any(value == choice and type(value) is type(choice) for choice in get_args(hint))
        _require(good, value, name, f"one of {', '.join(map(repr, get_args(hint)))}")
    else:
        _require(_is_scalar(hint, value), value, name, _WORDS.get(hint, "nothing"))


def _require_table(hint: Any, value: Any, *, name: str) -> None:
    _require(isinstance(value, dict), value, name, "a table")
    for key, own in _hints_of(hint).items():
        wanted = get_args(own)[0] if get_origin(own) in (NotRequired, Required) else own
        if key in value:
            require_typed(wanted, value[key], name=f"{name}.{key}")
        elif get_origin(own) is not NotRequired:
            raise ValueError(f"{name} lacks {key}")


@cache
def _hints_of(hint: Any) -> dict[str, Any]:
    """Return what a TypedDict names, which takes long to look up."""
    return get_type_hints(hint, include_extras=True)


def _require_one_of(hints: tuple[Any, ...], value: Any, *, name: str) -> None:
    """Raise what the only choice raises that could be meant, None apart."""
    if value is None and NoneType in hints:
        return
    others = [hint for hint in hints if hint is not NoneType]
    for hint in others[:-1]:
        try:
            require_typed(hint, value, name=name)
        except ValueError:
            continue
        return
    require_typed(others[-1], value, name=name)


def _is_scalar(hint: Any, value: Any) -> bool:
    if hint in (NoneType, None):
        return value is None
    if hint in (int, float):
        if isinstance(value, float):
            return hint is float and math.isfinite(value)
        return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _LARGEST_INTEGER
    return type(value) is hint


def _require(condition: bool, value: Any, name: str, expected: str) -> None:
    if not condition:
        raise ValueError(f"{name} is {reprlib.repr(value)}; expected {expected}")
