"""What an optimizer of optax is a chain of: functions known by their code, and settings, which these close over."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import CellType
from typing import Any

import optax


@dataclass(frozen=True, kw_only=True)
class Part:
    """One of the transformations that an optimizer is a chain of. name: optax's; settings: what it closes over."""

    name: str
    settings: Mapping[str, Any]


def settings_of(function: Callable[..., Any], /) -> dict[str, Any]:
    """Return what a function closes over, by name; what it has a name for and no value is None."""
    code = getattr(function, "__code__", None)
    cells = getattr(function, "__closure__", None) or ()
    return {} if code is None else dict(zip(code.co_freevars, map(_contents, cells), strict=True))


def _contents(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # it is empty
        return None


def read_parts(transformation: optax.GradientTransformation, /) -> Iterator[Part]:
    """Yield the transformations that one is a chain of, in order; of one that is not known its name alone."""
    code = getattr(transformation.update, "__code__", None)
    settings = settings_of(transformation.update)
    if code is _CHAIN:
        inits = settings_of(transformation.init)["init_fns"]
        for init, update in zip(inits, settings["update_fns"], strict=True):
            yield from read_parts(optax.GradientTransformation(init, update))
    elif code is _WITHOUT_EXTRAS:
        yield from read_parts(settings["tx"])
    elif code in _PARTS:
        yield Part(name=_PARTS[code], settings={**settings_of(transformation.init), **settings})
    else:
        own = getattr(transformation.update, "__qualname__", type(transformation.update).__name__)
        yield Part(name=own.partition(".<locals>")[0], settings={})


def keeps_added_steps(transformation: optax.GradientTransformation, /) -> bool:
    """Whether a momentum is of what is added to the parameters, the rate in it, or of directions."""
    names = [part.name for part in read_parts(transformation)]
    return "trace" in names and any(rate in names[: names.index("trace")] for rate in ("scale", "scale_by_schedule"))


def _code(transformation: optax.GradientTransformation) -> Any:
    return transformation.update.__code__


_IDENTITY = optax.identity()
_CHAIN = _code(optax.chain(_IDENTITY))
_WITHOUT_EXTRAS = _code(optax.with_extra_args_support(_IDENTITY))
_PARTS = {
    _code(_IDENTITY): "identity",
    _code(optax.scale(1.0)): "scale",
    _code(optax.scale_by_schedule(optax.constant_schedule(1.0))): "scale_by_schedule",
    _code(optax.add_decayed_weights(0.1)): "add_decayed_weights",
    _code(optax.trace(0.9)): "trace",
    _code(optax.scale_by_adam()): "scale_by_adam",
    _code(optax.scale_by_amsgrad()): "scale_by_amsgrad",
    _code(optax.scale_by_rss()): "scale_by_rss",
    _code(optax.scale_by_rms()): "scale_by_rms",
    _code(optax.scale_by_stddev()): "scale_by_stddev",
    _code(optax.scale_by_adadelta()): "scale_by_adadelta",
}
