"""How steps are cut into chunks for timing, so that every round trains the same steps and nothing is compiled anew."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from gan_rosetta.shared.data.tape import Tape
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.spec.cost import step_flops

# A chunk of the compiled path: enough steps to drown a call's own cost, few enough to last a fraction of a second.
_MAXIMUM_CHUNK_STEPS = 1000
_CHUNK_FLOPS = 5e10
_MAXIMUM_CHUNK_BYTES = 64e6
# The eager paths compile nothing for a chunk's length, so theirs is chosen once a step's time is known.
_FIRST_EAGER_STEPS = 10


@dataclass(frozen=True, kw_only=True)
class Chunking:
    """How steps are cut.

    chunk_steps: steps a call of the trainer. unit_steps: the fewest steps a round can have: whole chunks, and whole
    periods of the discriminator's pattern, so that its steps are weighted as in training. lap_steps: a round that is
    longer starts again from the initial state after so many.
    """

    chunk_steps: int
    unit_steps: int
    lap_steps: int

    def firsts(self, num_steps: int, /) -> list[int]:
        """Return the first steps of the chunks that take num_steps, a multiple of unit_steps."""
        return [done % self.lap_steps for done in range(0, num_steps, self.chunk_steps)]


def choose_chunking(spec: GanSpec, tape: Tape, /, *, execution: str) -> Chunking:
    """Return how to cut a GAN's steps, for its first chunk and, where it is compiled, for good."""
    full = _full_steps(spec, tape)
    sample_bytes = 8 * (math.prod(spec.real.sample_shape) + 2 * math.prod(spec.latent.sample_shape))
    largest = min(
        _MAXIMUM_CHUNK_STEPS,
        _MAXIMUM_CHUNK_BYTES / (sample_bytes * spec.batch_size),
        _CHUNK_FLOPS / max(step_flops(spec), 1.0),
        full,
    )
    if execution == "eager":
        largest = min(largest, _FIRST_EAGER_STEPS)
    return _cut(spec, full, max(1, int(largest)))


def rechoose(spec: GanSpec, tape: Tape, /, *, step_seconds: float, seconds: float) -> Chunking:
    """Return how to cut steps whose time is known: a round of so many seconds in one chunk, or in the largest ones."""
    largest = choose_chunking(spec, tape, execution="compiled").chunk_steps
    wanted = int(seconds / step_seconds)
    return _cut(spec, _full_steps(spec, tape), max(1, min(largest, wanted)))


def round_steps(chunking: Chunking, /, *, seconds: float, step_seconds: float) -> int:
    """Return the steps of a round that is to last so many seconds: whole units, one at least."""
    return max(1, round(seconds / (step_seconds * chunking.unit_steps))) * chunking.unit_steps


def _cut(spec: GanSpec, full: int, largest: int) -> Chunking:
    period = spec.training.period
    if largest >= period:
        chunk = largest // period * period
        cut = Chunking(chunk_steps=chunk, unit_steps=chunk, lap_steps=full)
    else:
        chunk = max(size for size in range(1, largest + 1) if period % size == 0)
        # A run that is shorter than the pattern is taken as it is.
        unit = period if period <= full else full // chunk * chunk
        cut = Chunking(chunk_steps=chunk, unit_steps=unit, lap_steps=full)
    return replace(cut, lap_steps=full // cut.unit_steps * cut.unit_steps)


def _full_steps(spec: GanSpec, tape: Tape) -> int:
    """Return how many steps there are before the first whose batch is smaller, the published number at most."""
    steps = range(min(spec.training.num_steps, _MAXIMUM_CHUNK_STEPS))
    partial = (step for step in steps if tape.batch_size("adversarial", step) != spec.batch_size)
    return max(1, next(partial, len(steps)))
