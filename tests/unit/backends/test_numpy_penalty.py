"""The gradient penalty against its definition."""

from __future__ import annotations

import numpy as np
import pytest

from gan_rosetta.backends.numpy.penalty import gradient_penalty, perturbed_samples
from gan_rosetta.shared.spec import GradientPenalty
from tests.unit.backends.numpy_layers import differences


@pytest.mark.parametrize("norm", ["channel", "sample"])
@pytest.mark.parametrize("shape", [(4, 3, 2, 2), (4, 5)])
@pytest.mark.parametrize(("target", "power"), [(1.0, 2), (0.3, 2), (0.0, 2), (0.0, 6)])
def test_gradient_penalty(norm, shape, target, power):
    penalty = GradientPenalty(weight=7.0, norm=norm, target=target, power=power)
    gradient = np.random.default_rng(4).standard_normal(shape)
    value, direction = gradient_penalty(penalty, gradient)
    flat = gradient.reshape(4, shape[1], -1) if norm == "channel" else gradient.reshape(4, -1)
    lengths = np.sqrt(np.sum(flat**2, axis=1))
    np.testing.assert_allclose(value, 7.0 * np.mean((lengths - target) ** power), rtol=1e-13)
    expected = differences(lambda: gradient_penalty(penalty, gradient)[0], gradient)
    np.testing.assert_allclose(direction, expected, rtol=1e-6, atol=1e-6 * np.max(np.abs(direction)))


@pytest.mark.parametrize(("target", "power"), [(1.0, 2), (0.0, 4)])
@pytest.mark.parametrize("at", ["mixed", "both"])
def test_a_gradient_penalty_may_be_that_of_the_largest_alone(at, target, power):
    penalty = GradientPenalty(weight=7.0, norm="sample", at=at, target=target, power=power, over="largest")
    gradient = np.random.default_rng(4).standard_normal((5, 3))
    value, direction = gradient_penalty(penalty, gradient)
    terms = (np.linalg.norm(gradient, axis=1) - target) ** power
    np.testing.assert_allclose(value, 7.0 * terms.max(), rtol=1e-13)
    expected = differences(lambda: gradient_penalty(penalty, gradient)[0], gradient)
    np.testing.assert_allclose(direction, expected, rtol=1e-7, atol=1e-12)
    assert np.flatnonzero(direction.any(axis=1)).tolist() == [terms.argmax()]


@pytest.mark.parametrize("deviation", ["biased", "unbiased"])
def test_samples_are_moved_by_a_part_of_the_deviation_of_all_numbers(deviation):
    penalty = GradientPenalty(weight=1.0, norm="sample", at="perturbed", perturbation=0.5, deviation=deviation)
    real, noise = np.random.default_rng(8).standard_normal((2, 4, 3))
    mix = np.array([[0.0], [0.25], [0.5], [1.0]])
    spread = np.sqrt(np.sum((real - real.mean()) ** 2) / (12 if deviation == "biased" else 11))
    found = perturbed_samples(penalty, real=real, mix=mix, perturbation=noise)
    np.testing.assert_allclose(found, real + (1 - mix) * 0.5 * spread * noise, rtol=1e-13)
    np.testing.assert_array_equal(found[3], real[3])
    single = (array.astype(np.float32) for array in (real, mix, noise))
    assert perturbed_samples(penalty, **dict(zip(("real", "mix", "perturbation"), single, strict=True))).dtype == "f4"


def test_gradient_penalty_of_a_vanishing_gradient_is_its_weight_with_no_direction():
    value, direction = gradient_penalty(GradientPenalty(weight=7.0, norm="sample"), np.zeros((2, 3)))
    assert value == 7.0
    np.testing.assert_array_equal(direction, np.zeros((2, 3)))
