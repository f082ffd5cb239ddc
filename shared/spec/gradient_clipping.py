"""Gradients held to a bound before an update; where frameworks part, a field says which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gan_rosetta.shared.spec.checks import require, require_choice, require_finite


@dataclass(frozen=True, kw_only=True)
class GradientClipping:
    """What a player's gradients, all terms of its loss in them, are held to before its update.

    by "value": each number to [-bound, bound] (torch's clip_grad_value_, Keras's clipvalue, optax.clip); "norm": each
    parameter's gradient g times min(1, bound / (‖g‖ + ε)) (Keras's clipnorm); "global_norm": all of them, with the norm
    of all together (torch's clip_grad_norm_, Keras's global_clipnorm, Gluon's clip_global_norm, optax's
    clip_by_global_norm).
    epsilon: 1e-6 in torch, 1e-8 in Gluon, 0 in Keras and optax, and by value. Pascanu et al. 2013.
    """

    by: Literal["value", "norm", "global_norm"]
    bound: float
    epsilon: float

    def __post_init__(self) -> None:
        require_choice(self, "by", ("value", "norm", "global_norm"))
        require_finite(self, "bound", above=0)
        require_finite(self, "epsilon", minimum=0)
        good = self.by != "value" or self.epsilon == 0
        require(good, f"GradientClipping: epsilon is {self.epsilon}, and by value there is no norm; say 0", "epsilon")
