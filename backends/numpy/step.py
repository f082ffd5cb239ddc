"""One step of training: pretraining's, and the two phases of an adversarial one in the order in which the spec says."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from types import EllipsisType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gan_rosetta.backends.numpy.averages import AveragedNetwork
from gan_rosetta.backends.numpy.clipping import clip_gradients
from gan_rosetta.backends.numpy.layer import Array
from gan_rosetta.backends.numpy.layers import build_network
from gan_rosetta.backends.numpy.loss_scales import class_scale, distance_scale, loss_scale, squared_error_scale
from gan_rosetta.backends.numpy.losses import (
    SIDE_BY_SIDE,
    SideBySide,
    Value,
    check_losses,
    discriminator_loss,
    distance_loss,
    generator_loss,
    joint_loss,
    mean_squared_error_loss,
    moved_balance,
    reduced,
)
from gan_rosetta.backends.numpy.network import Caches, Copies, Network
from gan_rosetta.backends.numpy.optimizers import Optimizer, build_optimizer
from gan_rosetta.backends.numpy.penalty import gradient_penalty, penalty_scale, perturbed_samples
from gan_rosetta.backends.numpy.probe import Recorder, observe
from gan_rosetta.backends.numpy.rounding import RandomRounding
from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.interface import Trains
from gan_rosetta.shared.spec import (
    DistanceLoss,
    GanSpec,
    GradientClipping,
    GradientPenalty,
    WassersteinDiscriminatorLoss,
    passes,
)
from gan_rosetta.shared.state import (
    BALANCE,
    average_name,
    check_state,
    counter_name,
    gradient_clipping,
    optimizers,
    optimizers_of,
    slot_name,
    state_schema,
    weight_bound,
)

# Which of the copies, or all that there is.
Index = int | EllipsisType


class Stepper:
    """The two networks and the optimizers, and the steps that move them.

    tensors: every parameter, buffer and slot by canonical name, live. rounding: see rounding.py. copies: (n,) for n
    copies of the GAN side by side (see copies.py); every array then has that axis first, losses too. scales: of the
    last step's losses, by phase and name, how large the numbers are that each is made of; kept where the step is
    recorded or rounds at random, of copies the first one's.
    """

    def __init__(self, spec: GanSpec, dtype: np.dtype[Any], *, copies: Copies = ()) -> None:
        self._spec = spec
        self.copies = copies
        self._nothing: Any = np.full(copies, np.nan) if copies else np.nan
        self.generator = build_network(spec.generator, name="generator", dtype=dtype, copies=copies)
        self.discriminator = build_network(spec.discriminator, name="discriminator", dtype=dtype, copies=copies)
        self._networks = {"generator": self.generator, "discriminator": self.discriminator}
        self.optimizers: dict[str, Optimizer] = {
            name: build_optimizer(optimizer, self._networks[network], bound=weight_bound(spec, name))
            for name, (network, optimizer) in optimizers(spec).items()
        }
        self._clippings: dict[str, GradientClipping | None] = {
            name: gradient_clipping(spec, name) for name in optimizers(spec)
        }
        average = spec.training.generator_average
        self.average: AveragedNetwork | None = None
        if average is not None:
            shadow = build_network(spec.generator, name="generator", dtype=dtype, copies=copies)
            self.average = AveragedNetwork(average, self.generator, shadow)
        self.balance: Array | None = None if spec.training.balanced is None else np.zeros(copies, dtype)
        self.tensors = self._named_tensors()
        self.scales: dict[tuple[str, str], float] = {}
        self._rounding: RandomRounding | None = None
        check_losses(spec)
        self._penalty = spec.penalty
        self._fed = {place: each.fed for place, each in passes(spec).items()}
        self._shows_pairs = spec.training.shows_pairs

    @property
    def sampler(self) -> Network:
        """What makes samples: the moving average of G where there is one, else G."""
        return self.generator if self.average is None else self.average.network

    @property
    def rounding(self) -> RandomRounding | None:
        """What disturbs every number that a step computes, or None."""
        return self._rounding

    @rounding.setter
    def rounding(self, rounding: RandomRounding | None) -> None:
        self._rounding = rounding
        for network in self._networks.values():
            network.rounding = rounding

    def load_state(self, state: Mapping[str, NDArray[Any]], /, copy: Index = ...) -> None:
        """Copy a whole state in, into one of the copies if there are any; raises StateError where it is not one."""
        check_state(state, self._spec)
        with np.errstate(all="ignore"):
            for name, tensor in self.tensors.items():
                tensor[copy] = state[name]
        for name, optimizer in self.optimizers.items():
            optimizer.counter = int(state[counter_name(name)])

    def export_state(self, copy: Index = ...) -> dict[str, NDArray[Any]]:
        """Return a copy of the whole state, of one of the copies if there are any, in canonical order and layout."""
        counters = {counter_name(name): optimizer.counter for name, optimizer in self.optimizers.items()}
        return {
            name: np.array(counters[name], np.int64)
            if name in counters
            else np.array(self.tensors[name][copy], order="C")
            for name in state_schema(self._spec)
        }

    def set_epoch(self, epoch: int, /) -> None:
        """Say how many passes over the real data came before the next step."""
        for optimizer in self.optimizers.values():
            optimizer.epoch = epoch

    def pretraining_step(self, arrays: Mapping[str, Array], recorder: Recorder | None) -> Value:
        """Fit D to the density once; arrays are the step's. Returns the loss."""
        discriminator, pretraining = self.discriminator, self._spec.pretraining
        if pretraining is None:
            raise UsageError(f"{self._spec.name!r} has no pretraining; train it on adversarial chunks alone")
        self.scales.clear()
        output, caches = self._forward(
            arrays, ("pretraining", "input", "discriminator"), arrays["pretrain_input"], recorder
        )
        value, gradient = self._of_each_copy(
            partial(mean_squared_error_loss, pretraining.loss), output, arrays["pretrain_target"]
        )
        value = self._rounded_loss(value, gradient)
        if self._measures(recorder):
            sides = self._first_copy(output), self._first_copy(arrays["pretrain_target"])
            self.scales["pretraining", "loss"] = squared_error_scale(pretraining.loss, *sides)
        discriminator.backward(gradient, caches, into=discriminator.gradients, wants_input=False)
        if recorder is not None:
            recorder.value("pretraining", "loss", "", "loss", value)
        self._update("pretraining", recorder)
        return value

    def adversarial_step(
        self, arrays: Mapping[str, Array], trains: Trains, recorder: Recorder | None
    ) -> tuple[float | Value, ...]:
        """Run one step on its arrays; returns D's and G's loss, mean D(real), the joint loss, NaN where it has none."""
        self.scales.clear()
        own = self._players_updates(arrays, trains, recorder)
        has_joint = self._spec.training.joint_optimizer is not None
        return (*own, self._joint_phase(arrays, recorder) if has_joint else self._nothing)

    def _players_updates(
        self, arrays: Mapping[str, Array], trains: Trains, recorder: Recorder | None
    ) -> tuple[float | Value, ...]:
        """Run the two players' own updates; returns what adversarial_step does of them."""
        training = self._spec.training
        reused = training.fake_batch == "reused"
        loss_d: float | Value = self._nothing
        loss_g: float | Value = self._nothing
        real_score: float | Value = self._nothing
        if training.first == "generator":
            if trains.generator:
                fake, caches = self._fake(arrays, "generator", recorder)
                loss_g = self._generator_phase(arrays, fake, caches, None, recorder)
            if trains.discriminator:
                if not reused:
                    fake, _ = self._fake(arrays, "discriminator", recorder)
                loss_d, real_score, _ = self._discriminator_phase(arrays, fake, recorder)
            return loss_d, loss_g, real_score
        through_discriminator = None
        if trains.discriminator:
            fake, caches = self._fake(arrays, "discriminator", recorder)
            loss_d, real_score, gradient_fake = self._discriminator_phase(arrays, fake, recorder)
            if gradient_fake is not None:
                through_discriminator = (gradient_fake, caches)
        if trains.generator:
            if not reused:
                fake, caches = self._fake(arrays, "generator", recorder)
            loss_g = self._generator_phase(arrays, fake, caches, through_discriminator, recorder)
        return loss_d, loss_g, real_score

    def _forward(
        self, arrays: Mapping[str, Array], place: tuple[str, str, str], x: Array, recorder: Recorder | None
    ) -> tuple[Array, Caches]:
        """Run a pass of a step, by phase, stream and network; returns its output and caches."""
        phase, stream, name = place
        network = self._networks[name]
        if self._shows_pairs and name == "discriminator":
            # An axis of copies may be first.
            x = np.concatenate(self._spec.training.in_order(x, arrays["latent_d"]), axis=len(self.copies) + 1)
        fed = {layer: arrays[array] for layer, array in self._fed[place].items()}
        return network.forward(x, fed=fed, observer=observe(recorder, phase, stream, network))

    def _fake(self, arrays: Mapping[str, Array], phase: str, recorder: Recorder | None) -> tuple[Array, Caches]:
        latent = arrays[self._spec.training.fed_in(phase, "latent")]
        return self._forward(arrays, (phase, "fake", "generator"), latent, recorder)

    def _discriminator_phase(
        self, arrays: Mapping[str, Array], fake: Array, recorder: Recorder | None
    ) -> tuple[Value, Value | float, Array | None]:
        """Train D once; returns its loss, mean D(real) or NaN, and the loss's gradient by fake if G is to have it."""
        training, network = self._spec.training, self.discriminator
        real_scores, real_caches = self._forward(
            arrays, ("discriminator", "real", "discriminator"), arrays["real"], recorder
        )
        fake_scores, fake_caches = self._forward(arrays, ("discriminator", "fake", "discriminator"), fake, recorder)
        real_score: Value | float = self._nothing
        if training.stop is not None:
            (score,) = self._of_each_copy(_mean, real_scores)
            real_score = self._rounded(score)
        balance = [] if self.balance is None else [self.balance]
        value, gradient_real, gradient_fake = self._of_each_copy(
            partial(discriminator_loss, training), real_scores, fake_scores, *balance
        )
        bias_gradient: Value | None = None
        if self._rounding is not None and training.discriminator_loss.score == "critic":
            if _all_alike(gradient_real, gradient_fake):
                bias_gradient = gradient_real.sum() + gradient_fake.sum()
            if isinstance(training.discriminator_loss, WassersteinDiscriminatorLoss):
                value = self._with_rounded_sums(value, *map(self._score_of, (real_scores, fake_scores)))
            if self.balance is not None:
                value = self._with_rounded_sums(value, *map(self._score_of, (real_scores, self.balance * fake_scores)))
        value = self._rounded_loss(value, gradient_real, gradient_fake)
        self._keep_scale("discriminator", training.discriminator_loss, recorder, real_scores, fake_scores)
        self._move_balance(real_scores, fake_scores)
        alone = self._penalty is not None and self._penalty.alone
        if self._penalty is not None:
            penalty, direction, mixed_caches = self._penalise(arrays, fake, recorder)
            value = value if alone else self._rounded(value + penalty)
        through = None
        if alone:
            network.gradients.flat[...] = 0.0
        else:
            network.backward(gradient_real, real_caches, into=network.gradients, wants_input=False)
            through = network.backward(
                gradient_fake, fake_caches, into=network.more_gradients, wants_input=not training.detach_fake
            )
            through = self._of_sample(through)
            self._add_more_gradients(network)
        if recorder is not None:
            recorder.value("discriminator", "loss", "", "loss", value)
        if self._penalty is not None:
            network.directional_gradient(direction, mixed_caches, into=network.more_gradients)
            if recorder is not None:
                recorder.gradients("discriminator", "penalty_gradient", {network: network.more_gradients})
            self._add_more_gradients(network)
        if bias_gradient is not None and not alone:
            self._keep_cancellation(network, bias_gradient)
        self._update("discriminator", recorder)
        return value, real_score, through

    def _move_balance(self, *scores: Array) -> None:
        """Move the number that D's loss balances its terms by, where it has one."""
        loss = self._spec.training.balanced
        if loss is None or self.balance is None:
            return
        batches = map(self._score_of, scores)
        moved, scale = map(np.atleast_1d, self._of_each_copy(partial(moved_balance, loss), *batches, self.balance))
        if self._rounding is not None:
            self._rounding.disturb(moved, num_terms=self._spec.batch_size, scale=scale)
        np.clip(moved.reshape(self.balance.shape), 0.0, 1.0, out=self.balance)

    def _with_rounded_sums(self, value: Value, *scores: Array) -> Value:
        """Disturb a critic's loss as the roundings of its two sums do: their difference may be small beside them."""
        if self._rounding is not None:
            for batch in scores:
                total = reduced(batch, self._spec.training.discriminator_loss.reduction)
                value = value + (self._rounding.disturbed(total, num_terms=batch.size) - total)
        return value

    @staticmethod
    def _keep_cancellation(network: Network, bias_gradient: Value) -> None:
        """Undo the disturbance of a critic's last bias, whose gradient is -1 + 1; a hinge's inside of its margins too.

        Its scores have constant gradients, so every program sums both batches to the same number: exactly 0. Disturbed,
        the two would leave noise that Adam turns into steps which no framework takes.
        """
        bias = network.gradients.by_layer[-1].get("bias")
        if bias is not None:
            bias[...] = bias_gradient

    def _penalise(
        self, arrays: Mapping[str, Array], fake: Array, recorder: Recorder | None
    ) -> tuple[Value, Array, Caches]:
        """Return the penalty, its gradient by the input gradient g, and the caches of D's pass at x̂."""
        network = self.discriminator
        if self._penalty is None:
            raise TypeError(f"{self._spec.name!r} has no gradient penalty")
        mixed = self._penalised_samples(self._penalty, arrays, fake)
        scores, caches = self._forward(arrays, ("discriminator", "mixed", "discriminator"), mixed, recorder)
        gradient = network.backward(np.ones_like(scores), caches, into=None, wants_input=True)
        if gradient is None:
            raise TypeError("a gradient penalty needs an input gradient")
        value, direction = gradient_penalty(self._penalty, gradient)
        value = self._rounded_loss(value, direction, num_terms=gradient.size)
        if self._measures(recorder):
            scale = penalty_scale(self._penalty, gradient)
            self.scales["discriminator", "penalty"] = scale
            if not self._penalty.alone:
                self.scales["discriminator", "loss"] += scale
        if recorder is not None:
            recorder.value("discriminator", "input_gradient", "mixed", "discriminator", gradient)
            recorder.value("discriminator", "loss", "", "penalty", value)
        return value, direction, caches

    def _penalised_samples(self, penalty: GradientPenalty, arrays: Mapping[str, Array], fake: Array) -> Array:
        real = arrays["real"]
        if penalty.at == "mixed":
            mixed: Array = arrays["mix"] * real + (1.0 - arrays["mix"]) * fake
            if self._rounding is not None:
                self._rounding.disturb(mixed)
            return mixed
        if penalty.at == "perturbed":
            moved = perturbed_samples(penalty, real=real, mix=arrays["mix"], perturbation=arrays["perturbation"])
            if self._rounding is not None:
                # The deviation, which all share, is of a sum over the batch.
                moved = real + (moved - real) * self._rounding.disturbed(real.dtype.type(1.0), num_terms=real.size)
                self._rounding.disturb(moved)
            return moved
        return np.concatenate((real, fake)) if penalty.at == "both" else {"real": real, "fake": fake}[penalty.at]

    def _generator_phase(
        self,
        arrays: Mapping[str, Array],
        fake: Array,
        caches: Caches,
        through_discriminator: tuple[Array, Caches] | None,
        recorder: Recorder | None,
    ) -> Value:
        """Train G once. through_discriminator: the gradient of D's loss by D's fake batch, and that batch's caches."""
        generator = self.generator
        loss, of_real = self._spec.training.generator_loss, list[Array]()
        if self._spec.training.generator_sees_real:
            of_real = [self._forward(arrays, ("generator", "real", "discriminator"), arrays["real"], recorder)[0]]
        scores, score_caches = self._forward(arrays, ("generator", "fake", "discriminator"), fake, recorder)
        again_caches: Caches | None = None
        if self._spec.training.shows_fake_twice:
            again, again_caches = self._forward(arrays, ("generator", "again", "discriminator"), fake, recorder)
            scores = np.concatenate((scores[..., :2], again[..., 2:]), axis=-1)
        value, gradient = self._of_each_copy(partial(generator_loss, self._spec.training), scores, *of_real)
        value = self._rounded_loss(value, gradient)
        self._keep_scale("generator", loss, recorder, scores, *of_real)
        gradient_fake = self._gradient_of_fake(gradient, score_caches, again_caches)
        distance = self._spec.training.distance_loss
        if distance is not None and gradient_fake is not None:
            apart, slope = self._distance(distance, fake, arrays["real"], recorder)
            value, gradient_fake = self._rounded(value + apart), gradient_fake + slope
            if self._rounding is not None:
                self._rounding.disturb(gradient_fake)
        if gradient_fake is not None:
            generator.backward(gradient_fake, caches, into=generator.gradients, wants_input=False)
        if through_discriminator is not None:
            gradient, caches = through_discriminator
            generator.backward(gradient, caches, into=generator.more_gradients, wants_input=False)
            self._add_more_gradients(generator)
        if recorder is not None:
            recorder.value("generator", "loss", "", "loss", value)
        self._update("generator", recorder)
        return value

    def _joint_phase(self, arrays: Mapping[str, Array], recorder: Recorder | None) -> Value:
        """Train both players once, by what D finds again of a batch from noise of its own."""
        fake, caches = self._fake(arrays, "joint", recorder)
        heads, head_caches = self._forward(arrays, ("joint", "fake", "discriminator"), fake, recorder)
        value, gradient = self._of_each_copy(partial(joint_loss, self._spec.training), heads)
        value = self._rounded_loss(value, gradient)
        if self._measures(recorder):
            self.scales["joint", "loss"] = class_scale(self._spec.training, "joint", self._first_copy(heads))
        discriminator, generator = self.discriminator, self.generator
        by_fake = discriminator.backward(gradient, head_caches, into=discriminator.gradients, wants_input=True)
        if by_fake is None:
            raise TypeError("the joint update needs the gradient by what G made")
        generator.backward(by_fake, caches, into=generator.gradients, wants_input=False)
        if recorder is not None:
            recorder.value("joint", "loss", "", "loss", value)
        self._update("joint", recorder)
        return value

    def _distance(self, loss: DistanceLoss, fake: Array, real: Array, recorder: Recorder | None) -> tuple[Value, Array]:
        """Return what G's loss has of how far its batch is from the real one, and its gradient by G's batch."""
        difference = fake - real
        if self._rounding is not None:
            self._rounding.disturb(difference)
            if loss.by == "absolute":
                self._rounding.visit(difference)
        value, slope = self._of_each_copy(partial(distance_loss, loss), difference)
        if self._measures(recorder):
            self.scales["generator", "loss"] += distance_scale(loss, *map(self._first_copy, (fake, real)))
        return self._rounded_loss(value, slope, num_terms=slope.size), slope

    def _gradient_of_fake(self, gradient: Array, caches: Caches, again: Caches | None) -> Array | None:
        """Lead G's loss back through D. again: of the pass that the second number of the class was taken from."""
        discriminator = self.discriminator
        if again is None:
            return self._of_sample(discriminator.backward(gradient, caches, into=None, wants_input=True))
        is_second = np.arange(gradient.shape[-1]) >= 2
        parts = ((np.where(is_second, 0.0, gradient), caches), (np.where(is_second, gradient, 0.0), again))
        first, second = (
            discriminator.backward(own.astype(gradient.dtype), of_pass, into=None, wants_input=True)
            for own, of_pass in parts
        )
        if first is None or second is None:
            raise TypeError("G's update needs the gradient by what it made")
        total: Array = first + second
        if self._rounding is not None:
            self._rounding.disturb(total)
        return self._of_sample(total)

    def _of_sample(self, gradient: Array | None) -> Array | None:
        """Return the part of D's input gradient that is of the sample, where D is shown what G started from too."""
        if gradient is None or not self._shows_pairs:
            return gradient
        channels = self._spec.real.sample_shape[0]
        own = slice(-channels, None) if self._spec.training.start_shown == "before" else slice(channels)
        return np.ascontiguousarray(gradient[(*(slice(None),) * (len(self.copies) + 1), own)])

    def _update(self, phase: str, recorder: Recorder | None) -> None:
        trained = {name: self._networks[network] for name, network in optimizers_of(self._spec, phase).items()}
        if recorder is not None:
            recorder.gradients(phase, "gradient", {each: each.gradients for each in trained.values()})
        for name, network in trained.items():
            self._move(name, network)
        if phase == "generator" and self.average is not None:
            self.average.follow(self.optimizers[phase].counter - 1, self._rounding)
        if recorder is not None:
            recorder.updated(phase, {name: self.optimizers[name].counter for name in trained})

    def _move(self, name: str, network: Network) -> None:
        """Have an optimizer move its network by the gradients that there are."""
        optimizer = self.optimizers[name]
        clipping = self._clippings.get(name)
        if clipping is not None:
            clip_gradients(clipping, network, self._rounding)
        share = optimizer.decay_gradients()
        if share and self._rounding is not None:
            flat = network.gradients.flat
            scale = np.abs(flat) + share * np.abs(network.parameters.flat)
            self._rounding.disturb(flat, scale=scale)
        if self._rounding is None:
            optimizer.update()
        else:
            if optimizer.divides and not optimizer.counter:
                for tensors in network.gradients.by_layer:
                    for gradient in tensors.values():
                        self._rounding.visit(gradient)
            optimizer.update_with_rounding(self._rounding)
        optimizer.clip()

    def _measures(self, recorder: Recorder | None) -> bool:
        return recorder is not None or self._rounding is not None

    def _keep_scale(self, phase: str, loss: Any, recorder: Recorder | None, *scores: Array) -> None:
        if not self._measures(recorder):
            return
        first = [self._first_copy(batch) for batch in scores]
        balance = 0.0 if phase == "generator" or self.balance is None else float(self._first_copy(self.balance))
        scale = loss_scale(loss, *map(self._score_of, first), balance=balance)
        self.scales[phase, "loss"] = scale + class_scale(self._spec.training, phase, *first)

    def _score_of(self, output: Array) -> Array:
        """Return D's score, the first of the numbers that it gives where it tells the class too."""
        return output if self._spec.training.class_loss is None else output[..., :1]

    def _first_copy(self, array: Array) -> Array:
        return array[0] if self.copies else array

    def _add_more_gradients(self, network: Network) -> None:
        network.gradients.flat += network.more_gradients.flat
        if self._rounding is not None:
            self._rounding.disturb(network.gradients.flat)

    def _rounded(self, value: Value, *, num_terms: int = 1) -> Value:
        return value if self._rounding is None else self._rounding.disturbed(value, num_terms=num_terms)

    def _rounded_loss(self, value: Value, *gradients: Array, num_terms: int | None = None) -> Value:
        """Disturb a loss and its gradients by scores; it is a sum over all of these unless num_terms says otherwise."""
        if self._rounding is None:
            return value
        for gradient in gradients:
            self._rounding.disturb(gradient)
        batch, _, *places = gradients[0].shape[len(self.copies) :]
        return self._rounded(value, num_terms=batch * math.prod(places) if num_terms is None else num_terms)

    def _of_each_copy(self, function: Callable[..., tuple[Any, ...]], *arrays: Array) -> tuple[Any, ...]:
        """Apply a function of one GAN's scores; with copies to each one's, and stack what it returns.

        draw: which formulas each one takes, where that is what rounds (see formulas.py).
        """
        if not self.copies:
            return function(*arrays, draw=0 if self._rounding is None else self._rounding.seed)
        if self._rounding is None:
            return function(*arrays, draw=SIDE_BY_SIDE)
        seeds = range(self._rounding.seed, self._rounding.seed + self.copies[0])
        found = [function(*own, draw=seed) for *own, seed in zip(*arrays, seeds, strict=True)]
        return tuple(np.array(results) for results in zip(*found, strict=True))

    def _named_tensors(self) -> dict[str, Array]:
        """Return every floating-point tensor of the state by its canonical name, in canonical order: live views."""
        found: dict[str, Array] = {}
        for network in self._networks.values():
            found |= network.by_name(network.parameters) | network.by_name(network.buffers)
        for name, (network_name, _) in optimizers(self._spec).items():
            for slot, tensors in self.optimizers[name].slots.items():
                by_name = self._networks[network_name].by_name(tensors)
                found |= {slot_name(name, parameter, slot): view for parameter, view in by_name.items()}
        if self.average is not None:
            found |= {average_name(name): view for name, view in self.average.by_name().items()}
        if self.balance is not None:
            found[BALANCE] = self.balance
        return {name: found[name] for name, tensor in state_schema(self._spec).items() if tensor.role != "counter"}


def _all_alike(real: Array, fake: Array) -> bool:
    """Whether all samples' gradients are of one size: always a Wasserstein loss's, a hinge's inside of its margins."""
    sizes = np.abs(np.concatenate([real, fake], axis=None))
    return bool(np.all(sizes == sizes[0]))


def _mean(scores: Array, *, draw: int) -> tuple[Value]:
    # One formula, whichever is drawn; of replicas each one's.
    return (reduced(scores, "mean", draw if isinstance(draw, SideBySide) else 0),)
