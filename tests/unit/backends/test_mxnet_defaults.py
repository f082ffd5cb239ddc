"""The catalogue's numbers for Gluon are those of the MXNet that is installed."""

from __future__ import annotations

import importlib.util
import inspect
import math
from typing import Any

import numpy as np
import pytest

from gan_rosetta.backends import BACKENDS

if importlib.util.find_spec("mxnet") is None:
    pytest.skip(f"MXNet is not installed: {BACKENDS['mxnet'].install_hint}", allow_module_level=True)

from gan_rosetta.backends.mxnet.framework import mx
from gan_rosetta.shared.faults.defaults import DEFAULTS
from gan_rosetta.shared.faults.own_optimizers import as_mxnet_holds_adam
from gan_rosetta.shared.spec import ZEROS, Adam, ConstantRate, Uniform
from tests.unit.backends.adam import adam_steps


def value(subject: str) -> Any:
    return DEFAULTS[f"mxnet:{subject}"].value


def parameter(kind: Any, name: str) -> Any:
    return inspect.signature(kind.__init__).parameters[name].default


def array(values: Any) -> Any:
    return mx.nd.ndarray.array(np.asarray(values), dtype="float32")


def test_adam() -> None:
    adam = mx.optimizer.Adam()
    assert (adam.beta1, adam.beta2) == value("adam-betas")
    assert adam.epsilon == value("adam-epsilon")


def test_adam_s_epsilon_stands_before_the_correction() -> None:
    # Where the gradient is as small as ε, the two forms differ by a factor: 1 / (g + ε) or √0.001 / (√0.001 g + ε).
    adam = mx.optimizer.Adam(learning_rate=1.0)
    weight, gradient = array([0.0]), array([1e-8])
    adam.update(0, weight, gradient, adam.create_state(0, weight))
    root = math.sqrt(1 - value("adam-betas")[1])
    assert value("adam-epsilon-placement") == "hat"
    assert weight.asscalar() == pytest.approx(-root * 1e-8 / (root * 1e-8 + value("adam-epsilon")), rel=1e-4)


def test_adadelta() -> None:
    adadelta = mx.optimizer.AdaDelta()
    assert adadelta.rho == value("adadelta-rho")
    assert adadelta.epsilon == value("adadelta-epsilon")


@pytest.mark.parametrize("rate", [None, 0.001, 7.0])
def test_adadelta_reads_no_learning_rate(rate: float | None) -> None:
    adadelta = mx.optimizer.AdaDelta() if rate is None else mx.optimizer.AdaDelta(learning_rate=rate)
    weight, gradient = array([0.0]), array([0.1])
    adadelta.update(0, weight, gradient, adadelta.create_state(0, weight))
    rho, epsilon = value("adadelta-rho"), value("adadelta-epsilon")
    step = math.sqrt(epsilon) / math.sqrt((1 - rho) * 0.01 + epsilon) * 0.1
    assert weight.asscalar() == pytest.approx(-value("adadelta-learning-rate") * step, rel=1e-5)


def test_rmsprop() -> None:
    rmsprop = mx.optimizer.RMSProp()
    assert (rmsprop.gamma1, rmsprop.epsilon) == (value("rmsprop-rho"), value("rmsprop-epsilon"))
    # Where the mean of squares is as small as ε: g / √(0.1 g² + ε), or g / (√0.1 g + ε).
    weight, gradient = array([0.0]), array([1e-3])
    mx.optimizer.RMSProp(learning_rate=1.0).update(0, weight, gradient, rmsprop.create_state(0, weight))
    assert value("rmsprop-epsilon-placement") == "inside"
    mean = (1 - value("rmsprop-rho")) * 1e-6
    assert weight.asscalar() == pytest.approx(-1e-3 / math.sqrt(mean + value("rmsprop-epsilon")), rel=1e-4)


def test_batch_norm() -> None:
    assert parameter(mx.gluon.nn.BatchNorm, "epsilon") == value("batch-norm-epsilon")
    assert 1 - parameter(mx.gluon.nn.BatchNorm, "momentum") == pytest.approx(value("batch-norm-momentum"), rel=1e-12)


def test_batch_norm_s_running_variance() -> None:
    norm = mx.gluon.nn.BatchNorm(in_channels=1)
    norm.initialize()
    with mx.autograd.record():
        output = norm(array([[0.0], [2.0]]))
    output.backward()
    mx.nd.waitall()
    momentum = value("batch-norm-momentum")
    assert value("batch-norm-variance") == "biased"
    assert norm.running_var.data().asscalar() == pytest.approx(1 - momentum + momentum * 1.0, rel=1e-6)


@pytest.mark.parametrize("probability", [0.0, 1e-13, 1e-5])
def test_bce_adds_in_the_log(probability: float) -> None:
    clamp = value("bce-clamp")
    p = array([[probability]])
    p.attach_grad()
    with mx.autograd.record():
        loss = mx.gluon.loss.SigmoidBCELoss(from_sigmoid=True)(p, array([[1.0]]))
    loss.backward()
    assert clamp.gradient == "fades"
    assert p.grad.asscalar() == pytest.approx(-1 / (probability + clamp.denominator_floor), rel=1e-5)
    assert loss.asscalar() == pytest.approx(-math.log(probability + clamp.probability_floor), rel=1e-5)
    assert clamp.log_floor == pytest.approx(math.log(clamp.probability_floor), rel=1e-12)


@pytest.mark.parametrize(
    "layer",
    [
        mx.gluon.nn.Dense(900, in_units=40),
        mx.gluon.nn.Conv2D(900, 3, in_channels=6),
        mx.gluon.nn.Conv2DTranspose(900, 3, in_channels=6),
    ],
    ids=["Dense", "Conv2D", "Conv2DTranspose"],
)
def test_initial_values(layer: Any) -> None:
    initial = value("initial-values")
    assert initial.bias == ZEROS
    assert isinstance(initial.weight, Uniform)
    layer.initialize()
    bound = initial.weight.bound
    weights = layer.weight.data().asnumpy()
    assert 0.99 * bound < np.abs(weights).max() <= bound * (1 + 1e-6)
    assert weights.std() == pytest.approx(bound / math.sqrt(3), rel=0.03)
    assert not layer.bias.data().asnumpy().any()


def test_initial_values_of_an_embedding() -> None:
    layer = mx.gluon.nn.Embedding(100, 90)
    layer.initialize()
    weights, bound = layer.weight.data().asnumpy(), value("embedding-values").bound
    assert 0.99 * bound < np.abs(weights).max() <= bound * (1 + 1e-6)
    assert weights.std() == pytest.approx(bound / math.sqrt(3), rel=0.03)


def test_leaky_relu_has_no_default() -> None:
    assert parameter(mx.gluon.nn.LeakyReLU, "alpha") is inspect.Parameter.empty
    assert "mxnet:leaky-relu-slope" not in DEFAULTS


def test_smooth_activations() -> None:
    assert parameter(mx.gluon.nn.ELU, "alpha") == value("elu-alpha")
    assert value("gelu-form") == "erf"
    found = mx.gluon.nn.GELU()(array([-1.0])).asnumpy()
    assert found[0] == pytest.approx(-0.5 * math.erfc(math.sqrt(0.5)), rel=1e-5)


def test_group_norm() -> None:
    assert parameter(mx.gluon.nn.GroupNorm, "epsilon") == value("group-norm-epsilon")


def test_adam_in_float64_holds_its_numbers_in_float32() -> None:
    given = Adam(
        learning_rate=ConstantRate(value=0.01),
        beta1=0.9,
        beta2=0.999,
        epsilon=value("adam-epsilon"),
        epsilon_placement=value("adam-epsilon-placement"),
        bias_correction=True,
    )
    start = np.array([0.3, -0.2])
    weight = mx.nd.from_numpy(start.copy())
    expected, gradient = adam_steps(as_mxnet_holds_adam(given), start, steps=3)
    update = mx.optimizer.get_updater(mx.optimizer.Adam(learning_rate=0.01))
    for _ in range(3):
        update(0, mx.nd.from_numpy(gradient.copy()), weight)
    np.testing.assert_allclose(weight.asnumpy(), expected, rtol=1e-15)
    other, _ = adam_steps(given, start, steps=3)
    assert abs(weight.asnumpy() - other).max() > 1e-11
