"""Medians, ratios and their intervals; when two cells differ and when noise hides it. Everything from scipy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

CONFIDENCE = 0.95
SIGNIFICANCE = 0.05
# A cell whose interval is wider than this on either side of its median is called noisy.
NOISY = 0.1
_NUM_RESAMPLES = 4000
_SEED = 0


@dataclass(frozen=True, kw_only=True)
class Summary:
    """The median of repeats and an interval for it, in the repeats' unit. coverage: with what probability, at least."""

    median: float
    low: float
    high: float
    coverage: float
    num_repeats: int

    @property
    def is_noisy(self) -> bool:
        """Whether the interval reaches further than NOISY times the median to either side."""
        return max(self.high - self.median, self.median - self.low) > NOISY * self.median


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """A ratio of medians, second by first. p_value: of the rank test. is_difference: see compare_repeats."""

    ratio: float
    low: float
    high: float
    p_value: float
    is_difference: bool


def summarise(values: Sequence[float], /) -> Summary:
    """Return the median of positive repeats and its interval between two order statistics.

    The interval runs from the k-th smallest to the k-th largest, with the largest k whose coverage, by the binomial
    distribution and whatever the repeats are distributed like, is at least CONFIDENCE; with fewer than six repeats
    none reaches it, and the whole range is taken with the coverage that it has. Raises ValueError for none.
    """
    repeats = _checked(values)
    count = len(repeats)
    ranks = range(1, (count + 1) // 2 + 1)
    coverages = [_coverage(rank, count) for rank in ranks]
    reaching = [rank for rank, coverage in zip(ranks, coverages, strict=True) if coverage >= CONFIDENCE]
    rank = max(reaching, default=1)
    return Summary(
        median=float(np.median(repeats)),
        low=float(repeats[rank - 1]),
        high=float(repeats[count - rank]),
        coverage=_coverage(rank, count),
        num_repeats=count,
    )


def compare_repeats(first: Sequence[float], second: Sequence[float], /) -> Ratio:
    """Return the ratio of the medians of two cells' positive repeats, second by first, with its bootstrap interval.

    It is a difference only where the interval excludes 1 and a rank test (Mann and Whitney, two-sided) agrees at
    SIGNIFICANCE: with three repeats each none can. Raises ValueError where one has no repeat.
    """
    a, b = _checked(first), _checked(second)
    ratio = float(np.median(b) / np.median(a))
    low = high = ratio
    if len(a) > 1 and len(b) > 1 and (np.ptp(a) > 0 or np.ptp(b) > 0):
        result = stats.bootstrap(
            (a, b),
            _ratio_of_medians,
            vectorized=True,
            n_resamples=_NUM_RESAMPLES,
            confidence_level=CONFIDENCE,
            method="percentile",
            rng=np.random.default_rng(_SEED),
        )
        low, high = float(result.confidence_interval.low), float(result.confidence_interval.high)
    p_value = _rank_test(a, b)
    # One repeat has no interval, so nothing is claimed of it.
    enough = min(len(a), len(b)) > 1
    is_difference = enough and not low <= 1.0 <= high and p_value < SIGNIFICANCE
    return Ratio(ratio=ratio, low=low, high=high, p_value=p_value, is_difference=is_difference)


def _rank_test(a: np.ndarray, b: np.ndarray) -> float:
    if np.ptp(np.concatenate([a, b])) == 0:
        return 1.0
    return float(stats.mannwhitneyu(a, b, alternative="two-sided").pvalue)


def _ratio_of_medians(a: np.ndarray, b: np.ndarray, axis: int = -1) -> np.ndarray:
    ratio: np.ndarray = np.median(b, axis=axis) / np.median(a, axis=axis)
    return ratio


def _coverage(rank: int, count: int) -> float:
    """The probability that the median lies from the rank-th smallest to the rank-th largest of so many repeats."""
    return float(1.0 - 2.0 * stats.binom.cdf(rank - 1, count, 0.5)) if count > 1 else 0.0


def _checked(values: Sequence[float]) -> np.ndarray:
    bad = [value for value in values if not (math.isfinite(value) and value > 0)]
    if bad or not len(values):
        found = f"{bad[0]}" if bad else "none"
        raise ValueError(f"repeats must be positive numbers, one at least; found {found}: measure the cell again")
    return np.sort(np.asarray(values, dtype=np.float64))
