"""Distances between two runs' numbers. Non-finite numbers are never close to finite ones."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
BOUNDS = (1e-12, 1e-9, 1e-6, 1e-3)
_BLOCK_SIZE = 2**14


def relative_difference(first: np.ndarray, second: np.ndarray, /, *, scale: np.ndarray | float = 0.0) -> Floats:
    """Return |a - b| / max(|a|, |b|, scale) entry by entry: 0 where equal or both NaN, inf where only one is finite.

    first, second: arrays of the same shape; raises ValueError otherwise. scale: how large the numbers are that the
    entries are made of, where they may cancel; NaN where that is not known.
    """
    a, b = _pair(first, second)
    with np.errstate(all="ignore"):
        difference = np.abs(a - b) / np.fmax(np.maximum(np.abs(a), np.abs(b)), scale)
    difference[a == b] = 0.0
    difference[np.isnan(a) & np.isnan(b)] = 0.0
    difference[np.isnan(difference)] = np.inf
    return difference


def tensor_difference(first: np.ndarray, second: np.ndarray, /, *, scale: float = 0.0) -> float:
    """Return max|a - b| / max(max|a|, max|b|), one number for a tensor; inf where only one entry of a pair is finite.

    Relative to the tensor's scale and not entry by entry, since an entry near 0 has no digits of its own. scale: the
    least that this can be. Numbers below the type's smallest normal one have no digits either: some programs take them
    for 0, and such a difference is less than the type's spacing at 1.
    """
    _check_shapes(first, second)
    a, b = np.ravel(first), np.ravel(second)
    largest, scale = 0.0, max(scale, _least_scale(a.dtype), _least_scale(b.dtype))
    # In blocks that stay in the processor's cache: whole, tensors of millions of numbers would go through memory a
    # dozen times.
    for start in range(0, a.size, _BLOCK_SIZE):
        block = slice(start, start + _BLOCK_SIZE)
        apart, size = _block_difference(*(each[block].astype(np.float64, copy=False) for each in (a, b)))
        largest, scale = max(largest, apart), max(scale, size)
    return largest / scale if 0 < largest < math.inf else largest


@cache
def _least_scale(dtype: np.dtype[Any]) -> float:
    """Return the size in which the smallest normal number is the spacing at 1; 0 for integers."""
    if not np.issubdtype(dtype, np.floating):
        return 0.0
    info = np.finfo(dtype)
    return float(info.smallest_normal) / float(info.eps)


def _block_difference(a: Floats, b: Floats) -> tuple[float, float]:
    """Return the largest difference, inf where only one of two is finite, and the largest finite magnitude."""
    with np.errstate(all="ignore"):
        apart = np.abs(a - b)
    largest = float(apart.max())
    if math.isfinite(largest):
        return largest, max(float(np.abs(a).max()), float(np.abs(b).max()))
    both_nan = np.isnan(a) & np.isnan(b)
    largest = float(np.where((a == b) | both_nan, 0.0, np.where(np.isnan(apart), np.inf, apart)).max())
    return largest, max(float(np.abs(x[np.isfinite(x)]).max(initial=0.0)) for x in (a, b))


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
    _check_shapes(first, second)
    return np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)


def _check_shapes(first: np.ndarray, second: np.ndarray) -> None:
    if np.shape(first) != np.shape(second):
        raise ValueError(f"arrays have shapes {np.shape(first)} and {np.shape(second)}; expected the same")
