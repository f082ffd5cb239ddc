"""Each layer's derivatives against central differences, and what a layer does against its definition."""

from __future__ import annotations

import numpy as np
import pytest

from gan_rosetta.backends.numpy.layer import Layer
from gan_rosetta.backends.numpy.layers import LAYERS, build_network
from gan_rosetta.shared.errors import UnsupportedLayer
from gan_rosetta.shared.spec import (
    ELU,
    GELU,
    SELU,
    Augment,
    ClassContrast,
    ClassCrossEntropy,
    ClassEmbedding,
    CodeError,
    Dropout,
    LeakyReLU,
    Network,
    Recall,
    ReLU,
    Reshape,
    Sigmoid,
    SiLU,
    Softplus,
    Tanh,
)
from tests.unit.backends.numpy_layers import (
    CASES,
    TANGENT_CASES,
    batch_norm,
    branches,
    differences,
    group_norm,
    linear,
    minibatch,
    network_of,
)


@pytest.mark.parametrize("case", list(CASES))
def test_backward_is_the_derivative(case):
    network, x = network_of(*CASES[case])
    coefficients = np.random.default_rng(1).standard_normal(network.infer(x).shape)

    def objective():
        return float(np.sum(coefficients * network.infer(x)))

    expected_x = differences(objective, x)
    expected_parameters = differences(objective, network.parameters.flat)
    kept = x.copy()
    _, caches = network.forward(x)
    found = network.backward(coefficients.copy(), caches, into=network.gradients, wants_input=True)
    np.testing.assert_array_equal(x, kept)
    np.testing.assert_allclose(found, expected_x, rtol=1e-7, atol=1e-8)
    np.testing.assert_allclose(network.gradients.flat, expected_parameters, rtol=1e-7, atol=1e-8)
    again = network.backward(coefficients.copy(), caches, into=None, wants_input=True)
    np.testing.assert_array_equal(again, found)


@pytest.mark.parametrize("case", TANGENT_CASES)
def test_backward_tangent_is_the_derivative_of_value_and_tangent(case):
    network, x = network_of(*CASES[case])
    generator = np.random.default_rng(2)
    tangent_x = generator.standard_normal(x.shape)
    layer: Layer = network._layers[0]
    tensors = network.parameters.by_layer[0]
    y, cache = layer.forward(x, tensors)
    value_weights, tangent_weights = generator.standard_normal((2, *y.shape))

    def objective(with_value):
        y, cache = layer.forward(x, tensors)
        tangent = float(np.sum(tangent_weights * layer.forward_tangent(tangent_x, cache)))
        return tangent + (float(np.sum(value_weights * y)) if with_value else 0.0)

    moved = layer.forward(x + 1e-6 * tangent_x, tensors)[0] - layer.forward(x - 1e-6 * tangent_x, tensors)[0]
    np.testing.assert_allclose(layer.forward_tangent(tangent_x, cache), moved / 2e-6, rtol=1e-6, atol=1e-8)
    for with_value in (True, False):
        gradient_x, gradient_tangent = layer.backward_tangent(
            value_weights.copy() if with_value else None,
            tangent_weights.copy(),
            cache,
            tangent_x,
            gradients=network.gradients.by_layer[0],
            wants_input=True,
        )
        gradient_x = np.zeros_like(x) if gradient_x is None else gradient_x
        expected = differences(lambda: objective(with_value), x)  # noqa: B023
        np.testing.assert_allclose(gradient_x, expected, rtol=1e-6, atol=1e-7)
        expected = differences(lambda: objective(with_value), tangent_x)  # noqa: B023
        np.testing.assert_allclose(gradient_tangent, expected, rtol=1e-6, atol=1e-7)
        expected = differences(lambda: objective(with_value), network.parameters.flat)  # noqa: B023
        np.testing.assert_allclose(network.gradients.flat, expected, rtol=1e-6, atol=1e-7)


def test_directional_gradient_is_the_parameter_derivative_of_the_input_gradient():
    layers = (
        Reshape(shape=(12,)),
        linear("hidden1", 12, 6),
        branches("add", (Tanh(), linear("a", 6, 4), SiLU(), linear("b", 4, 6)), ()),
        branches(
            "concatenate", (branches("multiply", (Tanh(),), (Sigmoid(),), ()), linear("a", 6, 4)), (), name="other"
        ),
        linear("hidden", 10, 6),
        Tanh(),
        linear("hidden2", 6, 5, bias_init=None),
        Softplus(),
        linear("hidden3", 5, 4),
        LeakyReLU(slope=0.2),
        linear("hidden4", 4, 4),
        Sigmoid(),
        linear("hidden5", 4, 4),
        ReLU(),
        linear("hidden6", 4, 4),
        ELU(alpha=1.3),
        GELU(form="erf"),
        linear("hidden7", 4, 4),
        SELU(),
        GELU(form="tanh"),
        linear("hidden8", 4, 4),
        SiLU(),
        linear("output", 4, 1),
    )
    spec = Network(input_shape=(2, 2, 3), layers=layers)
    network = build_network(spec, name="discriminator", dtype="float64")
    generator = np.random.default_rng(5)
    network.parameters.flat[...] = 1.2 * generator.standard_normal(network.parameters.flat.size)
    x, direction = generator.standard_normal((2, 4, 2, 2, 3))

    def objective():
        scores, caches = network.forward(x)
        gradient = network.backward(np.ones_like(scores), caches, into=None, wants_input=True)
        return float(np.sum(direction * gradient))

    expected = differences(objective, network.parameters.flat)
    assert np.abs(expected).max() > 0.1
    _, caches = network.forward(x)
    network.directional_gradient(direction, caches, into=network.gradients)
    np.testing.assert_allclose(network.gradients.flat, expected, rtol=1e-6, atol=1e-8)


def test_a_layer_without_tangent_says_so():
    network, x = network_of(*CASES["minibatch"])
    with pytest.raises(UnsupportedLayer, match="MinibatchDiscrimination has no tangent"):
        network._layers[0].forward_tangent(x, None)


@pytest.mark.parametrize("statistics", ["batch", "running"])
@pytest.mark.parametrize("running_variance", ["unbiased", "biased"])
def test_batch_norm_normalises_and_moves_its_buffers(statistics, running_variance):
    layer = batch_norm(statistics=statistics, running_variance=running_variance)
    network, x = network_of(layer, (3, 2, 2))
    parameters = network.parameters.by_layer[0]
    before = {name: buffer.copy() for name, buffer in network.buffers.by_layer[0].items()}
    y, _ = network.forward(x)
    mean, variance = x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3))
    used = (mean, variance) if statistics == "batch" else (before["running_mean"], before["running_var"])
    spread = (slice(None), np.newaxis, np.newaxis)
    expected = (x - used[0][spread]) / np.sqrt(used[1][spread] + 0.3)
    expected = expected * parameters["weight"][spread] + parameters["bias"][spread]
    np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-12)
    after = network.buffers.by_layer[0]
    batch_variance = variance * (20 / 19 if running_variance == "unbiased" else 1.0)
    np.testing.assert_allclose(after["running_mean"], 0.8 * before["running_mean"] + 0.2 * mean, rtol=1e-13)
    np.testing.assert_allclose(after["running_var"], 0.8 * before["running_var"] + 0.2 * batch_variance, rtol=1e-13)
    network.infer(x)
    np.testing.assert_allclose(after["running_mean"], 0.8 * before["running_mean"] + 0.2 * mean, rtol=1e-13)


@pytest.mark.parametrize("self_distance", [True, False])
def test_minibatch_discrimination_by_loops(self_distance):
    network, x = network_of(minibatch(self_distance=self_distance), (3,))
    tensors = network.parameters.by_layer[0]
    projected = (x @ tensors["weight"].T + tensors["bias"]).reshape(5, 4, 2)
    expected = np.zeros((5, 4))
    for i, k, j in np.ndindex(5, 4, 5):
        distance = np.abs(projected[i, k] - projected[j, k]).sum() + (1.0 if self_distance and i == j else 0.0)
        expected[i, k] += np.exp(-distance)
    y = network.infer(x)
    np.testing.assert_array_equal(y[:, :3], x)
    np.testing.assert_allclose(y[:, 3:], expected, rtol=1e-13)


def test_activations_are_exact_far_out_and_at_zero():
    far = np.array([[-700.0, -40.0, 30.0]])
    with np.errstate(all="ignore"):
        sigmoid = network_of(Sigmoid(), (3,))[0].infer(far)
        softplus = network_of(Softplus(), (3,))[0].infer(far)
    exponential = np.exp(far)
    np.testing.assert_allclose(sigmoid, exponential / (1 + exponential), rtol=1e-15)
    np.testing.assert_allclose(softplus, np.log1p(exponential), rtol=1e-15)
    zeros = np.zeros((1, 3))
    for layer, slope in ((ReLU(), 0.0), (LeakyReLU(slope=0.2), 0.2)):
        network, _ = network_of(layer, (3,))
        _, caches = network.forward(zeros)
        gradient = network.backward(np.ones((1, 3)), caches, into=None, wants_input=True)
        np.testing.assert_array_equal(gradient, np.full((1, 3), slope))


@pytest.mark.parametrize("case", list(CASES))
def test_single_precision_stays_single(case):
    network, x = network_of(*CASES[case], dtype="float32")
    y, caches = network.forward(x)
    gradient = network.backward(np.ones_like(y), caches, into=network.gradients, wants_input=True)
    assert y.dtype == gradient.dtype == network.gradients.flat.dtype == np.float32
    if case in TANGENT_CASES:
        tangent = network._layers[0].forward_tangent(x, caches[0])
        pair = network._layers[0].backward_tangent(
            y.copy(), y.copy(), caches[0], x, gradients=network.gradients.by_layer[0], wants_input=True
        )
        assert [array.dtype for array in (tangent, *pair)] == [np.float32] * 3


def test_every_layer_of_the_vocabulary_is_in_the_table():
    # What asks for the classes that it is fed, or changes nothing where it is fed nothing, has tests of its own.
    assert {type(layer) for layer, _ in CASES.values()} == set(LAYERS) - {
        Augment,
        ClassEmbedding,
        ClassCrossEntropy,
        ClassContrast,
        CodeError,
    }


def test_an_unknown_layer_is_refused_by_name():
    class Swish(Tanh):
        pass

    network = Network(input_shape=(3,), layers=(Swish(),))
    with pytest.raises(UnsupportedLayer, match=r"Swish \(generator\.input_tanh\)"):
        build_network(network, name="generator", dtype="float64")


def test_dropout_keeps_what_its_mask_says():
    layer = Dropout(name="drop", probability=0.2, unit="channel")
    network, x = network_of(layer, (2, 3, 4))
    mask = np.random.default_rng(3).integers(0, 2, (5, 2, 1, 1)).astype(float)
    y, caches = network.forward(x, fed={"drop": mask})
    expected = np.array(
        [[kept[0, 0] * image / 0.8 for kept, image in zip(m, i, strict=True)] for m, i in zip(mask, x, strict=True)]
    )
    np.testing.assert_allclose(y, expected, rtol=1e-15)
    gradient = network.backward(np.ones_like(y), caches, into=None, wants_input=True)
    np.testing.assert_allclose(gradient, np.broadcast_to(mask / 0.8, x.shape), rtol=1e-15)
    np.testing.assert_array_equal(network.infer(x), x)


def test_what_is_recalled_gets_the_gradients_of_all_that_take_it():
    layer = Recall(of=None, parts=((2, 3), (0, 1)))
    network, x = network_of(branches("concatenate", (), (layer,)), (3,))
    y, caches = network.forward(x)
    np.testing.assert_array_equal(y, x[:, [0, 1, 2, 2, 0]])
    upstream = np.random.default_rng(4).standard_normal(y.shape)
    gradient = network.backward(upstream.copy(), caches, into=None, wants_input=True)
    expected = upstream[:, :3].copy()
    expected[:, [2, 0]] += upstream[:, 3:]
    np.testing.assert_array_equal(gradient, expected)


@pytest.mark.parametrize("num_groups", [1, 2, 4])
def test_group_norm_is_over_a_sample_s_own_groups(num_groups):
    network, x = network_of(group_norm(num_groups=num_groups), (4, 2, 3))
    weight, bias = (network.parameters.by_layer[0][part] for part in ("weight", "bias"))
    found, size = network.infer(x), 4 // num_groups
    for sample, image in enumerate(x):
        for first in range(0, 4, size):
            group = image[first : first + size]
            expected = (group - group.mean()) / np.sqrt(group.var() + 0.1)
            for channel in range(size):
                own = weight[first + channel] * expected[channel] + bias[first + channel]
                np.testing.assert_allclose(found[sample, first + channel], own, rtol=1e-12)
