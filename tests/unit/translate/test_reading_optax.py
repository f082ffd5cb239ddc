"""Optimizers of optax read into specs: their settings, held to them by steps, and what flax keeps of them."""

from __future__ import annotations

import numpy as np
import pytest

import gan_rosetta as gr
from gan_rosetta.shared.data.digits import DigitSource
from gan_rosetta.shared.data.tape import SeededTape
from gan_rosetta.shared.data.tape_file import write_tape
from gan_rosetta.shared.errors import UnsupportedLayer
from gan_rosetta.shared.spec import (
    Adadelta,
    Adagrad,
    Adam,
    ConstantRate,
    CosineDecay,
    ExponentialDecay,
    GradientDescent,
    LinearDecay,
    PiecewiseRate,
    RMSprop,
    WarmUp,
    WeightDecay,
)
from gan_rosetta.shared.state.archive import write_state
from gan_rosetta.shared.storage.npz import read_npz
from gan_rosetta.shared.translate.program import DIALECTS, write_program
from gan_rosetta.shared.translate.reading import read
from tests.unit.translate.proving import run_here

optax = pytest.importorskip("optax")
nnx = pytest.importorskip("flax.nnx")
jax = pytest.importorskip("jax")
reading_optimizers = pytest.importorskip("gan_rosetta.backends.jax.reading_optimizers")
jnp = jax.numpy
STEPS = 3
TENTH = ConstantRate(value=0.1)
HALVED = optax.exponential_decay(0.1, 3, 0.5)


@pytest.fixture(autouse=True)
def own_types():
    """A program sets the type of its framework for its whole process."""
    kept = jax.config.read("jax_enable_x64")
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", kept)


def read_alone(transformation):
    return reading_optimizers.read_optimizer(transformation, None, what="its optimizer")


def adam(rate, **more):
    plain = {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "epsilon_placement": "outside", "bias_correction": True}
    return Adam(learning_rate=rate, **(plain | more))


def rmsprop(**more):
    plain = {"rho": 0.9, "epsilon": 1e-8, "epsilon_placement": "inside", "centered": False}
    return RMSprop(learning_rate=TENTH, **(plain | {"momentum": 0.0, "momentum_of": "step"} | more))


@pytest.mark.parametrize(
    ("transformation", "expected"),
    [
        (optax.adam(0.1, b1=0.5, eps=1e-7), adam(TENTH, beta1=0.5, epsilon=1e-7)),
        (optax.amsgrad(0.1), adam(TENTH, amsgrad="corrected")),
        (
            optax.adamw(optax.linear_schedule(0.1, 0.0, 20, 3), weight_decay=0.2),
            adam(
                LinearDecay(initial=0.1, final=0.0, begin=3, duration=20),
                weight_decay=WeightDecay(share=0.2, by="parameter"),
            ),
        ),
        (
            optax.chain(
                optax.scale_by_adam(), optax.scale_by_schedule(optax.exponential_decay(0.1, 3, 0.5)), optax.scale(-1)
            ),
            adam(ExponentialDecay(initial=0.1, factor=0.5, every=3, staircase=False)),
        ),
        (optax.sgd(0.1), GradientDescent(learning_rate=TENTH)),
        (
            optax.sgd(0.1, momentum=0.9, nesterov=True),
            GradientDescent(learning_rate=TENTH, momentum=0.9, nesterov=True),
        ),
        (
            optax.chain(optax.scale(-0.1), optax.trace(0.9)),
            GradientDescent(learning_rate=TENTH, momentum=0.9, momentum_of="step"),
        ),
        (
            optax.sgd(optax.piecewise_constant_schedule(0.1, {5: 0.5})),
            GradientDescent(learning_rate=PiecewiseRate(values=(0.1, 0.05), boundaries=(5,))),
        ),
        (
            optax.sgd(optax.warmup_cosine_decay_schedule(0.0, 0.1, 10, 50)),
            GradientDescent(
                learning_rate=WarmUp(
                    initial=0.0, duration=10, after=CosineDecay(initial=0.1, final=0.0, duration=40, beyond="held")
                )
            ),
        ),
        (optax.rmsprop(0.1, centered=True, eps_in_sqrt=False), rmsprop(centered=True, epsilon_placement="outside")),
        (optax.rmsprop(0.1, momentum=0.9), rmsprop(momentum=0.9)),
        (
            optax.adagrad(0.1),
            Adagrad(learning_rate=TENTH, epsilon=1e-7, epsilon_placement="inside", initial_sum=0.1),
        ),
        (
            optax.adadelta(0.1, weight_decay=0.2),
            Adadelta(learning_rate=TENTH, rho=0.9, epsilon=1e-6, weight_decay=WeightDecay(share=0.2, by="gradient")),
        ),
    ],
)
def test_settings_are_what_the_functions_close_over(transformation, expected):
    assert read_alone(transformation) == expected


@pytest.mark.parametrize(
    ("transformation", "message"),
    [
        (optax.nadam(0.1), "has nesterov=True"),
        (optax.adam(0.1, eps_root=1e-8), "has eps_root=1e-08; only eps_root=0"),
        (optax.adamw(0.1, mask=lambda tree: tree), "has masked in it"),
        (optax.chain(optax.clip(1.0), optax.adam(0.1)), "has clip in it"),
        (optax.inject_hyperparams(optax.adam)(0.1), "has inject_hyperparams in it"),
        (optax.chain(optax.adam(0.1), optax.trace(0.9)), "has a momentum behind scale_by_adam"),
        (optax.trace(0.9), "adds 1.0 times a gradient"),
        (optax.adam(lambda count: 0.1), "has a learning rate by .*<lambda>"),
        (optax.sgd(optax.polynomial_schedule(0.1, 0.0, 2, 10)), "polynomial of power 2"),
        (optax.sgd(optax.exponential_decay(0.1, 3, 0.5, transition_begin=4)), "decays from 4 on"),
        (lambda gradient: gradient, "is a function; expected a transformation of optax's"),
    ],
)
def test_what_a_spec_cannot_say_is_named(transformation, message):
    with pytest.raises(UnsupportedLayer, match=message):
        read_alone(transformation)


def test_what_was_read_wrongly_does_not_move_as_it_does(monkeypatch):
    monkeypatch.delitem(reading_optimizers._PLAIN, "eps_root")
    with pytest.raises(UnsupportedLayer, match="moves a parameter otherwise in step 1"):
        read_alone(optax.adam(0.1, eps_root=1e-3))
    monkeypatch.setattr(reading_optimizers, "read_schedule", lambda schedule, what: ConstantRate(value=0.1))
    with pytest.raises(UnsupportedLayer, match="moves a parameter otherwise in step 2"):
        read_alone(optax.sgd(HALVED))


class Judge(nnx.Module):
    def __init__(self, rngs):
        self.first, self.last = nnx.Linear(2, 5, rngs=rngs), nnx.Linear(5, 2, rngs=rngs)

    def __call__(self, x):
        return self.last(nnx.tanh(self.first(x)))


def point_networks():
    generator, discriminator = nnx.Sequential(nnx.Linear(2, 2, rngs=nnx.Rngs(0))), Judge(nnx.Rngs(1))
    for network in (generator, discriminator):
        nnx.update(network, jax.tree.map(lambda array: array.astype("float64"), nnx.state(network, nnx.Param)))
    return generator, discriminator


def trained(generator, discriminator, optimizers, tape):
    """Train by hand as linear-2d is trained, on all of a tape; return D's losses and G's."""

    def cross_entropy(logits, label):
        return optax.softmax_cross_entropy_with_integer_labels(logits, jnp.full(len(logits), label)).mean()

    def loss_d(judge, real, fake):
        return cross_entropy(judge(real), 1) + cross_entropy(judge(fake), 0)

    found = []
    for real, noise in zip(tape["real"], tape["latent_d"], strict=True):
        lost_d, gradients = nnx.value_and_grad(loss_d)(discriminator, real, generator(noise))
        optimizers[1].update(discriminator, gradients)
        lost_g, gradients = nnx.value_and_grad(lambda make: cross_entropy(discriminator(make(noise)), 1))(generator)  # noqa: B023
        optimizers[0].update(generator, gradients)
        found.append((float(lost_d), float(lost_g)))
    return np.array(found).T


def test_a_program_goes_on_to_the_losses_that_flax_would_have_had(tmp_path):
    generator, discriminator = point_networks()
    transformations = (optax.adam(0.05), optax.rmsprop(0.02, momentum=0.5))
    optimizers = [
        nnx.Optimizer(network, transformation, wrt=nnx.Param)
        for network, transformation in zip((generator, discriminator), transformations, strict=True)
    ]
    spec = gr.spec("linear-2d").with_steps(training=STEPS)
    tapes = []
    for name, seed in (("first", 1), ("then", 2)):
        tape = SeededTape(spec, seed=seed, digits=DigitSource.parse(None))
        write_tape(tmp_path / f"{name}.npz", tape, spec, pretraining_steps=0, training_steps=STEPS)
        tapes.append(read_npz(tmp_path / f"{name}.npz"))
    trained(generator, discriminator, optimizers, tapes[0])
    given = {"generator": generator, "discriminator": discriminator, "like": "linear-2d"}
    moved_by = dict(zip(("generator_optimizer", "discriminator_optimizer"), optimizers, strict=True))
    reading = read(**given, **moved_by)
    assert reading.notes == ()
    expected = trained(generator, discriminator, optimizers, tapes[1])
    write_state(tmp_path / "state.safetensors", reading.state, metadata={"gan": reading.spec.name})
    (tmp_path / "program.py").write_text(write_program(reading.spec, DIALECTS["jax"]), encoding="utf-8")
    run_here(tmp_path, ["--tape", "then.npz", "--state", "state.safetensors", "--dtype", "float64"])
    losses = read_npz(tmp_path / "trained" / "losses.npz")
    np.testing.assert_allclose(np.array([losses["discriminator"], losses["generator"]]), expected, rtol=1e-12)


def test_a_transformation_alone_keeps_nothing_and_a_note_says_so():
    generator, discriminator = point_networks()
    found = read(generator=generator, discriminator=discriminator, like="linear-2d", generator_optimizer=optax.sgd(0.1))
    assert found.spec.training.generator_optimizer == GradientDescent(learning_rate=TENTH)
    (note,) = found.notes
    assert note.startswith("generator_optimizer has no count of its steps")


def test_an_optimizer_of_some_of_the_parameters_is_refused():
    generator, discriminator = point_networks()
    optimizer = nnx.Optimizer(discriminator, optax.sgd(0.1), wrt=nnx.PathContains("first"))
    with pytest.raises(UnsupportedLayer, match="moves 2 of its network's 4 parameters, and 0 others"):
        read(generator=generator, discriminator=discriminator, like="linear-2d", discriminator_optimizer=optimizer)
