"""The losses. Each is one number a step; `reduction` says whether the batch is averaged or summed.

p is what D gives a sample: a probability, one or two logits, or a critic's score; or a map (1, height, width) of one
of these for each patch of an image (Isola et al. 2017, section 3.2.2), over all of which the batch's mean or sum then
runs. A loss of D may have a gradient
penalty beside it, which is added; it is always a mean, whatever the reduction. `real_label` is the label that D
learns to give to real samples; the published GANs all use 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from gan_rosetta.shared.spec.checks import require, require_choice, require_finite
from gan_rosetta.shared.spec.penalty import GradientPenalty

Reduction = Literal["mean", "sum"]
RealLabel = Literal[0, 1]


class _ProbabilityLoss:
    """A loss on D's probability that the sample is real, so that D must end in a single sigmoid."""

    score: ClassVar[str] = "probability"
    reduction: Reduction
    real_label: RealLabel

    def __post_init__(self) -> None:
        _check_labels(self)
        if getattr(self, "probability_floor", None) is not None:
            require_finite(self, "probability_floor", above=0)
        if hasattr(self, "factor"):
            require_finite(self, "factor", above=0)
        if hasattr(self, "log_floor"):
            require_finite(self, "log_floor")
            require_finite(self, "denominator_floor", above=0)


@dataclass(frozen=True, kw_only=True)
class MinimaxDiscriminatorLoss(_ProbabilityLoss):
    """factor · (-log p(real) - log(1 - p(fake))), with plain logarithms. Goodfellow et al. 2014, Algorithm 1.

    probability_floor: log(max(q, floor)) in place of log(q), with no gradient where q < floor; None leaves it out.
    real_label=0 swaps the roles of p and 1 - p. factor: ½ where a program takes the mean of the two.
    """

    probability_floor: float | None
    reduction: Reduction
    real_label: RealLabel
    factor: float = 1.0
    penalty: GradientPenalty | None = None


@dataclass(frozen=True, kw_only=True)
class NonSaturatingGeneratorLoss(_ProbabilityLoss):
    """-log p(fake). Goodfellow et al. 2014, section 3. Floor and label as in MinimaxDiscriminatorLoss."""

    probability_floor: float | None
    reduction: Reduction
    real_label: RealLabel


@dataclass(frozen=True, kw_only=True)
class SaturatingGeneratorLoss(_ProbabilityLoss):
    """log(1 - p(fake)), the minimax form. Goodfellow et al. 2014, Algorithm 1. Floor and label as there."""

    probability_floor: float | None
    reduction: Reduction
    real_label: RealLabel


@dataclass(frozen=True, kw_only=True)
class BinaryCrossEntropyDiscriminatorLoss(_ProbabilityLoss):
    """factor · (BCE(p(real), 1) + BCE(p(fake), 0)), each logarithm clamped from below at `log_floor` (torch: -100).

    The gradient with respect to p is torch's: (p - target) / max(p · (1 - p), denominator_floor), so that a saturated
    sigmoid gives 0 and not NaN. factor: ½ where a program takes the mean of the two.
    """

    log_floor: float
    denominator_floor: float
    reduction: Reduction
    real_label: RealLabel
    factor: float = 1.0
    penalty: GradientPenalty | None = None


@dataclass(frozen=True, kw_only=True)
class BinaryCrossEntropyGeneratorLoss(_ProbabilityLoss):
    """factor · BCE(p(fake), 1), clamped and differentiated as in BinaryCrossEntropyDiscriminatorLoss."""

    log_floor: float
    denominator_floor: float
    reduction: Reduction
    real_label: RealLabel
    factor: float = 1.0


@dataclass(frozen=True, kw_only=True)
class CrossEntropyDiscriminatorLoss:
    """CE(D(real), real_label) + CE(D(fake), 1 - real_label), from two logits, by log-softmax."""

    score: ClassVar[str] = "logits"
    reduction: Reduction
    real_label: RealLabel

    def __post_init__(self) -> None:
        _check_labels(self)


@dataclass(frozen=True, kw_only=True)
class CrossEntropyGeneratorLoss:
    """CE(D(fake), real_label), from two logits, by log-softmax."""

    score: ClassVar[str] = "logits"
    reduction: Reduction
    real_label: RealLabel

    def __post_init__(self) -> None:
        _check_labels(self)


@dataclass(frozen=True, kw_only=True)
class LogisticDiscriminatorLoss:
    """factor · (CE(D(real), real_target) + CE(D(fake), fake_target)), from one logit.

    CE(z, t) = t · log(1 + exp(-z)) + (1 - t) · log(1 + exp(z)), exact however large z is. A target between 0 and 1
    smooths the label (Salimans et al. 2016, section 3.4).
    """

    score: ClassVar[str] = "logit"
    real_target: float
    fake_target: float
    factor: float
    reduction: Reduction
    penalty: GradientPenalty | None = None

    def __post_init__(self) -> None:
        _check_targets(self, "real_target", "fake_target")


@dataclass(frozen=True, kw_only=True)
class LogisticGeneratorLoss:
    """factor · CE(D(fake), target), from one logit, as in LogisticDiscriminatorLoss."""

    score: ClassVar[str] = "logit"
    target: float
    factor: float
    reduction: Reduction

    def __post_init__(self) -> None:
        _check_targets(self, "target")


@dataclass(frozen=True, kw_only=True)
class RelativisticDiscriminatorLoss:
    """factor · (CE(D(real) - D(fake), 1) + CE(D(fake) - D(real), 0)), from one logit. Jolicoeur-Martineau 2018.

    CE as in LogisticDiscriminatorLoss. average: what is taken away is the mean of the other batch's logits, of a map's
    the mean at the same place of the map, where not the logit at the same place of the other batch. G's loss beside it
    is RelativisticGeneratorLoss, or LogisticGeneratorLoss where a program leaves its own unread.
    """

    score: ClassVar[str] = "logit"
    average: bool
    factor: float
    reduction: Reduction
    penalty: GradientPenalty | None = None

    def __post_init__(self) -> None:
        require_choice(self, "average", (True, False))
        _check_targets(self)


@dataclass(frozen=True, kw_only=True)
class RelativisticGeneratorLoss:
    """factor · (CE(D(fake) - D(real), 1) + CE(D(real) - D(fake), 0)), from one logit. Jolicoeur-Martineau 2018.

    average: as in RelativisticDiscriminatorLoss. terms: "both", or "fake": the first term alone, as several published
    programs have it. D is given the step's real samples first, which moves its buffers, and then the fake ones.
    """

    score: ClassVar[str] = "logit"
    average: bool
    terms: Literal["both", "fake"]
    factor: float
    reduction: Reduction

    def __post_init__(self) -> None:
        require_choice(self, "average", (True, False))
        require_choice(self, "terms", ("both", "fake"))
        _check_targets(self)


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
class BoundarySeekingGeneratorLoss:
    """factor · (log p(fake) - log(1 - p(fake)))², with plain logarithms. Hjelm et al. 2017, equation 15: ½."""

    score: ClassVar[str] = "probability"
    factor: float
    reduction: Reduction

    def __post_init__(self) -> None:
        _check_targets(self)


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
        _check_labels(self)


@dataclass(frozen=True, kw_only=True)
class WassersteinGeneratorLoss:
    """-D(fake), or D(fake) where real_label is 0."""

    score: ClassVar[str] = "critic"
    reduction: Reduction
    real_label: RealLabel

    def __post_init__(self) -> None:
        _check_labels(self)


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
        _check_labels(self)


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
        _check_targets(self, "real_target", "fake_target")


@dataclass(frozen=True, kw_only=True)
class LeastSquaresGeneratorLoss:
    """factor · (D(fake) - target)². Mao et al. 2017, equation 2: c, and ½."""

    score: ClassVar[str] = "squares"
    target: float
    factor: float
    reduction: Reduction

    def __post_init__(self) -> None:
        _check_targets(self, "target")


@dataclass(frozen=True, kw_only=True)
class ClassLoss:
    """What is added to both losses of a number that D gives a sample beside its score: what its second head ends in.

    D's loss: on_real · mean over the real samples + on_fake · mean over the fake ones; G's: of_generator · mean over
    the fake ones; always means, whatever the reduction of the scores. Odena et al. 2017: 1, 1 and 1. A negative
    of_generator is of a classifier that G is to mislead, the twin of Gong et al. 2019.

    of_joint: its weight in the loss of a third update, of both players together (Training.joint_optimizer), which is
    the sum of these means over the fake samples and has no score in it.
    """

    on_real: float
    on_fake: float
    of_generator: float
    of_joint: float = 0.0

    def __post_init__(self) -> None:
        require_finite(self, "on_real", minimum=0)
        require_finite(self, "on_fake", minimum=0)
        require_finite(self, "of_generator")
        require_finite(self, "of_joint", minimum=0)


@dataclass(frozen=True, kw_only=True)
class DistanceLoss:
    """What is added to G's loss: weight · mean of |G - real|, or of its square, over all numbers of a batch.

    Each sample is held against the real one at its place in the batch: where G starts from an image, against what that
    was made of. Pathak et al. 2016, equation 1; Isola et al. 2017, equation 3. by: "absolute", whose gradient is 0
    where the two are the same, or "squares".
    """

    by: Literal["absolute", "squares"]
    weight: float

    def __post_init__(self) -> None:
        require_choice(self, "by", ("absolute", "squares"))
        require_finite(self, "weight", above=0)


@dataclass(frozen=True, kw_only=True)
class MeanSquaredErrorLoss:
    """(D(input) - target)² in pretraining."""

    reduction: Reduction

    def __post_init__(self) -> None:
        require_choice(self, "reduction", ("mean", "sum"))


DiscriminatorLoss = (
    MinimaxDiscriminatorLoss
    | BinaryCrossEntropyDiscriminatorLoss
    | CrossEntropyDiscriminatorLoss
    | WassersteinDiscriminatorLoss
    | HingeDiscriminatorLoss
    | MarginDiscriminatorLoss
    | BalancedDiscriminatorLoss
    | SoftmaxDiscriminatorLoss
    | LeastSquaresDiscriminatorLoss
    | LogisticDiscriminatorLoss
    | RelativisticDiscriminatorLoss
)
GeneratorLoss = (
    NonSaturatingGeneratorLoss
    | SaturatingGeneratorLoss
    | BinaryCrossEntropyGeneratorLoss
    | CrossEntropyGeneratorLoss
    | WassersteinGeneratorLoss
    | LeastSquaresGeneratorLoss
    | LogisticGeneratorLoss
    | RelativisticGeneratorLoss
    | SoftmaxGeneratorLoss
    | BoundarySeekingGeneratorLoss
)
# Losses of G that D's scores of the real batch are a part of.
OF_BOTH_BATCHES = (RelativisticGeneratorLoss, SoftmaxGeneratorLoss)


def _check_targets(loss: object, *targets: str) -> None:
    for field in targets:
        require_finite(loss, field)
    require_finite(loss, "factor", above=0)
    require_choice(loss, "reduction", ("mean", "sum"))


def _check_labels(loss: object) -> None:
    require_choice(loss, "reduction", ("mean", "sum"))
    require_choice(loss, "real_label", (0, 1))
