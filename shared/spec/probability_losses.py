"""Losses on a probability, or on two logits of which a softmax makes one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from gan_rosetta.shared.spec.checks import require_finite
from gan_rosetta.shared.spec.loss_fields import RealLabel, Reduction, check_labels
from gan_rosetta.shared.spec.penalty import GradientPenalty


class _ProbabilityLoss:
    """A loss on D's probability that the sample is real, so that D must end in a single sigmoid."""

    score: ClassVar[str] = "probability"
    reduction: Reduction
    real_label: RealLabel

    def __post_init__(self) -> None:
        check_labels(self)
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
        check_labels(self)


@dataclass(frozen=True, kw_only=True)
class CrossEntropyGeneratorLoss:
    """CE(D(fake), real_label), from two logits, by log-softmax."""

    score: ClassVar[str] = "logits"
    reduction: Reduction
    real_label: RealLabel

    def __post_init__(self) -> None:
        check_labels(self)
