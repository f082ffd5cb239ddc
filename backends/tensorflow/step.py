"""One training step, in the order that the spec gives. Eager training, probing and the compiled loop all run this."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import tensorflow as tf

from gan_rosetta.backends.tensorflow.layers import Network, Observe
from gan_rosetta.backends.tensorflow.losses import (
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


@dataclass(frozen=True, kw_only=True)
class Player:
    """A network as a step sees it: called on a batch, differentiated by its parameters, moved by its optimizer."""

    network: Network
    parameters: Sequence[Any]
    update: Callable[[Sequence[Any]], None]


class Observer:
    """Is told what an eager step computes; this one does not look.

    looks: whether to compute what training has no use for.
    """

    looks = False

    def forward(self, phase: str, stream: str, network: str, /) -> Observe | None:
        """Return what is to be shown a forward pass's outputs, layer by layer, if anything."""

    def value(self, phase: str, quantity: str, stream: str, name: str, value: Any, /) -> None:
        """See a loss, or the gradient penalty's input gradient."""

    def gradients(self, phase: str, quantity: str, gradients: Sequence[Any], /) -> None:
        """See the gradients of the network that the phase trains."""

    def updated(self, phase: str, /) -> None:
        """See that the phase's update is done."""


UNOBSERVED = Observer()


class StepLosses(NamedTuple):
    """The losses of one step, each (); NaN for a player that did not train. joint: of the third update, or None."""

    discriminator: Any
    generator: Any
    real_score: Any
    joint: Any = None

    def told(self) -> list[Any]:
        """Return those that there are, in order."""
        return [loss for loss in self if loss is not None]


class _Fake(NamedTuple):
    """A batch that G made, (batch, ...), and the tape that leads from it back to G's parameters."""

    samples: Any
    tape: Any


class _DiscriminatorPhase(NamedTuple):
    """What D's phase gives: its loss, mean D(real), and the gradients that it adds to G's, if any."""

    loss: Any
    real_score: Any
    through_discriminator: list[Any]


def pretraining_step(
    spec: GanSpec, /, *, player: Player, batch: Mapping[str, Any], observer: Observer = UNOBSERVED
) -> Any:
    """Fit D to the density for one step and return its loss. batch: "pretrain_input", "pretrain_target", (batch, 1)."""
    if spec.pretraining is None:
        raise TypeError(f"{spec.name!r} has no pretraining")
    phase = "pretraining"
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(player.parameters)
        observe = observer.forward(phase, "input", "discriminator")
        fed = fed_in(spec, batch, phase, "input", "discriminator")
        output = player.network(batch["pretrain_input"], buffer_moves=1, fed=fed, observe=observe)
        loss = mean_squared_error_loss(spec.pretraining.loss, output=output, target=batch["pretrain_target"])
    observer.value(phase, "loss", "", "loss", loss)
    gradients = _gradient(tape, loss, player.parameters)
    observer.gradients(phase, "gradient", gradients)
    player.update(gradients)
    observer.updated(phase)
    return loss


def fed_in(spec: GanSpec, batch: Mapping[str, Any], phase: str, stream: str, network: str, /) -> dict[str, Any]:
    """Return what a pass is fed of the batch beside its samples, by layer."""
    return {layer: batch[name] for layer, name in passes(spec)[phase, stream, network].fed.items()}


class AdversarialStep:
    """One adversarial step of a GAN's two players. batch: the chunk's arrays of this step, each (batch, ...).

    stacks: give D real and fake samples in one pass; only where D treats each sample by itself. shares: make G's batch
    once for both updates, only where it would be the same, and every step trains both. balance: what D's loss balances
    its terms by, (), which the step moves, where the loss has one. joint: returns the players, G first, as the third
    update moves them, where there is one; asked for once their own updates are done.
    """

    def __init__(
        self,
        spec: GanSpec,
        /,
        *,
        generator: Player,
        discriminator: Player,
        observer: Observer = UNOBSERVED,
        balance: Any = None,
        joint: Callable[[], Sequence[Player]] = list,
        stacks: bool = False,
        shares: bool = False,
    ) -> None:
        self._balance = balance
        self._joint = joint
        self._shares = shares
        self._stacks = stacks
        self._spec = spec
        self._training = spec.training
        self._generator = generator
        self._discriminator = discriminator
        self._observer = observer

    def run(self, batch: Mapping[str, Any], /, *, trains: Trains) -> StepLosses:
        """Update the players whose turn it is, and return the losses from before the updates.

        trains: of True and False, or in traced code of boolean tensors.
        """
        training = self._training
        reused = training.fake_batch == "reused"
        if training.first == "discriminator":
            fake = None
            if reused or self._shares:
                fake = self._make_fake(batch, "discriminator", buffer_moves=1 if reused else 2)
            phase = self._perhaps_train_discriminator(batch, fake, trains.discriminator)
            generator_loss = self._perhaps_train_generator(
                batch, fake, phase.through_discriminator, trains=trains.generator
            )
        else:
            fake = self._make_fake(batch, "generator") if reused else None
            generator_loss = self._perhaps_train_generator(batch, fake, [], trains=trains.generator)
            phase = self._perhaps_train_discriminator(batch, fake, trains.discriminator)
        joint = None if training.joint_optimizer is None else self._train_jointly(batch)
        return StepLosses(discriminator=phase.loss, generator=generator_loss, real_score=phase.real_score, joint=joint)

    def _make_fake(self, batch: Mapping[str, Any], phase: str, *, buffer_moves: int = 1) -> _Fake:
        player = self._generator
        # Persistent, since with "reused" and no detaching both losses are led back through it.
        with tf.GradientTape(persistent=not self._training.detach_fake, watch_accessed_variables=False) as tape:
            tape.watch(player.parameters)
            observe = self._observer.forward(phase, "fake", "generator")
            fed = fed_in(self._spec, batch, phase, "fake", "generator")
            latent = batch[self._training.fed_in(phase, "latent")]
            samples = player.network(latent, buffer_moves=buffer_moves, fed=fed, observe=observe)
        return _Fake(samples=samples, tape=tape)

    def _perhaps_train_discriminator(self, batch: Mapping[str, Any], fake: _Fake | None, trains: Any) -> Any:
        def skip() -> _DiscriminatorPhase:
            nothing = tf.constant(float("nan"), dtype=batch["real"].dtype)
            zeros = [] if self._training.detach_fake else [tf.zeros_like(p) for p in self._generator.parameters]
            return _DiscriminatorPhase(loss=nothing, real_score=nothing, through_discriminator=zeros)

        def train() -> _DiscriminatorPhase:
            return self._train_discriminator(batch, fake)

        if isinstance(trains, bool):
            return train() if trains else skip()
        return tf.cond(trains, train, skip)

    def _train_discriminator(self, batch: Mapping[str, Any], fake: _Fake | None) -> _DiscriminatorPhase:
        observer, player, phase = self._observer, self._discriminator, "discriminator"
        detach = self._training.detach_fake
        if fake is None:
            fake = self._make_fake(batch, phase)
        balance = {} if self._balance is None else {"balance": self._balance.read_value()}
        with tf.GradientTape(persistent=observer.looks, watch_accessed_variables=False) as tape:
            tape.watch(player.parameters)
            if not detach:
                tape.watch(fake.samples)
            real_scores, fake_scores = self._score_both(batch, fake.samples)
            loss = discriminator_loss(self._training, real=real_scores, fake=fake_scores, **balance)
            penalty = self._penalty(batch, tf.stop_gradient(fake.samples))
            followed = loss if penalty is None else loss + penalty
            if self._spec.penalty is not None and self._spec.penalty.alone:
                followed = penalty
            else:
                loss = followed
        observer.value(phase, "loss", "", "loss", loss)
        if penalty is not None and observer.looks:
            observer.gradients(phase, "penalty_gradient", _gradient(tape, penalty, player.parameters))
        sources = player.parameters if detach else [*player.parameters, fake.samples]
        gradients = _gradient(tape, followed, sources)
        through = [] if detach else self._lead_back(fake, gradients.pop())
        observer.gradients(phase, "gradient", gradients)
        player.update(gradients)
        if self._balance is not None:
            self._balance.assign(moved_balance(self._training, real=real_scores, fake=fake_scores, **balance))
        observer.updated(phase)
        return _DiscriminatorPhase(loss=loss, real_score=tf.reduce_mean(real_scores), through_discriminator=through)

    def _penalty(self, batch: Mapping[str, Any], fake: Any) -> Any:
        """Return weight · gp, or None where the spec has no penalty. fake: constant samples."""
        phase, penalty_spec = "discriminator", self._spec.penalty
        if penalty_spec is None:
            return None
        mixed = _penalised_samples(penalty_spec, batch, fake)
        penalty, gradient = gradient_penalty(
            penalty_spec, discriminate=lambda samples: self._score(batch, phase, "mixed", samples), mixed=mixed
        )
        self._observer.value(phase, "input_gradient", "mixed", "discriminator", gradient)
        self._observer.value(phase, "loss", "", "penalty", penalty)
        return penalty

    def _perhaps_train_generator(
        self,
        batch: Mapping[str, Any],
        fake: _Fake | None,
        through_discriminator: Sequence[Any],
        *,
        trains: Any,
    ) -> Any:
        """Return G's loss, NaN where it rests. fake: the batch that serves both, or None where G makes its own."""

        def skip() -> Any:
            return tf.constant(float("nan"), dtype=batch["real"].dtype)

        def train() -> Any:
            made = self._make_fake(batch, "generator") if fake is None else fake
            return self._train_generator(batch, made, through_discriminator)

        if isinstance(trains, bool):
            return train() if trains else skip()
        return tf.cond(trains, train, skip)

    def _train_generator(self, batch: Mapping[str, Any], fake: _Fake, through_discriminator: Sequence[Any]) -> Any:
        """Return the loss. through_discriminator: gradients of D's loss, added to those of G's own, if any."""
        observer, player, phase = self._observer, self._generator, "generator"
        of_real = {}
        if self._training.generator_sees_real:
            of_real["real"] = self._score(batch, phase, "real", batch["real"])
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(fake.samples)
            scores = self._score(batch, phase, "fake", fake.samples)
            if self._training.shows_fake_twice:
                again = self._score(batch, phase, "again", fake.samples)
                scores = tf.concat([scores[:, :2], again[:, 2:]], axis=1)
            loss = generator_loss(self._training, fake=scores, **of_real)
            if self._training.distance_loss is not None:
                loss += distance_loss(self._training.distance_loss, made=fake.samples, real=batch["real"])
        observer.value(phase, "loss", "", "loss", loss)
        gradients = self._lead_back(fake, _gradient(tape, loss, [fake.samples])[0])
        if through_discriminator:
            gradients = [first + second for first, second in zip(through_discriminator, gradients, strict=True)]
        observer.gradients(phase, "gradient", gradients)
        player.update(gradients)
        observer.updated(phase)
        return loss

    def _train_jointly(self, batch: Mapping[str, Any]) -> Any:
        """Move both players by what D finds again of a batch from noise of its own, and return the loss."""
        observer, phase = self._observer, "joint"
        generator, discriminator = self._joint()
        sources = [*generator.parameters, *discriminator.parameters]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(sources)
            passed = batch[self._training.fed_in(phase, "latent")]
            for name, player in (("generator", generator), ("discriminator", discriminator)):
                observe, fed = observer.forward(phase, "fake", name), fed_in(self._spec, batch, phase, "fake", name)
                passed = player.network(passed, buffer_moves=1, fed=fed, observe=observe)
            loss = joint_loss(self._training, fake=passed)
        observer.value(phase, "loss", "", "loss", loss)
        gradients = _gradient(tape, loss, sources)
        observer.gradients(phase, "gradient", gradients)
        generator.update(gradients[: len(generator.parameters)])
        discriminator.update(gradients[len(generator.parameters) :])
        observer.updated(phase)
        return loss

    def _score(self, batch: Mapping[str, Any], phase: str, stream: str, samples: Any) -> Any:
        observe = self._observer.forward(phase, stream, "discriminator")
        fed = fed_in(self._spec, batch, phase, stream, "discriminator")
        shown = self._shown(batch, samples)
        return self._discriminator.network(shown, buffer_moves=1, fed=fed, observe=observe)

    def _shown(self, batch: Mapping[str, Any], samples: Any) -> Any:
        """Return what D is shown of samples: perhaps with the channels of what G started from."""
        if not self._training.shows_pairs:
            return samples
        return tf.concat(self._training.in_order(samples, batch["latent_d"]), axis=-1)

    def _score_both(self, batch: Mapping[str, Any], fake: Any) -> tuple[Any, Any]:
        phase, real = "discriminator", batch["real"]
        if not self._stacks:
            return self._score(batch, phase, "real", real), self._score(batch, phase, "fake", fake)
        with_real, with_fake = (
            fed_in(self._spec, batch, phase, stream, "discriminator") for stream in ("real", "fake")
        )
        with_both = {layer: tf.concat([own, with_fake[layer]], axis=0) for layer, own in with_real.items()}
        shown = tf.concat([self._shown(batch, samples) for samples in (real, fake)], axis=0)
        both = self._discriminator.network(shown, buffer_moves=1, fed=with_both)
        real_scores, fake_scores = tf.split(both, 2)
        return real_scores, fake_scores

    def _lead_back(self, fake: _Fake, upstream: Any) -> list[Any]:
        """Return the gradients of G's parameters, from that of the samples it made."""
        return _gradient(fake.tape, fake.samples, self._generator.parameters, upstream=upstream)


def _penalised_samples(penalty: GradientPenalty, batch: Mapping[str, Any], fake: Any) -> Any:
    real = batch["real"]
    if penalty.at == "mixed":
        return batch["mix"] * real + (1 - batch["mix"]) * fake
    if penalty.at == "perturbed":
        return perturbed_samples(penalty, real=real, mix=batch["mix"], perturbation=batch["perturbation"])
    return tf.concat([real, fake], axis=0) if penalty.at == "both" else {"real": real, "fake": fake}[penalty.at]


def _gradient(tape: Any, target: Any, sources: Sequence[Any], *, upstream: Any = None) -> list[Any]:
    # A parameter that the target does not depend on has the gradient 0, where TensorFlow would give None.
    zero = tf.UnconnectedGradients.ZERO
    found = tape.gradient(target, list(sources), output_gradients=upstream, unconnected_gradients=zero)
    # An embedding's is the rows that were looked up, until it is asked for as a tensor.
    return [tf.convert_to_tensor(gradient) for gradient in found]
