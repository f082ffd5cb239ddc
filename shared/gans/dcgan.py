"""Deep convolutional GAN on 64 × 64 images of three channels, as PyTorch's own examples have it.

Published for folders of pictures (`--images`); digits where no others are given. The published program asks D a second
time about the batch that G made before D's update. Here G makes it again, the same to the last bit, so that the running
averages of its BatchNorms, which training does not read, move twice a step in place of once.
"""

from gan_rosetta.shared.spec import (
    EVERY_STEP,
    Adam,
    BatchNorm,
    BinaryCrossEntropyDiscriminatorLoss,
    BinaryCrossEntropyGeneratorLoss,
    ConstantRate,
    Conv2d,
    ConvTranspose2d,
    DigitsReal,
    GanSpec,
    Layer,
    LeakyReLU,
    Network,
    Normal,
    NormalLatent,
    ReLU,
    Reshape,
    Sigmoid,
    Tanh,
    Training,
)

_WEIGHTS = Normal(standard_deviation=0.02)
_UP_CHANNELS = (100, 512, 256, 128, 64, 3)
_DOWN_CHANNELS = (3, 64, 128, 256, 512, 1)
_ADAM = Adam(
    learning_rate=ConstantRate(value=2e-4),
    beta1=0.5,
    beta2=0.999,
    epsilon=1e-8,
    epsilon_placement="outside",
    bias_correction=True,
)


def _norm(name: str, num_features: int) -> BatchNorm:
    return BatchNorm(
        name=name,
        num_features=num_features,
        epsilon=1e-5,
        momentum=0.1,
        running_variance="unbiased",
        statistics="batch",
        weight_init=Normal(standard_deviation=0.02, mean=1.0),
    )


def _generator_layers() -> tuple[Layer, ...]:
    layers: list[Layer] = []
    for index in range(1, len(_UP_CHANNELS)):
        up = ConvTranspose2d(
            name=f"up{index}",
            in_channels=_UP_CHANNELS[index - 1],
            out_channels=_UP_CHANNELS[index],
            kernel_size=4,
            stride=1 if index == 1 else 2,
            padding=0 if index == 1 else 1,
            weight_init=_WEIGHTS,
            bias_init=None,
        )
        is_last = index == len(_UP_CHANNELS) - 1
        layers += [up, Tanh()] if is_last else [up, _norm(f"norm{index}", _UP_CHANNELS[index]), ReLU()]
    return tuple(layers)


def _discriminator_layers() -> tuple[Layer, ...]:
    layers: list[Layer] = []
    for index in range(1, len(_DOWN_CHANNELS)):
        is_last = index == len(_DOWN_CHANNELS) - 1
        down = Conv2d(
            name=f"down{index}",
            in_channels=_DOWN_CHANNELS[index - 1],
            out_channels=_DOWN_CHANNELS[index],
            kernel_size=4,
            stride=1 if is_last else 2,
            padding=0 if is_last else 1,
            weight_init=_WEIGHTS,
            bias_init=None,
        )
        layers.append(down)
        layers += [_norm(f"norm{index}", _DOWN_CHANNELS[index])] if index > 1 and not is_last else []
        layers += [] if is_last else [LeakyReLU(slope=0.2)]
    return (*layers, Reshape(shape=(1,)), Sigmoid())


SPEC = GanSpec(
    name="dcgan",
    title="Deep convolutional GAN of 64 × 64 images, on MNIST digits",
    source="PyTorch examples, dcgan; Radford, Metz and Chintala 2015",
    batch_size=64,
    real=DigitsReal(size=64, num_channels=3, low=-1.0, high=1.0, num_images=None, reshuffle=True),
    latent=NormalLatent(shape=(100, 1, 1), redraw="step"),
    generator=Network(input_shape=(100, 1, 1), layers=_generator_layers()),
    discriminator=Network(input_shape=(3, 64, 64), layers=_discriminator_layers()),
    pretraining=None,
    training=Training(
        num_steps=1975,
        first="discriminator",
        fake_batch="regenerated",
        latent_draws="shared",
        detach_fake=True,
        discriminator_steps=EVERY_STEP,
        discriminator_loss=BinaryCrossEntropyDiscriminatorLoss(
            log_floor=-100.0, denominator_floor=1e-12, reduction="mean", real_label=1
        ),
        generator_loss=BinaryCrossEntropyGeneratorLoss(
            log_floor=-100.0, denominator_floor=1e-12, reduction="mean", real_label=1
        ),
        discriminator_optimizer=_ADAM,
        generator_optimizer=_ADAM,
        stop=None,
    ),
)
