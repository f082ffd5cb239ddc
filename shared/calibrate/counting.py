"""Counts of what judging right pairs came to, and what can be said of rates from them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from scipy.stats import beta, binom

from gan_rosetta.shared.calibrate.pairs import JudgedPair
from gan_rosetta.shared.compare.tolerance import FALSE_ALARM_RATE
from gan_rosetta.shared.errors import UsageError

_CONFIDENCE = 0.95
# A calibration of a right judge is to fail this seldom.
_CHANCE = 1e-3


@dataclass(frozen=True, kw_only=True)
class Rate:
    """So many of so many. Raises UsageError where there are more than all."""

    count: int
    total: int

    def __post_init__(self) -> None:
        if not 0 <= self.count <= self.total:
            raise UsageError(f"a rate is {self.count} of {self.total}; expected a count from 0 to the total")

    @property
    def upper(self) -> float:
        """The exact 95 % upper bound of the rate behind the count (Clopper and Pearson 1934), were all independent."""
        if self.count == self.total:
            return 1.0
        return float(beta.ppf(_CONFIDENCE, self.count + 1, self.total - self.count))

    def exceeds(self, promised: float, /) -> bool:
        """Whether so many would come by a rate of at most `promised` less than once in 1000 times."""
        return self.count > 0 and float(binom.sf(self.count - 1, self.total, promised)) < _CHANCE

    def __str__(self) -> str:
        return f"{self.count} of {self.total}"


@dataclass(frozen=True, kw_only=True)
class Count:
    """What some right pairs came to.

    alarms: pairs that DISAGREE; silences: that are NOT COMPARABLE. quantities: losses, tensors and outputs that were
    judged, of which so many were further apart than allowed. trainings: seeds under one regime, type and execution, of
    which at least one pair is a false alarm: those are independent of one another, pairs of one are not.
    largest: the largest difference / allowed.
    """

    alarms: Rate
    silences: Rate
    quantities: Rate
    trainings: Rate
    largest: float

    @property
    def promised(self) -> float:
        """Of how many trainings one quantity or more would be off at the promised rate, as a share.

        Trainings are what is independent: the pairs of one share a yardstick, so all its quantities count as one
        pair's do.
        """
        of_a_pair = self.quantities.total / self.alarms.total if self.alarms.total else 0.0
        return -math.expm1(of_a_pair * math.log1p(-FALSE_ALARM_RATE))

    @property
    def keeps_promise(self) -> bool:
        """Whether the judge is off in as few trainings as it promises, as far as chance can tell."""
        return not self.trainings.exceeds(self.promised)

    def as_data(self) -> dict[str, Any]:
        """Return the count as plain data; an infinite number becomes text."""
        names = ("alarms", "silences", "quantities", "trainings")
        rates: dict[str, Rate] = {name: getattr(self, name) for name in names}
        data: dict[str, Any] = {
            name: {"count": rate.count, "total": rate.total, "upper": rate.upper} for name, rate in rates.items()
        }
        largest = self.largest if math.isfinite(self.largest) else str(self.largest)
        return data | {"keeps_promise": self.keeps_promise, "largest_of_allowed": largest}


def count_pairs(pairs: Iterable[JudgedPair], /) -> Count:
    """Count what right pairs came to."""
    own = list(pairs)
    alarms = [pair for pair in own if pair.verdict == "DISAGREE"]
    silences = [pair for pair in own if pair.verdict == "NOT COMPARABLE"]
    total = len(own)
    return Count(
        alarms=Rate(count=len(alarms), total=total),
        silences=Rate(count=len(silences), total=total),
        quantities=Rate(
            count=sum(min(pair.num_findings, pair.num_quantities) for pair in own),
            total=sum(pair.num_quantities for pair in own),
        ),
        trainings=Rate(
            count=len({(pair.cell, pair.seed) for pair in alarms}), total=len({(pair.cell, pair.seed) for pair in own})
        ),
        largest=max((pair.share for pair in own), default=0.0),
    )


def of_kind(pairs: Sequence[JudgedPair], kind: str, /) -> list[JudgedPair]:
    """Return the pairs of backends, or of copies."""
    return [pair for pair in pairs if pair.cell.kind == kind]


def leading(pairs: Sequence[JudgedPair], /) -> list[JudgedPair]:
    """Return the pairs of backends, or of copies where there is none of backends."""
    return of_kind(pairs, "backends") or of_kind(pairs, "copies")
