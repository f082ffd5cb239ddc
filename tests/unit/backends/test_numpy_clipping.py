"""Gradients are held to a bound, each copy's by its own norm."""

from __future__ import annotations

import numpy as np
import pytest

from gan_rosetta.backends.numpy.clipping import clip_gradients
from gan_rosetta.backends.numpy.layers import build_network
from gan_rosetta.shared.spec import GradientClipping, Linear, Network, UniformFanIn

LAYERS = tuple(
    Linear(name=name, in_features=3, out_features=3, weight_init=UniformFanIn(), bias_init=UniformFanIn())
    for name in ("first", "second")
)


def network(*, size: float, copies=()):
    built = build_network(
        Network(input_shape=(3,), layers=LAYERS), name="generator", dtype=np.dtype("float64"), copies=copies
    )
    built.gradients.flat[...] = size * np.random.default_rng(0).standard_normal(built.gradients.flat.shape)
    return built


def test_by_value_each_number_is_held():
    built = network(size=1.0)
    before = built.gradients.flat.copy()
    clip_gradients(GradientClipping(by="value", bound=0.5, epsilon=0.0), built, None)
    np.testing.assert_array_equal(built.gradients.flat, np.clip(before, -0.5, 0.5))
    assert np.any(np.abs(before) > 0.5)


@pytest.mark.parametrize("epsilon", [0.0, 1e-6, 0.1])
def test_by_the_norm_of_all_or_of_each(epsilon):
    built = network(size=1.0)
    before = built.gradients.flat.copy()
    clip_gradients(GradientClipping(by="global_norm", bound=2.0, epsilon=epsilon), built, None)
    norm = np.linalg.norm(before)
    np.testing.assert_allclose(built.gradients.flat, before * 2.0 / (norm + epsilon), rtol=1e-14)
    built = network(size=1.0)
    wanted = [{short: own.copy() for short, own in tensors.items()} for tensors in built.gradients.by_layer]
    clip_gradients(GradientClipping(by="norm", bound=2.0, epsilon=epsilon), built, None)
    scales = []
    for own, expected in zip(built.gradients.by_layer, wanted, strict=True):
        for short, gradient in expected.items():
            scales.append(min(1.0, 2.0 / (np.linalg.norm(gradient) + epsilon)))
            np.testing.assert_allclose(own[short], gradient * scales[-1], rtol=1e-14)
    assert min(scales) < 1.0 == max(scales)


@pytest.mark.parametrize("by", ["norm", "global_norm"])
@pytest.mark.parametrize("size", [0.0, 1e-3])
def test_small_gradients_stay_as_they_are(by, size):
    built = network(size=size)
    before = built.gradients.flat.copy()
    with np.errstate(all="ignore"):
        clip_gradients(GradientClipping(by=by, bound=1.0, epsilon=0.0), built, None)
    np.testing.assert_array_equal(built.gradients.flat, before)


@pytest.mark.parametrize("by", ["norm", "global_norm"])
def test_copies_are_scaled_each_by_its_own_norm(by):
    clipping = GradientClipping(by=by, bound=0.5, epsilon=0.0)
    together = network(size=1.0, copies=(3,))
    together.gradients.flat[1] *= 1e-3
    apart = []
    for index in range(3):
        alone = network(size=1.0)
        alone.gradients.flat[...] = together.gradients.flat[index]
        clip_gradients(clipping, alone, None)
        apart.append(alone.gradients.flat.copy())
    clip_gradients(clipping, together, None)
    np.testing.assert_allclose(together.gradients.flat, apart, rtol=1e-14)
