"""Layouts of other frameworks: there and back is the same, and a forward pass says that they are right."""

from __future__ import annotations

import numpy as np
import pytest

from gan_rosetta.shared import spec
from gan_rosetta.shared.gans import CATALOGUE
from gan_rosetta.shared.spec import ZEROS
from gan_rosetta.shared.state import initial_state, state_schema
from gan_rosetta.shared.state.layouts import (
    LAYOUTS,
    flattened_orders,
    output_orders,
    samples_to_native,
    shape_in_layout,
    tensor_from_layout,
    tensor_to_layout,
    to_layout,
)


def linear(name: str, inputs: int, outputs: int) -> spec.Linear:
    return spec.Linear(name=name, in_features=inputs, out_features=outputs, weight_init=ZEROS, bias_init=ZEROS)


def norm(name: str, num_features: int) -> spec.BatchNorm:
    return spec.BatchNorm(
        name=name,
        num_features=num_features,
        epsilon=1e-5,
        momentum=0.1,
        running_variance="unbiased",
        statistics="batch",
    )


def conv_transpose(inputs: int, outputs: int) -> spec.ConvTranspose2d:
    return spec.ConvTranspose2d(
        name="up",
        in_channels=inputs,
        out_channels=outputs,
        kernel_size=3,
        stride=2,
        padding=0,
        weight_init=ZEROS,
        bias_init=ZEROS,
    )


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("gan", ["gaussian-1d-minibatch", "linear-2d", "mnist-wgan-gp", "mnist-conv", "cgan"])
def test_there_and_back_is_the_same_bit_for_bit(gan: str, layout) -> None:
    found = CATALOGUE[gan]
    for name, array in initial_state(found, seed=2).items():
        native = tensor_to_layout(found, name, array, layout=layout)
        again = tensor_from_layout(found, name, native, layout=layout)
        assert again.tobytes() == array.tobytes()
        assert again.shape == array.shape
        assert not np.shares_memory(again, array)


def test_a_linear_behind_a_flattened_image_takes_its_pixels_in_keras_order() -> None:
    network = spec.Network(input_shape=(3, 2, 4), layers=(spec.Reshape(shape=(24,)), linear("first", 24, 5)))
    order = flattened_orders(network)["first"]
    generator = np.random.default_rng(0)
    weight, images = generator.normal(size=(5, 24)), generator.normal(size=(7, 3, 2, 4))
    kernel = to_layout(weight, network.placed[1].layer, layout="keras", order=order)
    flat = samples_to_native(images, num_leading=1).reshape(7, -1)  # Flatten of channels last
    np.testing.assert_allclose(flat @ kernel, images.reshape(7, -1) @ weight.T, rtol=1e-12)
    assert np.abs(flat @ weight.T - images.reshape(7, -1) @ weight.T).max() > 1


def test_what_becomes_an_image_is_given_in_keras_order_batch_norms_between_them_too() -> None:
    network = spec.Network(
        input_shape=(5,), layers=(linear("first", 5, 24), norm("norm", 24), spec.ReLU(), spec.Reshape(shape=(3, 2, 4)))
    )
    orders = flattened_orders(network)
    generator = np.random.default_rng(0)
    weight, bias, scale = generator.normal(size=(24, 5)), generator.normal(size=24), generator.normal(size=24)
    latent = generator.normal(size=(7, 5))
    first, second = network.placed[0].layer, network.placed[1].layer
    features = latent @ to_layout(weight, first, layout="keras", order=orders["first"])
    features = features + to_layout(bias, first, layout="keras", order=orders["first"])
    features = features * to_layout(scale, second, layout="keras", order=orders["norm"])
    images = np.moveaxis(features.reshape(7, 2, 4, 3), -1, 1)
    np.testing.assert_allclose(images.reshape(7, -1), (latent @ weight.T + bias) * scale, rtol=1e-12)


def test_slopes_of_features_have_the_order_of_what_they_multiply_and_one_slope_for_all_has_none() -> None:
    def layers(num_parameters: int) -> tuple[spec.Layer, ...]:
        slopes = spec.PReLU(name="slopes", num_parameters=num_parameters, weight_init=spec.ONES)
        return (linear("first", 5, 24), slopes, spec.Reshape(shape=(3, 2, 4)))

    orders = flattened_orders(spec.Network(input_shape=(5,), layers=layers(24)))
    assert orders["slopes"].inputs is None
    np.testing.assert_array_equal(orders["slopes"].outputs, orders["first"].outputs)
    assert list(flattened_orders(spec.Network(input_shape=(5,), layers=layers(1)))) == ["first"]


def test_what_layers_give_before_an_image_and_behind_one_has_keras_order_too() -> None:
    layers = (linear("first", 5, 24), norm("norm", 24), spec.ReLU(), spec.Reshape(shape=(3, 2, 4)))
    orders = output_orders(spec.Network(input_shape=(5,), layers=layers))
    assert list(orders) == ["first", "norm", "norm_relu"]
    features = np.arange(24)
    native = np.moveaxis(features.reshape(3, 2, 4), 0, -1).reshape(-1)
    for order in orders.values():
        np.testing.assert_array_equal(features[order], native)
    network = spec.Network(input_shape=(3, 2, 4), layers=(spec.Reshape(shape=(24,)), spec.ReLU(), linear("a", 24, 5)))
    assert list(output_orders(network)) == ["input_reshape", "input_relu"]


def test_an_order_ends_at_the_next_matrix_and_one_channel_has_none() -> None:
    network = spec.Network(
        input_shape=(3, 2, 4), layers=(spec.Reshape(shape=(24,)), linear("a", 24, 5), linear("b", 5, 2))
    )
    assert list(flattened_orders(network)) == ["a"]
    assert flattened_orders(network)["a"].outputs is None
    assert flattened_orders(CATALOGUE["mnist-wgan-gp"].generator) == {}
    assert flattened_orders(CATALOGUE["mnist-wgan-gp"].discriminator) == {}


def test_flax_keeps_a_transposed_kernel_turned() -> None:
    layer = conv_transpose(2, 3)
    weight = np.random.default_rng(0).normal(size=(2, 3, 3, 3))
    kernel = to_layout(weight, layer, layout="flax")
    assert kernel.shape == (3, 3, 2, 3)
    assert kernel[0, 2, 1, 0] == weight[1, 0, 2, 0]
    assert (
        to_layout(weight, layer, layout="keras").shape
        == (3, 3, 3, 2)
        == shape_in_layout(weight.shape, layer, layout="keras")
    )


def test_shapes_are_those_of_the_arrays() -> None:
    found = CATALOGUE["mnist-conv"]
    for network in found.networks().values():
        for placed in network.placed:
            for parameter in placed.layer.parameters().values():
                for layout in LAYOUTS:
                    shape = shape_in_layout(parameter.shape, placed.layer, layout=layout)
                    assert shape == to_layout(np.zeros(parameter.shape), placed.layer, layout=layout).shape
    assert len(state_schema(found)) > 10


def test_an_order_goes_along_branches_and_through_what_joins_them() -> None:
    def block(join: str, *ways: tuple[spec.Layer, ...]) -> spec.Branches:
        branches = tuple(spec.Branch(name=f"way{place}", layers=layers) for place, layers in enumerate(ways))
        return spec.Branches(name="block", join=join, branches=branches)

    start = (linear("first", 3, 8), block("add", (spec.Tanh(), linear("inside", 8, 8)), ()))
    image = (2, 2, 2)
    made = spec.Network(input_shape=(3,), layers=(*start, spec.Reshape(shape=image)))
    orders = flattened_orders(made)
    last = np.moveaxis(np.arange(8).reshape(image), 0, -1).reshape(-1)
    np.testing.assert_array_equal(orders["first"].outputs, last)
    np.testing.assert_array_equal(orders["block.way0.inside"].inputs, last)
    np.testing.assert_array_equal(orders["block.way0.inside"].outputs, last)

    added = spec.Network(
        input_shape=image, layers=(spec.Reshape(shape=(8,)), block("add", (linear("inside", 8, 8),), ()))
    )
    np.testing.assert_array_equal(flattened_orders(added)["block.way0.inside"].outputs, last)

    joined = block("concatenate", (linear("inside", 8, 3),), ())
    seen = spec.Network(input_shape=image, layers=(spec.Reshape(shape=(8,)), joined, linear("output", 11, 1)))
    orders = flattened_orders(seen)
    np.testing.assert_array_equal(orders["block.way0.inside"].inputs, last)
    np.testing.assert_array_equal(orders["output"].inputs, [0, 1, 2, *(last + 3)])


@pytest.mark.parametrize("layout", ["keras", "flax"])
def test_the_vectors_of_a_spectral_norm_go_with_what_a_linear_takes_and_gives(layout) -> None:
    random = np.random.default_rng(3)
    for gan, name in (("sagan-small", "generator.linear"), ("sngan", "discriminator.output")):
        found = CATALOGUE[gan]
        shapes = {short: state_schema(found)[f"{name}.{short}"].shape for short in ("weight", "weight_u", "weight_v")}
        own = {short: random.standard_normal(shape) for short, shape in shapes.items()}
        kept = {short: tensor_to_layout(found, f"{name}.{short}", array, layout=layout) for short, array in own.items()}
        sigma = kept["weight_v"] @ kept["weight"] @ kept["weight_u"]
        np.testing.assert_allclose(sigma, own["weight_u"] @ own["weight"] @ own["weight_v"], rtol=1e-9)
        back = tensor_from_layout(found, f"{name}.weight_v", kept["weight_v"], layout=layout)
        np.testing.assert_array_equal(back, own["weight_v"])
