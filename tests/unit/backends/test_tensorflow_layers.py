from __future__ import annotations

import math

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow")

from gan_rosetta.backends.tensorflow import activations, layers  # noqa: E402
from gan_rosetta.shared import spec  # noqa: E402
from gan_rosetta.shared.state import layouts  # noqa: E402

BATCH_NORM = spec.BatchNorm(
    name="norm", num_features=3, epsilon=1e-5, momentum=0.1, running_variance="unbiased", statistics="batch"
)


def build(layer, input_shape):
    return layers.build_network(
        "discriminator", spec.Network(input_shape=input_shape, layers=(layer,)), dtype="float64"
    )


def run(network, inputs, *, jit):
    def call(values):
        return network(values, buffer_moves=0)

    return (tf.function(call, jit_compile=True) if jit else call)(tf.constant(inputs)).numpy()


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize(
    ("layer", "exact"),
    [
        (spec.Sigmoid(), lambda x: 1 / (1 + np.exp(-x))),
        (spec.Softplus(), lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))),
        (spec.Tanh(), np.tanh),
    ],
)
def test_saturating_activations_are_relatively_accurate(layer, exact, jit):
    inputs = np.concatenate([np.linspace(-40, 40, 8001), np.geomspace(1e-20, 1, 101)])
    found = run(build(layer, (inputs.size,)), inputs[np.newaxis], jit=jit)[0]
    np.testing.assert_allclose(found, exact(inputs.astype(np.longdouble)).astype(float), rtol=2e-15, atol=0)


@pytest.mark.parametrize("jit", [False, True])
def test_leaky_relu_has_its_slope_in_full(jit):
    found = run(build(spec.LeakyReLU(slope=0.2), (3,)), np.array([[-1.0, 0.0, 2.0]]), jit=jit)
    assert found.tolist() == [[-0.2, 0.0, 2.0]]


def test_leaky_relu_has_its_slope_as_gradient_at_zero():
    inputs = tf.constant([[0.0]], dtype="float64")
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = activations.leaky_relu(inputs, slope=0.2)
    assert tape.gradient(outputs, inputs).numpy().tolist() == [[0.2]]


@pytest.mark.parametrize("jit", [False, True])
def test_gelu_has_its_numbers_in_full_which_tensorflow_s_own_has_not(jit):
    inputs = np.array([[-1.0]])
    exact = -0.5 * math.erfc(math.sqrt(0.5))
    np.testing.assert_allclose(run(build(spec.GELU(form="erf"), (1,)), inputs, jit=jit), exact, rtol=1e-15)
    own = tf.nn.gelu(tf.constant(inputs)).numpy()
    assert 1e-9 < abs(own[0, 0] / exact - 1) < 1e-6


@pytest.mark.parametrize(("layer", "at_zero"), [(spec.ELU(alpha=0.7), 0.7), (spec.SELU(), 1.7580993408473766)])
def test_exponential_units_have_their_bend_as_gradient_at_zero_and_none_is_lost_far_out_or_for_nan(layer, at_zero):
    inputs = tf.constant([[0.0, 1000.0, math.nan]], dtype="float64")
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = build(layer, (3,))(inputs, buffer_moves=0)
    scale = spec.SELU.scale if isinstance(layer, spec.SELU) else 1.0
    np.testing.assert_allclose(tape.gradient(outputs, inputs).numpy(), [[at_zero, scale, math.nan]], rtol=1e-15)


@pytest.mark.parametrize("shape", [(5,), (4, 3), (4, 3, 2, 5)])
def test_parameters_return_from_the_native_layout(shape):
    canonical = np.random.default_rng(0).normal(size=shape)
    native = layouts.parameter_to_native(canonical)
    assert native.shape == tuple(np.array(shape)[list(layouts.NATIVE_AXES[len(shape)])])
    np.testing.assert_array_equal(layouts.parameter_to_canonical(native), canonical)


def test_reshape_keeps_the_canonical_order():
    inputs = np.arange(2 * 12.0).reshape(2, 3, 2, 2)
    network = build(spec.Reshape(shape=(2, 2, 3)), (3, 2, 2))
    outputs = run(network, layouts.samples_to_native(inputs, num_leading=1), jit=False)
    np.testing.assert_array_equal(layouts.samples_to_canonical(outputs), inputs.reshape(2, 2, 2, 3))


def test_a_batch_of_one_value_moves_the_unbiased_variance_to_nan():
    network = build(BATCH_NORM, (3,))
    network(tf.ones((1, 3), dtype="float64"), buffer_moves=1)
    assert np.isnan(network.tensors["discriminator.norm.running_var"].numpy()).all()


def test_buffers_stay_where_they_are_told_to():
    network = build(BATCH_NORM, (3,))
    network(tf.random.normal((4, 3), dtype="float64", seed=1), buffer_moves=0)
    assert network.tensors["discriminator.norm.running_mean"].numpy().tolist() == [0, 0, 0]


@pytest.mark.parametrize(("size", "stride"), [((5, 6), 2), ((8, 7), 3), ((4, 4), 1)])
def test_the_sides_of_same_are_tensorflow_s(size, stride):
    sides = spec.same_sides(size, kernel=(4, 3), stride=stride)
    even = {"padding": sides[0]} if len(set(sides)) == 1 else {"padding": 0, "sides": sides}
    layer = spec.Conv2d(
        name="conv",
        in_channels=2,
        out_channels=3,
        kernel_size=4,
        kernel_width=3,
        stride=stride,
        weight_init=spec.UniformFanIn(),
        bias_init=None,
        **even,
    )
    network = build(layer, (2, *size))
    generator = np.random.default_rng(0)
    weight = generator.standard_normal((4, 3, 2, 3))
    inputs = generator.standard_normal((2, *size, 2))
    network.tensors["discriminator.conv.weight"].assign(weight)
    expected = tf.nn.conv2d(inputs, weight, stride, "SAME").numpy()
    np.testing.assert_allclose(run(network, inputs, jit=False), expected, rtol=1e-12, atol=1e-13)
