"""One training step, in the order that the spec gives, as a pure function of the state and a batch.

Eager training, probing and the compiled loop all trace this. All that a step computes goes into its record; where a
caller drops that, XLA leaves out what only the record needs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import lax

from gan_rosetta.backends.jax.averages import follow
from gan_rosetta.backends.jax.clipping import clipped
from gan_rosetta.backends.jax.layer import Tensors
from gan_rosetta.backends.jax.layers import Forward
from gan_rosetta.backends.jax.losses import (
    discriminator_loss,
    distance_loss,
    generator_loss,
    gradient_penalty,
    joint_loss,
    mean_squared_error_loss,
    moved_balance,
    perturbed_samples,
)
from gan_rosetta.backends.jax.optimizers import counter
from gan_rosetta.backends.jax.state import Gan, Player, State, named_tensors, tensors_of_state
from gan_rosetta.shared.interface import Trains
from gan_rosetta.shared.spec import GradientPenalty, passes
from gan_rosetta.shared.state import counter_name, gradient_clipping, optimizers_of
from gan_rosetta.shared.state.recorder import Recorder
from gan_rosetta.shared.state.schema import OptimizerName, optimizers

Batch = Mapping[str, Any]
# Under what name a batch has how many passes over the real data came before its step, where something hangs on it.
EPOCH = "epoch"


class StepLosses(NamedTuple):
    """The losses of one step, each (); NaN for a player that did not train. joint: of the third update, or None."""

    discriminator: Any
    generator: Any
    real_score: Any
    joint: Any = None


class Fake(NamedTuple):
    """A batch that G made, (B, ...), and the function from its gradient to that of G's parameters."""

    samples: Any
    pull_back: Callable[[Any], tuple[Tensors]]


class Record(Recorder):
    """Keeps what a step computes while JAX traces it; whoever runs the step brings it to the host."""

    def __init__(self, gan: Gan, /) -> None:
        super().__init__(gan.spec, to_canonical=lambda _key, value: value)
        self._gan = gan

    def forward(self, phase: str, stream: str, network: str, forward: Forward, /) -> None:
        """Keep every layer's output of a pass."""
        for layer, outputs in forward.layers.items():
            self.value(phase, "output", stream, f"{network}.{layer}", outputs)

    def gradients(self, phase: str, quantity: str, gradients: Mapping[str, Tensors], /) -> None:
        """Keep the gradients, by network, of what the phase trains."""
        named: dict[str, Any] = {}
        for network, own in gradients.items():
            named |= named_tensors(network, own)
        self.keep_gradients(phase, quantity, named)

    def updated(self, phase: str, state: State, /) -> None:
        """Keep what the phase's update leaves."""
        tensors = tensors_of_state(self._gan, state)
        counters: dict[str, Any] = {name: tensors[counter_name(name)] for name in optimizers(self._gan.spec)}
        self.keep_state(phase, tensors, counters=counters)


def pretraining_step(gan: Gan, state: State, batch: Batch, record: Record, /) -> tuple[State, tuple[Any]]:
    """Fit D to the density for one step; return its loss. batch: "pretrain_input", "pretrain_target", (B, 1)."""
    pretraining, network = gan.spec.pretraining, gan.networks["discriminator"]
    if pretraining is None:
        raise TypeError(f"{gan.spec.name!r} has no pretraining")
    player = state.discriminator

    def loss_of(parameters: Tensors) -> tuple[Any, Forward]:
        fed = fed_in(gan, batch, "pretraining", "input", "discriminator")
        forward = network(parameters, player.buffers, batch["pretrain_input"], fed)
        return mean_squared_error_loss(
            pretraining.loss, output=forward.outputs, target=batch["pretrain_target"]
        ), forward

    (loss, forward), gradients = jax.value_and_grad(loss_of, has_aux=True)(player.parameters)
    record.forward("pretraining", "input", "discriminator", forward)
    record.value("pretraining", "loss", "", "loss", loss)
    state = state._replace(discriminator=Player(player.parameters, forward.buffers))
    return _updated(gan, state, "pretraining", {"discriminator": gradients}, record), (loss,)


def fed_in(gan: Gan, batch: Batch, phase: str, stream: str, network: str, /) -> dict[str, Any]:
    """Return what a pass is fed of the batch beside its samples, by layer."""
    return {layer: batch[name] for layer, name in passes(gan.spec)[phase, stream, network].fed.items()}


def adversarial_step(
    gan: Gan, state: State, batch: Batch, record: Record, /, *, trains: Trains
) -> tuple[State, StepLosses]:
    """Update the players whose turn it is, and return the losses from before the updates.

    batch: the chunk's arrays of this step, each (B, ...). trains: of True and False, or in a compiled loop of boolean
    arrays ().
    """
    training = gan.spec.training
    fake = None
    if training.fake_batch == "reused":
        state, fake = _make_fake(gan, state, batch, record, phase=training.first)
    if training.first == "discriminator":
        state, loss_d, real_score, through_d = _perhaps_train_discriminator(
            gan, state, batch, fake, record, trains=trains.discriminator
        )
        state, loss_g = _perhaps_train_generator(
            gan, state, batch, fake, record, through_d=through_d, trains=trains.generator
        )
    else:
        state, loss_g = _perhaps_train_generator(
            gan, state, batch, fake, record, through_d=None, trains=trains.generator
        )
        state, loss_d, real_score, _ = _perhaps_train_discriminator(
            gan, state, batch, fake, record, trains=trains.discriminator
        )
    if training.joint_optimizer is None:
        return state, StepLosses(loss_d, loss_g, real_score)
    state, joint = _train_jointly(gan, state, batch, record)
    return state, StepLosses(loss_d, loss_g, real_score, joint)


def _make_fake(gan: Gan, state: State, batch: Batch, record: Record, *, phase: str) -> tuple[State, Fake]:
    player, fed = state.generator, fed_in(gan, batch, phase, "fake", "generator")
    latent = batch[gan.spec.training.fed_in(phase, "latent")]

    def generate(parameters: Tensors) -> tuple[Any, Forward]:
        forward = gan.networks["generator"](parameters, player.buffers, latent, fed)
        return forward.outputs, forward

    samples, pull_back, forward = jax.vjp(generate, player.parameters, has_aux=True)
    record.forward(phase, "fake", "generator", forward)
    player = Player(player.parameters, forward.buffers)
    return state._replace(generator=player), Fake(samples, pull_back)


def _perhaps_train_discriminator(
    gan: Gan, state: State, batch: Batch, fake: Fake | None, record: Record, *, trains: Any
) -> tuple[State, Any, Any, Tensors | None]:
    """Return the state, D's loss, mean D(real), and the gradients that D's loss adds to G's, if it reaches G."""

    def train(record: Record) -> tuple[State, Any, Any, Tensors | None]:
        return _train_discriminator(gan, state, batch, fake, record)

    def skip() -> tuple[State, Any, Any, Tensors | None]:
        nothing = jnp.full((), jnp.nan, batch["real"].dtype)
        zeros = None if gan.spec.training.detach_fake else jax.tree.map(jnp.zeros_like, state.generator.parameters)
        return state, nothing, nothing, zeros

    if isinstance(trains, bool):
        return train(record) if trains else skip()
    # What is computed inside a branch stays there, so the record is one to throw away.
    return lax.cond(trains, lambda: train(Record(gan)), skip)


def _train_discriminator(
    gan: Gan, state: State, batch: Batch, fake: Fake | None, record: Record
) -> tuple[State, Any, Any, Tensors | None]:
    phase = "discriminator"
    network, training = gan.networks["discriminator"], gan.spec.training
    if fake is None:
        state, fake = _make_fake(gan, state, batch, record, phase=phase)
    player = state.discriminator
    with_real, with_fake = (fed_in(gan, batch, phase, stream, "discriminator") for stream in ("real", "fake"))
    balance = {} if state.balance is None else {"balance": state.balance}

    def loss_of(parameters: Tensors, samples: Any) -> tuple[Any, tuple[Forward, Forward]]:
        of_real = network(parameters, player.buffers, _shown(gan, batch, batch["real"]), with_real)
        of_fake = network(parameters, of_real.buffers, _shown(gan, batch, samples), with_fake)
        loss = discriminator_loss(training, real=of_real.outputs, fake=of_fake.outputs, **balance)
        return loss, (of_real, of_fake)

    wanted = 0 if training.detach_fake else (0, 1)
    (loss, passes), found = jax.value_and_grad(loss_of, argnums=wanted, has_aux=True)(player.parameters, fake.samples)
    gradients, upstream = (found, None) if training.detach_fake else found
    (through_d,) = (None,) if upstream is None else fake.pull_back(upstream)
    for stream, forward in zip(("real", "fake"), passes, strict=True):
        record.forward(phase, stream, "discriminator", forward)
    buffers = passes[1].buffers
    if gan.spec.penalty is not None:
        mixed = _penalised_samples(gan.spec.penalty, batch, fake.samples)
        player = Player(player.parameters, buffers)
        penalty, of_penalty, buffers = _penalise(gan, player, batch, mixed, record, penalty=gan.spec.penalty)
        alone = gan.spec.penalty.alone
        loss = loss if alone else loss + penalty
        gradients = of_penalty if alone else jax.tree.map(jnp.add, gradients, of_penalty)
    record.value(phase, "loss", "", "loss", loss)
    if gan.spec.penalty is not None:
        record.gradients(phase, "penalty_gradient", {phase: of_penalty})
    state = state._replace(discriminator=Player(player.parameters, buffers))
    if balance:
        scores = {stream: forward.outputs for stream, forward in zip(("real", "fake"), passes, strict=True)}
        state = state._replace(balance=moved_balance(training, **scores, **balance))
    state = _updated(gan, state, phase, {phase: gradients}, record, epoch=batch.get(EPOCH))
    return state, loss, jnp.mean(passes[0].outputs), through_d


def _penalise(
    gan: Gan, player: Player, batch: Batch, mixed: Any, record: Record, *, penalty: GradientPenalty
) -> tuple[Any, Tensors, Tensors]:
    """Return weight · gp, its gradients, and where D's buffers are left. mixed: x̂, constants."""
    phase = "discriminator"
    fed = fed_in(gan, batch, phase, "mixed", "discriminator")

    def penalty_of(parameters: Tensors) -> tuple[Any, tuple[Any, Forward]]:
        def discriminate(samples: Any) -> tuple[Any, Forward]:
            forward = gan.networks["discriminator"](parameters, player.buffers, samples, fed)
            return forward.outputs, forward

        value, gradient, forward = gradient_penalty(penalty, discriminate=discriminate, mixed=mixed)
        return value, (gradient, forward)

    (value, (gradient, forward)), gradients = jax.value_and_grad(penalty_of, has_aux=True)(player.parameters)
    record.forward(phase, "mixed", "discriminator", forward)
    record.value(phase, "input_gradient", "mixed", "discriminator", gradient)
    record.value(phase, "loss", "", "penalty", value)
    return value, gradients, forward.buffers


def _penalised_samples(penalty: GradientPenalty, batch: Batch, fake: Any) -> Any:
    real = batch["real"]
    if penalty.at == "mixed":
        return batch["mix"] * real + (1 - batch["mix"]) * fake
    if penalty.at == "perturbed":
        return perturbed_samples(penalty, real=real, mix=batch["mix"], perturbation=batch["perturbation"])
    return jnp.concatenate([real, fake]) if penalty.at == "both" else {"real": real, "fake": fake}[penalty.at]


def _shown(gan: Gan, batch: Batch, samples: Any) -> Any:
    """Return what D is shown of samples: perhaps with the channels of what G started from."""
    training = gan.spec.training
    if not training.shows_pairs:
        return samples
    return jnp.concatenate(training.in_order(samples, batch["latent_d"]), axis=1)


def _perhaps_train_generator(
    gan: Gan,
    state: State,
    batch: Batch,
    fake: Fake | None,
    record: Record,
    *,
    through_d: Tensors | None,
    trains: Any,
) -> tuple[State, Any]:
    """Return the state and G's loss. fake: the batch that serves both players, or None where G makes its own."""

    def train(record: Record) -> tuple[State, Any]:
        trained, made = state, fake
        if made is None:
            trained, made = _make_fake(gan, state, batch, record, phase="generator")
        return _train_generator(gan, trained, batch, made, record, through_d=through_d)

    def skip() -> tuple[State, Any]:
        return state, jnp.full((), jnp.nan, batch["real"].dtype)

    if isinstance(trains, bool):
        return train(record) if trains else skip()
    # As for D, what is computed inside a branch stays there.
    return lax.cond(trains, lambda: train(Record(gan)), skip)


def _train_generator(
    gan: Gan, state: State, batch: Batch, fake: Fake, record: Record, *, through_d: Tensors | None
) -> tuple[State, Any]:
    """Return the state and G's loss. through_d: gradients of D's loss, added to those of G's own."""
    phase = "generator"
    player = state.discriminator
    network, of_real = gan.networks["discriminator"], {}
    if gan.spec.training.generator_sees_real:
        fed = fed_in(gan, batch, phase, "real", "discriminator")
        forward = network(player.parameters, player.buffers, _shown(gan, batch, batch["real"]), fed)
        record.forward(phase, "real", "discriminator", forward)
        of_real, player = {"real": forward.outputs}, Player(player.parameters, forward.buffers)
    fed = fed_in(gan, batch, phase, "fake", "discriminator")

    def loss_of(samples: Any) -> tuple[Any, dict[str, Forward]]:
        shown = _shown(gan, batch, samples)
        forward = network(player.parameters, player.buffers, shown, fed)
        passes, scores = {"fake": forward}, forward.outputs
        if gan.spec.training.shows_fake_twice:
            with_again = fed_in(gan, batch, phase, "again", "discriminator")
            passes["again"] = network(player.parameters, forward.buffers, shown, with_again)
            scores = jnp.concatenate([scores[:, :2], passes["again"].outputs[:, 2:]], axis=1)
        value = generator_loss(gan.spec.training, fake=scores, **of_real)
        distance = gan.spec.training.distance_loss
        if distance is not None:
            value = value + distance_loss(distance, made=samples, real=batch["real"])
        return value, passes

    (loss, passes), upstream = jax.value_and_grad(loss_of, has_aux=True)(fake.samples)
    (gradients,) = fake.pull_back(upstream)
    if through_d is not None:
        gradients = jax.tree.map(jnp.add, through_d, gradients)
    record.forward(phase, "fake", "discriminator", passes["fake"])
    buffers = passes["fake"].buffers
    if "again" in passes:
        record.forward(phase, "again", "discriminator", passes["again"])
        buffers = passes["again"].buffers
    record.value(phase, "loss", "", "loss", loss)
    state = state._replace(discriminator=Player(player.parameters, buffers))
    return _updated(gan, state, phase, {phase: gradients}, record, epoch=batch.get(EPOCH)), loss


def _train_jointly(gan: Gan, state: State, batch: Batch, record: Record) -> tuple[State, Any]:
    """Move both players by what D finds again of a batch from noise of its own; return the state and the loss."""
    phase, networks, training = "joint", gan.networks, gan.spec.training
    latent = batch[training.fed_in(phase, "latent")]
    fed = {network: fed_in(gan, batch, phase, "fake", network) for network in networks}
    players: dict[str, Player] = {network: getattr(state, network) for network in networks}

    def loss_of(parameters: Mapping[str, Tensors]) -> tuple[Any, dict[str, Forward]]:
        inputs, found = latent, dict[str, Forward]()
        for name, player in players.items():
            found[name] = networks[name](parameters[name], player.buffers, inputs, fed[name])
            inputs = found[name].outputs
        return joint_loss(training, fake=inputs), found

    whole = {name: player.parameters for name, player in players.items()}
    (loss, passes), gradients = jax.value_and_grad(loss_of, has_aux=True)(whole)
    for name, player in players.items():  # JAX puts the names of a dictionary in an order of its own
        record.forward(phase, "fake", name, passes[name])
        seen: dict[str, Any] = {name: Player(player.parameters, passes[name].buffers)}
        state = state._replace(**seen)
    record.value(phase, "loss", "", "loss", loss)
    return _updated(gan, state, phase, gradients, record, epoch=batch.get(EPOCH)), loss


def _updated(
    gan: Gan, state: State, phase: str, gradients: Mapping[str, Tensors], record: Record, *, epoch: Any = None
) -> State:
    """Move the parameters of what the phase trains. epoch: passes over the real data, where it counts."""
    record.gradients(phase, "gradient", gradients)
    for optimizer, network in optimizers_of(gan.spec, phase).items():
        state = _moved(gan, state, optimizer, gradients[network], network=network, epoch=epoch)
    record.updated(phase, state)
    return state


def _moved(gan: Gan, state: State, optimizer: OptimizerName, gradients: Tensors, *, network: str, epoch: Any) -> State:
    """Have an optimizer move its network's parameters."""
    player: Player = getattr(state, network)
    more = {} if epoch is None else {EPOCH: epoch}
    gradients = clipped(gradient_clipping(gan.spec, optimizer), gradients)
    updates, moved = gan.updates[optimizer].update(gradients, state.optimizers[optimizer], player.parameters, **more)
    parameters, bound = optax.apply_updates(player.parameters, updates), gan.bounds[optimizer]
    if bound is not None:
        parameters = jax.tree.map(lambda parameter: jnp.clip(parameter, -bound, bound), parameters)
    player = Player(parameters, player.buffers)
    average, kept = gan.spec.training.generator_average, state.average
    if optimizer == "generator" and average is not None and kept is not None:
        kept = follow(average, kept, player, num_updates=counter(state.optimizers[optimizer]))
    return state._replace(**{network: player}, optimizers=state.optimizers | {optimizer: moved}, average=kept)
