"""Spectrally normalised GAN on MNIST digits: five updates of D on each batch, then one of G, with the hinge loss."""

from gan_rosetta.shared.spec import (
    EVERY_STEP,
    Adam,
    BatchNorm,
    Conv2d,
    ConvTranspose2d,
    DigitsReal,
    ExponentialDecay,
    GanSpec,
    HingeDiscriminatorLoss,
    Layer,
    LeakyReLU,
    Linear,
    Network,
    NormalLatent,
    ReLU,
    Reshape,
    SpectralNorm,
    StepPattern,
    Tanh,
    Training,
    UniformFanIn,
    WassersteinGeneratorLoss,
)

_UNIFORM = UniformFanIn()
_UP_CHANNELS = (128, 512, 256, 128, 64)
# Of each convolution of D: output channels, kernel, stride.
_DOWN = ((64, 3, 1), (64, 4, 2), (128, 3, 1), (128, 4, 2), (256, 3, 1), (256, 4, 2), (512, 3, 1))
_SPECTRAL = SpectralNorm(
    num_iterations=1, first="v", epsilon=1e-12, epsilon_placement="outside", sigma_gradient="followed"
)
_STEPS_PER_BATCH = 5
_ADAM = Adam(
    learning_rate=ExponentialDecay(initial=2e-4, factor=0.99, every=1, staircase=True, counted="epochs"),
    beta1=0.0,
    beta2=0.9,
    epsilon=1e-8,
    epsilon_placement="outside",
    bias_correction=True,
)


def _up(name: str, in_channels: int, out_channels: int, *, kernel: int, stride: int, padding: int) -> ConvTranspose2d:
    return ConvTranspose2d(
        name=name,
        in_channels=in_channels,
        out_channels=out_channels,
        kernel_size=kernel,
        stride=stride,
        padding=padding,
        weight_init=_UNIFORM,
        bias_init=_UNIFORM,
    )


def _norm(name: str, num_features: int) -> BatchNorm:
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
    for index in range(1, len(_UP_CHANNELS)):
        before, channels = _UP_CHANNELS[index - 1 : index + 1]
        stride, padding = (1, 0) if index == 1 else (2, 1)
        layers.append(_up(f"up{index}", before, channels, kernel=4, stride=stride, padding=padding))
        layers += [_norm(f"norm{index}", channels), ReLU()]
    return (*layers, _up("up5", _UP_CHANNELS[-1], 3, kernel=3, stride=1, padding=1), Tanh())


def _discriminator_layers() -> tuple[Layer, ...]:
    layers: list[Layer] = []
    before = 3
    for index, (channels, kernel, stride) in enumerate(_DOWN, start=1):
        conv = Conv2d(
            name=f"conv{index}",
            in_channels=before,
            out_channels=channels,
            kernel_size=kernel,
            stride=stride,
            padding=1,
            weight_init=_UNIFORM,
            bias_init=_UNIFORM,
            spectral_norm=_SPECTRAL,
        )
        layers += [conv, LeakyReLU(slope=0.1)]
        before = channels
    output = Linear(
        name="output",
        in_features=8192,
        out_features=1,
        weight_init=_UNIFORM,
        bias_init=_UNIFORM,
        spectral_norm=_SPECTRAL,
    )
    return (*layers, Reshape(shape=(8192,)), output)


SPEC = GanSpec(
    name="sngan",
    title="Spectrally normalised GAN on MNIST digits, hinge loss, five updates of D for one of G",
    source="Cosgrove, pytorch-spectral-normalization-gan; Miyato et al. 2018",
    batch_size=64,
    real=DigitsReal(
        size=32, num_channels=3, low=-1.0, high=1.0, num_images=None, reshuffle=True, short_batch="dropped"
    ),
    latent=NormalLatent(shape=(128, 1, 1), redraw="step"),
    generator=Network(input_shape=(128, 1, 1), layers=_generator_layers()),
    discriminator=Network(input_shape=(3, 32, 32), layers=_discriminator_layers()),
    pretraining=None,
    training=Training(
        num_steps=39000,
        first="discriminator",
        fake_batch="regenerated",
        latent_draws="separate",
        detach_fake=True,
        discriminator_steps=EVERY_STEP,
        discriminator_loss=HingeDiscriminatorLoss(reduction="mean", real_label=1),
        generator_loss=WassersteinGeneratorLoss(reduction="mean", real_label=1),
        discriminator_optimizer=_ADAM,
        generator_optimizer=_ADAM,
        stop=None,
        generator_steps=StepPattern(period=_STEPS_PER_BATCH, offsets=(_STEPS_PER_BATCH - 1,)),
        steps_per_batch=_STEPS_PER_BATCH,
    ),
)
