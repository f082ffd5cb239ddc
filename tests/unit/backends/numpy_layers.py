"""Layers of every kind and form, each alone in a network of NumPy's, and differences to hold its derivatives to."""

from __future__ import annotations

import numpy as np

from gan_rosetta.backends.numpy.layers import build_network
from gan_rosetta.shared.spec import (
    ELU,
    GELU,
    SELU,
    ZEROS,
    BatchNorm,
    Branch,
    Branches,
    ClassEmbedding,
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
    Tanh,
    Upsample,
)
from gan_rosetta.shared.spec import Conv2d as ConvSpec

UNIT = Normal(standard_deviation=1.0)


def linear(name="hidden", in_features=3, out_features=4, bias_init=ZEROS):
    return Linear(name=name, in_features=in_features, out_features=out_features, weight_init=UNIT, bias_init=bias_init)


def convolution(kind, **fields):
    plain = {"in_channels": 2, "out_channels": 3, "kernel_size": 3, "stride": 1, "padding": 0, "bias_init": ZEROS}
    return kind(name="conv", weight_init=UNIT, **(plain | fields))


def batch_norm(*, statistics="batch", running_variance="unbiased", num_features=3, affine=True):
    return BatchNorm(
        name="norm",
        num_features=num_features,
        epsilon=0.3,
        momentum=0.2,
        running_variance=running_variance,
        statistics=statistics,
        affine=affine,
    )


def group_norm(*, num_groups=2, affine=True):
    return GroupNorm(name="norm", num_features=4, num_groups=num_groups, epsilon=0.1, affine=affine)


def minibatch(*, self_distance=True, bias_init=ZEROS):
    return MinibatchDiscrimination(
        name="minibatch",
        in_features=3,
        num_kernels=4,
        kernel_dims=2,
        self_distance=self_distance,
        weight_init=UNIT,
        bias_init=bias_init,
    )


def prelu(num_parameters):
    return PReLU(name="slopes", num_parameters=num_parameters, weight_init=ZEROS)


def branches(join, *layers, name="block"):
    branches = tuple(Branch(name=f"way{index}", layers=own) for index, own in enumerate(layers))
    return Branches(name=name, join=join, branches=branches)


def _attended(channels):
    return (
        convolution(ConvSpec, in_channels=3, out_channels=channels, kernel_size=1, padding=0),
        Pool2d(kernel_size=2, stride=2, mode="average"),
    )


def _by_channel(name):
    return (Reshape(shape=(12,)), linear(name, 12, 2))


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
CASES = {name: (layer, (3,)) for name, layer in _ACTIVATIONS.items()} | {
    "linear": (linear(), (3,)),
    "linear-no-bias": (linear(bias_init=None), (3,)),
    "conv": (convolution(ConvSpec), (2, 5, 6)),
    "conv-strided": (convolution(ConvSpec, kernel_size=2, stride=2, padding=1, bias_init=None), (2, 5, 6)),
    "conv-leftover": (convolution(ConvSpec, kernel_size=3, stride=2), (2, 6, 6)),
    "transpose": (convolution(ConvTranspose2d), (2, 3, 4)),
    "transpose-strided": (convolution(ConvTranspose2d, stride=2, padding=1, bias_init=None), (2, 3, 4)),
    "transpose-gaps": (convolution(ConvTranspose2d, kernel_size=2, stride=3), (2, 3, 2)),
    "conv-sides": (convolution(ConvSpec, kernel_width=2, padding=0, sides=(1, 0, 0, 2), dilation=2), (2, 5, 6)),
    "conv-groups": (convolution(ConvSpec, in_channels=4, out_channels=6, groups=2, stride=2), (4, 5, 6)),
    "transpose-sides": (
        convolution(ConvTranspose2d, kernel_width=2, padding=0, sides=(1, 0, 0, 2), dilation=2),
        (2, 3, 4),
    ),
    "transpose-more": (convolution(ConvTranspose2d, stride=3, padding=1, output_padding=2), (2, 3, 2)),
    "transpose-groups": (
        convolution(ConvTranspose2d, in_channels=4, out_channels=6, groups=2, bias_init=None),
        (4, 3, 2),
    ),
    "norm": (batch_norm(), (3,)),
    "norm-images": (batch_norm(), (3, 2, 2)),
    "norm-running": (batch_norm(statistics="running"), (3, 2, 2)),
    "group-norm": (group_norm(), (4,)),
    "group-norm-images": (group_norm(), (4, 2, 3)),
    "instance-norm": (group_norm(num_groups=4, affine=False), (4, 2, 3)),
    "layer-norm": (group_norm(num_groups=1), (4, 2, 3)),
    "minibatch": (minibatch(), (3,)),
    "minibatch-other": (minibatch(self_distance=False, bias_init=None), (3,)),
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
    "added": (branches("add", (linear("a"), Tanh()), (linear("a"),)), (3,)),
    "added-thrice": (branches("add", (), (Tanh(),), ()), (3,)),
    "residual": (branches("add", (Softplus(), linear("a", 3, 3)), ()), (3,)),
    "residual-in-residual": (branches("add", (Tanh(), branches("add", (Sigmoid(),), ())), ()), (3,)),
    "norm-in-branch": (branches("add", (batch_norm(), Sigmoid()), ()), (3, 2, 2)),
    "joined": (branches("concatenate", (Tanh(),), (), (linear("a"),)), (3,)),
    "joined-images": (branches("concatenate", (convolution(ConvSpec, kernel_size=1),), ()), (2, 3, 4)),
    "multiplied": (branches("multiply", (linear("a"), Tanh()), (linear("a"),), (linear("b"),)), (3,)),
    "gated": (branches("multiply", (Sigmoid(),), ()), (3, 2, 2)),
    "alone": (branches("add", (Sigmoid(),)), (3,)),
    "prelu": (prelu(1), (3,)),
    "prelu-features": (prelu(3), (3,)),
    "prelu-images": (prelu(1), (3, 2, 4)),
    "prelu-channels": (prelu(3), (3, 2, 4)),
    "softmax": (Softmax(axis=0), (4,)),
    "softmax-images": (Softmax(axis=2), (2, 3, 4)),
    "scale": (Scale(name="gamma", weight_init=ZEROS), (3, 2, 2)),
    "attention": (branches("attend", (Tanh(),), _attended(3), _attended(2)), (3, 2, 4)),
    "attention-scaled": (branches("attend_scaled", (Tanh(),), (Sigmoid(),), (SiLU(),)), (3, 2, 4)),
    "norm-bare": (batch_norm(affine=False), (3, 2, 2)),
    "absolute-error": (branches("absolute_error", (linear("a", 3, 3), Tanh()), ()), (3,)),
    "squared-error": (branches("squared_error", (Tanh(),), ()), (3, 2, 2)),
    "pull-away": (PullAway(), (4,)),
    "inner-product": (branches("dot", (linear("a"), Tanh()), (linear("a"),)), (3,)),
    "gain-and-bias": (branches("affine", (Tanh(),), (linear("a", 3, 3),), ()), (3,)),
    "modulated": (branches("modulate", (Tanh(),), _by_channel("a"), _by_channel("b")), (2, 2, 3)),
    "upsample-bilinear-once": (Upsample(factor=3, mode="bilinear"), (1, 1, 2)),
}
# Branches have tangents, and a test of their own.
_NOT_TRIED = (MinibatchDiscrimination, PullAway, Dropout, ClassEmbedding, Branches, Softmax, Scale)
TANGENT_CASES = [
    name for name, (layer, _) in CASES.items() if not isinstance(layer, _NOT_TRIED) and name != "norm-running"
]


def network_of(layer, input_shape, *, dtype="float64", seed=0):
    network = build_network(Network(input_shape=input_shape, layers=(layer,)), name="generator", dtype=dtype)
    generator = np.random.default_rng(seed)
    network.parameters.flat[...] = 0.5 * generator.standard_normal(network.parameters.flat.size)
    network.buffers.flat[...] = generator.uniform(0.5, 1.5, network.buffers.flat.size)
    return network, generator.standard_normal((5, *input_shape)).astype(dtype)


def differences(function, array, step=1e-6):
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
