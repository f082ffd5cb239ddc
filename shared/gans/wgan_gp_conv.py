"""Convolutional Wasserstein GAN with gradient penalty on MNIST digits, as Gulrajani's improved_wgan_training has it.

Its G makes 8 × 8 of 4 × 4 and cuts off the last row and column: here the transposed convolution is padded by one more
at the bottom and the right, which leaves the same 7 × 7. Its interpolation weighs the fakes by α, here they are weighed
by 1 - r, and so r is 1 - α. Each of its iterations but the first begins with an update of G and has five of D: here
every fifth step ends with one of G. Its gan_mnist.py says MODE = 'wgan'; this is what 'wgan-gp' makes of it.
"""

import math

from gan_rosetta.shared.spec import (
    EVERY_STEP,
    ZEROS,
    Adam,
    ConstantRate,
    Conv2d,
    ConvTranspose2d,
    DigitsReal,
    GanSpec,
    GlorotUniform,
    GradientPenalty,
    Layer,
    LeakyReLU,
    Linear,
    Network,
    NormalLatent,
    ReLU,
    Reshape,
    Sigmoid,
    StepPattern,
    Training,
    Uniform,
    WassersteinDiscriminatorLoss,
    WassersteinGeneratorLoss,
    same_sides,
)

_DIM = 64
_KERNEL = 5
_STRIDE = 2
_NUM_FEATURES = 4 * 4 * 4 * _DIM
_STEPS_OF_D = 5
_ADAM = Adam(
    learning_rate=ConstantRate(value=1e-4),
    beta1=0.5,
    beta2=0.9,
    epsilon=1e-8,
    epsilon_placement="hat",
    bias_correction=True,
)


def _bound(channels_of_stride: int, other_channels: int) -> float:
    """Its He initialization, in which the side that strides counts a kernel's area by a stride's."""
    area = _KERNEL**2
    return math.sqrt(3 * 4 / (channels_of_stride * area / _STRIDE**2 + other_channels * area))


def _up(name: str, in_channels: int, out_channels: int, *, sides: tuple[int, ...]) -> ConvTranspose2d:
    return ConvTranspose2d(
        name=name,
        in_channels=in_channels,
        out_channels=out_channels,
        kernel_size=_KERNEL,
        stride=_STRIDE,
        padding=0,
        sides=sides,
        weight_init=Uniform(bound=_bound(in_channels, out_channels)),
        bias_init=ZEROS,
    )


def _down(name: str, in_channels: int, out_channels: int, *, size: int) -> Conv2d:
    sides = same_sides((size, size), kernel=(_KERNEL, _KERNEL), stride=_STRIDE)
    is_even = len(set(sides)) == 1
    return Conv2d(
        name=name,
        in_channels=in_channels,
        out_channels=out_channels,
        kernel_size=_KERNEL,
        stride=_STRIDE,
        padding=sides[0] if is_even else 0,
        sides=None if is_even else sides,
        weight_init=Uniform(bound=_bound(out_channels, in_channels)),
        bias_init=ZEROS,
    )


def _linear(name: str, in_features: int, out_features: int) -> Linear:
    return Linear(
        name=name, in_features=in_features, out_features=out_features, weight_init=GlorotUniform(), bias_init=ZEROS
    )


def _discriminator_layers() -> tuple[Layer, ...]:
    leaky = LeakyReLU(slope=0.2)
    return (
        _down("conv1", 1, _DIM, size=28),
        leaky,
        _down("conv2", _DIM, 2 * _DIM, size=14),
        leaky,
        _down("conv3", 2 * _DIM, 4 * _DIM, size=7),
        leaky,
        Reshape(shape=(_NUM_FEATURES,)),
        _linear("output", _NUM_FEATURES, 1),
    )


SPEC = GanSpec(
    name="wgan-gp-conv",
    title="Convolutional Wasserstein GAN with gradient penalty on MNIST digits",
    source="Gulrajani, improved_wgan_training, gan_mnist.py; Gulrajani et al. 2017",
    batch_size=50,
    real=DigitsReal(size=28, num_channels=1, low=0.0, high=1.0, num_images=None, reshuffle=True),
    latent=NormalLatent(shape=(128,), redraw="step"),
    generator=Network(
        input_shape=(128,),
        layers=(
            _linear("input", 128, _NUM_FEATURES),
            ReLU(),
            Reshape(shape=(4 * _DIM, 4, 4)),
            _up("up2", 4 * _DIM, 2 * _DIM, sides=(1, 3, 1, 3)),
            ReLU(),
            _up("up3", 2 * _DIM, _DIM, sides=(1, 2, 1, 2)),
            ReLU(),
            _up("up5", _DIM, 1, sides=(1, 2, 1, 2)),
            Sigmoid(),
        ),
    ),
    discriminator=Network(input_shape=(1, 28, 28), layers=_discriminator_layers()),
    pretraining=None,
    training=Training(
        num_steps=200_000 * _STEPS_OF_D,
        first="discriminator",
        fake_batch="regenerated",
        latent_draws="separate",
        detach_fake=True,
        discriminator_steps=EVERY_STEP,
        discriminator_loss=WassersteinDiscriminatorLoss(
            penalty=GradientPenalty(weight=10.0, norm="sample"), reduction="mean", real_label=1
        ),
        generator_loss=WassersteinGeneratorLoss(reduction="mean", real_label=1),
        discriminator_optimizer=_ADAM,
        generator_optimizer=_ADAM,
        stop=None,
        generator_steps=StepPattern(period=_STEPS_OF_D, offsets=(_STEPS_OF_D - 1,)),
    ),
)
