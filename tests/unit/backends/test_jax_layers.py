from __future__ import annotations

import numpy as np
import pytest

jax = pytest.importorskip("jax")

import jax.numpy as jnp  # noqa: E402

from gan_rosetta.backends.jax import convolution, layers  # noqa: E402
from gan_rosetta.shared import spec  # noqa: E402
from gan_rosetta.shared.spec import ZEROS, Normal  # noqa: E402

GENERATOR = np.random.default_rng(5)
BATCH_NORM = spec.BatchNorm(
    name="norm", num_features=3, epsilon=1e-5, momentum=0.1, running_variance="unbiased", statistics="batch"
)
START = {"norm": {"running_mean": np.zeros(3), "running_var": np.ones(3)}}
SCALE = {"norm": {"weight": np.ones(3), "bias": np.zeros(3)}}


def run(layer, inputs):
    network = spec.Network(input_shape=inputs.shape[1:], layers=(layer,))
    built = layers.build_network("discriminator", network, device="cpu", dtype="float64")
    return jax.jit(lambda values: built(SCALE, START, values))(inputs)


@pytest.mark.parametrize(
    ("layer", "exact"),
    [
        (spec.Sigmoid(), lambda x: 1 / (1 + np.exp(-x))),
        (spec.Softplus(), lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))),
        (spec.Tanh(), np.tanh),
    ],
)
def test_saturating_activations_are_relatively_accurate(layer, exact):
    inputs = np.concatenate([np.linspace(-40, 40, 8001), np.geomspace(1e-20, 1, 101)])
    found = np.array(run(layer, inputs[np.newaxis]).outputs)[0]
    np.testing.assert_allclose(found, exact(inputs.astype(np.longdouble)).astype(float), rtol=2e-15, atol=0)


@pytest.mark.parametrize(
    ("layer", "at_zero"), [(spec.LeakyReLU(slope=0.2), 0.2), (spec.ReLU(), 0.0), (spec.ELU(alpha=0.7), 0.7)]
)
def test_rectifiers_have_the_spec_s_gradient_at_zero(layer, at_zero):
    apply = layers.LAYERS[type(layer)]
    found = jax.grad(lambda inputs: jnp.sum(apply(layer, {}, inputs)))(np.array([[-1.0, 0.0, 2.0]]))
    below = at_zero * np.exp(-1.0) if isinstance(layer, spec.ELU) else at_zero
    np.testing.assert_allclose(found, [[below, at_zero, 1.0]], rtol=1e-15, atol=0)


@pytest.mark.parametrize(
    "layer", [spec.ReLU(), spec.LeakyReLU(slope=0.2), spec.ELU(alpha=0.7), spec.SELU(), spec.SiLU(), spec.Tanh()]
)
def test_what_is_lost_to_nan_stays_lost_in_gradients(layer):
    apply = layers.LAYERS[type(layer)]
    value, back = jax.vjp(lambda inputs: apply(layer, {}, inputs), np.array([np.nan]))
    assert np.isnan(value).all()
    assert np.isnan(back(np.array([np.nan]))[0]).all()


def test_jax_s_own_gradients_are_other_at_zero_and_nan():
    """Why the layers and losses write them out."""
    assert jax.vjp(jax.nn.relu, np.nan)[1](np.nan)[0] == 0.0
    assert jax.grad(lambda x: jax.nn.leaky_relu(x, 0.2))(0.0) == 1.0
    assert jax.grad(lambda x: jnp.maximum(x, 0.0))(0.0) == 0.5


@pytest.mark.parametrize("kind", [spec.Conv2d, spec.ConvTranspose2d])
@pytest.mark.parametrize(("size", "stride", "padding"), [(3, 1, 0), (3, 2, 1), (4, 3, 0), (2, 2, 1)])
def test_convolution_by_products_is_that_of_lax(kind, size, stride, padding):
    layer = kind(
        name="conv",
        in_channels=2,
        out_channels=3,
        kernel_size=size,
        stride=stride,
        padding=padding,
        weight_init=Normal(standard_deviation=1.0),
        bias_init=ZEROS,
    )
    shapes = layer.parameters()
    tensors = {short: GENERATOR.normal(size=parameter.shape) for short, parameter in shapes.items()}
    inputs = GENERATOR.normal(size=(2, 2, 8, 7))

    def total(tensors, inputs, convolve):
        return jnp.sum(jnp.sin(layers.LAYERS[kind](layer, tensors, inputs, convolve=convolve)))

    both = [
        jax.value_and_grad(total, argnums=(0, 1))(tensors, inputs, convolve)
        for convolve in (convolution.convolve_by_lax, convolution.convolve_by_products)
    ]
    jax.tree.map(lambda first, second: np.testing.assert_allclose(first, second, rtol=1e-11, atol=1e-13), *both)


@pytest.mark.parametrize(("size", "stride"), [(3, 1), (3, 2), (2, 2)])
def test_transposed_convolution_is_that_of_lax(size, stride):
    layer = spec.ConvTranspose2d(
        name="up",
        in_channels=2,
        out_channels=3,
        kernel_size=size,
        stride=stride,
        padding=0,
        weight_init=Normal(standard_deviation=1.0),
        bias_init=None,
    )
    weight, inputs = GENERATOR.normal(size=(2, 3, size, size)), GENERATOR.normal(size=(2, 2, 5, 4))
    found = convolution.conv_transpose2d(layer, {"weight": weight}, inputs, convolve=convolution.convolve_by_products)
    expected = jax.lax.conv_transpose(
        inputs,
        weight,
        (stride, stride),
        "VALID",
        dimension_numbers=("NCHW", "OIHW", "NCHW"),
        transpose_kernel=True,
    )
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)


_ODD = {"kernel_width": 2, "sides": (2, 0, 1, 0), "dilation": 2, "groups": 2}


@pytest.mark.parametrize("kind", [spec.Conv2d, spec.ConvTranspose2d])
def test_convolutions_of_every_form_are_those_of_lax_by_products_too(kind):
    more = {"output_padding": 1} if kind is spec.ConvTranspose2d else {}
    layer = kind(
        name="conv",
        in_channels=2,
        out_channels=4,
        kernel_size=3,
        stride=2,
        padding=0,
        weight_init=Normal(standard_deviation=1.0),
        bias_init=ZEROS,
        **_ODD,
        **more,
    )
    tensors = {short: GENERATOR.normal(size=own.shape) for short, own in layer.parameters().items()}
    inputs = GENERATOR.normal(size=(2, 2, 6, 7))

    def total(tensors, inputs, convolve):
        return jnp.sum(jnp.sin(layers.LAYERS[kind](layer, tensors, inputs, convolve=convolve)))

    both = [
        jax.value_and_grad(total, argnums=(0, 1))(tensors, inputs, convolve)
        for convolve in (convolution.convolve_by_lax, convolution.convolve_by_products)
    ]
    jax.tree.map(lambda first, second: np.testing.assert_allclose(first, second, rtol=1e-11, atol=1e-13), *both)


def test_gradients_of_images_of_one_row_are_those_by_products():
    """Without padding of its own XLA would end this process."""
    images, weight = GENERATOR.normal(size=(7, 1, 1, 4)), GENERATOR.normal(size=(2, 1, 2, 2))

    def gradients(convolve):
        def loss(*arrays):
            return jnp.sum(convolve(*arrays, stride=2, padding=((1, 1), (1, 1))) ** 2)

        return jax.jit(jax.grad(loss, (0, 1)))(images, weight)

    found, wanted = gradients(convolution.convolve_by_lax), gradients(convolution.convolve_by_products)
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize(
    ("size", "stride", "dilation"), [((5, 6), 2, 1), ((7, 4), 3, 1), ((5, 8), 1, 2), ((6, 6), 2, 2)]
)
def test_the_sides_of_same_are_those_of_xla(size, stride, dilation):
    weight, inputs = GENERATOR.normal(size=(3, 2, 3, 4)), GENERATOR.normal(size=(2, 2, *size))
    sides = spec.same_sides(size, kernel=(3, 4), stride=stride, dilation=dilation)
    even = {"padding": sides[0]} if len(set(sides)) == 1 else {"padding": 0, "sides": sides}
    layer = spec.Conv2d(
        name="conv",
        in_channels=2,
        out_channels=3,
        kernel_size=3,
        kernel_width=4,
        stride=stride,
        dilation=dilation,
        weight_init=Normal(standard_deviation=1.0),
        bias_init=None,
        **even,
    )
    found = convolution.conv2d(layer, {"weight": weight}, inputs, convolve=convolution.convolve_by_lax)
    strides, dilations = (stride, stride), (dilation, dilation)
    expected = jax.lax.conv_general_dilated(inputs, weight, strides, "SAME", rhs_dilation=dilations)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)


def test_a_batch_of_one_value_moves_the_unbiased_variance_to_nan():
    assert np.isnan(run(BATCH_NORM, np.ones((1, 3))).buffers["norm"]["running_var"]).all()


def test_buffers_move_without_a_gradient():
    apply = layers.LAYERS[spec.BatchNorm]

    def moved(inputs):
        return jnp.sum(apply(BATCH_NORM, SCALE["norm"] | START["norm"], inputs)[1]["running_mean"])

    inputs = GENERATOR.normal(size=(4, 3))
    assert moved(inputs) == pytest.approx(0.1 * inputs.mean(axis=0).sum(), rel=1e-12)
    assert not np.any(jax.grad(moved)(inputs))
