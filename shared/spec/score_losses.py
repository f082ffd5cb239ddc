"""Losses on a score that is no probability: a critic's, an energy, or what is held to targets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from gan_rosetta.shared.spec.checks import require, require_choice, require_finite
from gan_rosetta.shared.spec.loss_fields import RealLabel, Reduction, check_labels, check_targets
from gan_rosetta.shared.spec.penalty import GradientPenalty


@dataclass(frozen=True, kw_only=True)
class SoftmaxDiscriminatorLoss:
    """mean of D(real) + log(Z + floor), Z = Σ exp(-D(real)) + Σ exp(-D(fake)) over both batches. Lin 2017, section 3.

    The cross entropy of a softmax over all scores, which are low where a sample is real, and a target that is even over
    the real ones. G's loss beside it is SoftmaxGeneratorLoss.
    """

    score: ClassVar[str] = "critic"
    reduction: ClassVar[Reduction] = "mean"
    floor: float
    penalty: GradientPenalty | None = None

    def __post_init__(self) -> None:
        require_finite(self, "floor", minimum=0)


@dataclass(frozen=True, kw_only=True)
class SoftmaxGeneratorLoss:
    """mean of D(real) and D(fake) + log(Z + floor), as in SoftmaxDiscriminatorLoss. Lin 2017, section 3.

    D is given the step's real samples first, which moves its buffers, and then the fake ones.
    """

    score: ClassVar[str] = "critic"
    reduction: ClassVar[Reduction] = "mean"
    floor: float

    def __post_init__(self) -> None:
        require_finite(self, "floor", minimum=0)


@dataclass(frozen=True, kw_only=True)
class WassersteinDiscriminatorLoss:
    """-D(real) + D(fake) + penalty. Arjovsky et al. 2017; penalty None leaves it out.

    The penalty is always a mean; `reduction` concerns the scores. real_label=0 swaps the two signs of the scores.
    """

    score: ClassVar[str] = "critic"
    penalty: GradientPenalty | None
    reduction: Reduction
    real_label: RealLabel

    def __post_init__(self) -> None:
        check_labels(self)


@dataclass(frozen=True, kw_only=True)
class WassersteinGeneratorLoss:
    """-D(fake), or D(fake) where real_label is 0."""

    score: ClassVar[str] = "critic"
    reduction: Reduction
    real_label: RealLabel

    def __post_init__(self) -> None:
        check_labels(self)


@dataclass(frozen=True, kw_only=True)
class HingeDiscriminatorLoss:
    """max(0, 1 - D(real)) + max(0, 1 + D(fake)). Lim and Ye 2017; Miyato et al. 2018, equation 16.

    The gradient is 0 where a term is 0. real_label=0 swaps the two signs of the scores. G's loss beside it is -D(fake),
    WassersteinGeneratorLoss.
    """

    score: ClassVar[str] = "critic"
    reduction: Reduction
    real_label: RealLabel
    penalty: GradientPenalty | None = None

    def __post_init__(self) -> None:
        check_labels(self)


@dataclass(frozen=True, kw_only=True)
class MarginDiscriminatorLoss:
    """D(real) + max(0, margin - D(fake)), of energies, low where a sample is real. Zhao et al. 2017, equation 1.

    over: the margin holds each "sample"'s energy, or the "batch"'s, reduced, as several published programs have it. The
    gradient is 0 where the second term is 0. G's loss beside it is D(fake), WassersteinGeneratorLoss of real_label 0.
    """

    score: ClassVar[str] = "critic"
    margin: float
    over: Literal["sample", "batch"]
    reduction: Reduction
    penalty: GradientPenalty | None = None

    def __post_init__(self) -> None:
        require_finite(self, "margin")
        require_choice(self, "over", ("sample", "batch"))
        require_choice(self, "reduction", ("mean", "sum"))


@dataclass(frozen=True, kw_only=True)
class BalancedDiscriminatorLoss:
    """D(real) - k · D(fake), of energies, low where a sample is real. Berthelot et al. 2017, section 3.4.

    k, the balance, is a number that training keeps. It begins at initial_balance, and behind each of D's updates
    k ← k + rate · (diversity · D(real) - D(fake)), of the reduced energies that the loss was of, held to [0, 1]. The
    paper has λ for the rate and γ for the diversity. G's loss beside it is D(fake), WassersteinGeneratorLoss of
    real_label 0.
    """

    score: ClassVar[str] = "critic"
    initial_balance: float
    diversity: float
    rate: float
    reduction: Reduction
    penalty: GradientPenalty | None = None

    def __post_init__(self) -> None:
        require_finite(self, "initial_balance", minimum=0)
        require(
            self.initial_balance <= 1,
            f"{type(self).__name__}: initial_balance is {self.initial_balance}; expected at most 1",
            "initial_balance",
        )
        require_finite(self, "diversity", minimum=0)
        require_finite(self, "rate", above=0)
        require_choice(self, "reduction", ("mean", "sum"))


@dataclass(frozen=True, kw_only=True)
class LeastSquaresDiscriminatorLoss:
    """factor · ((D(real) - real_target)² + (D(fake) - fake_target)²). Mao et al. 2017, equation 2: b, a and ½."""

    score: ClassVar[str] = "squares"
    real_target: float
    fake_target: float
    factor: float
    reduction: Reduction
    penalty: GradientPenalty | None = None

    def __post_init__(self) -> None:
        check_targets(self, "real_target", "fake_target")


@dataclass(frozen=True, kw_only=True)
class LeastSquaresGeneratorLoss:
    """factor · (D(fake) - target)². Mao et al. 2017, equation 2: c, and ½."""

    score: ClassVar[str] = "squares"
    target: float
    factor: float
    reduction: Reduction

    def __post_init__(self) -> None:
        check_targets(self, "target")
