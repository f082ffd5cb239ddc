"""Auxiliary classifier GAN on MNIST digits: G draws the digit that it is asked for, and D says which digit it sees.

The published program gives the cross entropy of the class what a softmax gave, which takes the softmax twice: kept
because it is what ran.
"""

from gan_rosetta.shared.spec import (
    EVERY_STEP,
    Adam,
    BatchNorm,
    BinaryCrossEntropyDiscriminatorLoss,
    BinaryCrossEntropyGeneratorLoss,
    Branch,
    Branches,
    ClassCrossEntropy,
    ClassEmbedding,
    ClassLoss,
    ConstantRate,
    Conv2d,
    DigitsReal,
    Dropout,
    GanSpec,
    Layer,
    LeakyReLU,
    Linear,
    Network,
    Normal,
    NormalLatent,
    Reshape,
    Sigmoid,
    Softmax,
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
        weight_init=Normal(standard_deviation=0.02),
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
        weight_init=Normal(standard_deviation=0.02, mean=1.0),
    )


def _discriminator_layers() -> tuple[Layer, ...]:
    layers: list[Layer] = []
    for index in range(1, len(_DOWN_CHANNELS)):
        channels = _DOWN_CHANNELS[index]
        layers += [_conv(f"conv{index}", _DOWN_CHANNELS[index - 1], channels, stride=2), _LEAKY]
        layers.append(Dropout(name=f"drop{index}", probability=0.25, unit="channel"))
        layers += [_norm(f"norm{index}", channels)] if index in (2, 3) else []
    heads = Branches(
        name="heads",
        join="concatenate",
        branches=(
            Branch(name="score", layers=(_linear("linear", 512, 1), Sigmoid())),
            Branch(
                name="class",
                layers=(_linear("linear", 512, 10), Softmax(axis=0), ClassCrossEntropy(num_classes=10)),
            ),
        ),
    )
    return (*layers, Reshape(shape=(512,)), heads)


_CLASS = Branch(
    name="class",
    layers=(
        ClassEmbedding(
            name="embedding",
            num_classes=10,
            num_features=100,
            joined="alone",
            weight_init=Normal(standard_deviation=1.0),
        ),
    ),
)

SPEC = GanSpec(
    name="acgan",
    title="Auxiliary classifier GAN on MNIST digits, whose D tells the class beside the score",
    source="Linder-Norén, PyTorch-GAN, acgan; Odena et al. 2017",
    batch_size=64,
    real=DigitsReal(size=32, num_channels=1, low=-1.0, high=1.0, num_images=None, reshuffle=True),
    latent=NormalLatent(shape=(100,), redraw="step"),
    generator=Network(
        input_shape=(100,),
        layers=(
            Branches(name="asked", join="multiply", branches=(_CLASS, Branch(name="noise"))),
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
        discriminator_loss=BinaryCrossEntropyDiscriminatorLoss(
            log_floor=-100.0, denominator_floor=1e-12, reduction="mean", real_label=1, factor=0.25
        ),
        generator_loss=BinaryCrossEntropyGeneratorLoss(
            log_floor=-100.0, denominator_floor=1e-12, reduction="mean", real_label=1, factor=0.5
        ),
        discriminator_optimizer=_ADAM,
        generator_optimizer=_ADAM,
        stop=None,
        class_loss=ClassLoss(on_real=0.25, on_fake=0.25, of_generator=0.5),
    ),
)
