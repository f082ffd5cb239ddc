"""optax's optimizers have the spec's mathematics, and ours where it has not."""

from __future__ import annotations

import math

import numpy as np
import pytest

jax = pytest.importorskip("jax")
optax = pytest.importorskip("optax")

import jax.numpy as jnp  # noqa: E402

from gan_rosetta.backends.jax.optimizers import build_optimizer, counter, slots, with_slots  # noqa: E402
from gan_rosetta.shared import spec  # noqa: E402

RATE = spec.ExponentialDecay(initial=0.1, factor=0.5, every=3, staircase=True)
GRADIENTS = np.random.default_rng(0).normal(size=(8, 4))


def adam(**fields):
    return spec.Adam(learning_rate=RATE, beta1=0.9, beta2=0.99, epsilon=0.1, **fields)


def moved_by(optimizer, start):
    transformation = build_optimizer(optimizer)
    parameters = np.zeros(4)
    zeros = dict.fromkeys(optimizer.slots, np.zeros(4))
    state = with_slots(optimizer, transformation.init(parameters), slots=zeros, counter=np.int64(start))
    for gradient in GRADIENTS:
        updates, state = transformation.update(gradient, state, parameters)
        parameters = optax.apply_updates(parameters, updates)
    return np.array(parameters), {name: np.array(slot) for name, slot in slots(optimizer, state).items()}, state


@pytest.mark.parametrize("start", [0, 5])
@pytest.mark.parametrize("placement", ["outside", "hat"])
@pytest.mark.parametrize("bias_correction", [True, False])
def test_adam_is_the_spec_s(start, placement, bias_correction):
    found, found_slots, state = moved_by(adam(epsilon_placement=placement, bias_correction=bias_correction), start)
    parameters, m, v = np.zeros(4), np.zeros(4), np.zeros(4)
    for t, gradient in enumerate(GRADIENTS, start=start + 1):
        m, v = 0.9 * m + 0.1 * gradient, 0.99 * v + 0.01 * gradient**2
        first, second = (1 - 0.9**t, 1 - 0.99**t) if bias_correction else (1.0, 1.0)
        rate = RATE.at(t - 1)
        if placement == "outside":
            parameters = parameters - rate * (m / first) / (np.sqrt(v / second) + 0.1)
        else:
            parameters = parameters - rate * math.sqrt(second) / first * m / (np.sqrt(v) + 0.1)
    np.testing.assert_allclose(found, parameters, rtol=1e-13)
    np.testing.assert_allclose(found_slots["m"], m, rtol=1e-13)
    np.testing.assert_allclose(found_slots["v"], v, rtol=1e-13)
    assert int(counter(state)) == start + len(GRADIENTS)


def test_adadelta_is_the_spec_s():
    found, found_slots, _ = moved_by(spec.Adadelta(learning_rate=RATE, rho=0.9, epsilon=1e-3), 0)
    parameters, square, delta = np.zeros(4), np.zeros(4), np.zeros(4)
    for step, gradient in enumerate(GRADIENTS):
        square = 0.9 * square + 0.1 * gradient**2
        change = np.sqrt(delta + 1e-3) / np.sqrt(square + 1e-3) * gradient
        delta = 0.9 * delta + 0.1 * change**2
        parameters = parameters - RATE.at(step) * change
    np.testing.assert_allclose(found, parameters, rtol=1e-13)
    np.testing.assert_allclose(found_slots["square"], square, rtol=1e-13)
    np.testing.assert_allclose(found_slots["delta"], delta, rtol=1e-13)


@pytest.mark.parametrize("staircase", [True, False])
def test_gradient_descent_follows_the_schedule(staircase):
    rate = spec.ExponentialDecay(initial=0.1, factor=0.5, every=3, staircase=staircase)
    found, _, _ = moved_by(spec.GradientDescent(learning_rate=rate), 4)
    rates = np.array([rate.at(4 + step) for step in range(len(GRADIENTS))])
    np.testing.assert_allclose(found, -rates @ GRADIENTS, rtol=1e-13)


def test_optax_s_own_counter_would_make_the_rate_float32():
    """Why the state's counters, of 64 bits, are put in optax's place."""
    schedule = optax.exponential_decay(0.1, transition_steps=3, decay_rate=0.5, staircase=True)
    assert schedule(jnp.zeros((), jnp.int32)).dtype == np.float32
    assert schedule(jnp.zeros((), jnp.int64)).dtype == np.float64
