"""Parameters drawn towards 0 at each update; where frameworks part, a field says which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gan_rosetta.shared.spec.checks import require, require_choice, require_finite


@dataclass(frozen=True, kw_only=True)
class WeightDecay:
    """Every parameter p, biases too, drawn towards 0 by a share λ of itself at each update.

    by "gradient": g ← g + λ p, before the optimizer sees it and after any clipping: L2, the `weight_decay` of torch's
    SGD, Adam, RMSprop, Adagrad and Adadelta, MXNet's `wd`. "parameter": p ← p - lr · λ · p beside the optimizer's own
    step, from the same p: torch's AdamW, Keras's `weight_decay`, optax.adamw. "parameter_alone": p ← p - λ · p,
    whatever the learning rate, as MXNet's adamw has it. Loshchilov and Hutter 2019.
    """

    share: float
    by: Literal["gradient", "parameter", "parameter_alone"]

    def __post_init__(self) -> None:
        require_finite(self, "share", above=0)
        require_choice(self, "by", ("gradient", "parameter", "parameter_alone"))
        good = self.by == "gradient" or self.share < 1
        require(good, f"WeightDecay: share is {self.share}; expected less than 1 where by is {self.by!r}", "share")

    def shrinks_by(self, learning_rate: float, /) -> float:
        """Return the share of itself that a parameter loses beside the optimizer's step, at a learning rate."""
        return {"gradient": 0.0, "parameter": learning_rate * self.share, "parameter_alone": self.share}[self.by]
