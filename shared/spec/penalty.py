"""The gradient penalty that may stand beside a loss of D."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gan_rosetta.shared.spec.checks import require, require_choice, require_finite, require_positive_integer


@dataclass(frozen=True, kw_only=True)
class GradientPenalty:
    """weight · mean of (‖g‖ - target)^power, with g = ∂ΣD(x̂)/∂x̂; the fake samples are taken as constants.

    at: where. "mixed": x̂ = r·real + (1 - r)·fake, r ~ U[0, 1) (Gulrajani et al. 2017, Algorithm 1). "real" and
    "fake": the samples themselves, which with target 0 are R1 and R2 (Mescheder et al. 2018; ½ γ is the weight).
    "both": the sum of those two means (with target 0 and power 6 WGAN-div, Wu et al. 2018). "perturbed":
    x̂ = real + (1 - r) · perturbation · s · u (Kodali et al. 2017, DRAGAN), with u ~ U[0, 1) for each entry and s the
    standard deviation of all numbers of the real batch, "unbiased" as torch takes it, or "biased" as NumPy does.

    mixing: one r for each "sample", or for each "entry" of it, as PyTorch-GAN's dragan has it. over: the "mean", or the
    "largest" alone of all that it would be taken of, in both batches of "both" (Zhou et al. 2019, Lipschitz GANs).

    alone: D follows the penalty by itself, and its loss, recorded without the penalty, moves nothing, as PyTorch-GAN's
    dragan runs.

    norm: "sample" is one 2-norm a sample, mean over samples. "channel": the 2-norm over the first axis of a sample
    alone, as several published programs have it, mean over samples and the remaining axes; for one channel it is |g|
    pixel by pixel. The norm's gradient at g = 0 is taken as 0. Where target is 0 no root is taken: (Σ g²)^(power / 2).
    """

    weight: float
    norm: Literal["channel", "sample"]
    at: Literal["mixed", "real", "fake", "both", "perturbed"] = "mixed"
    target: float = 1.0
    power: int = 2
    mixing: Literal["sample", "entry"] = "sample"
    perturbation: float | None = None
    deviation: Literal["biased", "unbiased"] | None = None
    over: Literal["mean", "largest"] = "mean"
    alone: bool = False

    def __post_init__(self) -> None:
        require_finite(self, "weight", minimum=0)
        require_choice(self, "norm", ("channel", "sample"))
        require_choice(self, "at", ("mixed", "real", "fake", "both", "perturbed"))
        require_finite(self, "target", minimum=0)
        require_positive_integer(self, "power")
        require(
            self.power % 2 == 0, f"power is {self.power!r}; expected an even number, so that no root is taken", "power"
        )
        require(
            self.power == 2 or self.target == 0,
            f"power is {self.power} and target {self.target:g}; expected power 2, or target 0",
            "power",
        )
        require_choice(self, "over", ("mean", "largest"))
        require_choice(self, "alone", (True, False))
        self._check_place()

    def _check_place(self) -> None:
        require_choice(self, "mixing", ("sample", "entry"))
        require(
            self.mixing == "sample" or self.mixes,
            f"mixing is {self.mixing!r}, and at {self.at!r}, where nothing is mixed; leave mixing out, or take the "
            "penalty at 'mixed' or 'perturbed'",
            "mixing",
        )
        if self.at == "perturbed":
            require(
                self.perturbation is not None,
                "at is 'perturbed', and perturbation is not given; say how many standard deviations, DRAGAN's is 0.5",
                "perturbation",
            )
            require_finite(self, "perturbation", above=0)
            require_choice(self, "deviation", ("biased", "unbiased"))
        for field in ("perturbation", "deviation"):
            require(
                self.at == "perturbed" or getattr(self, field) is None,
                f"{field} is {getattr(self, field)!r}, and at {self.at!r}; leave it out, or take the penalty at "
                "'perturbed'",
                field,
            )

    @property
    def mixes(self) -> bool:
        """Whether the tape has a coefficient r for it."""
        return self.at in ("mixed", "perturbed")

    @property
    def degrees_lost(self) -> int:
        """What is taken away from the count that the squares of a standard deviation are divided by."""
        return 1 if self.deviation == "unbiased" else 0

    @property
    def factor_of_mean(self) -> float:
        """What the mean over all places where it is taken is multiplied by: the weight, of two batches twice."""
        return self.weight * (2 if self.at == "both" and self.over == "mean" else 1)
