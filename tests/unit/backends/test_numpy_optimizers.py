"""Each optimizer against its formula, written out for three updates."""

from __future__ import annotations

import numpy as np
import pytest

from gan_rosetta.backends.numpy import optimizers
from gan_rosetta.backends.numpy.layers import build_network
from gan_rosetta.backends.numpy.optimizers import build_optimizer
from gan_rosetta.shared.spec import (
    ZEROS,
    Adadelta,
    Adam,
    ConstantRate,
    ExponentialDecay,
    GradientDescent,
    Linear,
    Network,
    Normal,
    RMSprop,
)

_DECAY = ExponentialDecay(initial=0.1, factor=0.7, every=2, staircase=False)


def _gradient_descent(parameter, gradients, optimizer):
    for step, gradient in enumerate(gradients):
        parameter = parameter - optimizer.learning_rate.at(step) * gradient
    return parameter


def _adam(parameter, gradients, optimizer):
    m = v = 0.0
    for step, gradient in enumerate(gradients):
        rate, t = optimizer.learning_rate.at(step), step + 1
        m = optimizer.beta1 * m + (1 - optimizer.beta1) * gradient
        v = optimizer.beta2 * v + (1 - optimizer.beta2) * gradient**2
        first = 1 - optimizer.beta1**t if optimizer.bias_correction else 1.0
        second = 1 - optimizer.beta2**t if optimizer.bias_correction else 1.0
        if optimizer.epsilon_placement == "outside":
            parameter = parameter - rate * (m / first) / (np.sqrt(v / second) + optimizer.epsilon)
        else:
            parameter = parameter - rate * np.sqrt(second) / first * m / (np.sqrt(v) + optimizer.epsilon)
    return parameter


def _adadelta(parameter, gradients, optimizer):
    square = delta = 0.0
    for step, gradient in enumerate(gradients):
        square = optimizer.rho * square + (1 - optimizer.rho) * gradient**2
        change = np.sqrt(delta + optimizer.epsilon) / np.sqrt(square + optimizer.epsilon) * gradient
        delta = optimizer.rho * delta + (1 - optimizer.rho) * change**2
        parameter = parameter - optimizer.learning_rate.at(step) * change
    return parameter


def _adam_spec(placement, bias_correction):
    return Adam(
        learning_rate=_DECAY,
        beta1=0.8,
        beta2=0.95,
        epsilon=0.01,
        epsilon_placement=placement,
        bias_correction=bias_correction,
    )


def _rmsprop(parameter, gradients, optimizer):
    square = mean = buffer = 0.0
    for step, gradient in enumerate(gradients):
        rate = optimizer.learning_rate.at(step)
        square = optimizer.rho * square + (1 - optimizer.rho) * gradient**2
        mean = optimizer.rho * mean + (1 - optimizer.rho) * gradient
        variance = square - mean**2 if optimizer.centered else square
        if optimizer.epsilon_placement == "inside":
            change = gradient / np.sqrt(variance + optimizer.epsilon)
        else:
            change = gradient / (np.sqrt(variance) + optimizer.epsilon)
        if optimizer.momentum_of == "direction":
            buffer = optimizer.momentum * buffer + change
            parameter = parameter - rate * buffer
        else:
            buffer = optimizer.momentum * buffer + rate * change
            parameter = parameter - buffer
    return parameter


def _rmsprop_case(placement, centered, momentum, momentum_of):
    return RMSprop(
        learning_rate=_DECAY,
        rho=0.8,
        epsilon=0.01,
        epsilon_placement=placement,
        centered=centered,
        momentum=momentum,
        momentum_of=momentum_of,
    ), _rmsprop


_CASES = {
    "rmsprop": _rmsprop_case("outside", False, 0.0, "direction"),
    "rmsprop-inside": _rmsprop_case("inside", False, 0.0, "step"),
    "rmsprop-centered": _rmsprop_case("outside", True, 0.0, "direction"),
    "rmsprop-centered-inside-momentum": _rmsprop_case("inside", True, 0.9, "direction"),
    "rmsprop-momentum-of-the-step": _rmsprop_case("outside", False, 0.9, "step"),
    "gradient-descent": (GradientDescent(learning_rate=_DECAY), _gradient_descent),
    "adam-outside": (_adam_spec("outside", True), _adam),
    "adam-hat": (_adam_spec("hat", True), _adam),
    "adam-outside-uncorrected": (_adam_spec("outside", False), _adam),
    "adam-hat-uncorrected": (_adam_spec("hat", False), _adam),
    "adadelta": (Adadelta(learning_rate=ConstantRate(value=0.5), rho=0.8, epsilon=0.01), _adadelta),
}


def _network(dtype):
    layer = Linear(
        name="output", in_features=5, out_features=3, weight_init=Normal(standard_deviation=1.0), bias_init=ZEROS
    )
    return build_network(Network(input_shape=(5,), layers=(layer,)), name="generator", dtype=dtype)


@pytest.mark.parametrize("stretch", [None, 4])
@pytest.mark.parametrize("case", list(_CASES))
def test_three_updates(case, stretch, monkeypatch):
    if stretch is not None:
        monkeypatch.setattr(optimizers, "_STRETCH", stretch)
    spec, formula = _CASES[case]
    generator = np.random.default_rng(0)
    network = _network("float64")
    optimizer = build_optimizer(spec, network)
    start = generator.standard_normal(18)
    gradients = generator.standard_normal((3, 18))
    network.parameters.flat[...] = start
    for gradient in gradients:
        network.gradients.flat[...] = gradient
        optimizer.update()
        np.testing.assert_array_equal(network.gradients.flat, gradient)
    assert optimizer.counter == 3
    assert set(optimizer.slots) == set(spec.slots)
    np.testing.assert_allclose(network.parameters.flat, formula(start, gradients, spec), rtol=1e-13)


@pytest.mark.parametrize("case", list(_CASES))
def test_single_precision_stays_single(case):
    network = _network("float32")
    optimizer = build_optimizer(_CASES[case][0], network)
    network.gradients.flat[...] = 1.0
    optimizer.update()
    assert {slot.flat.dtype for slot in optimizer.slots.values()} <= {np.dtype(np.float32)}
    assert network.parameters.flat.dtype == np.float32
    assert np.all(network.parameters.flat < 0)


def test_an_update_ends_within_the_bound():
    network = _network("float64")
    optimizer = build_optimizer(GradientDescent(learning_rate=ConstantRate(value=1.0)), network, bound=0.25)
    network.parameters.flat[:3] = (3.0, -3.0, 0.125)
    optimizer.update()
    np.testing.assert_array_equal(network.parameters.flat[:3], (3.0, -3.0, 0.125))
    optimizer.clip()
    np.testing.assert_array_equal(network.parameters.flat[:3], (0.25, -0.25, 0.125))
