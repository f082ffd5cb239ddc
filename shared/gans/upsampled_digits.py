"""What PyTorch-GAN's programs that upsample digits have in common: their Adam, layers and D's convolutions."""

from __future__ import annotations

from collections.abc import Collection

from gan_rosetta.shared.spec import (
    ONES,
    Adam,
    BatchNorm,
    Branch,
    ConstantRate,
    Conv2d,
    Dropout,
    Initializer,
    Layer,
    LeakyReLU,
    Linear,
    Normal,
    ReLU,
    Reshape,
    Tanh,
    UniformFanIn,
    Upsample,
)

LEAKY = LeakyReLU(slope=0.2)
ADAM = Adam(
    learning_rate=ConstantRate(value=2e-4),
    beta1=0.5,
    beta2=0.999,
    epsilon=1e-8,
    epsilon_placement="outside",
    bias_correction=True,
)
# What the programs draw first values from that do not leave it to torch.
DRAWN = Normal(standard_deviation=0.02)
DRAWN_GAIN = Normal(standard_deviation=0.02, mean=1.0)
_UNIFORM = UniformFanIn()
_DOWN_CHANNELS = (1, 16, 32, 64, 128)


def linear(name: str, in_features: int, out_features: int) -> Linear:
    """Return a Linear with torch's own first values."""
    return Linear(
        name=name, in_features=in_features, out_features=out_features, weight_init=_UNIFORM, bias_init=_UNIFORM
    )


def conv(
    name: str, in_channels: int, out_channels: int, *, stride: int = 1, weight_init: Initializer = _UNIFORM
) -> Conv2d:
    """Return a convolution of 3 by 3, its bias with torch's own first values."""
    return Conv2d(
        name=name,
        in_channels=in_channels,
        out_channels=out_channels,
        kernel_size=3,
        stride=stride,
        padding=1,
        weight_init=weight_init,
        bias_init=_UNIFORM,
    )


def norm(name: str, num_features: int, *, epsilon: float = 0.8, weight_init: Initializer = ONES) -> BatchNorm:
    """Return a BatchNorm; the published 0.8 is a Keras momentum that landed in torch's epsilon, and is what ran."""
    return BatchNorm(
        name=name,
        num_features=num_features,
        epsilon=epsilon,
        momentum=0.1,
        running_variance="unbiased",
        statistics="batch",
        weight_init=weight_init,
    )


def down(
    *, normed: Collection[int], weight_init: Initializer = _UNIFORM, gain_init: Initializer = ONES
) -> tuple[Layer, ...]:
    """Return D's four convolutions, (1, 32, 32) to (128, 2, 2). normed: those that a BatchNorm is behind."""
    layers: list[Layer] = []
    for index in range(1, len(_DOWN_CHANNELS)):
        channels = _DOWN_CHANNELS[index]
        layers += [conv(f"conv{index}", _DOWN_CHANNELS[index - 1], channels, stride=2, weight_init=weight_init), LEAKY]
        layers.append(Dropout(name=f"drop{index}", probability=0.25, unit="channel"))
        layers += [norm(f"norm{index}", channels, weight_init=gain_init)] if index in normed else []
    return tuple(layers)


def up(num_features: int, /, *, normed_first: bool) -> tuple[Layer, ...]:
    """Return G's layers from a vector to (1, 32, 32). normed_first: whether a BatchNorm is before any upsampling."""
    first = norm("norm0", 128, epsilon=1e-5, weight_init=DRAWN_GAIN)
    return (
        linear("linear", num_features, 8192),
        Reshape(shape=(128, 8, 8)),
        *((first,) if normed_first else ()),
        Upsample(factor=2, mode="nearest"),
        conv("conv1", 128, 128, weight_init=DRAWN),
        norm("norm1", 128, weight_init=DRAWN_GAIN),
        LEAKY,
        Upsample(factor=2, mode="nearest"),
        conv("conv2", 128, 64, weight_init=DRAWN),
        norm("norm2", 64, weight_init=DRAWN_GAIN),
        LEAKY,
        conv("conv3", 64, 1, weight_init=DRAWN),
        Tanh(),
    )


def given_back(*, embedding: str, after: str) -> Branch:
    """Return the layers by which a D gives back its images, (1, 32, 32): 32 numbers and back. Both Linears' names."""
    return Branch(
        name="back",
        layers=(
            conv("conv1", 1, 64, stride=2, weight_init=DRAWN),
            ReLU(),
            Reshape(shape=(16384,)),
            linear(embedding, 16384, 32),
            norm("norm1", 32),
            ReLU(),
            linear(after, 32, 16384),
            norm("norm2", 16384, epsilon=1e-5),
            ReLU(),
            Reshape(shape=(64, 16, 16)),
            Upsample(factor=2, mode="nearest"),
            conv("conv2", 64, 1, weight_init=DRAWN),
        ),
    )
