"""Each layer against its definition written as loops, and each derivative against central differences."""

from __future__ import annotations

import numpy as np
import pytest

from gan_rosetta.backends.numpy import convolution
from gan_rosetta.backends.numpy.layer import Layer
from gan_rosetta.backends.numpy.layers import LAYERS, Conv2d, build_network
from gan_rosetta.shared.errors import UnsupportedLayer
from gan_rosetta.shared.spec import (
    ELU,
    GELU,
    SELU,
    ZEROS,
    Augment,
    BatchNorm,
    Branch,
    Branches,
    ClassContrast,
    ClassCrossEntropy,
    ClassEmbedding,
    CodeError,
    ConvTranspose2d,
    Dropout,
    GlobalPool,
    GroupNorm,
    LeakyReLU,
    Linear,
    MinibatchDiscrimination,
    Network,
    Normal,
    PixelShuffle,
    Pool2d,
    PReLU,
    PullAway,
    Recall,
    ReLU,
    Reshape,
    Scale,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    SpectralNorm,
    Tanh,
    Upsample,
)
from gan_rosetta.shared.spec import Conv2d as ConvSpec

_UNIT = Normal(standard_deviation=1.0)


def _linear(name="hidden", in_features=3, out_features=4, bias_init=ZEROS):
    return Linear(name=name, in_features=in_features, out_features=out_features, weight_init=_UNIT, bias_init=bias_init)


def _convolution(kind, **fields):
    plain = {"in_channels": 2, "out_channels": 3, "kernel_size": 3, "stride": 1, "padding": 0, "bias_init": ZEROS}
    return kind(name="conv", weight_init=_UNIT, **(plain | fields))


def _batch_norm(*, statistics="batch", running_variance="unbiased", num_features=3, affine=True):
    return BatchNorm(
        name="norm",
        num_features=num_features,
        epsilon=0.3,
        momentum=0.2,
        running_variance=running_variance,
        statistics=statistics,
        affine=affine,
    )


def _group_norm(*, num_groups=2, affine=True):
    return GroupNorm(name="norm", num_features=4, num_groups=num_groups, epsilon=0.1, affine=affine)


def _minibatch(*, self_distance=True, bias_init=ZEROS):
    return MinibatchDiscrimination(
        name="minibatch",
        in_features=3,
        num_kernels=4,
        kernel_dims=2,
        self_distance=self_distance,
        weight_init=_UNIT,
        bias_init=bias_init,
    )


def _prelu(num_parameters):
    return PReLU(name="slopes", num_parameters=num_parameters, weight_init=ZEROS)


def _branches(join, *layers, name="block"):
    branches = tuple(Branch(name=f"way{index}", layers=own) for index, own in enumerate(layers))
    return Branches(name=name, join=join, branches=branches)


def _attended(channels):
    return (
        _convolution(ConvSpec, in_channels=3, out_channels=channels, kernel_size=1, padding=0),
        Pool2d(kernel_size=2, stride=2, mode="average"),
    )


def _by_channel(name):
    return (Reshape(shape=(12,)), _linear(name, 12, 2))


_ACTIVATIONS = {
    "tanh": Tanh(),
    "sigmoid": Sigmoid(),
    "softplus": Softplus(),
    "relu": ReLU(),
    "leaky": LeakyReLU(slope=0.2),
    "leaky-0": LeakyReLU(slope=0.0),
    "leaky-steep": LeakyReLU(slope=1.7),
    "elu": ELU(alpha=0.7),
    "selu": SELU(),
    "gelu": GELU(form="erf"),
    "gelu-tanh": GELU(form="tanh"),
    "silu": SiLU(),
}
_CASES = {name: (layer, (3,)) for name, layer in _ACTIVATIONS.items()} | {
    "linear": (_linear(), (3,)),
    "linear-no-bias": (_linear(bias_init=None), (3,)),
    "conv": (_convolution(ConvSpec), (2, 5, 6)),
    "conv-strided": (_convolution(ConvSpec, kernel_size=2, stride=2, padding=1, bias_init=None), (2, 5, 6)),
    "conv-leftover": (_convolution(ConvSpec, kernel_size=3, stride=2), (2, 6, 6)),
    "transpose": (_convolution(ConvTranspose2d), (2, 3, 4)),
    "transpose-strided": (_convolution(ConvTranspose2d, stride=2, padding=1, bias_init=None), (2, 3, 4)),
    "transpose-gaps": (_convolution(ConvTranspose2d, kernel_size=2, stride=3), (2, 3, 2)),
    "conv-sides": (_convolution(ConvSpec, kernel_width=2, padding=0, sides=(1, 0, 0, 2), dilation=2), (2, 5, 6)),
    "conv-groups": (_convolution(ConvSpec, in_channels=4, out_channels=6, groups=2, stride=2), (4, 5, 6)),
    "transpose-sides": (
        _convolution(ConvTranspose2d, kernel_width=2, padding=0, sides=(1, 0, 0, 2), dilation=2),
        (2, 3, 4),
    ),
    "transpose-more": (_convolution(ConvTranspose2d, stride=3, padding=1, output_padding=2), (2, 3, 2)),
    "transpose-groups": (
        _convolution(ConvTranspose2d, in_channels=4, out_channels=6, groups=2, bias_init=None),
        (4, 3, 2),
    ),
    "norm": (_batch_norm(), (3,)),
    "norm-images": (_batch_norm(), (3, 2, 2)),
    "norm-running": (_batch_norm(statistics="running"), (3, 2, 2)),
    "group-norm": (_group_norm(), (4,)),
    "group-norm-images": (_group_norm(), (4, 2, 3)),
    "instance-norm": (_group_norm(num_groups=4, affine=False), (4, 2, 3)),
    "layer-norm": (_group_norm(num_groups=1), (4, 2, 3)),
    "minibatch": (_minibatch(), (3,)),
    "minibatch-other": (_minibatch(self_distance=False, bias_init=None), (3,)),
    "reshape": (Reshape(shape=(3, 1, 2)), (6,)),
    "recall": (Recall(of=None, parts=((4, 6), (1, 2))), (7,)),
    "dropout-unfed": (Dropout(name="drop", probability=0.5, unit="entry"), (3,)),
    "upsample-nearest": (Upsample(factor=3, mode="nearest"), (2, 2, 3)),
    "upsample-bilinear": (Upsample(factor=2, mode="bilinear"), (2, 3, 4)),
    "pool-average": (Pool2d(kernel_size=3, stride=2, mode="average"), (2, 5, 6)),
    "pool-maximum": (Pool2d(kernel_size=3, stride=2, mode="maximum"), (2, 5, 6)),
    "pool-apart": (Pool2d(kernel_size=2, stride=3, mode="maximum"), (1, 6, 5)),
    "global-average": (GlobalPool(mode="average"), (3, 2, 4)),
    "global-sum": (GlobalPool(mode="sum"), (3, 2, 4)),
    "global-maximum": (GlobalPool(mode="maximum"), (3, 2, 4)),
    "shuffle": (PixelShuffle(factor=2, order="channel"), (8, 2, 3)),
    "shuffle-pixels": (PixelShuffle(factor=2, order="pixel"), (8, 2, 3)),
    "added": (_branches("add", (_linear("a"), Tanh()), (_linear("a"),)), (3,)),
    "added-thrice": (_branches("add", (), (Tanh(),), ()), (3,)),
    "residual": (_branches("add", (Softplus(), _linear("a", 3, 3)), ()), (3,)),
    "residual-in-residual": (_branches("add", (Tanh(), _branches("add", (Sigmoid(),), ())), ()), (3,)),
    "norm-in-branch": (_branches("add", (_batch_norm(), Sigmoid()), ()), (3, 2, 2)),
    "joined": (_branches("concatenate", (Tanh(),), (), (_linear("a"),)), (3,)),
    "joined-images": (_branches("concatenate", (_convolution(ConvSpec, kernel_size=1),), ()), (2, 3, 4)),
    "multiplied": (_branches("multiply", (_linear("a"), Tanh()), (_linear("a"),), (_linear("b"),)), (3,)),
    "gated": (_branches("multiply", (Sigmoid(),), ()), (3, 2, 2)),
    "alone": (_branches("add", (Sigmoid(),)), (3,)),
    "prelu": (_prelu(1), (3,)),
    "prelu-features": (_prelu(3), (3,)),
    "prelu-images": (_prelu(1), (3, 2, 4)),
    "prelu-channels": (_prelu(3), (3, 2, 4)),
    "softmax": (Softmax(axis=0), (4,)),
    "softmax-images": (Softmax(axis=2), (2, 3, 4)),
    "scale": (Scale(name="gamma", weight_init=ZEROS), (3, 2, 2)),
    "attention": (_branches("attend", (Tanh(),), _attended(3), _attended(2)), (3, 2, 4)),
    "attention-scaled": (_branches("attend_scaled", (Tanh(),), (Sigmoid(),), (SiLU(),)), (3, 2, 4)),
    "norm-bare": (_batch_norm(affine=False), (3, 2, 2)),
    "absolute-error": (_branches("absolute_error", (_linear("a", 3, 3), Tanh()), ()), (3,)),
    "squared-error": (_branches("squared_error", (Tanh(),), ()), (3, 2, 2)),
    "pull-away": (PullAway(), (4,)),
    "inner-product": (_branches("dot", (_linear("a"), Tanh()), (_linear("a"),)), (3,)),
    "gain-and-bias": (_branches("affine", (Tanh(),), (_linear("a", 3, 3),), ()), (3,)),
    "modulated": (_branches("modulate", (Tanh(),), _by_channel("a"), _by_channel("b")), (2, 2, 3)),
    "upsample-bilinear-once": (Upsample(factor=3, mode="bilinear"), (1, 1, 2)),
}
# Branches have tangents, and a test of their own.
_NOT_TRIED = (MinibatchDiscrimination, PullAway, Dropout, ClassEmbedding, Branches, Softmax, Scale)
_TANGENT_CASES = [
    name for name, (layer, _) in _CASES.items() if not isinstance(layer, _NOT_TRIED) and name != "norm-running"
]


def _network(layer, input_shape, *, dtype="float64", seed=0):
    network = build_network(Network(input_shape=input_shape, layers=(layer,)), name="generator", dtype=dtype)
    generator = np.random.default_rng(seed)
    network.parameters.flat[...] = 0.5 * generator.standard_normal(network.parameters.flat.size)
    network.buffers.flat[...] = generator.uniform(0.5, 1.5, network.buffers.flat.size)
    return network, generator.standard_normal((5, *input_shape)).astype(dtype)


def _differences(function, array, step=1e-6):
    """Central differences of a scalar function of what the array holds, entry by entry."""
    result = np.empty_like(array)
    for index in np.ndindex(array.shape):
        kept = array[index]
        array[index] = kept + step
        above = function()
        array[index] = kept - step
        result[index] = (above - function()) / (2 * step)
        array[index] = kept
    return result


@pytest.mark.parametrize("case", list(_CASES))
def test_backward_is_the_derivative(case):
    network, x = _network(*_CASES[case])
    coefficients = np.random.default_rng(1).standard_normal(network.infer(x).shape)

    def objective():
        return float(np.sum(coefficients * network.infer(x)))

    expected_x = _differences(objective, x)
    expected_parameters = _differences(objective, network.parameters.flat)
    kept = x.copy()
    _, caches = network.forward(x)
    found = network.backward(coefficients.copy(), caches, into=network.gradients, wants_input=True)
    np.testing.assert_array_equal(x, kept)
    np.testing.assert_allclose(found, expected_x, rtol=1e-7, atol=1e-8)
    np.testing.assert_allclose(network.gradients.flat, expected_parameters, rtol=1e-7, atol=1e-8)
    again = network.backward(coefficients.copy(), caches, into=None, wants_input=True)
    np.testing.assert_array_equal(again, found)


@pytest.mark.parametrize("case", _TANGENT_CASES)
def test_backward_tangent_is_the_derivative_of_value_and_tangent(case):
    network, x = _network(*_CASES[case])
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
        expected = _differences(lambda: objective(with_value), x)  # noqa: B023
        np.testing.assert_allclose(gradient_x, expected, rtol=1e-6, atol=1e-7)
        expected = _differences(lambda: objective(with_value), tangent_x)  # noqa: B023
        np.testing.assert_allclose(gradient_tangent, expected, rtol=1e-6, atol=1e-7)
        expected = _differences(lambda: objective(with_value), network.parameters.flat)  # noqa: B023
        np.testing.assert_allclose(network.gradients.flat, expected, rtol=1e-6, atol=1e-7)


def test_directional_gradient_is_the_parameter_derivative_of_the_input_gradient():
    layers = (
        Reshape(shape=(12,)),
        _linear("hidden1", 12, 6),
        _branches("add", (Tanh(), _linear("a", 6, 4), SiLU(), _linear("b", 4, 6)), ()),
        _branches(
            "concatenate", (_branches("multiply", (Tanh(),), (Sigmoid(),), ()), _linear("a", 6, 4)), (), name="other"
        ),
        _linear("hidden", 10, 6),
        Tanh(),
        _linear("hidden2", 6, 5, bias_init=None),
        Softplus(),
        _linear("hidden3", 5, 4),
        LeakyReLU(slope=0.2),
        _linear("hidden4", 4, 4),
        Sigmoid(),
        _linear("hidden5", 4, 4),
        ReLU(),
        _linear("hidden6", 4, 4),
        ELU(alpha=1.3),
        GELU(form="erf"),
        _linear("hidden7", 4, 4),
        SELU(),
        GELU(form="tanh"),
        _linear("hidden8", 4, 4),
        SiLU(),
        _linear("output", 4, 1),
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

    expected = _differences(objective, network.parameters.flat)
    assert np.abs(expected).max() > 0.1
    _, caches = network.forward(x)
    network.directional_gradient(direction, caches, into=network.gradients)
    np.testing.assert_allclose(network.gradients.flat, expected, rtol=1e-6, atol=1e-8)


def test_a_layer_without_tangent_says_so():
    network, x = _network(*_CASES["minibatch"])
    with pytest.raises(UnsupportedLayer, match="MinibatchDiscrimination has no tangent"):
        network._layers[0].forward_tangent(x, None)


def _correlate_by_loops(x, weight, layer):
    x = np.pad(x, ((0, 0), (0, 0), *layer.margins))
    height, width = ((size - reach) // layer.stride + 1 for size, reach in zip(x.shape[2:], layer.reach, strict=True))
    y = np.zeros((len(x), weight.shape[0], height, width))
    of_group = weight.shape[0] // layer.groups
    for out, row, column in np.ndindex(*y.shape[1:]):
        first = out // of_group * weight.shape[1]
        for channel, down, right in np.ndindex(*weight.shape[1:]):
            place = row * layer.stride + down * layer.dilation, column * layer.stride + right * layer.dilation
            y[:, out, row, column] += weight[out, channel, down, right] * x[:, first + channel, *place]
    return y


@pytest.mark.parametrize("case", ["conv", "conv-strided", "conv-leftover", "conv-sides", "conv-groups"])
def test_convolution_is_the_sum_over_windows(case):
    layer, input_shape = _CASES[case]
    network, x = _network(layer, input_shape)
    tensors = network.parameters.by_layer[0]
    expected = _correlate_by_loops(x, tensors["weight"], layer)
    if "bias" in tensors:
        expected += tensors["bias"].reshape(1, -1, 1, 1)
    np.testing.assert_allclose(network.infer(x), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "case",
    [
        "transpose",
        "transpose-strided",
        "transpose-gaps",
        "transpose-sides",
        "transpose-more",
        "transpose-groups",
    ],
)
def test_transposed_convolution_stamps_its_kernel(case):
    layer, input_shape = _CASES[case]
    network, x = _network(layer, input_shape)
    tensors, stride = network.parameters.by_layer[0], layer.stride
    weight = tensors["weight"]
    sizes = zip(input_shape[1:], layer.reach, strict=True)
    height, width = ((size - 1) * stride + reach + layer.output_padding for size, reach in sizes)
    whole = np.zeros((len(x), layer.out_channels, height, width))
    for channel, row, column in np.ndindex(*input_shape):
        first = channel // (layer.in_channels // layer.groups) * weight.shape[1]
        for out, down, right in np.ndindex(*weight.shape[1:]):
            place = row * stride + down * layer.dilation, column * stride + right * layer.dilation
            whole[:, first + out, *place] += weight[channel, out, down, right] * x[:, channel, row, column]
    (top, bottom), (left, right) = layer.margins
    expected = whole[:, :, top : height - bottom, left : width - right]
    if "bias" in tensors:
        expected = expected + tensors["bias"].reshape(1, -1, 1, 1)
    np.testing.assert_allclose(network.infer(x), expected, rtol=1e-12, atol=1e-12)


def test_convolution_in_blocks_equals_the_whole(monkeypatch):
    network, x = _network(*_CASES["conv"])
    y, caches = network.forward(x)
    gradient_x = network.backward(np.ones_like(y), caches, into=network.gradients, wants_input=True)
    gradients = network.gradients.flat.copy()
    monkeypatch.setattr(convolution, "_COLUMNS_BYTES", 2 * 18 * 12 * 8)
    blocks = list(Conv2d(_CASES["conv"][0], (2, 5, 6))._windows.blocks(5, 8))
    assert [samples.stop for samples in blocks] == [2, 4, 5]
    y_blocks, caches = network.forward(x)
    gradient_x_blocks = network.backward(np.ones_like(y), caches, into=network.gradients, wants_input=True)
    np.testing.assert_allclose(y_blocks, y, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(gradient_x_blocks, gradient_x, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(network.gradients.flat, gradients, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("statistics", ["batch", "running"])
@pytest.mark.parametrize("running_variance", ["unbiased", "biased"])
def test_batch_norm_normalises_and_moves_its_buffers(statistics, running_variance):
    layer = _batch_norm(statistics=statistics, running_variance=running_variance)
    network, x = _network(layer, (3, 2, 2))
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
    network, x = _network(_minibatch(self_distance=self_distance), (3,))
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
        sigmoid = _network(Sigmoid(), (3,))[0].infer(far)
        softplus = _network(Softplus(), (3,))[0].infer(far)
    exponential = np.exp(far)
    np.testing.assert_allclose(sigmoid, exponential / (1 + exponential), rtol=1e-15)
    np.testing.assert_allclose(softplus, np.log1p(exponential), rtol=1e-15)
    zeros = np.zeros((1, 3))
    for layer, slope in ((ReLU(), 0.0), (LeakyReLU(slope=0.2), 0.2)):
        network, _ = _network(layer, (3,))
        _, caches = network.forward(zeros)
        gradient = network.backward(np.ones((1, 3)), caches, into=None, wants_input=True)
        np.testing.assert_array_equal(gradient, np.full((1, 3), slope))


@pytest.mark.parametrize("case", list(_CASES))
def test_single_precision_stays_single(case):
    network, x = _network(*_CASES[case], dtype="float32")
    y, caches = network.forward(x)
    gradient = network.backward(np.ones_like(y), caches, into=network.gradients, wants_input=True)
    assert y.dtype == gradient.dtype == network.gradients.flat.dtype == np.float32
    if case in _TANGENT_CASES:
        tangent = network._layers[0].forward_tangent(x, caches[0])
        pair = network._layers[0].backward_tangent(
            y.copy(), y.copy(), caches[0], x, gradients=network.gradients.by_layer[0], wants_input=True
        )
        assert [array.dtype for array in (tangent, *pair)] == [np.float32] * 3


def test_every_layer_of_the_vocabulary_is_in_the_table():
    # What asks for the classes that it is fed, or changes nothing where it is fed nothing, has tests of its own.
    assert {type(layer) for layer, _ in _CASES.values()} == set(LAYERS) - {
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
    network, x = _network(layer, (2, 3, 4))
    mask = np.random.default_rng(3).integers(0, 2, (5, 2, 1, 1)).astype(float)
    y, caches = network.forward(x, fed={"drop": mask})
    expected = np.array(
        [[kept[0, 0] * image / 0.8 for kept, image in zip(m, i, strict=True)] for m, i in zip(mask, x, strict=True)]
    )
    np.testing.assert_allclose(y, expected, rtol=1e-15)
    gradient = network.backward(np.ones_like(y), caches, into=None, wants_input=True)
    np.testing.assert_allclose(gradient, np.broadcast_to(mask / 0.8, x.shape), rtol=1e-15)
    np.testing.assert_array_equal(network.infer(x), x)


def test_a_class_s_row_alone_takes_nothing_of_the_input_and_may_be_of_a_divided_table():
    norm = SpectralNorm(
        num_iterations=1, first="v", epsilon=1e-12, epsilon_placement="floor", sigma_gradient="followed"
    )
    row = ClassEmbedding(
        name="row", num_classes=4, num_features=3, joined="alone", weight_init=ZEROS, spectral_norm=norm
    )
    network, x = _network(_branches("dot", (), (row,)), (3,))
    classes = np.array([2.0, 0.0, 2.0, 3.0, 1.0])
    own = {name.split(".")[-1]: tensor for name, tensor in network.by_name(network.buffers).items()}
    weight = next(iter(network.by_name(network.parameters).values()))
    v = weight.T @ own["weight_u"]
    v /= np.linalg.norm(v)
    sigma = np.linalg.norm(weight @ v)
    y, caches = network.forward(x, fed={"block.way1.row": classes})
    rows = weight[classes.astype(int)] / sigma
    np.testing.assert_allclose(y[:, 0], np.sum(rows * x, axis=1), rtol=1e-14)
    gradient = network.backward(np.ones_like(y), caches, into=network.gradients, wants_input=True)
    np.testing.assert_allclose(gradient, rows, rtol=1e-14)


def test_what_is_recalled_gets_the_gradients_of_all_that_take_it():
    layer = Recall(of=None, parts=((2, 3), (0, 1)))
    network, x = _network(_branches("concatenate", (), (layer,)), (3,))
    y, caches = network.forward(x)
    np.testing.assert_array_equal(y, x[:, [0, 1, 2, 2, 0]])
    upstream = np.random.default_rng(4).standard_normal(y.shape)
    gradient = network.backward(upstream.copy(), caches, into=None, wants_input=True)
    expected = upstream[:, :3].copy()
    expected[:, [2, 0]] += upstream[:, 3:]
    np.testing.assert_array_equal(gradient, expected)


@pytest.mark.parametrize("joined", ["before", "after"])
def test_a_class_s_row_is_joined_and_gets_its_samples_gradients(joined):
    layer = ClassEmbedding(name="class", num_classes=4, num_features=2, joined=joined, weight_init=ZEROS)
    network, x = _network(layer, (3,))
    classes = np.array([2.0, 0.0, 2.0, 3.0, 2.0])
    weight = network.parameters.by_layer[0]["weight"]
    y, caches = network.forward(x, fed={"class": classes})
    rows = [weight[int(one)] for one in classes]
    np.testing.assert_array_equal(y, np.hstack([rows, x] if joined == "before" else [x, rows]))
    upstream = np.random.default_rng(4).standard_normal(y.shape)
    gradient = network.backward(upstream.copy(), caches, into=network.gradients, wants_input=True)
    of_rows, of_x = (upstream[:, :2], upstream[:, 2:]) if joined == "before" else (upstream[:, 3:], upstream[:, :3])
    np.testing.assert_array_equal(gradient, of_x)
    found = network.gradients.by_layer[0]["weight"]
    np.testing.assert_allclose(found[2], of_rows[[0, 2, 4]].sum(axis=0), rtol=1e-15)
    np.testing.assert_array_equal(found[[0, 3]], of_rows[[1, 3]])
    np.testing.assert_array_equal(found[1], 0.0)
    # Where it is only asked, a batch's samples are of the classes in turn.
    asked, _ = network.forward(x, fed={"class": np.array([0.0, 1.0, 2.0, 3.0, 0.0])})
    np.testing.assert_array_equal(network.infer(x), asked)


def test_a_class_s_cross_entropy_is_of_its_own_logit_and_holds_however_large_that_is():
    network, x = _network(ClassCrossEntropy(num_classes=4), (4,))
    classes = np.array([2.0, 0.0, 2.0, 3.0, 1.0])
    fed = {"input_class_cross_entropy": classes}
    y, caches = network.forward(x, fed=fed)
    shares = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
    one_hot = np.eye(4)[classes.astype(int)]
    np.testing.assert_allclose(y[:, 0], -np.log(shares[one_hot == 1]), rtol=1e-14)
    upstream = np.random.default_rng(4).standard_normal(y.shape)
    gradient = network.backward(upstream.copy(), caches, into=None, wants_input=True)
    np.testing.assert_allclose(gradient, upstream * (shares - one_hot), rtol=1e-13)
    far, _ = network.forward(1e3 * one_hot, fed=fed)
    np.testing.assert_array_equal(far, 0.0)
    wrong, _ = network.forward(-1e3 * one_hot, fed=fed)
    np.testing.assert_allclose(wrong, 1e3 + np.log(3), rtol=1e-15)


@pytest.mark.parametrize("form", ["cross-entropy", "squared-error"])
def test_a_code_s_error_is_of_its_part_of_the_latent_and_so_are_its_slopes(form):
    network, x = _network(CodeError(form=form, start=2, stop=5), (3,))
    random = np.random.default_rng(6)
    latent = random.standard_normal((len(x), 6))
    if form == "cross-entropy":
        latent[:, 2:5] = np.eye(3)[random.integers(3, size=len(x))]

    def error_of(found):
        y, caches = network.forward(found, fed={"input_code_error": latent})
        return y, caches

    y, caches = error_of(x)
    code = latent[:, 2:5]
    logs = x - np.log(np.exp(x).sum(axis=1, keepdims=True))
    expected = -(code * logs).sum(axis=1) if form == "cross-entropy" else np.mean((x - code) ** 2, axis=1)
    np.testing.assert_allclose(y[:, 0], expected, rtol=1e-13)
    upstream = random.standard_normal(y.shape)
    gradient = network.backward(upstream.copy(), caches, into=None, wants_input=True)
    direction, step = random.standard_normal(x.shape), 1e-6
    ahead, behind = (error_of(x + sign * step * direction)[0] for sign in (1, -1))
    slope = np.sum(upstream * (ahead - behind)) / (2 * step)
    np.testing.assert_allclose(np.sum(gradient * direction), slope, rtol=1e-7)
    # Where it is only asked, there is no code.
    np.testing.assert_array_equal(network.infer(x), network.forward(x, fed={"input_code_error": 0 * latent})[0])


def _contrast_of(x, classes, temperature, margin):
    """Return a contrast's definition, sample by sample, with the largest similarity taken from the first x."""
    units, proxies = (part / np.linalg.norm(part, axis=1, keepdims=True) for part in np.split(x, 2, axis=1))
    found = []
    for i, (unit, proxy) in enumerate(zip(units, proxies, strict=True)):
        others = [j for j in range(len(x)) if j != i]
        near = {j: unit @ units[j] for j in others}
        own = np.exp(unit @ proxy / temperature)
        if margin is None:
            powers = {j: np.exp(near[j] / temperature) for j in others}
            same = sum(powers[j] for j in others if classes[j] == classes[i])
            found.append(np.log(own + sum(powers.values())) - np.log(own + same))
            continue
        shifted = {j: (near[j] + margin - 1) / temperature for j in others}
        pull = max(0.0, (margin - unit @ proxy) / temperature)
        others_of = [max(0.0, shifted[j]) - max(shifted.values()) for j in others if classes[j] != classes[i]]
        found.append(pull + np.log(np.exp(-pull) + np.sum(np.exp(others_of))))
    return np.array(found)


@pytest.mark.parametrize(("form", "margin"), [("conditional", None), ("data-to-data", 0.9)])
def test_a_contrast_is_of_its_class_and_the_batch(form, margin):
    layer = ClassContrast(num_classes=4, form=form, temperature=0.5, epsilon=1e-12, margin=margin)
    network, _ = _network(layer, (6,))
    x = np.random.default_rng(8).standard_normal((5, 6))
    classes = np.array([2.0, 0.0, 2.0, 3.0, 2.0])
    fed = {"input_class_contrast": classes}
    y, caches = network.forward(x, fed=fed)
    np.testing.assert_allclose(y[:, 0], _contrast_of(x, classes, 0.5, margin), rtol=1e-13)
    upstream = np.random.default_rng(4).standard_normal(y.shape)
    gradient = network.backward(upstream.copy(), caches, into=None, wants_input=True)
    if form == "conditional":  # of the other form the largest similarity is no constant to differences
        moved = np.empty_like(x)
        for place in np.ndindex(x.shape):
            step = np.zeros_like(x)
            step[place] = 1e-6
            ahead, behind = (network.forward(x + sign * step, fed=fed)[0] for sign in (1, -1))
            moved[place] = np.sum(upstream * (ahead - behind)) / 2e-6
        np.testing.assert_allclose(gradient, moved, rtol=1e-6, atol=1e-8)
    # Sizes do not count, so that no gradient is along a vector; and one sample alone has nothing against it.
    np.testing.assert_allclose(np.sum(gradient[:, :3] * x[:, :3], axis=1), 0.0, atol=1e-14)
    alone, _ = network.forward(x[:1], fed={"input_class_contrast": classes[:1]})
    np.testing.assert_allclose(alone, 0.0, atol=1e-15)


def test_upsampling_repeats_pixels_or_interpolates_between_their_centres():
    x = np.array([[[[1.0, 3.0], [5.0, 9.0]]]])
    nearest = [[1, 1, 3, 3], [1, 1, 3, 3], [5, 5, 9, 9], [5, 5, 9, 9]]
    # Each row between its two pixels a quarter and three quarters of the way, the ends beyond both held.
    bilinear = [[1, 1.5, 2.5, 3], [2, 2.625, 3.875, 4.5], [4, 4.875, 6.625, 7.5], [5, 6, 8, 9]]
    for mode, expected in (("nearest", nearest), ("bilinear", bilinear)):
        network, _ = _network(Upsample(factor=2, mode=mode), (1, 2, 2))
        np.testing.assert_array_equal(network.infer(x)[0, 0], expected)


def test_pooling_takes_each_window_s_mean_or_its_largest():
    x = np.array([[[[1.0, 3.0, 0.0], [5.0, 9.0, 2.0], [4.0, 4.0, -8.0]]]])
    for mode, windows, whole in (("average", [[4.5, 3.5], [5.5, 1.75]], 20 / 9), ("maximum", [[9, 9], [9, 9]], 9.0)):
        network, _ = _network(Pool2d(kernel_size=2, stride=1, mode=mode), (1, 3, 3))
        np.testing.assert_array_equal(network.infer(x)[0, 0], windows)
        network, _ = _network(GlobalPool(mode=mode), (1, 3, 3))
        np.testing.assert_allclose(network.infer(x)[0], [whole], rtol=1e-15)
    network, _ = _network(GlobalPool(mode="sum"), (1, 3, 3))
    assert network.infer(x).tolist() == [[20.0]]


def test_the_gradient_of_a_maximum_goes_to_the_first_of_equals():
    network, _ = _network(Pool2d(kernel_size=2, stride=1, mode="maximum"), (1, 2, 3))
    x = np.array([[[[0.0, 7.0, 7.0], [7.0, 7.0, 0.0]]]])
    y, caches = network.forward(x)
    gradient = network.backward(np.array([[[[1.0, 10.0]]]]), caches, into=None, wants_input=True)
    assert (y.tolist(), gradient.tolist()) == ([[[[7.0, 7.0]]]], [[[[0.0, 11.0, 0.0], [0.0, 0.0, 0.0]]]])


def test_a_pixel_shuffle_counts_channels_in_a_row_or_far_apart():
    x = np.arange(8.0).reshape(1, 8, 1, 1)
    for order, expected in (("channel", [[0, 1], [2, 3]]), ("pixel", [[0, 2], [4, 6]])):
        network, _ = _network(PixelShuffle(factor=2, order=order), (8, 1, 1))
        np.testing.assert_array_equal(network.infer(x)[0, 0], expected)


@pytest.mark.parametrize("num_groups", [1, 2, 4])
def test_group_norm_is_over_a_sample_s_own_groups(num_groups):
    network, x = _network(_group_norm(num_groups=num_groups), (4, 2, 3))
    weight, bias = (network.parameters.by_layer[0][part] for part in ("weight", "bias"))
    found, size = network.infer(x), 4 // num_groups
    for sample, image in enumerate(x):
        for first in range(0, 4, size):
            group = image[first : first + size]
            expected = (group - group.mean()) / np.sqrt(group.var() + 0.1)
            for channel in range(size):
                own = weight[first + channel] * expected[channel] + bias[first + channel]
                np.testing.assert_allclose(found[sample, first + channel], own, rtol=1e-12)
