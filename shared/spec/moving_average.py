"""A moving average of G's weights, from which samples are drawn; where public programs part, a field says which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gan_rosetta.shared.spec.checks import require, require_choice, require_finite, require_integer

WARM_UP = 10


@dataclass(frozen=True, kw_only=True)
class MovingAverage:
    """A second G whose weights follow G's: after each of G's updates average ← average + (1 - d) · (own - average).

    d is `decay`. The first `start` of G's updates copy (d = 0): 0 averages from the initial weights on (TensorFlow 1's
    ExponentialMovingAverage), 1 from the first update's (torch's AveragedModel, Keras's optimizers), more leaves the
    first ones out (StudioGAN; BigGAN-PyTorch, which counts from 1, so that its `ema_start` is one more).
    warm_up: "counted" holds d to (1 + n) / (10 + n), n of G's updates before (tf.train.ExponentialMovingAverage with
    num_updates); "none" does not.
    buffers: "copied", what G's are when it was updated (AveragedModel by its default, StyleGAN and its ports);
    "averaged" as the weights are (BigGAN-PyTorch and what took it over, AveragedModel with use_buffers).
    """

    decay: float
    start: int
    warm_up: Literal["none", "counted"]
    buffers: Literal["averaged", "copied"]

    def __post_init__(self) -> None:
        require_finite(self, "decay", minimum=0)
        require(self.decay < 1, f"MovingAverage: decay is {self.decay}; expected less than 1", "decay")
        require_integer(self, "start", minimum=0)
        require_choice(self, "warm_up", ("none", "counted"))
        require_choice(self, "buffers", ("averaged", "copied"))

    def share(self, num_updates: int, /) -> float:
        """Return 1 - d of the update of G that comes after so many others: of the way to G's weights, 1 for a copy."""
        if num_updates < self.start:
            return 1.0
        held = (1 + num_updates) / (WARM_UP + num_updates) if self.warm_up == "counted" else 1.0
        return 1.0 - min(self.decay, held)
