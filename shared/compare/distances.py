"""Distances between two runs' numbers. Non-finite numbers are never close to finite ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
BOUNDS = (1e-12, 1e-9, 1e-6, 1e-3)


def relative_difference(first: np.ndarray, second: np.ndarray, /) -> Floats:
    """Return |a - b| / max(|a|, |b|) entry by entry: 0 where equal or both NaN, inf where only one is finite.

    first, second: arrays of the same shape; raises ValueError otherwise.
    """
    a, b = _pair(first, second)
    with np.errstate(all="ignore"):
        difference = np.abs(a - b) / np.maximum(np.abs(a), np.abs(b))
    difference[a == b] = 0.0
    difference[np.isnan(a) & np.isnan(b)] = 0.0
    difference[np.isnan(difference)] = np.inf
    return difference


def tensor_difference(first: np.ndarray, second: np.ndarray, /) -> float:
    """Return max|a - b| / max(max|a|, max|b|), one number for a tensor; inf where only one entry of a pair is finite.

    Relative to the tensor's scale and not entry by entry, since an entry near 0 has no digits of its own.
    """
    a, b = _pair(first, second)
    if a.size == 0:
        return 0.0
    both_nan = np.isnan(a) & np.isnan(b)
    with np.errstate(all="ignore"):
        apart = np.where((a == b) | both_nan, 0.0, np.abs(a - b))
    if not np.all(np.isfinite(apart)):
        return float("inf")
    largest = float(apart.max())
    if largest == 0.0:
        return 0.0
    finite = np.isfinite(a) & np.isfinite(b)
    scale = max(float(np.abs(a[finite]).max(initial=0.0)), float(np.abs(b[finite]).max(initial=0.0)))
    return largest / scale


def first_over(differences: Floats, bound: float, /) -> int | None:
    """Return the first step whose difference exceeds the bound, or None."""
    over = np.flatnonzero(differences > bound)
    return int(over[0]) if len(over) else None


def first_nonfinite(values: np.ndarray, /, *, expected: np.ndarray | None = None) -> int | None:
    """Return the first step whose value is NaN or infinite, or None; steps where `expected` is False do not count."""
    bad = ~np.isfinite(np.asarray(values, dtype=np.float64))
    if expected is not None:
        bad &= expected
    steps = np.flatnonzero(bad)
    return int(steps[0]) if len(steps) else None


def _pair(first: np.ndarray, second: np.ndarray) -> tuple[Floats, Floats]:
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if a.shape != b.shape:
        raise ValueError(f"arrays have shapes {a.shape} and {b.shape}; expected the same")
    return a, b
