"""Wasserstein GAN with gradient penalty on MNIST digits, the penalty as published and as in the paper."""

from dataclasses import replace
from typing import Literal

from gan_rosetta.shared.spec import (
    EVERY_STEP,
    Adam,
    BatchNorm,
    ConstantRate,
    DigitsReal,
    GanSpec,
    GradientPenalty,
    Layer,
    LeakyReLU,
    Linear,
    Network,
    NormalLatent,
    Reshape,
    Tanh,
    Training,
    UniformFanIn,
    WassersteinDiscriminatorLoss,
    WassersteinGeneratorLoss,
)

_NUM_PIXELS = 28 * 28
_LEAKY = LeakyReLU(slope=0.2)


def _linear(name: str, in_features: int, out_features: int) -> Linear:
    uniform = UniformFanIn()
    return Linear(name=name, in_features=in_features, out_features=out_features, weight_init=uniform, bias_init=uniform)


def _normalised(index: int, in_features: int, out_features: int) -> tuple[Layer, ...]:
    # The published 0.8 is a Keras momentum that landed in torch's epsilon; it is kept because it is what ran.
    norm = BatchNorm(
        name=f"norm{index}",
        num_features=out_features,
        epsilon=0.8,
        momentum=0.1,
        running_variance="unbiased",
        statistics="batch",
    )
    return (_linear(f"linear{index}", in_features, out_features), norm, _LEAKY)


def _adam(learning_rate: float) -> Adam:
    return Adam(
        learning_rate=ConstantRate(value=learning_rate),
        beta1=0.9,
        beta2=0.999,
        epsilon=1e-8,
        epsilon_placement="outside",
        bias_correction=True,
    )


def _critic_loss(norm: Literal["channel", "sample"]) -> WassersteinDiscriminatorLoss:
    return WassersteinDiscriminatorLoss(penalty=GradientPenalty(weight=10.0, norm=norm), reduction="mean", real_label=1)


SPEC = GanSpec(
    name="mnist-wgan-gp",
    title="Wasserstein GAN with gradient penalty, norm pixel by pixel as published",
    source="Linder-Norén, PyTorch-GAN, wgan_gp; Gulrajani et al. 2017",
    batch_size=64,
    real=DigitsReal(size=28, num_channels=1, low=-1.0, high=1.0, num_images=None, reshuffle=True),
    latent=NormalLatent(shape=(100,), redraw="step"),
    generator=Network(
        input_shape=(100,),
        layers=(
            _linear("linear1", 100, 128),
            _LEAKY,
            *_normalised(2, 128, 256),
            *_normalised(3, 256, 512),
            *_normalised(4, 512, 1024),
            _linear("linear5", 1024, _NUM_PIXELS),
            Tanh(),
            Reshape(shape=(1, 28, 28)),
        ),
    ),
    discriminator=Network(
        input_shape=(1, 28, 28),
        layers=(
            Reshape(shape=(_NUM_PIXELS,)),
            _linear("linear1", _NUM_PIXELS, 512),
            _LEAKY,
            _linear("linear2", 512, 256),
            _LEAKY,
            _linear("linear3", 256, 1),
        ),
    ),
    pretraining=None,
    training=Training(
        num_steps=7900,
        first="discriminator",
        fake_batch="regenerated",
        latent_draws="shared",
        detach_fake=True,
        discriminator_steps=EVERY_STEP,
        discriminator_loss=_critic_loss("channel"),
        generator_loss=WassersteinGeneratorLoss(reduction="mean", real_label=1),
        discriminator_optimizer=_adam(0.004),
        generator_optimizer=_adam(0.001),
        stop=None,
    ),
)
SAMPLE_SPEC = replace(
    SPEC,
    name="mnist-wgan-gp-sample",
    title="Wasserstein GAN with gradient penalty, one norm a sample as in the paper",
    training=replace(SPEC.training, discriminator_loss=_critic_loss("sample")),
)
