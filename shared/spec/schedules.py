"""How learning rates change: functions of an optimizer's own updates, or of the passes over the real data."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from gan_rosetta.shared.spec.checks import (
    require,
    require_choice,
    require_finite,
    require_instance,
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


@dataclass(frozen=True, kw_only=True)
class PiecewiseRate:
    """values[0] until the count is boundaries[0], then values[1], and so on.

    torch's MultiStepLR, optax's piecewise_constant_schedule; Keras's PiecewiseConstantDecay changes one count later.
    counted: as ExponentialDecay's.
    """

    values: tuple[float, ...]
    boundaries: tuple[int, ...]
    counted: Literal["updates", "epochs"] = "updates"

    def __post_init__(self) -> None:
        rates = all(_is_number(value) and math.isfinite(value) and value >= 0 for value in self.values)
        require(rates, f"PiecewiseRate: values are {self.values}; expected finite numbers of at least 0", "values")
        whole = all(isinstance(count, int) and not isinstance(count, bool) for count in self.boundaries)
        rising = whole and all(first < second for first, second in pairwise((0, *self.boundaries)))
        require(
            len(self.boundaries) >= 1 and rising,
            f"PiecewiseRate: boundaries are {self.boundaries}; expected one at least, integers from 1 on that rise",
            "boundaries",
        )
        require(
            len(self.values) == len(self.boundaries) + 1,
            f"PiecewiseRate has {len(self.values)} values and {len(self.boundaries)} boundaries; expected one value "
            "more than boundaries",
            "values",
        )
        require_choice(self, "counted", ("updates", "epochs"))

    @property
    def initial(self) -> float:
        """The first rate."""
        return self.values[0]

    def at(self, step: int, /, *, epoch: int = 0) -> float:
        """Return the learning rate of the update that finds the counter at `step` (0 for the first).

        epoch: how many passes over the real data came before.
        """
        count = epoch if self.counted == "epochs" else step
        return self.values[bisect_right(self.boundaries, count)]


@dataclass(frozen=True, kw_only=True)
class WarmUp:
    """From initial in a line to the first rate of `after`, which begins when the count is `duration`, at its own 0.

    torch's SequentialLR of a LinearLR, optax's join_schedules and warmup_cosine_decay_schedule, Keras's CosineDecay
    with warmup_steps. Counted as `after` is, a constant rate in updates. Goyal et al. 2017.
    """

    initial: float
    duration: int
    after: ConstantRate | ExponentialDecay | LinearDecay | CosineDecay | PiecewiseRate

    def __post_init__(self) -> None:
        require_finite(self, "initial", minimum=0)
        require_positive_integer(self, "duration")
        require_instance(self, "after", (ConstantRate, ExponentialDecay, LinearDecay, CosineDecay, PiecewiseRate))

    @property
    def counted(self) -> Literal["updates", "epochs"]:
        """What the rate hangs on."""
        return "updates" if isinstance(self.after, ConstantRate) else self.after.counted

    def at(self, step: int, /, *, epoch: int = 0) -> float:
        """Return the learning rate of the update that finds the counter at `step` (0 for the first).

        epoch: how many passes over the real data came before.
        """
        count = epoch if self.counted == "epochs" else step
        if count >= self.duration:
            return self.after.at(count - self.duration, epoch=count - self.duration)
        return self.initial + (self.after.at(0) - self.initial) * count / self.duration


LearningRate = ConstantRate | ExponentialDecay | LinearDecay | CosineDecay | PiecewiseRate | WarmUp


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
