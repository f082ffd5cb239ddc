"""The checks that specs run on themselves when they are built."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from gan_rosetta.shared.errors import SpecError

_NAME = re.compile(r"[a-z][a-z0-9]*\Z")


def require(condition: bool, message: str, /, *path: str | int) -> None:
    """Raise SpecError with the message unless the condition holds. path: the field to blame, and what within it."""
    if not condition:
        raise SpecError(message, path=path)


@contextmanager
def within(*path: str | int) -> Iterator[None]:
    """Add to each SpecError of the block that its culprit lies in this part of what is being built."""
    try:
        yield
    except SpecError as error:
        error.path = (*path, *error.path)
        raise


def require_integer(owner: object, field: str, /, *, minimum: int) -> None:
    """Raise SpecError unless the field of a spec is an integer of at least `minimum`."""
    value = getattr(owner, field)
    good = isinstance(value, int) and not isinstance(value, bool) and value >= minimum
    require(good, f"{label(owner)}: {field} is {value!r}; expected an integer of at least {minimum}", field)


def require_positive_integer(owner: object, field: str, /) -> None:
    """Raise SpecError unless the field of a spec is an integer of at least 1."""
    require_integer(owner, field, minimum=1)


def require_instance(owner: object, field: str, kinds: tuple[type, ...], /) -> None:
    """Raise SpecError unless the field of a spec is of one of the given dataclasses."""
    value = getattr(owner, field)
    listed = ", ".join(kind.__name__ for kind in kinds)
    require(isinstance(value, kinds), f"{label(owner)}: {field} is {value!r}; expected one of {listed}", field)


def require_shape(owner: object, field: str, /) -> None:
    """Raise SpecError unless the field of a spec is a tuple of at least one integer, each of at least 1."""
    value = getattr(owner, field)
    good = isinstance(value, tuple) and len(value) >= 1
    good = good and all(isinstance(size, int) and not isinstance(size, bool) and size >= 1 for size in value)
    require(good, f"{label(owner)}: {field} is {value!r}; expected integers of at least 1", field)


def require_finite(owner: object, field: str, /, *, minimum: float | None = None, above: float | None = None) -> None:
    """Raise SpecError unless the field is a finite number, at least `minimum` and greater than `above`."""
    value = getattr(owner, field)
    good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    good = good and (minimum is None or value >= minimum) and (above is None or value > above)
    bound = "" if minimum is None else f" of at least {minimum}"
    bound = bound if above is None else f" greater than {above}"
    require(good, f"{label(owner)}: {field} is {value!r}; expected a finite number{bound}", field)


def require_name(owner: object, what: str, /) -> None:
    """Raise SpecError unless the `name` of a "layer" or "branch" may stand in the names of tensors."""
    name = getattr(owner, "name", None)
    good = type(name) is str and _NAME.match(name) is not None  # no kind of text that shows as another
    require(good, f"{what} name {name!r}; expected lower-case letters and digits, starting with a letter", "name")


def require_flag(owner: object, field: str, /) -> None:
    """Raise SpecError unless the field of a spec is True or False."""
    require_choice(owner, field, (True, False))


def require_choice(owner: object, field: str, choices: Collection[object], /) -> None:
    """Raise SpecError unless the field is one of the choices."""
    value = getattr(owner, field)
    listed = ", ".join(repr(choice) for choice in choices)
    good = any(value == choice and type(value) is type(choice) for choice in choices)
    require(good, f"{label(owner)}: {field} is {value!r}; expected one of {listed}", field)


def label(owner: object, /) -> str:
    """Return what to call a spec in a message: its class, and its name where it has one."""
    name = getattr(owner, "name", None)
    return f"{type(owner).__name__} {name!r}" if name else type(owner).__name__
