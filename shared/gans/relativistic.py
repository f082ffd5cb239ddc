"""Relativistic GAN on MNIST digits, with G's loss as the published program trains by it.

That program computes a relativistic loss of G and then puts the cross entropy of D's logits in its place, which is kept
because it is what ran. Before, it gives D both batches once more and leaves what D says unread; that moves D's running
averages alone, which nothing here reads, and is left out.
"""

from gan_rosetta.shared.spec import (
    EVERY_STEP,
    Adam,
    BatchNorm,
    ConstantRate,
    Conv2d,
    DigitsReal,
    Dropout,
    GanSpec,
    Layer,
    LeakyReLU,
    Linear,
    LogisticGeneratorLoss,
    Network,
    NormalLatent,
    RelativisticDiscriminatorLoss,
    Reshape,
    Tanh,
    Training,
    UniformFanIn,
    Upsample,
)

_UNIFORM = UniformFanIn()
_LEAKY = LeakyReLU(slope=0.2)
_DOWN_CHANNELS = (1, 16, 32, 64, 128)
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


def _conv(name: str, in_channels: int, out_channels: int, *, stride: int) -> Conv2d:
    return Conv2d(
        name=name,
        in_channels=in_channels,
        out_channels=out_channels,
        kernel_size=3,
        stride=stride,
        padding=1,
        weight_init=_UNIFORM,
        bias_init=_UNIFORM,
    )


def _norm(name: str, num_features: int, *, epsilon: float = 0.8) -> BatchNorm:
    # The published 0.8 is a Keras momentum that landed in torch's epsilon; it is kept because it is what ran.
    return BatchNorm(
        name=name,
        num_features=num_features,
        epsilon=epsilon,
        momentum=0.1,
        running_variance="unbiased",
        statistics="batch",
    )


def _discriminator_layers() -> tuple[Layer, ...]:
    layers: list[Layer] = []
    for index in range(1, len(_DOWN_CHANNELS)):
        channels = _DOWN_CHANNELS[index]
        layers += [_conv(f"conv{index}", _DOWN_CHANNELS[index - 1], channels, stride=2), _LEAKY]
        layers.append(Dropout(name=f"drop{index}", probability=0.25, unit="channel"))
        layers += [_norm(f"norm{index}", channels)] if index > 1 else []
    return (*layers, Reshape(shape=(512,)), _linear("output", 512, 1))


SPEC = GanSpec(
    name="relativistic",
    title="Relativistic GAN on MNIST digits, whose G is trained by plain cross entropy",
    source="Linder-Norén, PyTorch-GAN, relativistic_gan; Jolicoeur-Martineau 2018",
    batch_size=64,
    real=DigitsReal(size=32, num_channels=1, low=-1.0, high=1.0, num_images=None, reshuffle=True),
    latent=NormalLatent(shape=(100,), redraw="step"),
    generator=Network(
        input_shape=(100,),
        layers=(
            _linear("linear", 100, 8192),
            Reshape(shape=(128, 8, 8)),
            _norm("norm0", 128, epsilon=1e-5),
            Upsample(factor=2, mode="nearest"),
            _conv("conv1", 128, 128, stride=1),
            _norm("norm1", 128),
            _LEAKY,
            Upsample(factor=2, mode="nearest"),
            _conv("conv2", 128, 64, stride=1),
            _norm("norm2", 64),
            _LEAKY,
            _conv("conv3", 64, 1, stride=1),
            Tanh(),
        ),
    ),
    discriminator=Network(input_shape=(1, 32, 32), layers=_discriminator_layers()),
    pretraining=None,
    training=Training(
        num_steps=7900,
        first="generator",
        fake_batch="reused",
        latent_draws="shared",
        detach_fake=True,
        discriminator_steps=EVERY_STEP,
        discriminator_loss=RelativisticDiscriminatorLoss(average=False, factor=0.5, reduction="mean"),
        generator_loss=LogisticGeneratorLoss(target=1.0, factor=1.0, reduction="mean"),
        discriminator_optimizer=_ADAM,
        generator_optimizer=_ADAM,
        stop=None,
    ),
)
