"""Seeded tapes with the digits that come with the package, and their steps put together."""

from __future__ import annotations

import numpy as np

from gan_rosetta.shared.data.digits import DigitSource
from gan_rosetta.shared.data.tape import SeededTape, array_shapes, chunks
from gan_rosetta.shared.gans import CATALOGUE
from gan_rosetta.shared.spec import GanSpec

PACKAGED = DigitSource.parse(None)
# The other form of the penalty is fed the same tape.
# What is left out has the arrays of others, and in its batches of large images some hundred megabytes a step.
TAPES = [
    name for name in CATALOGUE if name not in ("mnist-wgan-gp-sample", "dcgan", "dcgan-keras", "sagan-small", "sgan")
]
NUM_STEPS = 90
PHASES = ("pretraining", "adversarial")


def tape_of(spec: GanSpec, *, seed: int = 4) -> SeededTape:
    return SeededTape(spec, seed=seed, digits=PACKAGED)


def joined(tape, spec, phase, *, size: int, stop: int = NUM_STEPS, first_step: int = 0) -> dict[str, list[np.ndarray]]:
    """Each array as a list of steps, since the steps of one epoch may differ in batch size."""
    result: dict[str, list[np.ndarray]] = {}
    for chunk in chunks(tape, spec, phase, first_step=first_step, stop=stop, size=size):
        for name, array in chunk.arrays.items():
            result.setdefault(name, []).extend(array)
    return result


def assert_same_steps(first: dict[str, list[np.ndarray]], second: dict[str, list[np.ndarray]]) -> None:
    assert list(first) == list(second)
    for name, steps in first.items():
        assert len(steps) == len(second[name])
        for ours, theirs in zip(steps, second[name], strict=True):
            np.testing.assert_array_equal(ours, theirs)


def phases_of(spec: GanSpec) -> list[str]:
    return [phase for phase in PHASES if array_shapes(spec, phase)]
