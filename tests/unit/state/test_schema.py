"""Which tensors a state has: names, shapes, roles, order; and how they start."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from gan_rosetta.shared.errors import UnsupportedLayer
from gan_rosetta.shared.gans import CATALOGUE, find_gan
from gan_rosetta.shared.spec import Adadelta, Adam, ConstantRate, GradientDescent, Network, Tanh
from gan_rosetta.shared.state import (
    counter_name,
    initial_state,
    network_parameters,
    optimizers,
    parameter_name,
    require_parameters,
    slot_name,
    state_schema,
)


def test_names_shapes_and_order_of_a_small_gan():
    schema = state_schema(find_gan("linear-2d"))
    networks = {
        "generator.output.weight": (2, 2),
        "generator.output.bias": (2,),
        "discriminator.hidden1.weight": (5, 2),
        "discriminator.hidden1.bias": (5,),
        "discriminator.hidden2.weight": (3, 5),
        "discriminator.hidden2.bias": (3,),
        "discriminator.output.weight": (2, 3),
        "discriminator.output.bias": (2,),
    }
    expected = dict(networks)
    for network in ("discriminator", "generator"):
        for name, shape in networks.items():
            if name.startswith(network):
                short = name.removeprefix(f"{network}.")
                expected |= {f"optimizer.{network}.{short}.m": shape, f"optimizer.{network}.{short}.v": shape}
        expected[f"optimizer.{network}.step"] = ()
    assert {name: tensor.shape for name, tensor in schema.items()} == expected
    assert list(schema) == list(expected)


def test_roles():
    schema = state_schema(find_gan("mnist-wgan-gp"))
    tensor = schema["optimizer.generator.norm2.weight.v"]
    assert (tensor.role, tensor.network, tensor.layer, tensor.tensor) == (
        "slot",
        "generator",
        "norm2",
        "generator.norm2.weight",
    )
    assert schema["generator.norm2.running_var"].role == "buffer"
    assert schema["generator.norm2.bias"].role == "parameter"
    assert schema["optimizer.discriminator.step"].role == "counter"
    assert "optimizer.generator.norm2.running_var.v" not in schema
    assert all(name == tensor.name for name, tensor in schema.items())


def test_convolutions_have_their_layouts_and_only_the_biases_they_have():
    schema = state_schema(find_gan("mnist-conv"))
    assert schema["generator.up1.weight"].shape == (100, 768, 3, 3)
    assert schema["discriminator.down1.weight"].shape == (6, 3, 3, 3)
    biases = [
        name for name in schema if name.startswith("discriminator.") and name.endswith(".bias") and "norm" not in name
    ]
    layers = [*(f"down{index}" for index in range(5, 9)), "output"]
    assert biases == [f"discriminator.{layer}.bias" for layer in layers]
    assert not any(name.startswith("generator.up") and name.endswith(".bias") for name in schema)


@pytest.mark.parametrize(
    ("optimizer", "slots"),
    [
        (GradientDescent(learning_rate=ConstantRate(value=0.1)), ()),
        (Adadelta(learning_rate=ConstantRate(value=0.1), rho=0.9, epsilon=1e-6), ("square", "delta")),
        (find_gan("sine").training.generator_optimizer, ("m", "v")),
    ],
)
def test_slots_are_the_optimizers(optimizer, slots):
    spec = find_gan("sine")
    spec = replace(spec, training=replace(spec.training, generator_optimizer=optimizer))
    names = [name for name in state_schema(spec) if name.startswith("optimizer.generator.hidden1.weight")]
    assert names == [f"optimizer.generator.hidden1.weight.{slot}" for slot in slots]


def test_pretraining_has_an_optimizer_of_its_own_for_the_discriminator():
    spec = find_gan("gaussian-1d")
    assert [(name, network) for name, (network, _) in optimizers(spec).items()] == [
        ("pretraining", "discriminator"),
        ("discriminator", "discriminator"),
        ("generator", "generator"),
    ]
    adam = find_gan("sine").training.generator_optimizer
    assert isinstance(adam, Adam)
    spec = replace(spec, pretraining=replace(spec.pretraining, optimizer=adam))
    names = [name for name in state_schema(spec) if name.startswith("optimizer.pretraining")]
    assert names[0] == "optimizer.pretraining.hidden1.weight.m"
    assert names[-1] == "optimizer.pretraining.step"
    assert len(names) == 2 * 8 + 1


def test_names():
    assert parameter_name("generator", "hidden", "weight") == "generator.hidden.weight"
    assert slot_name("pretraining", "discriminator.hidden1.weight", "m") == "optimizer.pretraining.hidden1.weight.m"
    assert counter_name("generator") == "optimizer.generator.step"


def test_network_parameters():
    spec = find_gan("mnist-wgan-gp")
    names = [tensor.name for tensor in network_parameters(spec, "generator")]
    assert names[:4] == [
        f"generator.{name}" for name in ("linear1.weight", "linear1.bias", "linear2.weight", "linear2.bias")
    ]
    assert "generator.norm2.weight" in names
    assert not any("running" in name for name in names)


@pytest.mark.parametrize("name", CATALOGUE)
def test_initial_state_fits_the_schema(name):
    spec = find_gan(name)
    state = initial_state(spec, seed=1)
    schema = state_schema(spec)
    assert list(state) == list(schema)
    for tensor in schema.values():
        array = state[tensor.name]
        assert array.shape == tensor.shape
        assert array.dtype == (np.int64 if tensor.role == "counter" else np.float64)
        if tensor.role in ("slot", "counter"):
            assert not array.any()


def test_initial_distributions():
    wgan = initial_state(find_gan("mnist-wgan-gp"), seed=1)
    bound = 1 / math.sqrt(784)
    for name in ("weight", "bias"):
        drawn = wgan[f"discriminator.linear1.{name}"].ravel()[:20_000]
        assert stats.kstest(drawn, stats.uniform(-bound, 2 * bound).cdf).pvalue > 0.01
    np.testing.assert_array_equal(wgan["generator.norm2.weight"], 1)
    np.testing.assert_array_equal(wgan["generator.norm2.running_var"], 1)
    np.testing.assert_array_equal(wgan["generator.norm2.bias"], 0)
    np.testing.assert_array_equal(wgan["generator.norm2.running_mean"], 0)
    conv = initial_state(find_gan("mnist-conv"), seed=1)
    # The fan-in of a transposed convolution is of its output channels, as in torch.
    bound = 1 / math.sqrt(384 * 9)
    assert (
        stats.kstest(conv["generator.up2.weight"].ravel()[:20_000], stats.uniform(-bound, 2 * bound).cdf).pvalue > 0.01
    )
    minibatch = initial_state(find_gan("gaussian-1d-minibatch"), seed=1)
    assert stats.kstest(minibatch["discriminator.minibatch.weight"].ravel() / 0.02, "norm").pvalue > 0.01
    assert stats.kstest(minibatch["discriminator.hidden2.weight"].ravel(), "norm").pvalue > 0.01
    assert not minibatch["discriminator.minibatch.bias"].any()


def test_each_tensor_has_a_stream_of_its_own():
    spec = find_gan("gaussian-1d")
    first, second = initial_state(spec, seed=1), initial_state(spec, seed=2)
    assert not np.isclose(first["discriminator.hidden2.weight"], second["discriminator.hidden2.weight"]).any()
    assert not np.isclose(first["discriminator.hidden2.weight"], first["discriminator.hidden3.weight"]).any()
    # A layer that two GANs share starts alike in both.
    other = initial_state(find_gan("gaussian-1d-minibatch"), seed=1)
    np.testing.assert_array_equal(first["discriminator.hidden2.weight"], other["discriminator.hidden2.weight"])


@pytest.mark.parametrize("network", ["generator", "discriminator"])
def test_a_network_without_parameters_is_named_where_a_framework_takes_none(network):
    spec = find_gan("linear-2d")
    still = replace(spec, **{network: Network(input_shape=(2,), layers=(Tanh(),))})
    require_parameters(spec, framework="torch")
    with pytest.raises(UnsupportedLayer, match=f"torch's optimizers .* linear-2d's {network} has none"):
        require_parameters(still, framework="torch")
