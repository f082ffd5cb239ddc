"""How a GAN is trained: pretraining, whose turn a step is, losses, optimizers, and when a run ends."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_args

from gan_rosetta.shared.spec.added_losses import ClassLoss, DistanceLoss, MeanSquaredErrorLoss
from gan_rosetta.shared.spec.checks import (
    require,
    require_choice,
    require_finite,
    require_instance,
    require_integer,
    require_positive_integer,
)
from gan_rosetta.shared.spec.gradient_clipping import GradientClipping
from gan_rosetta.shared.spec.losses import OF_BOTH_BATCHES, DiscriminatorLoss, GeneratorLoss
from gan_rosetta.shared.spec.moving_average import MovingAverage
from gan_rosetta.shared.spec.optimizers import Optimizer, counts_epochs
from gan_rosetta.shared.spec.penalty import GradientPenalty
from gan_rosetta.shared.spec.score_losses import BalancedDiscriminatorLoss
from gan_rosetta.shared.spec.sources import DensityRegression


@dataclass(frozen=True, kw_only=True)
class Pretraining:
    """D alone, fitted to a known density by regression before the adversarial steps. The optimizer is a fresh one.

    num_steps may be 0, which skips it.
    """

    num_steps: int
    data: DensityRegression
    loss: MeanSquaredErrorLoss
    optimizer: Optimizer

    def __post_init__(self) -> None:
        require_integer(self, "num_steps", minimum=0)
        require_instance(self, "optimizer", get_args(Optimizer))
        require(
            not counts_epochs(self.optimizer),
            "pretraining has no passes over the real data; expected a decay that is counted in 'updates'",
            "optimizer",
            "learning_rate",
            "counted",
        )


@dataclass(frozen=True, kw_only=True)
class StepPattern:
    """The steps t with t mod period in `offsets`.

    counted: t from the beginning of training, or "epoch": from the beginning of each pass over the real data, as a
    program has it that asks for `i % period` inside of its loop over batches.
    """

    period: int
    offsets: tuple[int, ...]
    counted: Literal["training", "epoch"] = "training"

    def __post_init__(self) -> None:
        require_positive_integer(self, "period")
        good = len(self.offsets) >= 1 and all(offset in range(self.period) for offset in self.offsets)
        require(
            good,
            f"StepPattern: offsets are {self.offsets}; expected at least one, each from 0 to {self.period - 1}",
            "offsets",
        )
        require_choice(self, "counted", ("training", "epoch"))

    def includes(self, step: int, /, *, steps_per_epoch: int | None = None) -> bool:
        """Whether the pattern includes this step of training.

        steps_per_epoch: of the tape; ValueError where the pattern is counted within epochs and it is not given.
        """
        if self.counted == "epoch":
            if steps_per_epoch is None:
                raise ValueError(f"{self} is counted within epochs; say how many steps an epoch has")
            step %= steps_per_epoch
        return step % self.period in self.offsets


EVERY_STEP = StepPattern(period=1, offsets=(0,))


@dataclass(frozen=True, kw_only=True)
class StopRule:
    """End the run after the first step whose |mean D(real) - 0.5| is at most `tolerance`, before that step's update."""

    tolerance: float

    def __post_init__(self) -> None:
        require_finite(self, "tolerance", minimum=0)


@dataclass(frozen=True, kw_only=True)
class WeightClipping:
    """Every parameter, biases too, to [-bound, bound] after each update. Arjovsky et al. 2017, Algorithm 1.

    What the initial state or pretraining leaves is not clipped before the first update.
    """

    bound: float

    def __post_init__(self) -> None:
        require_finite(self, "bound", above=0)


@dataclass(frozen=True, kw_only=True)
class Training:
    """The adversarial steps.

    first: whose update comes first in a step; the second sees the first's updated parameters.
    fake_batch: "reused": the second update uses the very batch G made for the first (so, where G is first, one made
        before its update); "regenerated": G runs again for the second update, and its BatchNorm buffers move again.
    latent_draws: "shared": both updates use `latent_d`; "separate": G's update uses `latent_g`.
    detach_fake: False lets the gradient of D's loss (its penalty apart) reach G too, where it is *added* to the
        gradient of G's own loss in the same step's update: torch without `detach` and with one `zero_grad` a step.
    discriminator_steps, generator_steps: the steps in which a player trains; in the others its loss is recorded as NaN
        and nothing of its phase runs.
    steps_per_batch: how many steps in a row each batch of real samples serves.
    weight_clipping: what D's parameters are held to after each of its updates; None where they are free.
    discriminator_clipping, generator_clipping: what a player's gradients are held to before its update, or None.
    generator_average: the moving average of G that samples are drawn from; None where they are from G itself.
    dropout_masks: "shared": D drops the same of G's batch in both updates, as in a program that shows it to D once and
        leads both losses back from there; "separate": it draws anew.
    class_loss: what both losses have beside D's score, of the class, or the code, that D finds; None where D gives the
        score alone.
    second_class_loss: the same of the class that D finds a second time, a twin classifier, or of another code, or None.
    distance_loss: what G's loss has of how far its samples are from the real ones at their places, or None.
    start_shown: whether D is shown the image that G started from too, and where its channels are: "before" or "after"
        those of the sample. Isola et al. 2017, section 3.1: D judges pairs.
    joint_optimizer: of a third update, behind the players' own in every step, or None: G makes a batch from noise of
        its own, `latent_j`, and both players together lower what the class losses' `of_joint` weigh of it. It has a
        state of its own, of the parameters of both, as in PyTorch-GAN's infogan.
    second_class_asked: "together"; or "again": in G's update D is shown G's batch a second time for what
        second_class_loss weighs there, which moves D's buffers once more.
    """

    num_steps: int
    first: Literal["discriminator", "generator"]
    fake_batch: Literal["reused", "regenerated"]
    latent_draws: Literal["shared", "separate"]
    detach_fake: bool
    discriminator_steps: StepPattern
    discriminator_loss: DiscriminatorLoss
    generator_loss: GeneratorLoss
    discriminator_optimizer: Optimizer
    generator_optimizer: Optimizer
    stop: StopRule | None
    generator_steps: StepPattern = EVERY_STEP
    weight_clipping: WeightClipping | None = None
    steps_per_batch: int = 1
    generator_average: MovingAverage | None = None
    discriminator_clipping: GradientClipping | None = None
    generator_clipping: GradientClipping | None = None
    dropout_masks: Literal["separate", "shared"] = "separate"
    class_loss: ClassLoss | None = None
    second_class_loss: ClassLoss | None = None
    second_class_asked: Literal["together", "again"] = "together"
    distance_loss: DistanceLoss | None = None
    start_shown: Literal["no", "before", "after"] = "no"
    joint_optimizer: Optimizer | None = None

    def __post_init__(self) -> None:
        require_positive_integer(self, "num_steps")
        require_positive_integer(self, "steps_per_batch")
        require_choice(self, "first", ("discriminator", "generator"))
        require_choice(self, "fake_batch", ("reused", "regenerated"))
        require_choice(self, "latent_draws", ("shared", "separate"))
        require_choice(self, "detach_fake", (True, False))
        require_choice(self, "dropout_masks", ("separate", "shared"))
        require_choice(self, "start_shown", ("no", "before", "after"))
        require_instance(self, "discriminator_loss", get_args(DiscriminatorLoss))
        require_instance(self, "generator_loss", get_args(GeneratorLoss))
        require_instance(self, "discriminator_optimizer", get_args(Optimizer))
        require_instance(self, "generator_optimizer", get_args(Optimizer))
        require(
            self.discriminator_loss.score == self.generator_loss.score,
            f"discriminator_loss reads D's output as {self.discriminator_loss.score}, "
            f"generator_loss as {self.generator_loss.score}; expected the same",
            "generator_loss",
        )
        require(
            self.class_loss is None or self.discriminator_loss.score != "logits",
            "class_loss stands beside a score of one number; expected losses on a probability, a logit or a critic",
            "class_loss",
        )
        require(
            self.class_loss is None or self.stop is None,
            "a StopRule looks at a D that gives the score alone; leave out stop or class_loss",
            "stop",
        )
        require(
            self.second_class_loss is None or self.class_loss is not None,
            "second_class_loss is of the class that D finds a second time; give class_loss first",
            "second_class_loss",
        )
        require_choice(self, "second_class_asked", ("together", "again"))
        require(
            not self.shows_fake_twice or self.second_class_loss is not None,
            "second_class_asked='again' shows D a batch for second_class_loss, which is None; say 'together'",
            "second_class_asked",
        )
        require(
            not self.shows_fake_twice or self.dropout_masks == "separate",
            "second_class_asked='again' is a pass of G's update alone, whose dropouts have masks of their own; "
            "expected dropout_masks 'separate'",
            "second_class_asked",
        )
        self._check_joint()
        if self.fake_batch == "reused":
            require(
                self.latent_draws == "shared" and self.trains_both_always,
                "fake_batch='reused' needs latent_draws='shared' and a discriminator and a generator that trains in "
                "every step",
                "fake_batch",
            )
        if not self.detach_fake:
            penalty: GradientPenalty | None = getattr(self.discriminator_loss, "penalty", None)
            require(
                penalty is None or not penalty.alone,
                "detach_fake=False leads D's loss back to G, and a penalty that is taken alone leaves D's loss unread",
                "detach_fake",
            )
            require(
                self.first == "discriminator",
                "detach_fake=False changes nothing unless the discriminator is first",
                "detach_fake",
            )
            require(
                self.generator_steps == EVERY_STEP,
                "detach_fake=False adds to G's gradient of the same step, so that G has to train in every step",
                "detach_fake",
            )

    def _check_joint(self) -> None:
        weighed = any(loss.of_joint for loss in self.class_losses)
        require(
            self.joint_optimizer is not None or not weighed,
            "a class loss weighs of_joint, and no joint_optimizer takes that update; give one, or leave of_joint at 0",
            "joint_optimizer",
        )
        if self.joint_optimizer is None:
            return
        require_instance(self, "joint_optimizer", get_args(Optimizer))
        require(
            weighed,
            "joint_optimizer lowers what class_loss and second_class_loss weigh by of_joint; expected one above 0",
            "joint_optimizer",
        )
        for field in ("generator_average", "weight_clipping"):
            require(
                getattr(self, field) is None,
                f"{field} follows a player's own update, and joint_optimizer moves both behind it; leave one of the "
                "two out",
                field,
            )

    def steps_of(self, loss: str, /) -> StepPattern:
        """Return the steps in which a loss is measured: "discriminator", "generator", "joint" or "pretraining"."""
        patterns = {"discriminator": self.discriminator_steps, "generator": self.generator_steps}
        return patterns.get(loss, EVERY_STEP)

    def fed_in(self, phase: str, kind: Literal["latent", "label"], /) -> str:
        """Return the tape's name of the noise, or of the classes, that G is given in a phase."""
        if phase == "joint":
            return f"{kind}_j"
        return f"{kind}_d" if phase == "discriminator" or self.latent_draws == "shared" else f"{kind}_g"

    @property
    def loss_names(self) -> tuple[str, ...]:
        """The losses of an adversarial step, by the phases that they are of."""
        return ("discriminator", "generator", *(("joint",) if self.joint_optimizer is not None else ()))

    @cached_property
    def class_losses(self) -> tuple[ClassLoss, ...]:
        """What both losses have of each number that D gives beside its score, in order."""
        return tuple(loss for loss in (self.class_loss, self.second_class_loss) if loss is not None)

    @property
    def shows_fake_twice(self) -> bool:
        """Whether D is shown G's batch twice in G's update; the second pass is of the stream "again"."""
        return self.second_class_asked == "again"

    @property
    def balanced(self) -> BalancedDiscriminatorLoss | None:
        """D's loss where it has a balance, which training keeps."""
        return self.discriminator_loss if isinstance(self.discriminator_loss, BalancedDiscriminatorLoss) else None

    @property
    def generator_sees_real(self) -> bool:
        """Whether G's update asks D about the real samples too."""
        return isinstance(self.generator_loss, OF_BOTH_BATCHES)

    @property
    def takes_real_in_generator(self) -> bool:
        """Whether G's update takes the real samples: D is asked about them, or G's are held against them."""
        return self.generator_sees_real or self.distance_loss is not None

    @property
    def shows_pairs(self) -> bool:
        """Whether D is shown each sample beside the image that G started from, their channels put together."""
        return self.start_shown != "no"

    def in_order(self, sample: Any, start: Any, /) -> tuple[Any, Any]:
        """Return a sample and the image that G started from as D is shown them, of a GAN that shows pairs."""
        return (start, sample) if self.start_shown == "before" else (sample, start)

    @property
    def trains_both_always(self) -> bool:
        """Whether both players train in every step."""
        return self.discriminator_steps == self.generator_steps == EVERY_STEP

    @property
    def counts_epochs(self) -> bool:
        """Whether it matters to the steps where a pass over the real data begins."""
        turns = "epoch" in (self.discriminator_steps.counted, self.generator_steps.counted)
        used = (self.discriminator_optimizer, self.generator_optimizer, self.joint_optimizer)
        return turns or any(counts_epochs(optimizer) for optimizer in used if optimizer is not None)

    @property
    def period(self) -> int:
        """After how many steps the players' turns repeat, within an epoch where they are counted there."""
        return math.lcm(self.discriminator_steps.period, self.generator_steps.period)
