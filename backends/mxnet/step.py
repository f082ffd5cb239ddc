"""A step: which phases run, what they differentiate, and the updates. Eager and hybridized runs share it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from backends.mxnet.framework import mx
from backends.mxnet.layers import Network
from backends.mxnet.optimizers import Update, step_scalars
from backends.mxnet.phases import DiscriminatorPhase, Generation, GeneratorPhase, Phase, Pretraining, Trace
from shared import spec
from shared.state import optimizers


@dataclass
class Player:
    """An optimizer with the parameters it trains. slots: those of a parameter together, in canonical order."""

    network: str
    optimizer: spec.Optimizer
    parameters: dict[str, Any]
    slots: dict[str, Any]
    counter: int = 0

    def weights(self) -> list[Any]:
        """Return the parameters' arrays, as autograd knows them."""
        return [parameter.data() for parameter in self.parameters.values()]

    def scalars(self, num_updates: int, /) -> np.ndarray:
        """Return the scalars of the next updates, (num_updates, S), float64."""
        return np.array([step_scalars(self.optimizer, self.counter + index) for index in range(num_updates)])

    def apply(self, update: Update, gradients: Sequence[Any], scalars: Any, /) -> None:
        """Update the parameters and slots."""
        weights = self.weights()
        updated = update(scalars, *weights, *gradients, *self.slots.values())
        for weight, new in zip(weights, updated, strict=False):
            new.copyto(weight)
        self.slots = dict(zip(self.slots, updated[len(weights) :], strict=True))
        self.counter += 1


class Observer:
    """What may watch a step; this one sees nothing."""

    looks = False

    def traced(self, phase: str, trace: Trace, /) -> None:
        """See what a phase computed, before its update."""

    def gradients(self, phase: str, quantity: str, gradients: Sequence[Any], /) -> None:
        """See the gradients of a phase, in the parameters' order."""

    def updated(self, phase: str, /) -> None:
        """See the state after a phase's update."""


@dataclass
class StepLosses:
    """The losses of a chunk's steps so far, each entry (1,) on the device."""

    pretraining: list[Any] = field(default_factory=list)
    discriminator: list[Any] = field(default_factory=list)
    generator: list[Any] = field(default_factory=list)
    real_score: list[Any] = field(default_factory=list)


class Blocks:
    """The blocks that a step calls; where they are hybridized, for batches of one size."""

    def __init__(self, gan: spec.GanSpec, networks: dict[str, Network], /, *, hybridized: bool) -> None:
        self.phases: dict[str, Phase] = {
            "discriminator": DiscriminatorPhase(networks, gan.training),
            "generator": GeneratorPhase(networks, gan.training),
            "generation": Generation(networks),
        }
        if gan.pretraining is not None:
            self.phases["pretraining"] = Pretraining(networks, gan.pretraining)
        self.updates: dict[str, Update] = {name: Update(optimizer) for name, (_, optimizer) in optimizers(gan).items()}
        if hybridized:
            blocks: list[Any] = [*self.phases.values(), *self.updates.values()]
            for block in blocks:
                block.hybridize(static_alloc=True, static_shape=True)
            # Only the phases are graphs of their own: a network called plainly still runs operator by operator.
            for network in networks.values():
                network.hybridize(active=False)


class StepRunner:
    """Runs steps on a GAN's networks, buffers and optimizers, which it changes."""

    def __init__(
        self,
        gan: spec.GanSpec,
        blocks: Blocks,
        /,
        *,
        players: Mapping[str, Player],
        buffers: dict[str, list[Any]],
        observer: Observer,
    ) -> None:
        self._gan = gan
        self._blocks = blocks
        self._players = players
        self._buffers = buffers
        self._observer = observer
        self.losses = StepLosses()

    def pretrain(self, batch: Mapping[str, Any], scalars: Any, /) -> None:
        """Run a step of D's pretraining."""
        with mx.autograd.record():
            inputs = (batch["pretrain_input"], batch["pretrain_target"])
            trace = self._run("pretraining", self._blocks.phases["pretraining"], *inputs)
        self.losses.pretraining.append(trace.loss)
        player = self._players["pretraining"]
        self._finish("pretraining", mx.autograd.grad([trace.loss], player.weights()), scalars)

    def train(self, batch: Mapping[str, Any], scalars: Mapping[str, Any], /, *, trains_discriminator: bool) -> None:
        """Run an adversarial step. scalars: by optimizer."""
        training = self._gan.training
        latent_d = batch["latent_d"]
        latent_g = latent_d if training.latent_draws == "shared" else batch["latent_g"]
        from_discriminator = None
        if training.fake_batch == "reused":
            latent_d = latent_g = self._generation(latent_d)
        if training.first == "generator":
            self._generator(latent_g, scalars["generator"], added=None)
        if trains_discriminator:
            from_discriminator = self._discriminator(latent_d, batch, scalars["discriminator"])
        if training.first == "discriminator":
            self._generator(latent_g, scalars["generator"], added=from_discriminator)

    def _generation(self, latent: Any) -> Any:
        with mx.autograd.record():
            return self._run(self._gan.training.first, self._blocks.phases["generation"], latent).fake

    def _discriminator(self, source: Any, batch: Mapping[str, Any], scalars: Any) -> list[Any] | None:
        """Update D; return the gradient of its loss with respect to G's parameters where G is to have it."""
        training = self._gan.training
        reused = training.fake_batch == "reused"
        source = source.detach() if reused and training.detach_fake else source
        mix = [batch["mix"]] if self._gan.uses_mix else []
        with mx.autograd.record():
            trace = self._run("discriminator", self._blocks.phases["discriminator"], source, batch["real"], *mix)
        self.losses.discriminator.append(trace.loss)
        if training.stop is not None:
            self.losses.real_score.append(trace.real_score)
        weights = self._players["discriminator"].weights()
        others = [] if training.detach_fake else self._players["generator"].weights()
        if trace.penalty is not None and self._observer.looks:
            # The penalty does not depend on the last bias; D's own output, weighted 0, does.
            score = trace.passes["mixed", "discriminator"][-1]
            heads = [trace.penalty, score]
            head_gradients = [mx.nd.ones_like(trace.penalty), mx.nd.zeros_like(score)]
            gradients = mx.autograd.grad(heads, weights, head_gradients, retain_graph=True)
            self._observer.gradients("discriminator", "penalty_gradient", gradients)
        gradients = mx.autograd.grad([trace.loss], weights + others, retain_graph=reused and not training.detach_fake)
        self._finish("discriminator", gradients[: len(weights)], scalars)
        return gradients[len(weights) :] or None

    def _generator(self, source: Any, scalars: Any, *, added: Sequence[Any] | None) -> None:
        with mx.autograd.record():
            trace = self._run("generator", self._blocks.phases["generator"], source)
        self.losses.generator.append(trace.loss)
        gradients = mx.autograd.grad([trace.loss], self._players["generator"].weights())
        if added is not None:
            gradients = [own + other for own, other in zip(gradients, added, strict=True)]
        self._finish("generator", gradients, scalars)

    def _run(self, name: str, phase: Phase, /, *inputs: Any) -> Trace:
        buffers = [buffer for network in phase.networks for buffer in self._buffers[network]]
        if self._observer.looks:
            trace = phase.trace(mx.nd, *inputs, *buffers)
            self._observer.traced(name, trace)
        else:
            trace = phase.run(*inputs, *buffers)
        for network, moved in trace.moved.items():
            self._buffers[network] = [buffer.detach() for buffer in moved]
        return trace

    def _finish(self, name: str, gradients: Sequence[Any], scalars: Any) -> None:
        self._observer.gradients(name, "gradient", gradients)
        self._players[name].apply(self._blocks.updates[name], gradients, scalars)
        self._observer.updated(name)
