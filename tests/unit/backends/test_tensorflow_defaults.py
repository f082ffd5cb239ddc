"""The catalogue's numbers for Keras are those of the TensorFlow that is installed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from gan_rosetta.shared.faults.defaults import DEFAULTS  # noqa: E402
from gan_rosetta.shared.faults.own_optimizers import with_float32_betas, with_float32_rate  # noqa: E402
from gan_rosetta.shared.spec import ZEROS, Adam, ConstantRate, GlorotUniform  # noqa: E402
from tests.unit.backends.adam import adam_steps  # noqa: E402

keras = tf.keras


def value(subject: str) -> Any:
    return DEFAULTS[f"tensorflow:{subject}"].value


def test_adam() -> None:
    config = keras.optimizers.Adam().get_config()
    assert (config["beta_1"], config["beta_2"]) == value("adam-betas")
    assert config["epsilon"] == value("adam-epsilon")


def test_adam_s_epsilon_stands_before_the_correction() -> None:
    # Where the gradient is as small as ε, the two forms differ by a factor: 1 / (g + ε) or √0.001 / (√0.001 g + ε).
    weight = keras.Variable(np.zeros(1), dtype="float64")
    optimizer = keras.optimizers.Adam(learning_rate=1.0)
    optimizer.apply([tf.constant([1e-7], dtype=tf.float64)], [weight])
    root = math.sqrt(1 - value("adam-betas")[1])
    assert value("adam-epsilon-placement") == "hat"
    expected = -root * 1e-7 / (root * 1e-7 + value("adam-epsilon"))
    # Keras holds β2 as a float32, and 1 - β2 with four digits; the other form would give -0.5.
    assert float(weight.numpy()[0]) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("floatx", ["float32", "float64"])
def test_adam_in_float64_holds_numbers_in_float32(floatx: str) -> None:
    given = Adam(
        learning_rate=ConstantRate(value=0.01),
        beta1=0.9,
        beta2=0.999,
        epsilon=value("adam-epsilon"),
        epsilon_placement=value("adam-epsilon-placement"),
        bias_correction=True,
    )
    held = with_float32_betas(with_float32_rate(given) if floatx == "float32" else given)
    was = keras.config.floatx()
    keras.config.set_floatx(floatx)
    try:
        optimizer = keras.optimizers.Adam(0.01)
    finally:
        keras.config.set_floatx(was)
    weight = keras.Variable(np.array([0.3, -0.2]), dtype="float64")
    expected, gradient = adam_steps(held, weight.numpy(), steps=3)
    for _ in range(3):
        optimizer.apply([tf.constant(gradient)], [weight])
    np.testing.assert_allclose(weight.numpy(), expected, rtol=1e-15)
    other, _ = adam_steps(given, np.array([0.3, -0.2]), steps=3)
    assert abs(weight.numpy() - other).max() > 1e-11


def test_adadelta() -> None:
    config = keras.optimizers.Adadelta().get_config()
    # Keras keeps the rate as a float32.
    assert np.float32(config["learning_rate"]) == np.float32(value("adadelta-learning-rate"))
    assert config["rho"] == value("adadelta-rho")
    assert config["epsilon"] == value("adadelta-epsilon")


def test_rmsprop() -> None:
    config = keras.optimizers.RMSprop().get_config()
    assert config["rho"] == value("rmsprop-rho")
    assert config["epsilon"] == value("rmsprop-epsilon")
    # Where the mean of squares is as small as ε: g / √(0.1 g² + ε), or g / (√0.1 g + ε).
    weight = keras.Variable(np.zeros(1), dtype="float64")
    keras.optimizers.RMSprop(learning_rate=1.0).apply([tf.constant([1e-3], dtype=tf.float64)], [weight])
    assert value("rmsprop-epsilon-placement") == "inside"
    mean = (1 - value("rmsprop-rho")) * 1e-6
    assert float(weight.numpy()[0]) == pytest.approx(-1e-3 / math.sqrt(mean + value("rmsprop-epsilon")), rel=1e-5)


def test_batch_norm() -> None:
    config = keras.layers.BatchNormalization().get_config()
    assert config["epsilon"] == value("batch-norm-epsilon")
    assert 1 - config["momentum"] == pytest.approx(value("batch-norm-momentum"), rel=1e-12)


def test_batch_norm_s_running_variance() -> None:
    norm = keras.layers.BatchNormalization(dtype="float64")
    norm(np.array([[0.0], [2.0]]), training=True)
    momentum = value("batch-norm-momentum")
    assert value("batch-norm-variance") == "biased"
    assert float(norm.moving_variance.numpy()[0]) == pytest.approx(1 - momentum + momentum * 1.0, rel=1e-9)


@pytest.mark.parametrize("probability", [0.0, 1e-9, 1e-5])
def test_bce_clips_the_probability(probability: float) -> None:
    clamp = value("bce-clamp")
    p = tf.constant([[probability]], dtype=tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(p)
        loss = keras.losses.BinaryCrossentropy(dtype="float64")(tf.ones((1, 1), tf.float64), p)
    held = max(probability, clamp.probability_floor)
    assert float(loss) == pytest.approx(-math.log(held), rel=1e-9)
    assert clamp.gradient == "stops"
    gradient = 0.0 if probability < clamp.probability_floor else -1 / held
    assert float(tape.gradient(loss, p)[0, 0]) == pytest.approx(gradient, rel=1e-9)
    assert keras.config.epsilon() == clamp.probability_floor
    assert clamp.log_floor == pytest.approx(math.log(clamp.probability_floor), rel=1e-12)


@pytest.mark.parametrize("probability", [1.0, 1.0 - 1e-9])
def test_bce_also_clips_at_the_other_end(probability: float) -> None:
    loss = keras.losses.BinaryCrossentropy(dtype="float64")(
        tf.ones((1, 1), tf.float64), tf.constant([[probability]], dtype=tf.float64)
    )
    assert float(loss) == pytest.approx(value("bce-clamp").probability_floor, rel=1e-6)


@pytest.mark.parametrize(
    ("layer", "shape", "both_fans"),
    [
        (keras.layers.Dense(900), (2, 40), 40 + 900),
        (keras.layers.Conv2D(900, 3), (2, 5, 5, 6), (6 + 900) * 9),
        (keras.layers.Conv2DTranspose(900, 3), (2, 5, 5, 6), (6 + 900) * 9),
    ],
    ids=["Dense", "Conv2D", "Conv2DTranspose"],
)
def test_initial_values(layer: Any, shape: tuple[int, ...], both_fans: int) -> None:
    initial = value("initial-values")
    assert initial.weight == GlorotUniform()
    assert initial.bias == ZEROS
    layer.build(shape)
    bound = math.sqrt(6 / both_fans)
    weights = layer.kernel.numpy()
    assert 0.99 * bound < np.abs(weights).max() <= bound * (1 + 1e-6)
    assert weights.std() == pytest.approx(bound / math.sqrt(3), rel=0.03)
    assert not layer.bias.numpy().any()


def test_initial_values_of_an_embedding() -> None:
    layer = keras.layers.Embedding(100, 90)
    layer.build((2,))
    weights, bound = layer.embeddings.numpy(), value("embedding-values").bound
    assert 0.99 * bound < np.abs(weights).max() <= bound * (1 + 1e-6)
    assert weights.std() == pytest.approx(bound / math.sqrt(3), rel=0.03)


def test_leaky_relu() -> None:
    assert keras.layers.LeakyReLU().get_config()["negative_slope"] == value("leaky-relu-slope")


def test_smooth_activations() -> None:
    assert keras.layers.ELU().get_config()["alpha"] == value("elu-alpha")
    assert value("gelu-form") == "erf"
    found = keras.activations.gelu(np.array([-1.0]))
    assert float(found[0]) == pytest.approx(-0.5 * math.erfc(math.sqrt(0.5)), rel=1e-5)


def test_group_norm() -> None:
    assert keras.layers.GroupNormalization().get_config()["epsilon"] == value("group-norm-epsilon")
