"""A number that says how good samples are, with what it takes to read it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from gan_rosetta.shared.compare.distances import Floats

Better = Literal["lower", "near the real samples' own"]


@dataclass(frozen=True, kw_only=True)
class QualityNumber:
    """One number about a run's samples.

    name, unit: in words. definition: how it is measured, a sentence or two. better: which values are good. value: of
    the generated samples that are finite, infinite where they are too large for it; None where there are too few of
    them. real: the same number of as many real
    samples, the scale that it is read on; None where it says nothing.
    """

    name: str
    unit: str
    definition: str
    better: Better
    value: float | None
    real: float | None


def measured(function: Callable[[Floats], float], values: Floats, /) -> float | None:
    """Return a function of samples (n, ...); None of fewer than two, infinite where they are too large for it."""
    if len(values) < 2:
        return None
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        result = function(values)
    return result if np.isfinite(result) else float("inf")
