"""How far a run's losses are from another's, step by step, as pictures and pages show it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gan_rosetta.shared.compare.distances import Floats, relative_difference
from gan_rosetta.shared.compare.yardstick import Yardstick
from gan_rosetta.shared.data.turns import trained_steps
from gan_rosetta.shared.runs.record import Run
from gan_rosetta.shared.spec import GanSpec

Booleans = NDArray[np.bool_]

TITLES = {
    "pretraining": "Pretraining of the discriminator",
    "discriminator": "Discriminator",
    "generator": "Generator",
    "joint": "Both, jointly",
}
# Where a difference of exactly 0 is drawn: below the smallest there is, 1.1e-16. Further backends go in rows beneath.
IDENTICAL = 1e-17
ROW = 10**-0.5
# Losses this many times their median magnitude would flatten the rest, so their axis becomes logarithmic.
WIDE, WIDE_POSITIVE = 300.0, 20.0
LARGEST_DRAWN = 1e100


def measured_steps(name: str, num_steps: int, run: Run, spec: GanSpec, /) -> Booleans:
    """Return in which of a run's steps a loss is measured, (num_steps,): players rest in some, as the spec says."""
    outcome = run.record.get("outcome", {})
    began = outcome.get("began_at", {"phase": "pretraining", "step": 0})
    first = began["step"] if (began["phase"] == "adversarial") == (name != "pretraining") else 0
    epoch = outcome.get("steps_per_epoch")
    return trained_steps(spec, name, first_step=first, num_steps=num_steps, steps_per_epoch=epoch)


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
