"""Losses on one logit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from gan_rosetta.shared.spec.checks import require_choice
from gan_rosetta.shared.spec.loss_fields import Reduction, check_targets
from gan_rosetta.shared.spec.penalty import GradientPenalty


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
        check_targets(self, "real_target", "fake_target")


@dataclass(frozen=True, kw_only=True)
class LogisticGeneratorLoss:
    """factor · CE(D(fake), target), from one logit, as in LogisticDiscriminatorLoss."""

    score: ClassVar[str] = "logit"
    target: float
    factor: float
    reduction: Reduction

    def __post_init__(self) -> None:
        check_targets(self, "target")


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
        check_targets(self)


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
        check_targets(self)


@dataclass(frozen=True, kw_only=True)
class BoundarySeekingGeneratorLoss:
    """factor · (log p(fake) - log(1 - p(fake)))², with plain logarithms. Hjelm et al. 2017, equation 15: ½."""

    score: ClassVar[str] = "probability"
    factor: float
    reduction: Reduction

    def __post_init__(self) -> None:
        check_targets(self)
