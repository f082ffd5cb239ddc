from __future__ import annotations

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from gan_rosetta.backends.tensorflow import losses  # noqa: E402
from gan_rosetta.shared import spec  # noqa: E402

GENERATOR = np.random.default_rng(3)
WEIGHT1 = tf.constant(GENERATOR.normal(size=(12, 5)))
WEIGHT2 = GENERATOR.normal(size=(5, 1))
MIXED = tf.constant(GENERATOR.normal(size=(4, 2, 2, 3)))


def penalty(norm, weight2):
    def discriminate(samples):
        return tf.tanh(tf.reshape(samples, (4, 12)) @ WEIGHT1) @ weight2

    loss = spec.GradientPenalty(weight=10.0, norm=norm)
    return losses.gradient_penalty(loss, discriminate=discriminate, mixed=MIXED)[0]


@pytest.mark.parametrize("norm", ["channel", "sample"])
def test_penalty_gradient_is_that_of_finite_differences(norm):
    weight2 = tf.constant(WEIGHT2)
    with tf.GradientTape() as tape:
        tape.watch(weight2)
        value = penalty(norm, weight2)
    found = tape.gradient(value, weight2).numpy()
    step = 1e-6
    for row in range(5):
        nudge = np.zeros((5, 1))
        nudge[row] = step
        difference = penalty(norm, tf.constant(WEIGHT2 + nudge)) - penalty(norm, tf.constant(WEIGHT2 - nudge))
        np.testing.assert_allclose(found[row, 0], difference.numpy() / (2 * step), rtol=1e-7)


@pytest.mark.parametrize("norm", ["channel", "sample"])
def test_penalty_has_no_nan_where_the_gradient_is_zero(norm):
    weight2 = tf.zeros((5, 1), dtype="float64")
    with tf.GradientTape() as tape:
        tape.watch(weight2)
        value = penalty(norm, weight2)
    assert value.numpy() == 10.0
    assert tape.gradient(value, weight2).numpy().tolist() == [[0.0]] * 5


def test_penalty_lets_nan_through():
    assert np.isnan(penalty("sample", tf.constant(WEIGHT2 * np.nan)).numpy())


@pytest.mark.parametrize("jit", [False, True])
def test_floored_logarithm_has_no_gradient_below_the_floor_and_all_of_it_at_the_floor(jit):
    loss = spec.NonSaturatingGeneratorLoss(probability_floor=0.25, reduction="sum", real_label=1)

    def gradient(scores):
        with tf.GradientTape() as tape:
            tape.watch(scores)
            value = losses.non_saturating_generator_loss(loss, fake=scores)
        return tape.gradient(value, scores)

    function = tf.function(gradient, jit_compile=True) if jit else gradient
    assert function(tf.constant([[0.125], [0.25], [0.5]], dtype="float64")).numpy().tolist() == [[0], [-4], [-2]]


@pytest.mark.parametrize("jit", [False, True])
def test_saturated_cross_entropy_is_clamped_and_has_a_finite_gradient(jit):
    loss = spec.BinaryCrossEntropyGeneratorLoss(
        log_floor=-100.0, denominator_floor=1e-12, reduction="sum", real_label=1
    )

    def both(scores):
        with tf.GradientTape() as tape:
            tape.watch(scores)
            value = losses.binary_cross_entropy_generator_loss(loss, fake=scores)
        return value, tape.gradient(value, scores)

    value, gradient = (tf.function(both, jit_compile=True) if jit else both)(tf.constant([[0.0]], dtype="float64"))
    assert value.numpy() == 100.0
    assert gradient.numpy().tolist() == [[-1e12]]
