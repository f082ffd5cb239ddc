"""Distances between two runs' numbers. Non-finite numbers are never close to finite ones."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
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


@dataclass(frozen=True, kw_only=True)
class Size:
    """How large a tensor's numbers are. largest: magnitude of the finite ones, 0 where there are none."""

    largest: float
    is_finite: bool


def size_of(tensor: np.ndarray, /) -> Size:
    """Return how large a tensor's numbers are, for whoever holds it to several others."""
    largest, is_finite = 0.0, True
    for (block,) in _blocks(tensor):
        # Two numbers of a block, in place of a block of magnitudes.
        magnitude = max(float(block.max()), -float(block.min()))
        if not math.isfinite(magnitude):
            is_finite = False
            magnitude = float(np.abs(block[np.isfinite(block)]).max(initial=0.0))
        largest = max(largest, magnitude)
    return Size(largest=largest, is_finite=is_finite)


def tensor_difference(
    first: np.ndarray, second: np.ndarray, /, *, scale: float = 0.0, sizes: tuple[Size, Size] | None = None
) -> float:
    """Return max|a - b| / max(max|a|, max|b|), one number for a tensor; inf where only one entry of a pair is finite.

    Relative to the tensor's scale and not entry by entry, since an entry near 0 has no digits of its own. scale: the
    least that this can be. Numbers below the type's smallest normal one have no digits either: some programs take them
    for 0, and such a difference is less than the type's spacing at 1. sizes: of the two, where they are known.
    """
    _check_shapes(first, second)
    largest = 0.0
    with np.errstate(all="ignore"):
        for a, b in _blocks(first, second):
            largest = max(largest, _block_difference(a, b))
    if not 0 < largest < math.inf:
        return largest
    least = max(scale, *(_least_scale(np.asarray(each).dtype) for each in (first, second)))
    return largest / max(least, *(size.largest for size in sizes or (size_of(first), size_of(second))))


def _blocks(*tensors: np.ndarray) -> Iterator[list[Floats]]:
    """Yield tensors of one shape in blocks that stay in the processor's cache.

    Whole, those of millions of numbers would go through memory a dozen times.
    """
    flat = [np.ravel(tensor) for tensor in tensors]
    for start in range(0, flat[0].size, _BLOCK_SIZE):
        yield [each[start : start + _BLOCK_SIZE].astype(np.float64, copy=False) for each in flat]


@cache
def _least_scale(dtype: np.dtype[Any]) -> float:
    """Return the size in which the smallest normal number is the spacing at 1; 0 for integers."""
    if not np.issubdtype(dtype, np.floating):
        return 0.0
    info = np.finfo(dtype)
    return float(info.smallest_normal) / float(info.eps)


def _block_difference(a: Floats, b: Floats) -> float:
    """Return the largest difference, inf where only one of two is finite."""
    apart = a - b
    largest = max(float(apart.max()), -float(apart.min()))
    if math.isfinite(largest):
        return largest
    both_nan = np.isnan(a) & np.isnan(b)
    apart = np.abs(apart)
    return float(np.where((a == b) | both_nan, 0.0, np.where(np.isnan(apart), np.inf, apart)).max())


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
