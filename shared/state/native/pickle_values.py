"""The values in a pickle of tensors, without unpickling: opcodes are looked at one by one, and nothing is called.

Python's own unpickler builds whatever a file names. Here the file's opcodes, which `pickletools` only parses, move
values on a stack; a name is a value like another, and the few that torch writes for tensors have a meaning. Everything
else is refused.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_MOST_BYTES = 16 * 2**20
_MOST_OPCODES = 2_000_000  # One of a single byte may make a dictionary.
_MARK = object()


@dataclass(frozen=True)
class Name:
    """A name of a module that the pickle mentions, such as `torch FloatStorage`; it is never looked up."""

    text: str


@dataclass(frozen=True, kw_only=True)
class Slice:
    """A tensor: which of a storage's entries, and in which shape. storage: what the pickle says of it."""

    storage: tuple[Any, ...]
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read_values(content: bytes, /) -> tuple[Any, int]:
    """Return the value of a pickle that stands at the beginning of some bytes, and how many bytes it takes.

    Dictionaries, lists, tuples, texts, numbers and Slices. Raises ValueError for a broken pickle, and for one that
    mentions anything but tensors.
    """
    if len(content) > _MOST_BYTES:
        raise ValueError(f"{len(content):,} bytes of descriptions; expected at most {_MOST_BYTES:,}")
    machine = _Machine()
    try:
        for index, (opcode, argument, place) in enumerate(pickletools.genops(content)):
            if index > _MOST_OPCODES:
                raise ValueError(f"more than {_MOST_OPCODES:,} opcodes")
            if opcode.name == "STOP":
                return machine.finish(), (place or 0) + 1
            machine.run(opcode.name, argument)
    except ValueError:
        raise
    except (IndexError, KeyError, TypeError, AttributeError, RecursionError, UnicodeError, OverflowError) as error:
        raise ValueError(f"a broken pickle ({type(error).__name__})") from None
    raise ValueError("a pickle that does not end")


class _Machine:
    """The stack of a pickle, and what it has set aside."""

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}
        self._simple: dict[str, Callable[[Any], None]] = {
            "PROTO": lambda _: None,
            "FRAME": lambda _: None,
            "MARK": lambda _: self._stack.append(_MARK),
            "POP": lambda _: self._drop(),
            "NONE": lambda _: self._stack.append(None),
            "NEWTRUE": lambda _: self._stack.append(True),
            "NEWFALSE": lambda _: self._stack.append(False),
            "EMPTY_DICT": lambda _: self._stack.append({}),
            "EMPTY_LIST": lambda _: self._stack.append([]),
            "EMPTY_TUPLE": lambda _: self._stack.append(()),
            "TUPLE1": lambda _: self._tuple(1),
            "TUPLE2": lambda _: self._tuple(2),
            "TUPLE3": lambda _: self._tuple(3),
            "TUPLE": lambda _: self._stack.append(tuple(self._to_mark())),
            "APPEND": lambda _: self._append([self._stack.pop()]),
            "APPENDS": lambda _: self._append(self._to_mark()),
            "SETITEM": lambda _: self._set_items(self._last(2)),
            "SETITEMS": lambda _: self._set_items(self._to_mark()),
            "MEMOIZE": lambda _: self._memo.__setitem__(len(self._memo), self._stack[-1]),
            "GLOBAL": lambda argument: self._stack.append(Name(argument)),
            "STACK_GLOBAL": lambda _: self._stack.append(Name(" ".join(self._last(2)))),
            "REDUCE": lambda _: self._reduce(),
            "BUILD": lambda _: self._build(),
            "BINPERSID": lambda _: self._stack.append(_storage(self._stack.pop())),
        }
        for name in ("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE", "SHORT_BINUNICODE"):
            self._simple[name] = self._stack.append
        for name in ("BINPUT", "LONG_BINPUT"):
            self._simple[name] = lambda argument: self._memo.__setitem__(argument, self._stack[-1])
        for name in ("BINGET", "LONG_BINGET"):
            self._simple[name] = lambda argument: self._stack.append(self._memo[argument])

    def run(self, opcode: str, argument: Any, /) -> None:
        """Carry out one opcode; raises ValueError for one that no file of tensors has."""
        if opcode not in self._simple:
            raise ValueError(f"the pickle has the opcode {opcode}, which tensors do not need; it may run anything")
        self._simple[opcode](argument)

    def finish(self) -> Any:
        """Return the one value that is left."""
        if len(self._stack) != 1:
            raise ValueError("a broken pickle: it leaves several values")
        return self._stack[0]

    def _last(self, count: int) -> list[Any]:
        values = self._stack[len(self._stack) - count :] if len(self._stack) >= count else [_MARK]
        if any(value is _MARK for value in values):
            raise ValueError("a broken pickle: a value is missing")
        del self._stack[len(self._stack) - count :]
        return values

    def _drop(self) -> None:
        self._stack.pop()

    def _tuple(self, count: int) -> None:
        self._stack.append(tuple(self._last(count)))

    def _to_mark(self) -> list[Any]:
        values: list[Any] = []
        while self._stack and self._stack[-1] is not _MARK:
            values.append(self._stack.pop())
        self._stack.pop()
        return values[::-1]

    def _append(self, values: list[Any]) -> None:
        if type(self._stack[-1]) is not list:
            raise ValueError("a broken pickle: an entry without a list")
        self._stack[-1].extend(values)

    def _set_items(self, values: list[Any]) -> None:
        if type(self._stack[-1]) is not dict:
            raise ValueError("a broken pickle: an entry without a dictionary")
        for key, value in zip(values[::2], values[1::2], strict=True):
            if not isinstance(key, str | int | float | bool | None):
                raise ValueError(f"a key of type {type(key).__name__}; expected a text or a number")
            self._stack[-1][key] = value

    def _build(self) -> None:
        """Drop what an OrderedDict is told of itself, such as the versions of a module's parts."""
        owner, _ = self._last(2)
        if type(owner) is not dict:
            raise ValueError("the pickle sets an object's attributes, which may run anything")
        self._stack.append(owner)

    def _reduce(self) -> None:
        called, arguments = self._last(2)
        if not isinstance(called, Name) or called.text not in _CALLS or not isinstance(arguments, tuple):
            what = called.text.replace(" ", ".") if isinstance(called, Name) else type(called).__name__
            raise ValueError(f"the pickle calls {what}, which is not done here since it may run anything")
        self._stack.append(_CALLS[called.text](*arguments))


def _ordered_dictionary(pairs: Any = ()) -> dict[Any, Any]:
    if len(pairs):
        raise ValueError("a broken pickle: an OrderedDict made of a list")
    return {}


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_rest: Any) -> Slice:
    numbers = (offset, *shape, *strides)
    good = isinstance(storage, tuple) and len(shape) == len(strides) <= _MOST_AXES
    if not good or not all(type(number) is int and number >= 0 for number in numbers):
        raise ValueError("a broken pickle: a tensor without a shape")
    return Slice(storage=storage, offset=offset, shape=tuple(shape), strides=tuple(strides))


def _parameter(tensor: Any, *_rest: Any) -> Slice:
    if not isinstance(tensor, Slice):
        raise ValueError("a broken pickle: a parameter without a tensor")
    return tensor


def _storage(identity: Any) -> tuple[Any, ...]:
    if not isinstance(identity, tuple) or len(identity) < 5 or identity[0] != "storage":
        raise ValueError("a broken pickle: a tensor without a storage")
    return identity


def _size(numbers: Any) -> tuple[Any, ...]:
    return tuple(numbers)


_MOST_AXES = 32
_CALLS: dict[str, Callable[..., Any]] = {
    "collections OrderedDict": _ordered_dictionary,
    "torch._utils _rebuild_tensor_v2": _tensor,
    "torch._utils _rebuild_parameter": _parameter,
    "torch Size": _size,
}
