"""The optimizers. g is the gradient, t the optimizer's own counter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from gan_rosetta.shared.spec.checks import require, require_choice, require_finite, require_instance
from gan_rosetta.shared.spec.schedules import ConstantRate, LearningRate
from gan_rosetta.shared.spec.weight_decay import WeightDecay


class _Optimizer:
    """What all optimizers have; a weight decay of None leaves it out."""

    learning_rate: LearningRate
    weight_decay: WeightDecay | None

    def __post_init__(self) -> None:
        require_instance(self, "learning_rate", get_args(LearningRate))
        if self.weight_decay is not None:
            require_instance(self, "weight_decay", (WeightDecay,))

    def _require_share(self, *fields: str) -> None:
        for field in fields:
            require_finite(self, field, minimum=0)
            value = getattr(self, field)
            require(value < 1, f"{type(self).__name__}: {field} is {value}; expected less than 1", field)


@dataclass(frozen=True, kw_only=True)
class GradientDescent(_Optimizer):
    """p ← p - lr · g, or with a momentum μ of past gradients; Polyak 1964; Sutskever et al. 2013.

    momentum_of "direction" (torch, optax): b ← μ b + g; p ← p - lr · b, with nesterov p ← p - lr · (g + μ b); "step"
    (Keras, MXNet): b ← μ b + lr · g; p ← p - b, with nesterov p ← p - (lr · g + μ b). The two are one where the
    learning rate stays the same. b begins at 0, as everywhere without torch's `dampening`.
    """

    learning_rate: LearningRate
    momentum: float = 0.0
    momentum_of: Literal["direction", "step"] = "direction"
    nesterov: bool = False
    weight_decay: WeightDecay | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require_share("momentum")
        require_choice(self, "momentum_of", ("direction", "step"))
        require_choice(self, "nesterov", (True, False))
        good = self.momentum > 0 or not self.nesterov
        require(good, "GradientDescent: nesterov is True and momentum 0; expected a momentum above 0", "nesterov")

    @property
    def slots(self) -> tuple[str, ...]:
        """What it keeps of each parameter."""
        return ("momentum",) if self.momentum > 0 else ()


@dataclass(frozen=True, kw_only=True)
class Adam(_Optimizer):
    """Adam; Kingma and Ba 2015, Algorithm 1. t counts from 1 at the first update.

    m ← β1 m + (1 - β1) g; v ← β2 v + (1 - β2) g²;
    epsilon_placement "outside" (torch, optax): p ← p - lr · m̂ / (√v̂ + ε), m̂ = m / (1 - β1ᵗ), v̂ = v / (1 - β2ᵗ);
    "hat" (TensorFlow, Keras, MXNet; the paper's section 2, last lines):
    p ← p - lr · √(1 - β2ᵗ) / (1 - β1ᵗ) · m / (√v + ε). Both without the corrections where bias_correction is False.
    amsgrad: the largest of all v so far in v's place (Reddi et al. 2018, Algorithm 2): of v "as_kept" (torch, Keras),
    w ← max(w, v), or of v̂, "corrected" (optax), w ← max(w, v̂).
    """

    learning_rate: LearningRate
    beta1: float
    beta2: float
    epsilon: float
    epsilon_placement: Literal["outside", "hat"]
    bias_correction: bool
    amsgrad: Literal["no", "as_kept", "corrected"] = "no"
    weight_decay: WeightDecay | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        require_choice(self, "bias_correction", (True, False))
        self._require_share("beta1", "beta2")
        require_finite(self, "epsilon", above=0)
        require_choice(self, "epsilon_placement", ("outside", "hat"))
        require_choice(self, "amsgrad", ("no", "as_kept", "corrected"))
        require(
            self.amsgrad != "corrected" or (self.bias_correction and self.epsilon_placement == "outside"),
            "Adam: amsgrad is 'corrected', which is of v̂; expected bias_correction=True and epsilon_placement="
            "'outside', or amsgrad='as_kept'",
            "amsgrad",
        )

    @property
    def slots(self) -> tuple[str, ...]:
        """What it keeps of each parameter."""
        return ("m", "v") if self.amsgrad == "no" else ("m", "v", "largest")


@dataclass(frozen=True, kw_only=True)
class Adadelta(_Optimizer):
    """Adadelta; Zeiler 2012, Algorithm 1, with a learning rate as torch has it.

    square ← ρ square + (1 - ρ) g²; d = √(delta + ε) / √(square + ε) · g; delta ← ρ delta + (1 - ρ) d²; p ← p - lr · d.
    """

    slots: ClassVar[tuple[str, ...]] = ("square", "delta")
    learning_rate: LearningRate
    rho: float
    epsilon: float
    weight_decay: WeightDecay | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require_share("rho")
        require_finite(self, "epsilon", above=0)


@dataclass(frozen=True, kw_only=True)
class Adagrad(_Optimizer):
    """Adagrad; Duchi et al. 2011: sum ← sum + g²; p ← p - lr · g / root.

    root: √sum + ε with epsilon_placement "outside" (torch), √(sum + ε) with "inside" (Keras, MXNet, optax).
    initial_sum: what the sum begins with: 0 in torch and MXNet, 0.1 in Keras and optax.
    """

    slots: ClassVar[tuple[str, ...]] = ("sum",)
    learning_rate: LearningRate
    epsilon: float
    epsilon_placement: Literal["outside", "inside"]
    initial_sum: float
    weight_decay: WeightDecay | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        require_finite(self, "epsilon", above=0)
        require_choice(self, "epsilon_placement", ("outside", "inside"))
        require_finite(self, "initial_sum", minimum=0)


@dataclass(frozen=True, kw_only=True)
class RMSprop(_Optimizer):
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
    weight_decay: WeightDecay | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require_share("rho", "momentum")
        require_finite(self, "epsilon", above=0)
        require_choice(self, "epsilon_placement", ("outside", "inside"))
        require_choice(self, "centered", (True, False))
        require_choice(self, "momentum_of", ("direction", "step"))

    @property
    def slots(self) -> tuple[str, ...]:
        """What it keeps of each parameter."""
        return ("square", *(["mean"] if self.centered else []), *(["momentum"] if self.momentum > 0 else []))


Optimizer = GradientDescent | Adam | Adadelta | RMSprop | Adagrad


def kept_share(optimizer: Optimizer, step: int, /, *, epoch: int = 0) -> float | None:
    """Return the share of itself that a parameter keeps beside the step, or None where it is left alone.

    step, epoch: as LearningRate.at has them.
    """
    decay = optimizer.weight_decay
    if decay is None or decay.by == "gradient":
        return None
    return 1.0 - decay.shrinks_by(optimizer.learning_rate.at(step, epoch=epoch))


def share_of_gradient(optimizer: Optimizer, /) -> float:
    """Return the share of a parameter that its gradient has beside it, 0 where it has none."""
    decay = optimizer.weight_decay
    return decay.share if decay is not None and decay.by == "gradient" else 0.0


def initial_slot(optimizer: Optimizer, slot: str, /) -> float:
    """Return the number that all entries of a slot begin with."""
    return optimizer.initial_sum if isinstance(optimizer, Adagrad) and slot == "sum" else 0.0


def counts_epochs(optimizer: Optimizer, /) -> bool:
    """Whether the optimizer's learning rate hangs on how many passes over the real data came before."""
    rate = optimizer.learning_rate
    return not isinstance(rate, ConstantRate) and rate.counted == "epochs"


def counts_updates(optimizer: Optimizer, /) -> bool:
    """Whether an optimizer's step hangs on how many came before, by its learning rate or its bias correction."""
    rate = optimizer.learning_rate
    by_rate = not isinstance(rate, ConstantRate) and rate.counted == "updates"
    return by_rate or (isinstance(optimizer, Adam) and optimizer.bias_correction)


def keeps_steps(optimizer: Optimizer, /) -> bool:
    """Whether an optimizer has a momentum of steps, the learning rate in them."""
    kinds = (RMSprop, GradientDescent)
    return isinstance(optimizer, kinds) and optimizer.momentum > 0 and optimizer.momentum_of == "step"
