"""Finds the number by which a fault would explain what was observed, and whether it is one that somebody wrote."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gan_rosetta.shared.compare.distances import Floats, tensor_difference
from gan_rosetta.shared.faults.fault import Number
from gan_rosetta.shared.faults.own_optimizers import in_float32

# What a quantity would be with a number; None where the number cannot be.
Respond = Callable[[float], np.ndarray | None]

_MOST_STEPS = 12
_MOST_HALVINGS = 8
_MOST_DIGITS = 15
_DECADES = (-4, -3, -2, -1, 1, 2, 3, 4, 5, 6)


@dataclass(frozen=True, kw_only=True)
class Rounded:
    """A number of few digits that explains a quantity. chance: how likely another number as short would have, too."""

    value: float
    chance: float


def solve(
    respond: Respond, observed: np.ndarray, number: Number, /, *, right: np.ndarray
) -> tuple[float, float] | None:
    """Return the number that brings a quantity nearest to what was observed, and how fast the quantity moves with it.

    right: the quantity with the expected number. By secants along the quantity as a vector: what moves in proportion is
    solved at once. None where the quantity does not move, or nothing comes nearer.
    """
    target = _flat(observed)
    forward, back = (math.log, math.exp) if number.is_scale else (_same, _same)
    first, second = forward(number.expected), forward(number.planted)
    start, known = first, {first: _flat(right)}
    found = _at(respond, back, second)
    if found is None or found.shape != target.shape or known[first].shape != target.shape:
        return None
    known[second] = found
    if number.is_scale:
        # Far from where it is, a scale moves hardly anything, or all at once.
        for x in (first + decade * math.log(10) for decade in _DECADES):
            at = _at(respond, back, x) if not math.isclose(x, second) else None
            if at is not None:
                known[x] = at
    best, second = _nearest_two(known, target)
    first, second = second, best
    for _ in range(_MOST_STEPS):
        slope = (known[second] - known[first]) / (second - first)
        length = float(slope @ slope)
        if not 0 < length < math.inf:
            break
        third, found = _next(respond, back, second, float(slope @ (target - known[second])) / length)
        if found is None or third in known:
            break
        known[third] = found
        first, second = second, third
        if _distance(found, target) < _distance(known[best], target):
            best = third
    if best == start:
        return None
    return back(best), _speed(known, best, back)


def shortest(
    respond: Respond,
    observed: np.ndarray,
    found: tuple[float, float],
    /,
    *,
    expected: float,
    allowed: float,
    scale: float,
) -> Rounded | None:
    """Return the number of fewest digits near a solution that explains a quantity, or None: not even the whole does.

    expected: the right number. allowed: the largest difference that rounding explains. scale: as in tensor_difference.
    """
    value, speed = found
    size = max(float(np.max(np.abs(observed), initial=0.0)), scale)
    width = allowed * size / speed if speed > 0 else math.inf
    for digits in range(1, _MOST_DIGITS + 1):
        rounded = float(f"{value:.{digits}g}") if abs(value) > width else 0.0
        if abs(rounded - value) > 2 * width and digits < _MOST_DIGITS:
            continue
        # Keras and MXNet hold such numbers in float32.
        for num_forms, candidate in enumerate((rounded, in_float32(rounded)), start=1):
            quantity = respond(candidate)
            if quantity is None or quantity.shape != observed.shape:
                continue
            if tensor_difference(observed, quantity, scale=scale) <= allowed:
                relative = width / abs(candidate or expected or 1.0)
                # Of numbers with so many digits or fewer there are about 10^digits in each power of ten, each as
                # likely.
                return Rounded(value=candidate, chance=min(1.0, 2 * relative * num_forms * 10.0**digits))
    return None


def _nearest_two(known: dict[float, Floats], target: Floats) -> tuple[float, float]:
    """Return where a quantity is nearest to what was observed, and where next."""
    best, second = sorted(known, key=lambda x: _distance(known[x], target))[:2]
    return best, second


def _next(respond: Respond, back: Callable[[float], float], start: float, change: float) -> tuple[float, Floats | None]:
    """Return where a step leads, and the quantity there; half the step, and half of that, where it leads nowhere."""
    for halving in range(_MOST_HALVINGS):
        x = start + change / 2**halving
        found = _at(respond, back, x)
        if found is not None:
            return x, found
    return start, None


def _at(respond: Respond, back: Callable[[float], float], x: float) -> Floats | None:
    try:
        value = back(x)
    except OverflowError:
        return None
    found = respond(value) if math.isfinite(value) else None
    flat = None if found is None else _flat(found)
    return flat if flat is not None and np.isfinite(flat).all() else None


def _speed(known: dict[float, Floats], best: float, back: Callable[[float], float]) -> float:
    """Return how much the entry that moves most does for each unit of the number, around the solution."""
    # Nearer than half of the digits, a difference of two quantities is rounding.
    apart = [x for x in known if not math.isclose(back(x), back(best), rel_tol=math.sqrt(np.finfo(np.float64).eps))]
    other = min(apart, key=lambda x: abs(x - best))
    return float(np.max(np.abs(known[best] - known[other]))) / abs(back(best) - back(other))


def _distance(quantity: Floats, target: Floats) -> float:
    return tensor_difference(quantity, target)


def _flat(array: np.ndarray) -> Floats:
    return np.asarray(array, dtype=np.float64).reshape(-1)


def _same(value: float) -> float:
    return value
