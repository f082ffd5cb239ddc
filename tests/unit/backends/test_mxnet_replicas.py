"""What MXNet does to many replicas at once is bit for bit what it does to each, in all that small GANs are made of."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
import pytest

from gan_rosetta.backends import BACKENDS

if importlib.util.find_spec("mxnet") is None:
    pytest.skip(f"MXNet is not installed: {BACKENDS['mxnet'].install_hint}", allow_module_level=True)

from gan_rosetta.backends.mxnet import losses
from gan_rosetta.backends.mxnet.framework import mx
from gan_rosetta.backends.mxnet.layers import build_network
from gan_rosetta.backends.mxnet.replicas import MxnetReplicas
from gan_rosetta.backends.mxnet.side_by_side import SIDE_BY_SIDE_LAYERS, SideBySide
from gan_rosetta.shared import spec
from gan_rosetta.shared.conformance.small import small_gan
from gan_rosetta.shared.errors import UnsupportedLayer
from gan_rosetta.shared.gans import CATALOGUE, MADE_UP

NUM_REPLICAS = 3
ALIKE = spec.UniformFanIn()
SIZES = {"weight_init": ALIKE, "bias_init": ALIKE}
NETWORK = spec.Network(
    input_shape=(3,),
    layers=(
        spec.Linear(name="hidden1", in_features=3, out_features=4, **SIZES),
        spec.Recall(of="hidden1", parts=((2, 4), (0, 1))),
        spec.LeakyReLU(slope=0.2),
        spec.PReLU(name="slopes", num_parameters=3, weight_init=ALIKE),
        spec.PReLU(name="slope", num_parameters=1, weight_init=ALIKE),
        spec.ELU(alpha=0.7),
        spec.SELU(),
        spec.GELU(form="erf"),
        spec.GELU(form="tanh"),
        spec.SiLU(),
        spec.Dropout(name="dropout", probability=0.25, unit="entry"),
        spec.MinibatchDiscrimination(
            name="minibatch", in_features=3, num_kernels=3, kernel_dims=2, self_distance=True, **SIZES
        ),
        spec.Softplus(),
        spec.Tanh(),
        spec.ReLU(),
        spec.Linear(name="output", in_features=6, out_features=2, **SIZES),
        spec.Sigmoid(),
    ),
)

CODES = spec.Network(
    input_shape=(3,),
    layers=(
        spec.Linear(name="found", in_features=3, out_features=2, **SIZES),
        spec.CodeError(form="squared-error", start=1, stop=3),
    ),
)


def array(values: np.ndarray) -> Any:
    return mx.nd.ndarray.array(values, dtype="float64")


def outputs_and_gradients(network: Any, parameters: list[np.ndarray], inputs: np.ndarray, mask: np.ndarray) -> Any:
    for parameter, values in zip(network.ordered_parameters(), parameters, strict=True):
        parameter.set_data(array(values))
    with mx.autograd.record():
        outputs, _ = network(array(inputs), array(mask))
    outputs[-1].backward()
    found = [*outputs, *(parameter.grad() for parameter in network.ordered_parameters())]
    return [each.asnumpy() for each in found]


def test_all_layers_that_go_side_by_side_are_held_to_it() -> None:
    networks = (NETWORK, CODES)
    assert {type(placed.layer) for each in networks for placed in each.placed} == set(SIDE_BY_SIDE_LAYERS)


@pytest.mark.parametrize("layers", [NETWORK, CODES])
def test_layers_of_many_are_bit_for_bit_those_of_each(layers: spec.Network) -> None:
    together = build_network(layers, context=mx.cpu(), dtype="float64", axes=(NUM_REPLICAS,))
    alone = build_network(layers, context=mx.cpu(), dtype="float64")
    draw = np.random.default_rng(2)
    parameters = [draw.normal(size=each.shape) for each in together.ordered_parameters()]
    inputs, mask = draw.normal(size=(NUM_REPLICAS, 6, 3)), draw.integers(0, 2, size=(NUM_REPLICAS, 6, 3))
    many = outputs_and_gradients(together, parameters, inputs, mask)
    for replica in range(NUM_REPLICAS):
        own = [values[replica] for values in parameters]
        one = outputs_and_gradients(alone, own, inputs[replica], mask[replica])
        for index, (beside, by_itself) in enumerate(zip(many, one, strict=True)):
            assert beside[replica].tobytes() == by_itself.tobytes(), index


def test_losses_of_many_are_bit_for_bit_those_of_each() -> None:
    draw = np.random.default_rng(1)
    ops = SideBySide(mx.nd)
    for name in (*CATALOGUE, *MADE_UP):
        training = small_gan(name).training
        num_heads = sum(loss is not None for loss in (training.class_loss, training.second_class_loss))
        of_logits = isinstance(training.discriminator_loss, spec.CrossEntropyDiscriminatorLoss)
        shape = (NUM_REPLICAS, 12, 2 if of_logits else 1 + num_heads)
        real, fake = (array(draw.uniform(0.05, 0.95, shape)) for _ in range(2))
        seen = {"real": real} if training.generator_sees_real else {}
        balance = {"balance": array(draw.uniform(0.05, 0.95, NUM_REPLICAS))} if training.balanced is not None else {}
        for function, batches in (
            (losses.discriminator_loss, {"real": real, "fake": fake, **balance}),
            (losses.generator_loss, {"fake": fake, **seen}),
        ):
            together = function(training, ops, **batches).asnumpy()
            assert together.shape == (NUM_REPLICAS,), name
            for replica in range(NUM_REPLICAS):
                alone = function(training, mx.nd, **{key: batch[replica] for key, batch in batches.items()}).asnumpy()
                assert together[replica].tobytes() == alone.tobytes(), name


def test_what_it_cannot_train_side_by_side_it_refuses_by_name() -> None:
    with pytest.raises(
        UnsupportedLayer, match=r"GAN with BatchNorm, .*clipping by a norm, gradient penalty side by side"
    ):
        MxnetReplicas.build(small_gan("boundary-2d"), num_replicas=2, device="cpu", dtype="float64")
