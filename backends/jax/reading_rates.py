"""The schedules of optax in the spec's words: their settings are what these functions close over."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import optax

from gan_rosetta.backends.jax.device import with_float64
from gan_rosetta.backends.jax.reading_chains import settings_of
from gan_rosetta.shared import spec
from gan_rosetta.shared.errors import SpecError, UnsupportedLayer
from gan_rosetta.shared.spec import LearningRate

_NUM_COUNTS = 32


def read_schedule(schedule: Callable[[Any], Any], /, *, what: str) -> LearningRate:
    """Return a schedule of optax's in the spec's words, which gives the same rates; raises UnsupportedLayer.

    Known by its code, which is that of the installed optax, and held to it at the counts at which it changes.
    """
    try:
        found = _read(schedule)
    except SpecError as error:
        raise UnsupportedLayer(f"{what} has a learning rate that no spec has: {error}") from None
    if isinstance(found, str):
        raise UnsupportedLayer(f"{what} has a learning rate {found}, which no schedule of a spec has")
    _require_the_same(found, schedule, what)
    return found


def _read(schedule: Any) -> LearningRate | str:
    """Return a schedule in the spec's words, or what it is where the spec has none for it."""
    code = getattr(schedule, "__code__", None)
    read = next((each for known, each in _SCHEDULES if known.__code__ is code), None)
    if read is None:
        return f"by {getattr(schedule, '__qualname__', type(schedule).__name__).partition('.<locals>')[0]}"
    return read(settings_of(schedule))


def _require_the_same(rate: LearningRate, schedule: Callable[[Any], Any], what: str) -> None:
    for count in _counts(rate):
        with with_float64():
            theirs = float(schedule(np.int64(count)))
        if not math.isclose(theirs, rate.at(count), rel_tol=1e-12, abs_tol=1e-300):
            raise UnsupportedLayer(
                f"{what} has a learning rate of {theirs} at count {count}, where what was read has {rate.at(count)}; "
                "so it was not read rightly"
            )


def _counts(rate: LearningRate) -> list[int]:
    """Return counts on both sides of every place at which a rate changes its form, and between and beyond them."""
    turns = {0}
    after, begin = rate, 0
    if isinstance(rate, spec.WarmUp):
        after, begin = rate.after, rate.duration
        turns.add(begin)
    if isinstance(after, spec.ExponentialDecay):
        turns |= {begin + after.every, begin + 2 * after.every}
    elif isinstance(after, spec.LinearDecay):
        turns |= {begin + after.begin, begin + after.begin + after.duration}
    elif isinstance(after, spec.CosineDecay):
        turns.add(begin + after.duration)
    elif isinstance(after, spec.PiecewiseRate):
        turns |= {begin + each for each in after.boundaries}
    beside = {turn + step for turn in turns for step in (-1, 0, 1)}
    between = np.linspace(0, 2 * max(turns) + 2, _NUM_COUNTS).astype(int)
    return sorted(count for count in beside | set(between.tolist()) if count >= 0)


def _constant(found: Mapping[str, Any]) -> LearningRate:
    (value,) = found.values()
    return spec.ConstantRate(value=float(value))


def _polynomial(found: Mapping[str, Any]) -> LearningRate | str:
    if found["power"] != 1:
        return f"of a polynomial of power {found['power']}"
    return spec.LinearDecay(
        initial=float(found["init_value"]),
        final=float(found["end_value"]),
        begin=found["transition_begin"],
        duration=found["transition_steps"],
    )


def _exponential(found: Mapping[str, Any]) -> LearningRate | str:
    if found["transition_begin"] != 0 or found["end_value"] is not None:
        return f"that decays from {found['transition_begin']} on to {found['end_value']}"
    return spec.ExponentialDecay(
        initial=float(found["init_value"]),
        factor=float(found["decay_rate"]),
        every=found["transition_steps"],
        staircase=bool(found["staircase"]),
    )


def _cosine(found: Mapping[str, Any]) -> LearningRate | str:
    if found["exponent"] != 1:
        return f"of a cosine to the power {found['exponent']}"
    # A call of the schedule makes a float of its own duration.
    duration = found["decay_steps"]
    return spec.CosineDecay(
        initial=float(found["init_value"]),
        final=float(found["init_value"] * found["alpha"]),
        duration=int(duration) if duration == int(duration) else duration,
        beyond="held",
    )


def _piecewise(found: Mapping[str, Any]) -> LearningRate:
    scales = sorted((found["boundaries_and_scales"] or {}).items())
    values = [float(found["init_value"])]
    for _, scale in scales:
        values.append(values[-1] * scale)
    if not scales:
        return spec.ConstantRate(value=values[0])
    return spec.PiecewiseRate(values=tuple(values), boundaries=tuple(boundary for boundary, _ in scales))


def _joined(found: Mapping[str, Any]) -> LearningRate | str:
    schedules, boundaries = list(found["schedules"]), list(found["boundaries"])
    if len(schedules) != 2 or len(boundaries) != 1:
        return f"of {len(schedules)} schedules one after another"
    after = _read(schedules[1])
    line = settings_of(schedules[0])
    is_line = getattr(schedules[0], "__code__", None) is _POLYNOMIAL.__code__
    is_line = is_line and line["power"] == 1 and line["transition_begin"] == 0
    if isinstance(after, str):
        return after
    if isinstance(after, spec.WarmUp) or not is_line:
        return "that is not of a line and one schedule after it"
    if line["transition_steps"] != boundaries[0] or not math.isclose(line["end_value"], after.at(0), rel_tol=1e-12):
        return f"whose line ends at {line['end_value']} in {line['transition_steps']} steps, the next at {after.at(0)}"
    return spec.WarmUp(initial=float(line["init_value"]), duration=boundaries[0], after=after)


_POLYNOMIAL = optax.linear_schedule(1.0, 0.0, 1)
_SCHEDULES: tuple[tuple[Any, Callable[[Mapping[str, Any]], LearningRate | str]], ...] = (
    (optax.constant_schedule(1.0), _constant),
    (_POLYNOMIAL, _polynomial),
    (optax.exponential_decay(1.0, 1, 0.5), _exponential),
    (optax.cosine_decay_schedule(1.0, 1), _cosine),
    (optax.piecewise_constant_schedule(1.0), _piecewise),
    (optax.join_schedules([optax.constant_schedule(1.0)], []), _joined),
)
