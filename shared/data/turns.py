"""In which steps each player trains, and so in which of them a loss is measured."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gan_rosetta.shared.spec import GanSpec


def trained_steps(
    spec: GanSpec, loss: str, /, *, num_steps: int, first_step: int = 0, steps_per_epoch: int | None = None
) -> NDArray[np.bool_]:
    """Return in which of the steps a loss, of one of GanSpec.loss_names, is measured, (num_steps,).

    steps_per_epoch: of the tape; ValueError where the player's turns are counted within epochs and it is not given.
    """
    pattern = spec.training.steps_of(loss)
    steps = range(first_step, first_step + num_steps)
    return np.array([pattern.includes(step, steps_per_epoch=steps_per_epoch) for step in steps], dtype=bool)
