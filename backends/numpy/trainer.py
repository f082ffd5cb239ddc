"""The NumPy trainer: the steps of every GAN, in the order in which the spec says."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

from backends.numpy.device import check_device
from backends.numpy.layer import Array
from backends.numpy.layers import build_network
from backends.numpy.losses import (
    DISCRIMINATOR_LOSSES,
    GENERATOR_LOSSES,
    Value,
    gradient_penalty,
    mean_squared_error_loss,
)
from backends.numpy.network import Caches, Network
from backends.numpy.optimizers import Optimizer, build_optimizer
from backends.numpy.probe import Recorder
from backends.numpy.rounding import RandomRounding
from shared.errors import UnsupportedLayer, UsageError
from shared.interface import DTYPES, Chunk, Losses, Phase, ProbeKey
from shared.spec import GanSpec, GradientPenalty, WassersteinDiscriminatorLoss
from shared.state import check_state, counter_name, optimizers, slot_name, state_schema


@dataclass(frozen=True, kw_only=True)
class Staged:
    """A chunk cast to the run's type: arrays (K, batch, ...), and whether D trains in each step."""

    phase: Phase
    arrays: Mapping[str, Array]
    trains_discriminator: tuple[bool, ...]


class NumpyTrainer:
    """A GAN in NumPy, every derivative by hand; build it with `build`."""

    def __init__(self, spec: GanSpec, dtype: str) -> None:
        self._spec = spec
        self._dtype = np.dtype(dtype)
        self._generator = build_network(spec.generator, name="generator", dtype=self._dtype)
        self._discriminator = build_network(spec.discriminator, name="discriminator", dtype=self._dtype)
        self._networks = {"generator": self._generator, "discriminator": self._discriminator}
        self._optimizers: dict[str, Optimizer] = {
            name: build_optimizer(optimizer, self._networks[network])
            for name, (network, optimizer) in optimizers(spec).items()
        }
        self._tensors = self._named_tensors()
        self._rounding: RandomRounding | None = None
        training = spec.training
        for loss, table in (
            (training.discriminator_loss, DISCRIMINATOR_LOSSES),
            (training.generator_loss, GENERATOR_LOSSES),
        ):
            if type(loss) not in table:
                raise UnsupportedLayer(f"numpy has no loss {type(loss).__name__}")
        self._discriminator_loss = DISCRIMINATOR_LOSSES[type(training.discriminator_loss)]
        self._generator_loss = GENERATOR_LOSSES[type(training.generator_loss)]
        self._penalty = _penalty(spec)

    @classmethod
    def build(cls, spec: GanSpec, /, *, device: str, dtype: str, execution: str) -> Self:
        """Build the networks and optimizers; device "cpu", execution "eager". Raises UnsupportedLayer, UsageError."""
        check_device(device)
        if execution != "eager":
            raise UsageError(f"execution {execution!r}: numpy has nothing to compile with; use execution 'eager'")
        if dtype not in DTYPES:
            raise UsageError(f"dtype {dtype!r}: expected one of {', '.join(DTYPES)}")
        return cls(spec, dtype)

    def load_state(self, state: Mapping[str, np.ndarray], /) -> None:
        """Copy a whole state in, cast to the run's type. Raises StateError for missing, extra or misshapen names."""
        check_state(state, self._spec)
        with np.errstate(all="ignore"):
            for name, tensor in self._tensors.items():
                tensor[...] = state[name]
        for name, optimizer in self._optimizers.items():
            optimizer.counter = int(state[counter_name(name)])

    def export_state(self) -> dict[str, np.ndarray]:
        """Return a copy of the whole state in canonical order and layout."""
        counters = {counter_name(name): optimizer.counter for name, optimizer in self._optimizers.items()}
        return {
            name: np.array(counters[name], np.int64) if name in counters else self._tensors[name].copy()
            for name in state_schema(self._spec)
        }

    def stage(self, chunk: Chunk, /) -> Staged:
        """Cast a chunk; a copy, in the run's type."""
        with np.errstate(all="ignore"):
            arrays = {name: np.array(array, self._dtype, order="C") for name, array in chunk.arrays.items()}
        trains = tuple(bool(trains) for trains in chunk.trains_discriminator)
        return Staged(phase=chunk.phase, arrays=arrays, trains_discriminator=trains)

    def train(self, staged: Staged, /) -> Losses:
        """Run a staged chunk's steps."""
        num_steps = len(staged.trains_discriminator)
        with np.errstate(all="ignore"):
            if staged.phase == "pretraining":
                inputs, targets = staged.arrays["pretrain_input"], staged.arrays["pretrain_target"]
                steps = [self._pretraining_step(inputs[k], targets[k], None) for k in range(num_steps)]
                return Losses(pretraining=np.array(steps, self._dtype))
            results = [self._adversarial_step(staged, k, None) for k in range(num_steps)]
        columns = np.array(results, self._dtype).reshape(num_steps, 3)
        return Losses(
            discriminator=columns[:, 0].copy(),
            generator=columns[:, 1].copy(),
            real_score=columns[:, 2].copy() if self._spec.training.stop is not None else None,
        )

    def probe(self, chunk: Chunk, /) -> dict[ProbeKey, np.ndarray]:
        """Run a chunk of one step and return everything it computed, in order of execution, then undo it."""
        if chunk.num_steps != 1:
            raise UsageError(f"probe was given a chunk of {chunk.num_steps} steps; expected 1")
        staged = self.stage(chunk)
        saved = {name: tensor.copy() for name, tensor in self._tensors.items()}
        counters = {name: optimizer.counter for name, optimizer in self._optimizers.items()}
        rounding = self._rounding
        self._disturb_with(copy.deepcopy(rounding))
        recorder = Recorder(self._spec, self._tensors)
        try:
            with np.errstate(all="ignore"):
                if staged.phase == "pretraining":
                    inputs, targets = staged.arrays["pretrain_input"], staged.arrays["pretrain_target"]
                    self._pretraining_step(inputs[0], targets[0], recorder)
                else:
                    self._adversarial_step(staged, 0, recorder)
        finally:
            for name, tensor in self._tensors.items():
                tensor[...] = saved[name]
            for name, optimizer in self._optimizers.items():
                optimizer.counter = counters[name]
            self._disturb_with(rounding)
        return recorder.values

    def generate(self, latent: np.ndarray, /) -> np.ndarray:
        """Return G(latent), (batch, ...). BatchNorm as in training, its buffers left alone."""
        return self._infer(self._generator, latent)

    def discriminate(self, samples: np.ndarray, /) -> np.ndarray:
        """Return D's output for samples (batch, ...). BatchNorm as in training, its buffers left alone."""
        return self._infer(self._discriminator, samples)

    def perturb(self, *, seed: int) -> None:
        """From now on disturb every number that training computes by a random rounding (see rounding.py)."""
        self._disturb_with(RandomRounding(seed=seed, dtype=self._dtype))

    def _pretraining_step(self, inputs: Array, targets: Array, recorder: Recorder | None) -> Value:
        discriminator, pretraining = self._discriminator, self._spec.pretraining
        if pretraining is None:
            raise UsageError(f"{self._spec.name!r} has no pretraining; train it on adversarial chunks alone")
        observer = recorder and recorder.observer("pretraining", "input", discriminator)
        output, caches = discriminator.forward(inputs, observer=observer)
        value, gradient = mean_squared_error_loss(pretraining.loss, output, targets)
        value = self._rounded_loss(value, gradient)
        discriminator.backward(gradient, caches, into=discriminator.gradients, wants_input=False)
        if recorder is not None:
            recorder.keep("pretraining", "loss", "", "loss", value)
        self._update("pretraining", discriminator, recorder)
        return value

    def _adversarial_step(self, staged: Staged, index: int, recorder: Recorder | None) -> tuple[float | Value, ...]:
        """Run one step; returns D's loss, G's loss and mean D(real), NaN where there is none."""
        training, arrays = self._spec.training, staged.arrays
        real, latent_d = arrays["real"][index], arrays["latent_d"][index]
        latent_g = latent_d if training.latent_draws == "shared" else arrays["latent_g"][index]
        mix = arrays["mix"][index] if self._penalty is not None else None
        reused = training.fake_batch == "reused"
        loss_d: float | Value = np.nan
        real_score: float | Value = np.nan
        if training.first == "generator":
            fake, caches = self._fake("generator", latent_g, recorder)
            loss_g = self._generator_phase(fake, caches, None, recorder)
            if staged.trains_discriminator[index]:
                if not reused:
                    fake, _ = self._fake("discriminator", latent_d, recorder)
                loss_d, real_score, _ = self._discriminator_phase(real, fake, mix, recorder)
            return loss_d, loss_g, real_score
        through_discriminator = None
        if staged.trains_discriminator[index]:
            fake, caches = self._fake("discriminator", latent_d, recorder)
            loss_d, real_score, gradient_fake = self._discriminator_phase(real, fake, mix, recorder)
            if gradient_fake is not None:
                through_discriminator = (gradient_fake, caches)
        if not reused:
            fake, caches = self._fake("generator", latent_g, recorder)
        loss_g = self._generator_phase(fake, caches, through_discriminator, recorder)
        return loss_d, loss_g, real_score

    def _fake(self, phase: str, latent: Array, recorder: Recorder | None) -> tuple[Array, Caches]:
        observer = recorder and recorder.observer(phase, "fake", self._generator)
        return self._generator.forward(latent, observer=observer)

    def _discriminator_phase(
        self, real: Array, fake: Array, mix: Array | None, recorder: Recorder | None
    ) -> tuple[Value, Value | float, Array | None]:
        """Train D once; returns its loss, mean D(real) or NaN, and the loss's gradient by fake where G is to have it."""
        training, network = self._spec.training, self._discriminator
        real_scores, real_caches = network.forward(
            real, observer=recorder and recorder.observer("discriminator", "real", network)
        )
        fake_scores, fake_caches = network.forward(
            fake, observer=recorder and recorder.observer("discriminator", "fake", network)
        )
        real_score: Value | float = np.nan
        if training.stop is not None:
            real_score = self._rounded(np.add.reduce(real_scores, axis=None) / real_scores.size)
        value, gradient_real, gradient_fake = self._discriminator_loss(
            training.discriminator_loss, real_scores, fake_scores
        )
        value = self._rounded_loss(value, gradient_real, gradient_fake)
        if mix is not None:
            penalty, direction, mixed_caches = self._penalise(real, fake, mix, recorder)
            value = self._rounded(value + penalty)
        network.backward(gradient_real, real_caches, into=network.gradients, wants_input=False)
        through = network.backward(
            gradient_fake, fake_caches, into=network.more_gradients, wants_input=not training.detach_fake
        )
        self._add_more_gradients(network)
        if recorder is not None:
            recorder.keep("discriminator", "loss", "", "loss", value)
        if mix is not None:
            network.directional_gradient(direction, mixed_caches, into=network.more_gradients)
            if recorder is not None:
                recorder.gradients("discriminator", "penalty_gradient", network, network.more_gradients)
            self._add_more_gradients(network)
        self._update("discriminator", network, recorder)
        return value, real_score, through

    def _penalise(self, real: Array, fake: Array, mix: Array, recorder: Recorder | None) -> tuple[Value, Array, Caches]:
        """Return the penalty, its gradient by the input gradient g, and the caches of D's pass at x̂."""
        network = self._discriminator
        mixed = mix * real + (1.0 - mix) * fake
        if self._rounding is not None:
            self._rounding.disturb(mixed)
        scores, caches = network.forward(
            mixed, observer=recorder and recorder.observer("discriminator", "mixed", network)
        )
        gradient = network.backward(np.ones_like(scores), caches, into=None, wants_input=True)
        if gradient is None or self._penalty is None:
            raise TypeError("a gradient penalty needs an input gradient")
        value, direction = gradient_penalty(self._penalty, gradient)
        value = self._rounded_loss(value, direction)
        if recorder is not None:
            recorder.keep("discriminator", "input_gradient", "mixed", "discriminator", gradient)
            recorder.keep("discriminator", "loss", "", "penalty", value)
        return value, direction, caches

    def _generator_phase(
        self,
        fake: Array,
        caches: Caches,
        through_discriminator: tuple[Array, Caches] | None,
        recorder: Recorder | None,
    ) -> Value:
        """Train G once. through_discriminator: the gradient of D's loss by D's fake batch, and that batch's caches."""
        generator, discriminator = self._generator, self._discriminator
        observer = recorder and recorder.observer("generator", "fake", discriminator)
        scores, score_caches = discriminator.forward(fake, observer=observer)
        value, gradient = self._generator_loss(self._spec.training.generator_loss, scores)
        value = self._rounded_loss(value, gradient)
        gradient_fake = discriminator.backward(gradient, score_caches, into=None, wants_input=True)
        if gradient_fake is not None:
            generator.backward(gradient_fake, caches, into=generator.gradients, wants_input=False)
        if through_discriminator is not None:
            gradient, caches = through_discriminator
            generator.backward(gradient, caches, into=generator.more_gradients, wants_input=False)
            self._add_more_gradients(generator)
        if recorder is not None:
            recorder.keep("generator", "loss", "", "loss", value)
        self._update("generator", generator, recorder)
        return value

    def _update(self, phase: str, network: Network, recorder: Recorder | None) -> None:
        optimizer = self._optimizers[phase]
        if recorder is not None:
            recorder.gradients(phase, "gradient", network, network.gradients)
        optimizer.update()
        if self._rounding is not None:
            for tensors in (network.parameters, *optimizer.slots.values()):
                self._rounding.disturb(tensors.flat)
        if recorder is not None:
            recorder.update(phase, network, optimizer.counter)

    def _add_more_gradients(self, network: Network) -> None:
        network.gradients.flat += network.more_gradients.flat
        if self._rounding is not None:
            self._rounding.disturb(network.gradients.flat)

    def _rounded(self, value: Value) -> Value:
        return value if self._rounding is None else self._rounding.disturbed(value)

    def _rounded_loss(self, value: Value, *gradients: Array) -> Value:
        if self._rounding is not None:
            for gradient in gradients:
                self._rounding.disturb(gradient)
        return self._rounded(value)

    def _disturb_with(self, rounding: RandomRounding | None) -> None:
        self._rounding = rounding
        for network in self._networks.values():
            network.rounding = rounding

    def _infer(self, network: Network, batch: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            return np.array(network.infer(np.array(batch, self._dtype, order="C")), order="C")

    def _named_tensors(self) -> dict[str, Array]:
        """Return every floating-point tensor of the state by its canonical name, in canonical order: live views."""
        found: dict[str, Array] = {}
        for network in self._networks.values():
            found |= network.by_name(network.parameters) | network.by_name(network.buffers)
        for name, (network_name, _) in optimizers(self._spec).items():
            for slot, tensors in self._optimizers[name].slots.items():
                by_name = self._networks[network_name].by_name(tensors)
                found |= {slot_name(name, parameter, slot): view for parameter, view in by_name.items()}
        return {name: found[name] for name, tensor in state_schema(self._spec).items() if tensor.role != "counter"}


def _penalty(spec: GanSpec) -> GradientPenalty | None:
    loss = spec.training.discriminator_loss
    return loss.penalty if isinstance(loss, WassersteinDiscriminatorLoss) else None
