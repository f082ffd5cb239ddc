"""Whether two runs give the same over many seeds: equivalence within a margin, and not the absence of a difference.

Both runs have the same seeds, and so the same data and start, so that they are compared seed by seed. Of numbers two
one-sided tests are made (Schuirmann 1987), of rates the exact bounds of Clopper and Pearson are taken.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from scipy.special import ndtri

from gan_rosetta.shared.compare.distances import Floats

SeedsVerdict = Literal["EQUIVALENT", "DIFFERENT", "UNDECIDED"]

# How often runs that differ by the margin are called equivalent, and runs that differ by less are called different.
ERROR_RATE = 0.05
# Of the spread between seeds: what is less matters less than which seed somebody took.
MARGIN_OF_SPREAD = 0.5
# Of how often something happens, such as a collapse: a seed in ten.
MARGIN_OF_RATE = 0.1
# Differences that vary by no more of their mean are the same: only their rounding is left to tell them apart.
_ROUNDING = 1e2 * float(np.finfo(np.float64).eps)
# How likely so many seeds as are advised would decide.
_POWER = 0.9
_MOST_SEEDS = 100_000
# The standard deviation of a normal distribution for each unit between its quartiles.
_OF_QUARTILES = 1 / (2 * float(ndtri(0.75)))


@dataclass(frozen=True, kw_only=True)
class Effect:
    """What taking the second run in place of the first does to an outcome.

    first, second: the outcome's mean over seeds, or how often it happens. difference: second - first, seed by seed;
    low, high: its interval, of which both ends lie within the margin where runs are equivalent. num_seeds: that were
    compared, of those that had the outcome in both. seeds_to_decide: about how many it would take; None where it is
    decided, or where no number of seeds would.
    """

    outcome: str
    unit: str
    margin: float
    num_seeds: int
    verdict: SeedsVerdict
    first: float = math.nan
    second: float = math.nan
    difference: float = math.nan
    low: float = math.nan
    high: float = math.nan
    seeds_to_decide: int | None = None

    def as_data(self) -> dict[str, Any]:
        """Return it as plain data; None for a number that there is not."""
        return {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in asdict(self).items()
        }


def spread_between_seeds(values: Floats, /) -> float:
    """Return how far seeds are apart, as a standard deviation: by the quartiles, which no runaway seed moves."""
    finite = values[np.isfinite(values)]
    if len(finite) < 2:
        return 0.0
    low, high = np.percentile(finite, [25, 75])
    return float(high - low) * _OF_QUARTILES or float(np.std(finite, ddof=1))


def compare_numbers(
    outcome: str, first: Floats, second: Floats, /, *, unit: str, margin: float, num_outcomes: int
) -> Effect:
    """Compare an outcome that is a number, (seeds,) of each run; what is not finite in one is left out of both.

    margin: how much is too much. num_outcomes: that are compared beside each other; one of them being different by
    luck is no more likely than ERROR_RATE.
    """
    paired = np.isfinite(first) & np.isfinite(second)
    first, second = first[paired], second[paired]
    differences = second - first
    count = len(differences)
    if count < 2:
        return Effect(outcome=outcome, unit=unit, margin=margin, num_seeds=count, verdict="UNDECIDED")
    mean, deviation = float(np.mean(differences)), float(np.std(differences, ddof=1))
    rate = ERROR_RATE / num_outcomes / 2
    if deviation <= _ROUNDING * abs(mean):
        low = high = mean
        # What every seed has alike needs no margin: where all are the same there is none.
        is_equivalent, is_different = mean == 0 or abs(mean) < margin, abs(mean) > margin
    else:
        from scipy.stats import ttest_1samp  # noqa: PLC0415 - most of a second of runs of one seed

        low, high = map(float, ttest_1samp(differences, 0).confidence_interval(1 - 2 * ERROR_RATE))
        is_equivalent = max(_p(differences, -margin, "greater"), _p(differences, margin, "less")) < ERROR_RATE
        is_different = min(_p(differences, margin, "greater"), _p(differences, -margin, "less")) < rate
    verdict = _verdict(is_equivalent, is_different)
    needed = None
    if verdict == "UNDECIDED":
        quantile = ERROR_RATE if abs(mean) < margin else rate
        needed = _enough(deviation, abs(margin - abs(mean)), quantile=quantile, least=count + 1)
    return Effect(
        outcome=outcome,
        unit=unit,
        first=float(np.mean(first)),
        second=float(np.mean(second)),
        difference=mean,
        low=low,
        high=high,
        margin=margin,
        num_seeds=count,
        verdict=verdict,
        seeds_to_decide=needed,
    )


def compare_rates(outcome: str, first: np.ndarray, second: np.ndarray, /, *, num_outcomes: int) -> Effect:
    """Compare how often something happens, bool (seeds,) of each run; arguments as in compare_numbers."""
    count = len(first)
    only_second, only_first = int(np.sum(second & ~first)), int(np.sum(first & ~second))
    low, high = _rate_bounds(only_first, only_second, count, rate=ERROR_RATE)
    wide_low, wide_high = _rate_bounds(only_first, only_second, count, rate=ERROR_RATE / num_outcomes)
    is_different = wide_low > MARGIN_OF_RATE or wide_high < -MARGIN_OF_RATE
    verdict = _verdict(low > -MARGIN_OF_RATE and high < MARGIN_OF_RATE, is_different)
    return Effect(
        outcome=outcome,
        unit="share of seeds",
        first=float(np.mean(first)),
        second=float(np.mean(second)),
        difference=(only_second - only_first) / count,
        low=low,
        high=high,
        margin=MARGIN_OF_RATE,
        num_seeds=count,
        verdict=verdict,
        seeds_to_decide=_enough_for_rates(only_first, only_second, count) if verdict == "UNDECIDED" else None,
    )


def worst(effects: Sequence[Effect], /) -> SeedsVerdict:
    """Return the verdict on all: different where one is, equivalent where each is."""
    found = {effect.verdict for effect in effects}
    if "DIFFERENT" in found:
        return "DIFFERENT"
    return "EQUIVALENT" if found == {"EQUIVALENT"} else "UNDECIDED"


def margins(pilot: Mapping[str, Floats], /, *, dtype: str) -> dict[str, float]:
    """Return how much of each outcome is too much, from a run's values of it, (seeds,) each."""
    found = {}
    for name, values in pilot.items():
        largest = float(np.max(np.abs(values[np.isfinite(values)]), initial=0.0))
        # Where all seeds give the same, runs may still round: half of the type's digits.
        found[name] = max(
            MARGIN_OF_SPREAD * spread_between_seeds(values), float(np.sqrt(np.finfo(dtype).eps)) * largest
        )
    return found


def _p(differences: Floats, bound: float, alternative: Literal["greater", "less"]) -> float:
    from scipy.stats import ttest_1samp  # noqa: PLC0415

    return float(ttest_1samp(differences, bound, alternative=alternative).pvalue)


def _verdict(is_equivalent: bool, is_different: bool) -> SeedsVerdict:
    return "EQUIVALENT" if is_equivalent else "DIFFERENT" if is_different else "UNDECIDED"


def _enough(deviation: float, gap: float, *, quantile: float, least: int) -> int | None:
    """Return how many seeds would tell a mean from the margin that it is so far from."""
    if gap == 0:
        return None
    needed = ((float(ndtri(1 - quantile)) + float(ndtri(_POWER))) * deviation / gap) ** 2
    return max(least, math.ceil(needed)) if needed < _MOST_SEEDS else None


def _rate_bounds(only_first: int, only_second: int, count: int, *, rate: float) -> tuple[float, float]:
    """Return bounds of the second's rate less the first's: each of the two ways of parting has its own exact bounds."""
    from scipy.stats import binomtest  # noqa: PLC0415

    up = binomtest(only_second, count).proportion_ci(1 - rate)
    down = binomtest(only_first, count).proportion_ci(1 - rate)
    return float(up.low - down.high), float(up.high - down.low)


def _enough_for_rates(only_first: int, only_second: int, count: int) -> int | None:
    times = 2
    while times * count < _MOST_SEEDS:
        low, high = _rate_bounds(times * only_first, times * only_second, times * count, rate=ERROR_RATE)
        if (low > -MARGIN_OF_RATE and high < MARGIN_OF_RATE) or low > MARGIN_OF_RATE or high < -MARGIN_OF_RATE:
            return times * count
        times *= 2
    return None
