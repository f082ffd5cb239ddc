from __future__ import annotations

import numpy as np
import pytest

jax = pytest.importorskip("jax")

import jax.numpy as jnp  # noqa: E402

from gan_rosetta.backends.jax import losses  # noqa: E402
from gan_rosetta.shared import spec  # noqa: E402

GENERATOR = np.random.default_rng(3)
WEIGHT1 = GENERATOR.normal(size=(12, 5))
WEIGHT2 = GENERATOR.normal(size=(5, 1))
MIXED = GENERATOR.normal(size=(4, 3, 2, 2))


def test_a_distance_has_no_gradient_where_it_is_0():
    loss = spec.DistanceLoss(by="absolute", weight=2.0)
    real = jnp.array([[-1.0], [0.5]])
    gradient = jax.grad(lambda made: losses.distance_loss(loss, made=made, real=real))(jnp.array([[-1.0], [0.25]]))
    np.testing.assert_array_equal(gradient, [[0.0], [-1.0]])


def penalty(weight2, norm):
    def discriminate(samples):
        return jnp.tanh(samples.reshape(4, 12) @ WEIGHT1) @ weight2, None

    loss = spec.GradientPenalty(weight=10.0, norm=norm)
    return losses.gradient_penalty(loss, discriminate=discriminate, mixed=MIXED)[0]


@pytest.mark.parametrize("norm", ["channel", "sample"])
def test_penalty_gradient_is_that_of_finite_differences(norm):
    found = jax.jit(jax.grad(penalty), static_argnums=1)(WEIGHT2, norm)
    step = 1e-5
    for row in range(5):
        nudge = np.zeros((5, 1))
        nudge[row] = step
        difference = penalty(WEIGHT2 + nudge, norm) - penalty(WEIGHT2 - nudge, norm)
        np.testing.assert_allclose(found[row, 0], difference / (2 * step), rtol=1e-7)


@pytest.mark.parametrize("norm", ["channel", "sample"])
def test_penalty_has_no_nan_where_the_gradient_is_zero(norm):
    value, gradient = jax.value_and_grad(penalty)(np.zeros((5, 1)), norm)
    assert value == 10.0
    assert gradient.tolist() == [[0.0]] * 5


def test_penalty_lets_nan_through():
    assert np.isnan(penalty(WEIGHT2 * np.nan, "sample"))


def test_floored_logarithm_has_no_gradient_below_the_floor_and_all_of_it_at_the_floor():
    loss = spec.NonSaturatingGeneratorLoss(probability_floor=0.25, reduction="sum", real_label=1)
    gradient = jax.jit(jax.grad(lambda scores: losses.non_saturating_generator_loss(loss, fake=scores)))
    assert gradient(np.array([[0.125], [0.25], [0.5]])).tolist() == [[0], [-4], [-2]]


def test_saturated_cross_entropy_is_clamped_and_has_a_finite_gradient():
    loss = spec.BinaryCrossEntropyGeneratorLoss(
        log_floor=-100.0, denominator_floor=1e-12, reduction="sum", real_label=1
    )
    both = jax.jit(jax.value_and_grad(lambda scores: losses.binary_cross_entropy_generator_loss(loss, fake=scores)))
    value, gradient = both(np.array([[0.0]]))
    assert value == 100.0
    assert gradient.tolist() == [[-1e12]]
