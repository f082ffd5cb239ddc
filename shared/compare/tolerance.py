"""What is allowed of a difference: the one place that says how far two right programs may be apart.

Some copies of the reference round at random. The largest of their distances from it is what rounding was seen to do, by
the luck of a few draws; two right programs may well be further apart than that. How much further follows from how many
copies there were: see `margin`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

import numpy as np
from scipy.special import erf

from gan_rosetta.shared.interface import precision_name
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.spec.cost import step_flops

# How often a difference that rounding alone made is taken for another mathematics, for each quantity that is judged.
FALSE_ALARM_RATE = 1e-4
# Copies where they cost next to nothing, and where a step is dear: there they are most of what a comparison costs.
_MANY_COPIES, _SOME_COPIES, _FEW_COPIES = 8, 6, 4
_CHEAP_FLOPS, _DEAR_FLOPS = 1e6, 1e8
_LARGEST_MARGIN = 1e6
# Of a normal number's size nothing is beyond 40, and the integrand is smooth.
_FURTHEST, _NUM_NODES = 40.0, 200
# The largest difference that two numbers of one sign can have, relative to them: past it nothing can be told.
WHOLE = 1.0

_Distance = TypeVar("_Distance", float, np.ndarray)


def num_copies(spec: GanSpec, /) -> int:
    """Return how many copies the noise of a GAN is measured on: more where they are cheap."""
    flops = step_flops(spec)
    return _MANY_COPIES if flops < _CHEAP_FLOPS else _SOME_COPIES if flops < _DEAR_FLOPS else _FEW_COPIES


@cache
def margin(count: int, /) -> float:
    """Return how many times further apart than the furthest of some copies two right programs may be.

    In the direction in which a training is most sensitive, a copy's distance from the reference is |Z| with Z normal,
    and that of two programs, each with its own rounding, √2 |Z|. The margin m makes P(√2 |Z| > m max |Z_i|) over
    `count` copies the FALSE_ALARM_RATE: E[erf(|Z| / m)ⁿ]. In tensors of many entries the largest is less a matter of
    luck, so that this is the worst case. Three copies need 28, eight 5.9, twenty-four 3.2.
    """
    # By Gauss's nodes, and halving: scipy.integrate alone takes longer to import than a small GAN's run to judge.
    nodes, weights = np.polynomial.legendre.leggauss(_NUM_NODES)  # type: ignore[no-untyped-call]
    z = _FURTHEST / 2 * (nodes + 1)
    weights = _FURTHEST / 2 * weights * math.sqrt(2 / math.pi) * np.exp(-z * z / 2)
    low, high = 1.0, _LARGEST_MARGIN
    while low < (middle := (low + high) / 2) < high:
        is_too_small = float(weights @ erf(z / middle) ** count) > FALSE_ALARM_RATE
        low, high = (middle, high) if is_too_small else (low, middle)
    return high


def is_explained(difference: float, allowed: float, /) -> bool:
    """Return whether rounding explains a difference: what it allows, and any finite one where it allows the whole."""
    return difference <= allowed or (allowed >= WHOLE and math.isfinite(difference))


@dataclass(frozen=True, kw_only=True)
class Tolerance:
    """What is allowed, given the noise that some copies showed.

    dtype: "float32" or "float64", of the run; products: what its products keep of their factors.
    """

    num_copies: int
    dtype: str
    products: str = "full"

    @property
    def precision(self) -> str:
        """The type, with what products keep where that is not all."""
        return precision_name(self.dtype, self.products)

    @property
    def margin(self) -> float:
        """How many times the noise is allowed."""
        return margin(self.num_copies)

    @property
    def coarseness(self) -> tuple[float, ...]:
        """How many times as coarsely as a program each copy rounds: two by two once, and half as often as the margin.

        A distance that the copies did not reach is taken for as many times theirs as the margin says, which holds as
        long as a training answers in proportion. Where it jumps, at the kink of a ReLU, at a floor under a logarithm,
        at a probability that rounds to 1, only a copy that gets as far shows it. Of such a copy twice the distance is
        allowed, since two programs may jump to either side.
        """
        return tuple(self.margin / 2 if index // 2 % 2 else 1.0 for index in range(self.num_copies))

    def noise(self, distances: Sequence[_Distance], /) -> _Distance:
        """Return what rounding was seen to do, from each copy's distance from the reference, in order."""
        shares = [distance / times for distance, times in zip(distances, self.coarseness, strict=True)]
        return np.max(shares, axis=0)  # type: ignore[no-any-return]

    @property
    def floor(self) -> float:
        """The least noise that there can be: the type's spacing at 1."""
        return float(np.finfo(self.dtype).eps)

    def noise_floor(self, noise: float, /) -> float:
        """Return the noise, or the least that there can be."""
        return max(noise, self.floor)

    def allowed(self, noise: float, /, *, is_counter: bool = False) -> float:
        """Return the largest difference that rounding explains; counters are exact."""
        return 0.0 if is_counter else self.margin * self.noise_floor(noise)

    def allowed_series(self, noise: np.ndarray, /) -> np.ndarray:
        """Return the largest differences that rounding explains, step by step."""
        return self.margin * np.maximum(noise, self.floor)
