"""Kinks: where a slope jumps, and copies that round at random are led to its other side.

At the kink of a ReLU or of an absolute value, the side on which a number lies decides a share of a gradient. Where
rounding can carry it across, some right programs have it on one side and some on the other, and from there on they are
apart by what no rounding of smooth functions makes. A few copies find that out by luck alone: of what a quarter of all
programs do, eight copies miss all in one training of ten. So what is within reach is visited. Copies that round no
more coarsely than a program show how far rounding moves the numbers nearest to a kink; where one that they all have on
one side could be on the other, half of those that round coarsely take it there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from gan_rosetta.backends.numpy.layer import Array

# How often a program crosses a kink that no copy is led across, at most, for each that it meets: the rate of false
# alarms that tolerances allow. Its number and the copy's own are both moved, which is a factor of √2.
_UNSEEN_RATE = 1e-4
_REACH = math.sqrt(2) * -float(ndtri(_UNSEEN_RATE))
# How many numbers nearest to the kink are looked at in each pass, and of how many a pass has that one of them counts:
# in larger ones copies cross so many by themselves that luck evens out.
_NUM_NEAREST = 256
_LARGEST_PASS = 1 << 11
# So many copies at least show how far rounding moves a number.
_FEWEST_SHOWING = 2
_NONE = np.empty(0, np.intp)


@dataclass(kw_only=True)
class _Noted:
    """What one pass through a kink showed.

    nearest: (k,), the places of the numbers nearest to it. shown: (m, k), what the showing copies have there. crossing:
    those among them that rounding could carry across, None until all have shown theirs; spread: (k,), how far it moves
    each.
    """

    nearest: NDArray[np.intp]
    shown: NDArray[Any]
    num_shown: int = 0
    crossing: NDArray[np.intp] | None = None
    spread: Any = None

    def find_crossing(self) -> NDArray[np.intp]:
        """Return `crossing`, from what was shown."""
        if self.crossing is None:
            shown = self.shown.astype(np.float64)
            # NumPy's own standard deviation has three times as many calls for a few numbers.
            with np.errstate(invalid="ignore"):
                apart = shown - np.add.reduce(shown, axis=0) / len(shown)
                spread = np.sqrt(np.add.reduce(apart * apart, axis=0) / (len(shown) - 1))
            distance = np.abs(shown[0])
            if distance.min() > _REACH * spread.max():  # as in most passes
                self.crossing = _NONE
                return self.crossing
            # By luck a few copies may all have nearly the same: no less than what is usual in the pass.
            self.spread = np.maximum(spread, np.median(spread))
            on_one_side = np.all(shown > 0, axis=0) | np.all(shown < 0, axis=0)
            (self.crossing,) = np.nonzero(on_one_side & (distance <= _REACH * self.spread))
        return self.crossing


class Kinks:
    """What copies show each other of the kinks of a chunk's passes, in the order of these.

    coarseness: of each copy, how many times as coarsely as a program it rounds; those of 1 show, the others are led.
    """

    def __init__(self, coarseness: Sequence[float], /) -> None:
        self._showing = tuple(index for index, times in enumerate(coarseness) if times == 1.0)
        self._led = tuple(index for index, times in enumerate(coarseness) if times != 1.0)
        # Which of those that are led cross a kink, one kink after the other.
        self._parties = list(combinations(self._led, (len(self._led) + 1) // 2))
        self._noted: list[_Noted] = []

    @property
    def order(self) -> tuple[int, ...]:
        """In which order copies go that do not go side by side: first those that show."""
        return (*self._showing, *self._led)

    def begin(self) -> None:
        """Forget the last chunk."""
        self._noted.clear()

    def visitor(self, copies: Sequence[int], /, *, side_by_side: bool) -> KinkVisitor | None:
        """Return what leads these copies, or None where there is nobody to show or to be led.

        side_by_side: whether their numbers come with an axis of copies.
        """
        if len(self._showing) < _FEWEST_SHOWING or not self._led:
            return None
        return KinkVisitor(self, copies, side_by_side=side_by_side)

    def rows_that_show(self, copies: Sequence[int], /) -> list[int]:
        """Return which of these copies show, as places among them."""
        return [row for row, index in enumerate(copies) if index in self._showing]

    def show(
        self, numbers: Array, copies: Sequence[int], showing: list[int], place: int, /
    ) -> list[tuple[int, int, float]]:
        """Take (n, size) numbers of copies at a pass's place; what those among them that are led have to have instead.

        Of each: the copy's row, where, and what. showing: as rows_that_show returns it.
        """
        if place == len(self._noted):
            self._noted.append(self._note(numbers[showing[0]]))
        noted = self._noted[place]
        found = numbers if len(noted.nearest) == numbers.shape[1] else numbers[:, noted.nearest]
        noted.shown[noted.num_shown : noted.num_shown + len(showing)] = found[showing]
        noted.num_shown += len(showing)
        if len(showing) == len(copies):
            return []
        crossing = noted.find_crossing()
        if not len(crossing):
            return []
        led = []
        for rank, column in enumerate(crossing):
            # Not all of them: what one crossing does is to be seen without those that came before it.
            for index in self._parties[(place + rank) % len(self._parties)]:
                if index not in copies:
                    continue
                row, side = copies.index(index), float(noted.shown[0, column])
                own = float(found[row, column])
                if own * side > 0:
                    there = -math.copysign(min(abs(own), noted.spread[column]), side)
                    led.append((row, int(noted.nearest[column]), there))
        return led

    def _note(self, numbers: Array) -> _Noted:
        size = numbers.size
        nearest = np.arange(size)
        if size > _NUM_NEAREST:
            nearest = np.argpartition(np.abs(numbers), _NUM_NEAREST)[:_NUM_NEAREST]
        return _Noted(nearest=nearest, shown=np.empty((len(self._showing), len(nearest)), numbers.dtype))


class KinkVisitor:
    """Leads some copies across kinks, pass by pass; begin: before each chunk."""

    def __init__(self, kinks: Kinks, copies: Sequence[int], /, *, side_by_side: bool) -> None:
        self._kinks = kinks
        self._copies = tuple(copies)
        self._showing = kinks.rows_that_show(copies)
        self._side_by_side = side_by_side
        self._place = 0

    def begin(self) -> None:
        """Go back to the chunk's first pass."""
        self._place = 0

    def visit(self, x: Array, /) -> bool:
        """Change, in place, numbers on one side of 0 that rounding could have carried to the other; whether it did."""
        count = len(self._copies)
        size = x.size // count
        if not 0 < size <= _LARGEST_PASS:
            return False
        led = self._kinks.show(x.reshape(count, size), self._copies, self._showing, self._place)
        self._place += 1
        for row, where, value in led:
            own = x[row] if self._side_by_side else x
            own[np.unravel_index(where, own.shape)] = value
        return bool(led)
