"""What made-up GANs share: where they are from, their digits, layers and an Adam."""

from __future__ import annotations

from gan_rosetta.shared.spec import (
    Adam,
    BatchNorm,
    ConstantRate,
    Conv2d,
    DigitsReal,
    GroupNorm,
    Linear,
    Normal,
    PReLU,
    SpectralNorm,
    UniformFanIn,
)

SOURCE = "made up for gan-rosetta's laws"
DIGITS = DigitsReal(size=8, num_channels=1, low=-1.0, high=1.0, num_images=64, reshuffle=True)
SPECTRAL = SpectralNorm(
    num_iterations=1, first="v", epsilon=1e-12, epsilon_placement="floor", sigma_gradient="followed"
)
CONDITIONAL = BatchNorm(
    name="norm2",
    num_features=16,
    epsilon=1e-4,
    momentum=0.1,
    running_variance="unbiased",
    statistics="batch",
    affine=False,
)


def linear(name: str, in_features: int, out_features: int) -> Linear:
    """Return a Linear with a bias, both begun evenly by its fan-in."""
    return Linear(
        name=name,
        in_features=in_features,
        out_features=out_features,
        weight_init=UniformFanIn(),
        bias_init=UniformFanIn(),
    )


def conv(name: str, in_channels: int, out_channels: int, *, kernel_size: int = 3) -> Conv2d:
    """Return a Conv2d that keeps the size of images, both its parameters begun evenly by its fan-in."""
    return Conv2d(
        name=name,
        in_channels=in_channels,
        out_channels=out_channels,
        kernel_size=kernel_size,
        stride=1,
        padding=kernel_size // 2,
        weight_init=UniformFanIn(),
        bias_init=UniformFanIn(),
    )


def norm(name: str, num_features: int, num_groups: int, *, affine: bool = True) -> GroupNorm:
    """Return a norm of each sample over groups of its channels."""
    return GroupNorm(name=name, num_features=num_features, num_groups=num_groups, epsilon=1e-5, affine=affine)


def slopes(num_parameters: int) -> PReLU:
    """Return learned slopes that do not begin alike."""
    start = Normal(standard_deviation=0.1, mean=0.25)
    return PReLU(name="slopes", num_parameters=num_parameters, weight_init=start)


def adam(learning_rate: float) -> Adam:
    """Return an Adam with ε outside of the corrected root."""
    return Adam(
        learning_rate=ConstantRate(value=learning_rate),
        beta1=0.5,
        beta2=0.9,
        epsilon=1e-8,
        epsilon_placement="outside",
        bias_correction=True,
    )
