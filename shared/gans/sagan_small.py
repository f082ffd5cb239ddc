"""Self-attention GAN on MNIST digits, small: StudioGAN's SAGAN with fewer channels, given classes on both sides.

Its configuration is CIFAR10/SAGAN.yaml with g_conv_dim 8, d_conv_dim 16 and "N02" first values, without flips. Kept
because it is what ran: D's ReLUs work in place, so that the shortcut of every block but the first begins with its ReLU.
The program leaves G's running averages as they are in D's updates, which moves neither losses nor parameters; here
they move in each pass.
"""

from __future__ import annotations

from gan_rosetta.shared.spec import (
    EVERY_STEP,
    ZEROS,
    Adam,
    BatchNorm,
    Branch,
    Branches,
    ClassEmbedding,
    ConstantRate,
    Conv2d,
    DigitsReal,
    GanSpec,
    GlobalPool,
    HingeDiscriminatorLoss,
    Layer,
    Linear,
    Network,
    Normal,
    NormalLatent,
    Pool2d,
    ReLU,
    Reshape,
    SpectralNorm,
    StepPattern,
    Tanh,
    Training,
    Upsample,
    WassersteinGeneratorLoss,
    class_projection,
    conditional_batch_norm,
    self_attention,
)

_CHANNELS = 32
_DRAWN = Normal(standard_deviation=0.02)
_STEPS_OF_D = 5
_SPECTRAL = SpectralNorm(
    num_iterations=1, first="v", epsilon=1e-6, epsilon_placement="floor", sigma_gradient="followed"
)
# Of a class's row, which in the program is a Linear of the class by one-hot: its weight is the table's transpose.
_OF_ROWS = SpectralNorm(num_iterations=1, first="u", epsilon=1e-6, epsilon_placement="floor", sigma_gradient="followed")
_UP = Upsample(factor=2, mode="nearest")
_DOWN = Pool2d(kernel_size=2, stride=2, mode="average")
_ADAM = Adam(
    learning_rate=ConstantRate(value=2e-4),
    beta1=0.5,
    beta2=0.999,
    epsilon=1e-6,
    epsilon_placement="outside",
    bias_correction=True,
)


def _conv(name: str, in_channels: int, out_channels: int, *, kernel_size: int = 3) -> Conv2d:
    return Conv2d(
        name=name,
        in_channels=in_channels,
        out_channels=out_channels,
        kernel_size=kernel_size,
        stride=1,
        padding=kernel_size // 2,
        weight_init=_DRAWN,
        bias_init=ZEROS,
        spectral_norm=_SPECTRAL,
    )


def _linear(name: str, in_features: int, out_features: int) -> Linear:
    return Linear(
        name=name,
        in_features=in_features,
        out_features=out_features,
        weight_init=_DRAWN,
        bias_init=ZEROS,
        spectral_norm=_SPECTRAL,
    )


def _norm(name: str, *, affine: bool) -> BatchNorm:
    return BatchNorm(
        name=name,
        num_features=_CHANNELS,
        epsilon=1e-4,
        momentum=0.1,
        running_variance="unbiased",
        statistics="batch",
        affine=affine,
    )


def _class_norm(name: str) -> Branches:
    return conditional_batch_norm(
        _norm(name, affine=False),
        num_classes=10,
        gain="modulate",
        gain_init=_DRAWN,
        bias_init=_DRAWN,
        spectral_norm=_OF_ROWS,
    )


def _attention() -> Branches:
    return self_attention(
        "attention",
        channels=_CHANNELS,
        query_channels=_CHANNELS // 8,
        value_channels=_CHANNELS // 2,
        pool=Pool2d(kernel_size=2, stride=2, mode="maximum"),
        weight_init=_DRAWN,
        bias_init=None,
        gamma_init=ZEROS,
        spectral_norm=_SPECTRAL,
    )


def _block(name: str, main: tuple[Layer, ...], shortcut: tuple[Layer, ...]) -> Branches:
    branches = (Branch(name="main", layers=main), Branch(name="shortcut", layers=shortcut))
    return Branches(name=name, join="add", branches=branches)


def _up_block(name: str) -> Branches:
    convolutions = _conv("conv1", _CHANNELS, _CHANNELS), _conv("conv2", _CHANNELS, _CHANNELS)
    main = (_class_norm("norm1"), ReLU(), _UP, convolutions[0], _class_norm("norm2"), ReLU(), convolutions[1])
    return _block(name, main, (_UP, _conv("conv0", _CHANNELS, _CHANNELS, kernel_size=1)))


def _down_block(name: str, in_channels: int, *, shortcut: tuple[Layer, ...], pools: bool) -> Branches:
    main = (_conv("conv1", in_channels, _CHANNELS), ReLU(), _conv("conv2", _CHANNELS, _CHANNELS))
    return _block(name, (*main, _DOWN) if pools else main, shortcut)


_PROJECTED = class_projection(
    "output",
    ClassEmbedding(
        name="embedding",
        num_classes=10,
        num_features=_CHANNELS,
        joined="alone",
        weight_init=_DRAWN,
        spectral_norm=_SPECTRAL,
    ),
    _linear("linear", _CHANNELS, 1),
)

SPEC = GanSpec(
    name="sagan-small",
    title="Self-attention GAN on MNIST digits, of few channels, conditional on the class, hinge loss, spectral norm",
    source="POSTECH, PyTorch-StudioGAN, CIFAR10/SAGAN of fewer channels; Zhang et al. 2018",
    batch_size=64,
    real=DigitsReal(
        size=32, num_channels=3, low=-1.0, high=1.0, num_images=None, reshuffle=True, short_batch="dropped"
    ),
    latent=NormalLatent(shape=(128,), redraw="step"),
    generator=Network(
        input_shape=(128,),
        layers=(
            _linear("linear", 128, _CHANNELS * 16),
            Reshape(shape=(_CHANNELS, 4, 4)),
            _up_block("block1"),
            _up_block("block2"),
            _attention(),
            _up_block("block3"),
            _norm("norm", affine=True),
            ReLU(),
            _conv("output", _CHANNELS, 3),
            Tanh(),
        ),
    ),
    discriminator=Network(
        input_shape=(3, 32, 32),
        layers=(
            _down_block("block1", 3, shortcut=(_DOWN, _conv("conv0", 3, _CHANNELS, kernel_size=1)), pools=True),
            _attention(),
            ReLU(),
            _down_block(
                "block2",
                _CHANNELS,
                shortcut=(_conv("conv0", _CHANNELS, _CHANNELS, kernel_size=1), _DOWN),
                pools=True,
            ),
            ReLU(),
            _down_block("block3", _CHANNELS, shortcut=(), pools=False),
            ReLU(),
            _down_block("block4", _CHANNELS, shortcut=(), pools=False),
            ReLU(),
            GlobalPool(mode="sum"),
            _PROJECTED,
        ),
    ),
    pretraining=None,
    training=Training(
        num_steps=500_000,
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
        generator_steps=StepPattern(period=_STEPS_OF_D, offsets=(_STEPS_OF_D - 1,)),
    ),
)
