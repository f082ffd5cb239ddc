"""Deep convolutional GAN on 900 MNIST digits, three channels of 32 × 32, with Adadelta."""

from gan_rosetta.shared.spec import (
    Adadelta,
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
    NormalLatent,
    ReLU,
    Reshape,
    Sigmoid,
    StepPattern,
    Training,
    UniformFanIn,
)

_UNIFORM = UniformFanIn()
_UP_CHANNELS = (100, 768, 384, 192, 96, 48, 24, 12, 6, 3)
_UP_KERNELS_STRIDES = ((3, 1), (3, 1), (3, 2), (2, 2), (3, 1), (3, 1), (3, 1), (3, 1), (3, 1))
_DOWN_CHANNELS = (3, 6, 12, 24, 48, 96, 192, 384, 768)
_DOWN_KERNELS_STRIDES = ((3, 1), (4, 1), (3, 1), (4, 1), (3, 1), (4, 1), (3, 2), (4, 1))
_FIRST_DOWN_WITH_BIAS = 5
_ADADELTA = Adadelta(learning_rate=ConstantRate(value=0.001), rho=0.9, epsilon=1e-6)


def _batch_norm(name: str, num_features: int) -> BatchNorm:
    return BatchNorm(
        name=name,
        num_features=num_features,
        epsilon=1e-5,
        momentum=0.1,
        running_variance="unbiased",
        statistics="batch",
    )


def _generator_layers() -> tuple[Layer, ...]:
    layers: list[Layer] = []
    for index, (kernel_size, stride) in enumerate(_UP_KERNELS_STRIDES, start=1):
        up = ConvTranspose2d(
            name=f"up{index}",
            in_channels=_UP_CHANNELS[index - 1],
            out_channels=_UP_CHANNELS[index],
            kernel_size=kernel_size,
            stride=stride,
            padding=0,
            weight_init=_UNIFORM,
            bias_init=None,
        )
        last = index == len(_UP_KERNELS_STRIDES)
        layers += [up, _batch_norm(f"norm{index}", _UP_CHANNELS[index]), Sigmoid() if last else ReLU()]
    return tuple(layers)


def _discriminator_layers() -> tuple[Layer, ...]:
    layers: list[Layer] = []
    for index, (kernel_size, stride) in enumerate(_DOWN_KERNELS_STRIDES, start=1):
        down = Conv2d(
            name=f"down{index}",
            in_channels=_DOWN_CHANNELS[index - 1],
            out_channels=_DOWN_CHANNELS[index],
            kernel_size=kernel_size,
            stride=stride,
            padding=0,
            weight_init=_UNIFORM,
            bias_init=_UNIFORM if index >= _FIRST_DOWN_WITH_BIAS else None,
        )
        layers += [down, _batch_norm(f"norm{index}", _DOWN_CHANNELS[index]), LeakyReLU(slope=0.2)]
    output = Conv2d(
        name="output",
        in_channels=768,
        out_channels=1,
        kernel_size=5,
        stride=1,
        padding=0,
        weight_init=_UNIFORM,
        bias_init=_UNIFORM,
    )
    return (*layers, output, Reshape(shape=(1,)), Sigmoid())


SPEC = GanSpec(
    name="mnist-conv",
    title="Deep convolutional GAN on MNIST digits",
    source="Radford, Metz and Chintala 2015, in a published tutorial's form",
    batch_size=100,
    real=DigitsReal(size=32, num_channels=3, low=0.0, high=1.0, num_images=900, reshuffle=False),
    latent=NormalLatent(shape=(100, 1, 1), redraw="never"),
    generator=Network(input_shape=(100, 1, 1), layers=_generator_layers()),
    discriminator=Network(input_shape=(3, 32, 32), layers=_discriminator_layers()),
    pretraining=None,
    training=Training(
        num_steps=1800,
        first="discriminator",
        fake_batch="regenerated",
        latent_draws="separate",
        detach_fake=True,
        discriminator_steps=StepPattern(period=9, offsets=(0, 5)),
        discriminator_loss=BinaryCrossEntropyDiscriminatorLoss(
            log_floor=-100.0, denominator_floor=1e-12, reduction="mean", real_label=1
        ),
        generator_loss=BinaryCrossEntropyGeneratorLoss(
            log_floor=-100.0, denominator_floor=1e-12, reduction="mean", real_label=1
        ),
        discriminator_optimizer=_ADADELTA,
        generator_optimizer=_ADADELTA,
        stop=None,
    ),
)
