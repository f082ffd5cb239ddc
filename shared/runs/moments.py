"""The moments of training at which samples are kept: the same ones for every backend, dense at first."""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT_NUM_MOMENTS = 8
# Losses hardly show some faults (a running variance that nothing reads), so whole states are compared too: after
# pretraining, after these many adversarial steps, and at the end.
SNAPSHOT_STEPS = (1, 10)
# Chunks end at moments. With all of them at multiples of one length, a backend compiles no more lengths for their sake.
_UNITS_PER_MOMENT = 4
# In longer runs nothing is to be seen after a single step.
_SHORT_RUN = 100


@dataclass(frozen=True, kw_only=True)
class Moments:
    """steps: adversarial steps done at each moment, ascending, from 0 to the run's last; chunk_steps: of every chunk.

    All steps but the first few are multiples of chunk_steps apart.
    """

    steps: tuple[int, ...]
    chunk_steps: int


def choose_moments(num_steps: int, /, *, count: int, chunk_steps: int) -> Moments:
    """Return about `count` moments of so many adversarial steps, their distances growing evenly.

    chunk_steps: how long chunks are to be at most.
    """
    first = max(step for step in (0, *SNAPSHOT_STEPS) if step < num_steps)
    unit = -(-(num_steps - first) // (_UNITS_PER_MOMENT * count))
    if unit > chunk_steps:
        unit = -(-unit // chunk_steps) * chunk_steps
    num_units = -(-(num_steps - first) // unit)
    steps = {0, first, num_steps, *(step for step in SNAPSHOT_STEPS if step < num_steps <= _SHORT_RUN)}
    left = max(1, count - 1)
    for index in range(1, left + 1):
        units = max(1, round(num_units * (index / left) ** 2))
        steps.add(min(num_steps, first + unit * units))
    return Moments(steps=tuple(sorted(steps)), chunk_steps=min(unit, chunk_steps))
