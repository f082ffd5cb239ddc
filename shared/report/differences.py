"""How far a run's losses are from another's, step by step, as pictures and pages show it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gan_rosetta.shared.compare.distances import Floats, relative_difference
from gan_rosetta.shared.compare.yardstick import Yardstick
from gan_rosetta.shared.spec import GanSpec

Booleans = NDArray[np.bool_]

TITLES = {"pretraining": "Pretraining of the discriminator", "discriminator": "Discriminator", "generator": "Generator"}
# Where a difference of exactly 0 is drawn: below the smallest there is, 1.1e-16. Further backends go in rows beneath.
IDENTICAL = 1e-17
ROW = 10**-0.5
# Losses this many times their median magnitude would flatten the rest, so their axis becomes logarithmic.
WIDE, WIDE_POSITIVE = 300.0, 20.0
LARGEST_DRAWN = 1e100


def trained_steps(name: str, num_steps: int, spec: GanSpec, /) -> Booleans:
    """Return in which of the steps a loss is measured, (num_steps,): D rests in some, where its pattern says so."""
    pattern = spec.training.discriminator_steps
    return np.array([name != "discriminator" or pattern.includes(step) for step in range(num_steps)], dtype=bool)


def loss_differences(
    name: str, first: Floats, second: Floats, trained: Booleans, /, *, yardstick: Yardstick | None
) -> Floats:
    """Return how far losses are apart over the common steps, NaN where the steps say nothing: both losses are NaN.

    As the yardstick, by which the pair was judged, measures it; without one relative to the losses alone.
    """
    length = min(len(first), len(second))
    if yardstick is None:
        result = relative_difference(first[:length], second[:length])
    else:
        result = yardstick.loss_differences(name, first, second)
    silent = ~trained[:length] | (~np.isfinite(first[:length]) & ~np.isfinite(second[:length]))
    result[silent] = np.nan
    return result
