"""Chunks of random numbers in a GAN's shapes, and small GANs, for the NumPy trainer's tests."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gan_rosetta.backends.numpy.trainer import NumpyTrainer
from gan_rosetta.shared.data.tape import array_shapes
from gan_rosetta.shared.data.turns import trained_steps
from gan_rosetta.shared.gans import find_gan
from gan_rosetta.shared.interface import Chunk
from gan_rosetta.shared.spec import ConstantRate
from gan_rosetta.shared.spec.feeding import labels, mask_draws
from gan_rosetta.shared.state import initial_state


def build(spec, *, dtype="float64", seed=1):
    trainer = NumpyTrainer.build(spec, device="cpu", dtype=dtype, execution="eager")
    trainer.load_state(initial_state(spec, seed=seed))
    return trainer


def make_chunk(spec, *, phase="adversarial", num_steps=1, batch_size=4, first_step=0):
    generator = np.random.default_rng(7)

    def draw(shape):
        return generator.standard_normal((first_step + num_steps, batch_size, *shape))[first_step:]

    if phase == "pretraining":
        arrays = {"pretrain_input": draw((1,)), "pretrain_target": draw((1,))}
    else:
        arrays = {"real": draw(spec.real.sample_shape), "latent_d": draw(spec.latent.sample_shape)}
        if spec.training.latent_draws == "separate":
            arrays["latent_g"] = draw(spec.latent.sample_shape)
        if spec.uses_mix:
            arrays["mix"] = draw(array_shapes(spec, "adversarial")["mix"])
        if spec.uses_perturbation:
            arrays["perturbation"] = draw(spec.real.sample_shape)
        for label in labels(spec):
            arrays[label] = generator.integers(0, 10, (first_step + num_steps, batch_size))[first_step:].astype(float)
        for mask in mask_draws(spec, pretraining=False):
            arrays[mask.name] = mask.drawn(generator.random(draw(mask.shape).shape))
        if spec.training.joint_optimizer is not None:
            arrays["latent_j"] = draw(spec.latent.sample_shape)
    trains = {
        f"trains_{player}": trained_steps(spec, player, first_step=first_step, num_steps=num_steps, steps_per_epoch=79)
        & (phase == "adversarial")
        for player in ("discriminator", "generator")
    }
    return Chunk(phase=phase, first_step=first_step, arrays=arrays, **trains)


def slices(chunk):
    """The chunk's steps as chunks of one."""
    for step in range(chunk.num_steps):
        yield chunk.steps(slice(step, step + 1))


def variant(name, **training):
    spec = find_gan(name)
    return replace(spec, training=replace(spec.training, **training))


def still(optimizer):
    """The optimizer with a learning rate of zero."""
    return replace(optimizer, learning_rate=ConstantRate(value=0.0))
