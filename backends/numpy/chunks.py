"""A chunk of steps: cast to the run's type, run step by step, and what its losses are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gan_rosetta.backends.numpy.layer import Array
from gan_rosetta.backends.numpy.step import Stepper
from gan_rosetta.shared.interface import Chunk, Losses, Phase, Trains, losses_of
from gan_rosetta.shared.spec import GanSpec


@dataclass(frozen=True, kw_only=True)
class Staged:
    """A chunk cast to the run's type: arrays (K, batch, ...), who trains in each step, the epochs that came before."""

    phase: Phase
    arrays: Mapping[str, Array]
    trains: tuple[Trains, ...]
    epochs: tuple[int, ...]


def stage_chunk(chunk: Chunk, dtype: np.dtype[Any], /) -> Staged:
    """Cast a chunk; a copy, in the run's type."""
    with np.errstate(all="ignore"):
        arrays = {name: np.array(array, dtype, order="C") for name, array in chunk.arrays.items()}
    return Staged(phase=chunk.phase, arrays=arrays, trains=chunk.trains, epochs=chunk.passes_before)


def train_chunk(
    stepper: Stepper, staged: Staged, dtype: np.dtype[Any], /, *, on_step: Callable[[], None] | None = None
) -> Array:
    """Run a staged chunk's steps; returns (K, 1) in pretraining, else (K, 4): D's, G's, mean D(real), joint.

    With copies theirs is the last axis. on_step: called after each step.
    """
    arrays = staged.arrays
    results: list[Any] = []
    with np.errstate(all="ignore"):
        for index, trains in enumerate(staged.trains):
            step = {name: array[index] for name, array in arrays.items()}
            stepper.set_epoch(staged.epochs[index])
            if staged.phase == "pretraining":
                results.append((stepper.pretraining_step(step, None),))
            else:
                results.append(stepper.adversarial_step(step, trains, None))
            if on_step is not None:
                on_step()
    num_columns = 1 if staged.phase == "pretraining" else 4
    return np.array(results, dtype).reshape(len(staged.trains), num_columns, *stepper.copies)


def as_losses(columns: Array, phase: Phase, spec: GanSpec, /) -> Losses:
    """Return the losses of one GAN's columns, as train_chunk returns them."""
    return losses_of(columns.T, spec, phase)
