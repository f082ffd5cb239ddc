"""The catalogue's GANs in sizes that a test can afford, their trainers, chunks and states."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np

from gan_rosetta.backends import BACKENDS
from gan_rosetta.shared.conformance.frameworks import device_of
from gan_rosetta.shared.data.digits import DigitSource
from gan_rosetta.shared.data.tape import SeededTape, make_chunk
from gan_rosetta.shared.gans import MADE_UP, find_gan
from gan_rosetta.shared.gans.affordable import narrowed
from gan_rosetta.shared.interface import Trainer
from gan_rosetta.shared.spec import DigitsReal, GanSpec
from gan_rosetta.shared.state import initial_state, state_schema
from gan_rosetta.shared.workers.registry import load_trainer

# Every layer of a convolutional GAN stays, with a part of its channels; whole, a step takes seconds in float64. Of the
# GANs whose Linears have a million weights one is left as wide as published.
_NARROWING = {
    "mnist-wgan-gp-sample": 8,
    "wgan": 8,
    "cgan": 8,
    "mnist-conv": 8,
    "lsgan": 8,
    "sngan": 16,
    "relativistic": 8,
    "dragan": 8,
    "ebgan": 8,
    "began": 8,
    "context-encoder": 32,
    "infogan": 8,
    "acgan": 8,
    "sgan": 8,
    "wgan-gp-conv": 16,
    "dcgan": 32,
    "dcgan-keras": 16,
}
_SMALL_BATCHES = {
    "mnist-conv": 4,
    "mnist-wgan-gp": 16,
    "mnist-wgan-gp-sample": 16,
    "wgan": 16,
    "lsgan": 4,
    "cgan": 16,
    "sngan": 4,
    "relativistic": 4,
    "dragan": 4,
    "ebgan": 4,
    "began": 4,
    "context-encoder": 4,
    "infogan": 4,
    "acgan": 4,
    "sgan": 4,
    "wgan-gp": 16,
    "wgan-gp-conv": 4,
    "dcgan": 4,
    "dcgan-keras": 4,
    "sagan-small": 2,
}
# Passes over the data that are soon over: one batch, and three digits that are left out.
_FEW_IMAGES = {"sngan": 7}
SEED = 3
# Under the other D saturates at once here, and what an optimizer does to gradients of 0 shows nothing.
_SEEDS = {"gaussian-1d-adam-minibatch": 7}


def seed_of(spec: GanSpec) -> int:
    return _SEEDS.get(spec.name, SEED)


@lru_cache(maxsize=32)
def small_gan(name: str) -> GanSpec:
    spec = MADE_UP[name] if name in MADE_UP else find_gan(name)
    spec = replace(spec, batch_size=_SMALL_BATCHES.get(name, spec.batch_size))
    if name in _FEW_IMAGES and isinstance(spec.real, DigitsReal):
        spec = replace(spec, real=replace(spec.real, num_images=_FEW_IMAGES[name]))
    return narrowed(spec, _NARROWING[name]) if name in _NARROWING else spec


def whole_step(spec: GanSpec) -> int:
    """The first step in which both players train."""
    patterns = (spec.training.discriminator_steps, spec.training.generator_steps)
    period = spec.training.period
    return next(step for step in range(period) if all(own.includes(step, steps_per_epoch=period) for own in patterns))


@lru_cache(maxsize=2)
def seeded_tape(spec: GanSpec) -> SeededTape:
    return SeededTape(spec, seed=seed_of(spec), digits=DigitSource.parse(None))


def adversarial_chunk(spec: GanSpec, *, first_step: int = 0, num_steps: int = 1):
    return make_chunk(seeded_tape(spec), spec, "adversarial", first_step=first_step, num_steps=num_steps)


def pretraining_chunk(spec: GanSpec, *, first_step: int = 0, num_steps: int = 1):
    return make_chunk(seeded_tape(spec), spec, "pretraining", first_step=first_step, num_steps=num_steps)


def loaded_trainer(spec: GanSpec, *, backend: str, dtype: str = "float64", execution: str = "eager") -> Trainer:
    """The process's one trainer of this kind, in the initial state: what it once compiled serves every law on a GAN."""
    trainer = _one_trainer(spec, backend, dtype, execution)
    trainer.load_state(initial_state(spec, seed=seed_of(spec)))
    return trainer


def build_trainer(spec: GanSpec, *, backend: str, dtype: str = "float64", execution: str = "eager") -> Trainer:
    """A trainer of its own in the initial state, for laws that hold several or reseed the framework between them."""
    trainer_class, device = load_trainer(BACKENDS[backend]), device_of(backend)
    trainer = trainer_class.build(spec, device=device, dtype=dtype, execution=execution)
    trainer.load_state(initial_state(spec, seed=seed_of(spec)))
    return trainer


# A backend's and the reference's, in both types and executions; those of the GANs before, and their programs, may go.
@lru_cache(maxsize=6)
def _one_trainer(spec: GanSpec, backend: str, dtype: str, execution: str) -> Trainer:
    return build_trainer(spec, backend=backend, dtype=dtype, execution=execution)


def random_state(spec: GanSpec, *, dtype: str = "float64") -> dict[str, np.ndarray]:
    """A state no two of whose entries are the same, with slots and buffers as after some training."""
    generator = np.random.default_rng(11)
    state = {}
    for name, tensor in state_schema(spec).items():
        if tensor.role == "counter":
            state[name] = np.array(7, dtype=np.int64)
        elif tensor.role == "slot" or name.endswith("running_var"):
            state[name] = generator.uniform(0.1, 1.0, tensor.shape).astype(dtype)
        else:
            state[name] = (0.3 * generator.standard_normal(tensor.shape)).astype(dtype)
    return state
