"""The optimizers. g is the gradient, t the optimizer's own counter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from gan_rosetta.shared.spec.checks import require, require_choice, require_finite, require_instance
from gan_rosetta.shared.spec.schedules import ConstantRate, LearningRate


@dataclass(frozen=True, kw_only=True)
class GradientDescent:
    """p ← p - lr · g."""

    slots: ClassVar[tuple[str, ...]] = ()
    learning_rate: LearningRate

    def __post_init__(self) -> None:
        require_instance(self, "learning_rate", get_args(LearningRate))


@dataclass(frozen=True, kw_only=True)
class Adam:
    """Adam; Kingma and Ba 2015, Algorithm 1. t counts from 1 at the first update.

    m ← β1 m + (1 - β1) g; v ← β2 v + (1 - β2) g²;
    epsilon_placement "outside" (torch, optax): p ← p - lr · m̂ / (√v̂ + ε), m̂ = m / (1 - β1ᵗ), v̂ = v / (1 - β2ᵗ);
    "hat" (TensorFlow, Keras, MXNet; the paper's section 2, last lines):
    p ← p - lr · √(1 - β2ᵗ) / (1 - β1ᵗ) · m / (√v + ε). Both without the corrections where bias_correction is False.
    """

    slots: ClassVar[tuple[str, ...]] = ("m", "v")
    learning_rate: LearningRate
    beta1: float
    beta2: float
    epsilon: float
    epsilon_placement: Literal["outside", "hat"]
    bias_correction: bool

    def __post_init__(self) -> None:
        require_instance(self, "learning_rate", get_args(LearningRate))
        require_choice(self, "bias_correction", (True, False))
        for field in ("beta1", "beta2"):
            require_finite(self, field, minimum=0)
            require(getattr(self, field) < 1, f"Adam: {field} is {getattr(self, field)}; expected less than 1", field)
        require_finite(self, "epsilon", above=0)
        require_choice(self, "epsilon_placement", ("outside", "hat"))


@dataclass(frozen=True, kw_only=True)
class Adadelta:
    """Adadelta; Zeiler 2012, Algorithm 1, with a learning rate as torch has it.

    square ← ρ square + (1 - ρ) g²; d = √(delta + ε) / √(square + ε) · g; delta ← ρ delta + (1 - ρ) d²; p ← p - lr · d.
    """

    slots: ClassVar[tuple[str, ...]] = ("square", "delta")
    learning_rate: LearningRate
    rho: float
    epsilon: float

    def __post_init__(self) -> None:
        require_instance(self, "learning_rate", get_args(LearningRate))
        require_finite(self, "rho", minimum=0)
        require(self.rho < 1, f"Adadelta: rho is {self.rho}; expected less than 1", "rho")
        require_finite(self, "epsilon", above=0)


@dataclass(frozen=True, kw_only=True)
class RMSprop:
    """RMSprop; Tieleman and Hinton 2012; centred as in Graves 2013, equations 38 to 45.

    square ← ρ square + (1 - ρ) g²; where centered mean ← ρ mean + (1 - ρ) g and variance = square - mean², else
    variance = square; d = g / (√variance + ε) with epsilon_placement "outside" (torch), g / √(variance + ε) with
    "inside" (Keras, MXNet, optax).
    Without momentum p ← p - lr · d. momentum_of "direction" (torch): b ← μ b + d, p ← p - lr · b; "step" (Keras, MXNet,
    optax): b ← μ b + lr · d, p ← p - b. The two are one where the learning rate stays the same.
    """

    learning_rate: LearningRate
    rho: float
    epsilon: float
    epsilon_placement: Literal["outside", "inside"]
    centered: bool
    momentum: float
    momentum_of: Literal["direction", "step"]

    def __post_init__(self) -> None:
        require_instance(self, "learning_rate", get_args(LearningRate))
        for field in ("rho", "momentum"):
            require_finite(self, field, minimum=0)
            require(
                getattr(self, field) < 1, f"RMSprop: {field} is {getattr(self, field)}; expected less than 1", field
            )
        require_finite(self, "epsilon", above=0)
        require_choice(self, "epsilon_placement", ("outside", "inside"))
        require_choice(self, "centered", (True, False))
        require_choice(self, "momentum_of", ("direction", "step"))

    @property
    def slots(self) -> tuple[str, ...]:
        """What it keeps of each parameter."""
        return ("square", *(["mean"] if self.centered else []), *(["momentum"] if self.momentum > 0 else []))


Optimizer = GradientDescent | Adam | Adadelta | RMSprop


def counts_epochs(optimizer: Optimizer, /) -> bool:
    """Whether the optimizer's learning rate hangs on how many passes over the real data came before."""
    rate = optimizer.learning_rate
    return not isinstance(rate, ConstantRate) and rate.counted == "epochs"
