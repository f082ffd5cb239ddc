"""What passes between a worker and whoever started it: one message a line, in JSON, each of a type of its own.

Whoever reads a line believes nothing: a worker may be another program, of another version, or broken.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from gan_rosetta.shared.errors import SpecError
from gan_rosetta.shared.spec.reader import build

_MOST_SHOWN = 60
# Fields that hold whatever a task's own two sides agree on.
_FREE_FIELDS = ("data", "result")


@dataclass(frozen=True, kw_only=True)
class Request:
    """To a worker: do a task of tasks.py. keeps_checkpoints: as in Job."""

    task: str
    keeps_checkpoints: bool = False
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Ready:
    """A worker's first word: the framework's version and devices, and how long its import took."""

    version: str
    devices: tuple[str, ...]
    import_seconds: float


@dataclass(frozen=True, kw_only=True)
class Unavailable:
    """The first word, and the last, of a worker whose framework cannot be used."""

    message: str


@dataclass(frozen=True, kw_only=True)
class Advanced:
    """A sign of life: so many steps of a phase are done."""

    phase: str
    done: int
    total: int


@dataclass(frozen=True, kw_only=True)
class Noted:
    """A line for the user, about what went wrong and was mended."""

    message: str


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A job's end, with what it came to."""

    seconds: float
    result: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Failed:
    """A job's end without what was asked."""

    kind: Literal["usage", "unavailable", "crash", "interrupted"]
    message: str
    details: str = ""


Event = Ready | Unavailable | Advanced | Noted | Finished | Failed


class ProtocolError(Exception):
    """A line is no message; says what it is instead."""


def encode(message: Request | Event, /) -> bytes:
    """Return a message as a line."""
    data = {name: value for name, value in vars(message).items() if name in _FREE_FIELDS}
    return json.dumps({"type": type(message).__name__, **asdict(message), **data}).encode() + b"\n"


def decode_event(line: bytes, /) -> Event:
    """Return the event that a line holds; raises ProtocolError."""
    event: Event = _decode(line, Event)
    return event


def decode_request(line: bytes, /) -> Request:
    """Return the request that a line holds; raises ProtocolError."""
    request: Request = _decode(line, Request)
    return request


def _decode(line: bytes, kind: Any) -> Any:
    try:
        data = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError:
        raise ProtocolError(f"{_shown(line)}, which is not UTF-8") from None
    except (ValueError, RecursionError):
        raise ProtocolError(f"{_shown(line)}, which is not JSON") from None
    if not isinstance(data, dict):
        raise ProtocolError(f"{_shown(line)}, which is {_kind(data)} and no message")
    free = {name: data.pop(name) for name in _FREE_FIELDS if name in data}
    for name, value in free.items():
        if not isinstance(value, dict):
            raise ProtocolError(f"{_shown(line)}, whose {name} is {_kind(value)}; expected a table")
    try:
        message = build(kind, data, name="the message")
    except SpecError as error:
        raise ProtocolError(f"{_shown(line)}: {error}") from None
    for name, value in free.items():
        if not hasattr(message, name):
            raise ProtocolError(f"{_shown(line)}: {type(message).__name__} has no {name}")
        object.__setattr__(message, name, value)
    return message


def _kind(value: object) -> str:
    return "null" if value is None else f"a {type(value).__name__}"


def _shown(line: bytes) -> str:
    """Return the beginning of a line as text that any terminal can show."""
    shown = line.rstrip(b"\n")[:_MOST_SHOWN].decode("utf-8", errors="backslashreplace")
    text = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in shown)
    return f"{text!r}{'…' if len(line) > _MOST_SHOWN + 1 else ''}"
