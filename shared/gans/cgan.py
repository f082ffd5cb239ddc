"""Conditional GAN on MNIST digits: both networks see the class, G's of the digit to draw, D's of the digit shown."""

from typing import Literal

from gan_rosetta.shared.spec import (
    EVERY_STEP,
    Adam,
    BatchNorm,
    ClassEmbedding,
    ConstantRate,
    DigitsReal,
    Dropout,
    GanSpec,
    Layer,
    LeakyReLU,
    LeastSquaresDiscriminatorLoss,
    LeastSquaresGeneratorLoss,
    Linear,
    Network,
    Normal,
    NormalLatent,
    Reshape,
    Tanh,
    Training,
    UniformFanIn,
)

_UNIFORM = UniformFanIn()
_LEAKY = LeakyReLU(slope=0.2)
_NUM_PIXELS = 32 * 32
_ADAM = Adam(
    learning_rate=ConstantRate(value=2e-4),
    beta1=0.5,
    beta2=0.999,
    epsilon=1e-8,
    epsilon_placement="outside",
    bias_correction=True,
)


def _linear(name: str, in_features: int, out_features: int) -> Linear:
    return Linear(
        name=name, in_features=in_features, out_features=out_features, weight_init=_UNIFORM, bias_init=_UNIFORM
    )


def _embedding(joined: Literal["before", "after"]) -> ClassEmbedding:
    return ClassEmbedding(
        name="embedding",
        num_classes=10,
        num_features=10,
        joined=joined,
        weight_init=Normal(standard_deviation=1.0),
    )


def _norm(name: str, num_features: int) -> BatchNorm:
    # The published 0.8 is a Keras momentum that landed in torch's epsilon; it is kept because it is what ran.
    return BatchNorm(
        name=name,
        num_features=num_features,
        epsilon=0.8,
        momentum=0.1,
        running_variance="unbiased",
        statistics="batch",
    )


def _generator_layers() -> tuple[Layer, ...]:
    layers: list[Layer] = [_embedding("before"), _linear("linear1", 110, 128), _LEAKY]
    for index, width in enumerate((256, 512, 1024), start=2):
        layers += [_linear(f"linear{index}", width // 2, width), _norm(f"norm{index}", width), _LEAKY]
    return (*layers, _linear("linear5", 1024, _NUM_PIXELS), Tanh(), Reshape(shape=(1, 32, 32)))


def _discriminator_layers() -> tuple[Layer, ...]:
    layers: list[Layer] = [Reshape(shape=(_NUM_PIXELS,)), _embedding("after")]
    layers += [_linear("linear1", _NUM_PIXELS + 10, 512), _LEAKY]
    for index in (2, 3):
        layers += [_linear(f"linear{index}", 512, 512), Dropout(name=f"drop{index}", probability=0.4, unit="entry")]
        layers.append(_LEAKY)
    return (*layers, _linear("output", 512, 1))


SPEC = GanSpec(
    name="cgan",
    title="Conditional GAN on MNIST digits, the class embedded and joined to what each network sees",
    source="Linder-Norén, PyTorch-GAN, cgan; Mirza and Osindero 2014",
    batch_size=64,
    real=DigitsReal(size=32, num_channels=1, low=-1.0, high=1.0, num_images=None, reshuffle=True),
    latent=NormalLatent(shape=(100,), redraw="step"),
    generator=Network(input_shape=(100,), layers=_generator_layers()),
    discriminator=Network(input_shape=(1, 32, 32), layers=_discriminator_layers()),
    pretraining=None,
    training=Training(
        num_steps=7900,
        first="generator",
        fake_batch="reused",
        latent_draws="shared",
        detach_fake=True,
        discriminator_steps=EVERY_STEP,
        discriminator_loss=LeastSquaresDiscriminatorLoss(
            real_target=1.0, fake_target=0.0, factor=0.5, reduction="mean"
        ),
        generator_loss=LeastSquaresGeneratorLoss(target=1.0, factor=1.0, reduction="mean"),
        discriminator_optimizer=_ADAM,
        generator_optimizer=_ADAM,
        stop=None,
    ),
)
