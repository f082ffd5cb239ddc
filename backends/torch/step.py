"""One training step, in the order that the spec gives. Eager training, probing and the compiled path all run this."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from gan_rosetta.backends.torch.losses import (
    discriminator_loss,
    distance_loss,
    generator_loss,
    gradient_penalty,
    joint_loss,
    mean_squared_error_loss,
    moved_balance,
    perturbed_samples,
)
from gan_rosetta.shared.interface import Trains
from gan_rosetta.shared.spec import GanSpec, GradientPenalty, passes


class Updates(Protocol):
    """What moves a network's parameters."""

    def update(self, gradients: Sequence[Tensor], /) -> None:
        """Move the parameters by their gradients, in the same order."""
        ...


@dataclass(frozen=True, kw_only=True)
class Player:
    """A network as a step sees it: called on a batch, differentiated by its parameters, moved by its optimizer."""

    network: Callable[[Tensor, Mapping[str, Tensor]], Tensor]
    parameters: Sequence[Tensor]
    optimizer: Updates


class Observer:
    """Is told what a step computes; this one does not look.

    looks: whether to compute for it what training has no use for.
    """

    looks = False

    def forward(self, phase: str, stream: str, /) -> None:
        """A forward pass begins."""

    def value(self, phase: str, quantity: str, stream: str, name: str, value: Tensor, /) -> None:
        """A loss, or the gradient penalty's input gradient."""

    def gradients(self, phase: str, quantity: str, gradients: Sequence[Tensor], /) -> None:
        """The gradients of the network that the phase trains."""

    def updated(self, phase: str, /) -> None:
        """The phase's update is done."""


UNOBSERVED = Observer()


@dataclass(frozen=True, kw_only=True)
class StepLosses:
    """The losses of one step, each (), or (R,) of replicas; NaN for a player that did not train.

    joint: of the third update, where there is one.
    """

    discriminator: Tensor
    generator: Tensor
    real_score: Tensor
    joint: Tensor | None

    def stacked(self) -> Tensor:
        """Return those that there are, in this order, (number of losses,) or (number of losses, R)."""
        more = [] if self.joint is None else [self.joint]
        return torch.stack([self.discriminator, self.generator, self.real_score, *more])


def pretraining_step(
    spec: GanSpec,
    /,
    *,
    player: Player,
    batch: Mapping[str, Tensor],
    observer: Observer = UNOBSERVED,
    side_by_side: bool = False,
) -> Tensor:
    """Fit D to the density for one step and return its loss. batch: "pretrain_input", "pretrain_target", (B, 1).

    side_by_side: as in AdversarialStep.
    """
    if spec.pretraining is None:
        raise TypeError(f"{spec.name!r} has no pretraining")
    phase = "pretraining"
    observer.forward(phase, "input")
    fed = {layer: batch[name] for layer, name in passes(spec)[phase, "input", "discriminator"].fed.items()}
    output = player.network(batch["pretrain_input"], fed)
    loss_of = of_each(mean_squared_error_loss, side_by_side=side_by_side)
    loss = loss_of(spec.pretraining.loss, output=output, target=batch["pretrain_target"])
    observer.value(phase, "loss", "", "loss", loss)
    gradients = torch.autograd.grad(added_up(loss), player.parameters)
    observer.gradients(phase, "gradient", gradients)
    player.optimizer.update(gradients)
    observer.updated(phase)
    return loss.detach()


class AdversarialStep:
    """One adversarial step of a GAN's two players. batch: the chunk's arrays of this step, each (B, ...).

    stacks: give D real and fake samples in one pass; only where D treats each sample by itself. shares: make G's batch
    once for both updates, only where it would be the same, both train, and G's network moves its buffers for two.
    side_by_side: many replicas of the GAN take the step: batches, tensors and losses have an axis of theirs first.
    balance: what D's loss balances its terms by, (), which the step moves, where the loss has one. joint: the players,
    G first, as the third update moves them, where there is one; each by an optimizer of its own.
    """

    def __init__(
        self,
        spec: GanSpec,
        /,
        *,
        generator: Player,
        discriminator: Player,
        observer: Observer,
        balance: Tensor | None = None,
        joint: Sequence[Player] = (),
        stacks: bool = False,
        shares: bool = False,
        side_by_side: bool = False,
    ) -> None:
        self._balance = balance
        self._joint = joint
        self._side_by_side = side_by_side
        self._batch_axis = 1 if side_by_side else 0
        self._keeps_fake = spec.training.fake_batch == "reused" or shares
        self._stacks = stacks
        self._spec = spec
        self._passes = passes(spec)
        self._training = spec.training
        self._generator = generator
        self._discriminator = discriminator
        self._observer = observer

    def run(self, batch: Mapping[str, Tensor], /, *, trains: Trains) -> StepLosses:
        """Update the players whose turn it is, and return the losses from before the updates."""
        keeps = self._keeps_fake
        real = batch["real"]
        nothing = torch.full(real.shape[: self._batch_axis], torch.nan, dtype=real.dtype, device=real.device)
        loss_d, loss_g, real_score = nothing, nothing, nothing
        if self._training.first == "discriminator":
            fake, through_d = None, None
            if trains.discriminator:
                loss_d, real_score, fake, through_d = self._train_discriminator(batch, fake=None)
            if trains.generator:
                loss_g, _ = self._train_generator(batch, fake=fake if keeps else None, through_d=through_d)
        else:
            fake = None
            if trains.generator:
                loss_g, fake = self._train_generator(batch, fake=None, through_d=None)
            if trains.discriminator:
                loss_d, real_score, _, _ = self._train_discriminator(batch, fake=fake if keeps else None)
        joint = self._train_jointly(batch) if self._joint else None
        return StepLosses(discriminator=loss_d.detach(), generator=loss_g.detach(), real_score=real_score, joint=joint)

    def _train_discriminator(
        self, batch: Mapping[str, Tensor], *, fake: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor, Sequence[Tensor] | None]:
        """Return the loss, mean D(real), the fake batch and, where that is not detached, the gradient reaching G."""
        training, observer, phase = self._training, self._observer, "discriminator"
        generator, discriminator = self._generator, self._discriminator
        kept = self._keeps_fake and fake is None
        if fake is None:
            observer.forward(phase, "fake")
            with torch.set_grad_enabled(kept or not training.detach_fake):
                fake = self._generate(batch, phase)
        real_scores, fake_scores = self._score_both(batch, fake.detach() if training.detach_fake else fake)
        balance = {} if self._balance is None else {"balance": self._balance}
        loss = self._of_each(discriminator_loss)(training, real=real_scores, fake=fake_scores, **balance)
        own = list(discriminator.parameters)
        penalty, followed = None, loss
        if self._spec.penalty is not None:
            penalty = self._penalty(self._spec.penalty, batch, fake.detach())
            loss = loss if self._spec.penalty.alone else loss + penalty
            followed = penalty if self._spec.penalty.alone else loss
        observer.value(phase, "loss", "", "loss", loss)
        if penalty is not None and observer.looks:
            alone = torch.autograd.grad(penalty, own, retain_graph=True, allow_unused=True, materialize_grads=True)
            observer.gradients(phase, "penalty_gradient", alone)
        wanted = own if training.detach_fake else [*own, *generator.parameters]
        gradients = torch.autograd.grad(
            added_up(followed),
            wanted,
            retain_graph=kept and not training.detach_fake,
            # A penalty does not hang on the last bias of a critic.
            allow_unused=followed is penalty,
            materialize_grads=followed is penalty,
        )
        observer.gradients(phase, "gradient", gradients[: len(own)])
        discriminator.optimizer.update(gradients[: len(own)])
        if self._balance is not None:
            with torch.no_grad():
                moved = self._of_each(moved_balance)(training, real=real_scores, fake=fake_scores, **balance)
                self._balance.copy_(moved)
        observer.updated(phase)
        mean = torch.func.vmap(torch.mean) if self._side_by_side else torch.mean
        return loss, mean(real_scores.detach()), fake, None if training.detach_fake else gradients[len(own) :]

    def _train_jointly(self, batch: Mapping[str, Tensor]) -> Tensor:
        """Move both players by what D finds again of a batch from noise of its own, and return the loss."""
        observer, phase = self._observer, "joint"
        generator, discriminator = self._joint
        observer.forward(phase, "fake")
        latent = batch[self._training.fed_in(phase, "latent")]
        fake = generator.network(latent, self._fed(batch, phase, "fake", "generator"))
        heads = discriminator.network(fake, self._fed(batch, phase, "fake", "discriminator"))
        loss = self._of_each(joint_loss)(self._training, fake=heads)
        observer.value(phase, "loss", "", "loss", loss)
        wanted = [*generator.parameters, *discriminator.parameters]
        # D's score has no part in it, nor has what leads to the score alone.
        gradients = torch.autograd.grad(added_up(loss), wanted, allow_unused=True, materialize_grads=True)
        observer.gradients(phase, "gradient", gradients)
        generator.optimizer.update(gradients[: len(generator.parameters)])
        discriminator.optimizer.update(gradients[len(generator.parameters) :])
        observer.updated(phase)
        return loss.detach()

    def _of_each(self, loss: Callable[..., Tensor]) -> Callable[..., Tensor]:
        return of_each(loss, side_by_side=self._side_by_side)

    def _fed(self, batch: Mapping[str, Tensor], phase: str, stream: str, network: str) -> dict[str, Tensor]:
        return {layer: batch[name] for layer, name in self._passes[phase, stream, network].fed.items()}

    def _shown(self, batch: Mapping[str, Tensor], samples: Tensor) -> Tensor:
        """Return what D is shown of samples: perhaps with the channels of what G started from."""
        if not self._training.shows_pairs:
            return samples
        return torch.cat(self._training.in_order(samples, batch["latent_d"]), dim=self._batch_axis + 1)

    def _generate(self, batch: Mapping[str, Tensor], phase: str) -> Tensor:
        fed = self._fed(batch, phase, "fake", "generator")
        return self._generator.network(batch[self._training.fed_in(phase, "latent")], fed)

    def _score_both(self, batch: Mapping[str, Tensor], fake: Tensor) -> tuple[Tensor, Tensor]:
        network, phase = self._discriminator.network, "discriminator"
        real, fake = (self._shown(batch, samples) for samples in (batch["real"], fake))
        with_real, with_fake = (self._fed(batch, phase, stream, "discriminator") for stream in ("real", "fake"))
        if self._stacks:
            axis = self._batch_axis
            with_both = {layer: torch.cat([own, with_fake[layer]], dim=axis) for layer, own in with_real.items()}
            real_scores, fake_scores = network(torch.cat([real, fake], dim=axis), with_both).chunk(2, dim=axis)
            return real_scores, fake_scores
        self._observer.forward(phase, "real")
        real_scores = network(real, with_real)
        self._observer.forward(phase, "fake")
        return real_scores, network(fake, with_fake)

    def _penalty(self, penalty: GradientPenalty, batch: Mapping[str, Tensor], fake: Tensor) -> Tensor:
        phase = "discriminator"
        # Mixing coefficients, and what else the samples are made with, where there are such.
        more = {name: batch[name] for name in ("mix", "perturbation") if name in batch}
        mixed = self._of_each(penalised_samples)(penalty, real=batch["real"], fake=fake, **more)
        mixed = mixed.detach().requires_grad_()
        self._observer.forward(phase, "mixed")
        scores = self._discriminator.network(mixed, self._fed(batch, phase, "mixed", "discriminator"))
        # Of replicas each one's: no score is of another's samples.
        (gradient,) = torch.autograd.grad(scores.sum(), mixed, create_graph=True)
        value = self._of_each(gradient_penalty)(penalty, gradient=gradient)
        self._observer.value(phase, "input_gradient", "mixed", "discriminator", gradient)
        self._observer.value(phase, "loss", "", "penalty", value)
        return value

    def _train_generator(
        self, batch: Mapping[str, Tensor], *, fake: Tensor | None, through_d: Sequence[Tensor] | None
    ) -> tuple[Tensor, Tensor]:
        """Return the loss and the fake batch. through_d: the gradient of D's loss that is added to that of G's own."""
        training, observer, phase = self._training, self._observer, "generator"
        generator, discriminator = self._generator, self._discriminator
        if fake is None:
            observer.forward(phase, "fake")
            fake = self._generate(batch, phase)
        of_real = {}
        if training.generator_sees_real:
            observer.forward(phase, "real")
            with torch.no_grad():
                shown = self._shown(batch, batch["real"])
                of_real["real"] = discriminator.network(shown, self._fed(batch, phase, "real", "discriminator"))
        observer.forward(phase, "fake")
        shown = self._shown(batch, fake)
        scores = discriminator.network(shown, self._fed(batch, phase, "fake", "discriminator"))
        if training.shows_fake_twice:
            observer.forward(phase, "again")
            again = discriminator.network(shown, self._fed(batch, phase, "again", "discriminator"))
            scores = torch.cat([scores[..., :2], again[..., 2:]], dim=-1)
        loss = self._of_each(generator_loss)(training, fake=scores, **of_real)
        if training.distance_loss is not None:
            loss = loss + self._of_each(distance_loss)(training.distance_loss, made=fake, real=batch["real"])
        observer.value(phase, "loss", "", "loss", loss)
        gradients: Sequence[Tensor] = torch.autograd.grad(added_up(loss), generator.parameters)
        if through_d is not None:
            gradients = [first + second for first, second in zip(through_d, gradients, strict=True)]
        observer.gradients(phase, "gradient", gradients)
        generator.optimizer.update(gradients)
        observer.updated(phase)
        return loss, fake


def of_each(loss: Callable[..., Tensor], /, *, side_by_side: bool) -> Callable[..., Tensor]:
    """Return a loss of scores, or where replicas stand side by side, (R, B, ...), that of each one's, (R,)."""
    if not side_by_side:
        return loss

    def losses(spec: object, /, **scores: Tensor) -> Tensor:
        def of_one(*own: Tensor) -> Tensor:
            return loss(spec, **dict(zip(scores, own, strict=True)))

        return torch.func.vmap(of_one)(*scores.values())

    return losses


def added_up(loss: Tensor, /) -> Tensor:
    """Return what is differentiated: of replicas the sum, since no replica's loss is of another's tensors."""
    return loss.sum() if loss.dim() else loss


def penalised_samples(penalty: GradientPenalty, /, *, real: Tensor, fake: Tensor, **more: Tensor) -> Tensor:
    """Return where a penalty is taken, (B, ...). more: "mix" and "perturbation", where they are mixed or perturbed."""
    if penalty.at == "mixed":
        return more["mix"] * real + (1 - more["mix"]) * fake
    if penalty.at == "perturbed":
        return perturbed_samples(penalty, real=real, mix=more["mix"], perturbation=more["perturbation"])
    return torch.cat([real, fake]) if penalty.at == "both" else {"real": real, "fake": fake}[penalty.at]
