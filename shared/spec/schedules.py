"""How learning rates change: functions of an optimizer's own updates, or of the passes over the real data."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from gan_rosetta.shared.spec.checks import (
    require_choice,
    require_finite,
    require_integer,
    require_positive_integer,
)


@dataclass(frozen=True, kw_only=True)
class ConstantRate:
    """The same learning rate at every step."""

    value: float

    def __post_init__(self) -> None:
        require_finite(self, "value", minimum=0)

    def at(self, step: int, /, *, epoch: int = 0) -> float:
        """Return the learning rate of the update that finds the counter at `step` (0 for the first)."""
        del step, epoch
        return self.value


@dataclass(frozen=True, kw_only=True)
class ExponentialDecay:
    """initial · factor^(t / every), with t / every rounded down where `staircase`.

    counted: t of the optimizer's own updates, or "epochs": of the passes over the real data that came before, as a
    program has it that steps its schedule outside of its loop over batches.
    """

    initial: float
    factor: float
    every: int
    staircase: bool
    counted: Literal["updates", "epochs"] = "updates"

    def __post_init__(self) -> None:
        require_finite(self, "initial", minimum=0)
        require_finite(self, "factor", above=0)
        require_positive_integer(self, "every")
        require_choice(self, "staircase", (True, False))
        require_choice(self, "counted", ("updates", "epochs"))

    def at(self, step: int, /, *, epoch: int = 0) -> float:
        """Return the learning rate of the update that finds the counter at `step` (0 for the first).

        epoch: how many passes over the real data came before.
        """
        count = epoch if self.counted == "epochs" else step
        exponent = count // self.every if self.staircase else count / self.every
        return self.initial * self.factor**exponent


@dataclass(frozen=True, kw_only=True)
class LinearDecay:
    """From initial to final in a line: initial until the count is `begin`, and final from begin + duration on.

    counted: as ExponentialDecay's. torch's LinearLR and LambdaLR, Keras's PolynomialDecay of power 1, optax's
    linear_schedule; the count at which the first step is taken is 0 in all.
    """

    initial: float
    final: float
    begin: int
    duration: int
    counted: Literal["updates", "epochs"] = "updates"

    def __post_init__(self) -> None:
        require_finite(self, "initial", above=0)
        require_finite(self, "final", minimum=0)
        require_integer(self, "begin", minimum=0)
        require_positive_integer(self, "duration")
        require_choice(self, "counted", ("updates", "epochs"))

    def at(self, step: int, /, *, epoch: int = 0) -> float:
        """Return the learning rate of the update that finds the counter at `step` (0 for the first).

        epoch: how many passes over the real data came before.
        """
        count = epoch if self.counted == "epochs" else step
        return self.initial + (self.final - self.initial) * min(max(count - self.begin, 0) / self.duration, 1)


@dataclass(frozen=True, kw_only=True)
class CosineDecay:
    """From initial to final by half a cosine: final + (initial - final) · (1 + cos(π · t / duration)) / 2.

    beyond: what comes after the duration: "held", final for good (Keras, optax), or "mirrored", the cosine goes on, up
    again and down (torch's CosineAnnealingLR). counted: as ExponentialDecay's. Loshchilov and Hutter 2017.
    """

    initial: float
    final: float
    duration: int
    beyond: Literal["held", "mirrored"]
    counted: Literal["updates", "epochs"] = "updates"

    def __post_init__(self) -> None:
        require_finite(self, "initial", above=0)
        require_finite(self, "final", minimum=0)
        require_positive_integer(self, "duration")
        require_choice(self, "beyond", ("held", "mirrored"))
        require_choice(self, "counted", ("updates", "epochs"))

    def at(self, step: int, /, *, epoch: int = 0) -> float:
        """Return the learning rate of the update that finds the counter at `step` (0 for the first).

        epoch: how many passes over the real data came before.
        """
        count = epoch if self.counted == "epochs" else step
        count = min(count, self.duration) if self.beyond == "held" else count
        return self.final + (self.initial - self.final) * (1 + math.cos(math.pi * count / self.duration)) / 2


LearningRate = ConstantRate | ExponentialDecay | LinearDecay | CosineDecay
