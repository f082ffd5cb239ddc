"""The numbers that operations are tried at: exact in the type, and reaching its ends."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from gan_rosetta.shared.interface import Dtype

Points = NDArray[np.float64]


def in_type(numbers: np.ndarray, dtype: Dtype, /) -> Points:
    """Return numbers rounded to the type, as float64, which holds them exactly."""
    with np.errstate(all="ignore"):
        return np.asarray(numbers).astype(dtype).astype(np.float64)


def magnitudes(dtype: Dtype, /, *, num_wide: int = 30, num_near: int = 60) -> Points:
    """Return positive numbers, ascending: from the smallest subnormal to near the largest, most of them about 1."""
    limits = np.finfo(dtype)
    smallest, tiny, largest = (float(x) for x in (limits.smallest_subnormal, limits.tiny, limits.max))
    below = [smallest, 37 * smallest, tiny / 3, tiny]
    wide = np.geomspace(3 * tiny, largest / 5, num_wide)
    near = np.geomspace(1e-4, 1.2e3, num_near)
    return np.sort(in_type(np.concatenate([below, wide, near]), dtype))


def both_signs(dtype: Dtype, /, **how: int) -> Points:
    """Return the magnitudes, each with either sign, and 0, ascending."""
    positive = magnitudes(dtype, **how)
    return np.concatenate([-positive[::-1], [0.0], positive])


def logits(dtype: Dtype, /) -> Points:
    """Return numbers to squash: about 0, through where a sigmoid saturates in the type, to far beyond; ascending."""
    ends = [60, 75, 95, 102, 110, 300, 700, 720, 760, 3e4]
    # Half of log 2 is where the probability is √2 - 1, at which series for logarithms change over.
    near = np.concatenate([np.geomspace(1e-3, 1, 6), [math.log(2) / 2], np.linspace(2, 44, 22)])
    positive = in_type(np.array([1e-30, 1e-8, *near, *ends]), dtype)
    return np.concatenate([-positive[::-1], [0.0], positive])
