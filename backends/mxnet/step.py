"""A step: which phases run, what they differentiate, and the updates. Eager and compiled runs share it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gan_rosetta.backends.mxnet.averages import Averages
from gan_rosetta.backends.mxnet.framework import mx
from gan_rosetta.backends.mxnet.graphs import Graph
from gan_rosetta.backends.mxnet.layers import Network
from gan_rosetta.backends.mxnet.optimizers import Update, step_scalars
from gan_rosetta.backends.mxnet.phases import (
    DiscriminatorPhase,
    Generation,
    GeneratorPhase,
    JointPhase,
    Phase,
    Pretraining,
    Trace,
)
from gan_rosetta.shared import spec
from gan_rosetta.shared.interface import Trains
from gan_rosetta.shared.state import optimizers_of


class Player:
    """An optimizer with the network that it trains. Its arrays stay the same ones; updates write into them.

    slots: zeros like the parameters, those of a parameter together, by canonical name. rows: the vectors that the
    parameters, their gradients and each kind of slot lie in, None where not. What holds gradients to a norm looks at
    each of them; all other updates are of the vectors.
    """

    def __init__(
        self,
        optimizer: spec.Optimizer,
        /,
        *,
        parameters: Mapping[str, Any],
        slots: dict[str, Any],
        rows: Sequence[Any] | None,
        compiled: bool,
        bound: float | None = None,
        clipping: spec.GradientClipping | None = None,
    ) -> None:
        self.optimizer = optimizer
        self.weights = {name: parameter.data() for name, parameter in parameters.items()}
        self.gradients = [parameter.grad() for parameter in parameters.values()]
        self.slots = slots
        self.counter = 0
        moved: Sequence[Sequence[Any]] = (list(self.weights.values()), self.gradients, list(slots.values()))
        if rows is not None and clipping is None:
            moved = rows[:1], rows[1:2], rows[2:]
        self.updates = {
            kind: Update(
                optimizer,
                weights=moved[0],
                gradients=moved[1],
                slots=moved[2],
                compiled=kind == "compiled",
                bound=bound,
                clipping=clipping,
            )
            for kind in (("eager", "compiled") if compiled else ("eager",))
        }

    def tensors(self) -> dict[str, Any]:
        """Return the parameters and their slots by canonical name."""
        return self.weights | self.slots

    def mark(self, request: str, /) -> None:
        """Have autograd write the gradients ("write"), or take the weights as constants ("null")."""
        mx.autograd.mark_variables(list(self.weights.values()), self.gradients, request)

    def scalars(self, epochs: Sequence[int], /) -> np.ndarray:
        """Return the scalars of the next updates, (num_updates, S), float64. epochs: that came before each of them."""
        steps = enumerate(epochs, start=self.counter)
        return np.array([step_scalars(self.optimizer, step, epoch=epoch) for step, epoch in steps])


class Observer:
    """What may watch a step; this one sees nothing."""

    looks = False

    def traced(self, phase: str, trace: Trace, /) -> None:
        """See what a phase computed, before its update."""

    def gradients(self, phase: str, quantity: str, /) -> None:
        """See the gradients of a phase, which its player holds."""

    def updated(self, phase: str, /) -> None:
        """See the state after a phase's update."""


@dataclass
class StepLosses:
    """The losses of a chunk's steps so far, each entry (1,) on the device, or (R,) of replicas."""

    pretraining: list[Any] = field(default_factory=list)
    discriminator: list[Any] = field(default_factory=list)
    generator: list[Any] = field(default_factory=list)
    joint: list[Any] = field(default_factory=list)
    real_score: list[Any] = field(default_factory=list)


class Blocks:
    """The blocks that a step calls; where they are compiled, for batches of one size.

    graphs: of each phase the graph, where they are compiled. step: (1,), at which place in a chunk's arrays the graphs
    find the step's. side_by_side: for many replicas, whose axis comes first in all tensors.
    """

    def __init__(
        self,
        gan: spec.GanSpec,
        networks: dict[str, Network],
        /,
        *,
        compiled: bool,
        context: Any = None,
        side_by_side: bool = False,
    ) -> None:
        self.execution = "compiled" if compiled else "eager"
        self.phases: dict[str, Phase] = {
            "discriminator": DiscriminatorPhase(networks, gan),
            "generator": GeneratorPhase(networks, gan),
        }
        reused, led_back = gan.training.fake_batch == "reused", not gan.training.detach_fake
        if reused:
            self.phases["generation"] = Generation(networks, gan)
        if gan.training.joint_optimizer is not None:
            self.phases["joint"] = JointPhase(networks, gan)
        if gan.pretraining is not None:
            self.phases["pretraining"] = Pretraining(networks, gan, gan.pretraining)
        self.graphs: dict[str, Graph] = {}
        if not compiled:
            return
        for phase in self.phases.values():
            phase.side_by_side = side_by_side
            phase.picks = bool(phase.fed)
        self.step = mx.nd.zeros((1,), ctx=context, dtype="int32")
        trained = {
            "pretraining": ("discriminator",),
            "generation": ("generator",),
            "joint": ("generator", "discriminator"),
            "discriminator": ("discriminator", "generator") if led_back and not reused else ("discriminator",),
            "generator": () if reused else ("generator",),
        }
        takes_fake = {"discriminator": led_back, "generator": True} if reused else {}
        self.graphs = {
            name: Graph(
                phase,
                wanted=trained[name],
                step=self.step,
                bound=(0,) if name in takes_fake else (),
                wants_source=takes_fake.get(name, False),
            )
            for name, phase in self.phases.items()
        }


class StepRunner:
    """Runs steps on a GAN's networks, buffers and optimizers, which it changes.

    A step is given its batch, or, where the blocks are compiled, the chunk's arrays; the graphs then know its place.
    balance: what D's loss balances its terms by, (1,), which it writes to, or None.
    """

    def __init__(
        self,
        gan: spec.GanSpec,
        blocks: Blocks,
        /,
        *,
        players: Mapping[str, Player],
        buffers: dict[str, list[Any]],
        averages: Averages | None,
        balance: Any,
        observer: Observer,
    ) -> None:
        self._balance = balance
        self._gan = gan
        self._averages = averages
        self._blocks = blocks
        self._players = players
        self._buffers = buffers
        self._observer = observer
        self.losses = StepLosses()

    def pretrain(self, batch: Mapping[str, Any], scalars: Any, /) -> None:
        """Run a step of D's pretraining."""
        self._mark("pretraining", "write")
        trace = self._run("pretraining", "pretraining", batch, batch["pretrain_input"], batch["pretrain_target"])
        self.losses.pretraining.append(trace.loss)
        self._lead_back("pretraining", trace)
        self._finish("pretraining", scalars)

    def train(
        self,
        batch: Mapping[str, Any],
        scalars: Mapping[str, Any],
        /,
        *,
        trains: Trains,
    ) -> None:
        """Run an adversarial step. scalars: by optimizer."""
        training = self._gan.training
        latent_d, latent_g = (batch[training.fed_in(phase, "latent")] for phase in ("discriminator", "generator"))
        if training.fake_batch == "reused":
            latent_d = latent_g = self._generate(batch)
        if training.first == "generator" and trains.generator:
            self._train_generator(latent_g, batch, scalars["generator"], added=None)
        added = None
        if trains.discriminator:
            added = self._train_discriminator(latent_d, batch, scalars["discriminator"])
        if training.first == "discriminator" and trains.generator:
            self._train_generator(latent_g, batch, scalars["generator"], added=added)
        if training.joint_optimizer is not None:
            self._train_jointly(batch, scalars)

    def _generate(self, batch: Mapping[str, Any]) -> Any:
        """Make the batch of fakes that both updates use."""
        self._mark("generator", "write")
        return self._run(self._gan.training.first, "generation", batch, batch["latent_d"]).fake

    def _train_discriminator(self, source: Any, batch: Mapping[str, Any], scalars: Any) -> list[Any] | None:
        """Update D; return the gradient of its loss with respect to G's parameters where G is to have it."""
        training = self._gan.training
        opponent = self._players["generator"]
        reused = training.fake_batch == "reused"
        if reused and training.detach_fake and not self._blocks.graphs:
            source = source.detach()
        mix = [batch["mix"]] if self._gan.uses_mix else []
        mix += [batch["perturbation"]] if self._gan.uses_perturbation else []
        mix += [batch["latent_d"]] if training.shows_pairs else []
        mix += [self._balance.copy()] if self._balance is not None else []
        self._mark("discriminator", "write")
        if not reused:
            self._mark("generator", "null" if training.detach_fake else "write")
        trace = self._run("discriminator", "discriminator", batch, source, batch["real"], *mix)
        self.losses.discriminator.append(trace.loss)
        if training.stop is not None:
            self.losses.real_score.append(trace.real_score)
        if trace.penalty is not None and self._observer.looks:
            # The penalty does not depend on the last bias, nor on G, which may want D's gradient too; D's own outputs,
            # weighted 0, do. MXNet ends in a segmentation fault at a Reshape that no gradient comes to.
            scores = [trace.passes[stream, "discriminator"][-1] for stream in ("mixed", "fake")]
            heads = [trace.penalty, *scores]
            weights = [mx.nd.ones_like(trace.penalty), *(mx.nd.zeros_like(score) for score in scores)]
            mx.autograd.backward(heads, weights, retain_graph=True)
            self._observer.gradients("discriminator", "penalty_gradient")
        self._lead_back("discriminator", trace, retain=reused and not training.detach_fake)
        added = None if training.detach_fake else [gradient.copy() for gradient in opponent.gradients]
        if self._balance is not None:
            trace.balance.copyto(self._balance)
        self._finish("discriminator", scalars)
        return added

    def _train_generator(
        self, source: Any, batch: Mapping[str, Any], scalars: Any, *, added: Sequence[Any] | None
    ) -> None:
        player = self._players["generator"]
        self._mark("discriminator", "null")
        if self._gan.training.fake_batch == "regenerated":
            self._mark("generator", "write")
        real = [batch["real"]] if self._gan.training.takes_real_in_generator else []
        real += [batch["latent_d"]] if self._gan.training.shows_pairs else []
        trace = self._run("generator", "generator", batch, source, *real)
        self.losses.generator.append(trace.loss)
        self._lead_back("generator", trace)
        if added is not None:
            for gradient, other in zip(player.gradients, added, strict=True):
                mx.nd.elemwise_add(gradient, other, out=gradient)
        self._finish("generator", scalars)

    def _train_jointly(self, batch: Mapping[str, Any], scalars: Mapping[str, Any]) -> None:
        """Move both players by what D finds again of a batch from noise of its own."""
        for name in optimizers_of(self._gan, "joint"):
            self._mark(name, "write")
        trace = self._run("joint", "joint", batch, batch[self._gan.training.fed_in("joint", "latent")])
        self.losses.joint.append(trace.loss)
        self._lead_back("joint", trace)
        self._finish("joint", scalars)

    def _run(self, name: str, phase_name: str, batch: Mapping[str, Any], /, *own: Any) -> Trace:
        """Run a phase, which belongs to the update of that name, on its own inputs and what it is fed."""
        phase, graph = self._blocks.phases[phase_name], self._blocks.graphs.get(phase_name)
        buffers = [buffer for network in phase.networks for buffer in self._buffers[network]]
        fed = [batch[array] for array in phase.arrays]
        if graph is not None:
            trace = graph.run(*own, *fed, *buffers)
            # Of what the graph's next run writes over, the losses are kept.
            trace.loss, trace.real_score = (
                kept if kept is None else kept.copy() for kept in (trace.loss, trace.real_score)
            )
            self._buffers.update(trace.moved)
            return trace
        # Views of this phase's own: a backward pass forgets its inputs, and another phase's may still want them.
        inputs = [*own, *(array.detach() for array in fed)]
        with mx.autograd.record():
            if self._observer.looks:
                trace = phase.trace(mx.nd, *inputs, *buffers)
                self._observer.traced(name, trace)
            else:
                trace = phase.run(*inputs, *buffers)
        for network, moved in trace.moved.items():
            self._buffers[network] = [buffer.detach() for buffer in moved]
        return trace

    def _mark(self, name: str, request: str) -> None:
        """Tell autograd's tape, which graphs do without, what to do with a player's weights."""
        if not self._blocks.graphs:
            self._players[name].mark(request)

    def _lead_back(self, phase_name: str, trace: Trace, *, retain: bool = False) -> None:
        """Write the gradients of what a phase's update follows. retain: for another update's to be led back too."""
        graph = self._blocks.graphs.get(phase_name)
        if graph is None:
            followed = trace.loss if trace.followed is None else trace.followed
            followed.backward(retain_graph=retain)
            return
        graph.backward()
        if graph.source_gradient is not None:
            generation = self._blocks.graphs["generation"]
            generation.backward(graph.source_gradient)
            if retain:
                generation.run_again()

    def _finish(self, phase: str, scalars: Any) -> None:
        """Have a phase's optimizers update. scalars: of its one, or, of several, by optimizer."""
        self._observer.gradients(phase, "gradient")
        for name in optimizers_of(self._gan, phase):
            player = self._players[name]
            player.updates[self._blocks.execution](scalars if name == phase else scalars[name])
            if name == "generator" and self._averages is not None:
                own = [*player.weights.values(), *self._buffers[name]]
                self._averages.follow(own, num_updates=player.counter)
            player.counter += 1
        self._observer.updated(phase)
