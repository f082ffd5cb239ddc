"""What is added to the losses of the scores, and the loss of pretraining."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gan_rosetta.shared.spec.checks import require_choice, require_finite
from gan_rosetta.shared.spec.loss_fields import Reduction


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
