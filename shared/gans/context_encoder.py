"""A context encoder on MNIST digits: G fills a hole in an image, held to what was there; D gives a score a patch.

After PyTorch-GAN's program, in grey (its --channels 1) and with its smallest images and holes (--img_size 32,
--mask_size 16). Its bottleneck of 4000 channels, three quarters of all parameters, has 400 here.
"""

from gan_rosetta.shared.gans.upsampled_digits import ADAM, DRAWN, DRAWN_GAIN, LEAKY, conv, norm
from gan_rosetta.shared.spec import (
    EVERY_STEP,
    Conv2d,
    ConvTranspose2d,
    DigitsReal,
    DistanceLoss,
    GanSpec,
    GroupNorm,
    HoledLatent,
    Layer,
    LeastSquaresDiscriminatorLoss,
    LeastSquaresGeneratorLoss,
    Network,
    ReLU,
    Tanh,
    Training,
    UniformFanIn,
)

_IMAGE, _HOLE, _BOTTLENECK = 32, 16, 400


def _down(number: int, in_channels: int, out_channels: int, *, normed: bool = True) -> tuple[Layer, ...]:
    """Return G's convolution to images half as wide, a norm behind it, and a LeakyReLU."""
    layer = Conv2d(
        name=f"down{number}",
        in_channels=in_channels,
        out_channels=out_channels,
        kernel_size=4,
        stride=2,
        padding=1,
        weight_init=DRAWN,
        bias_init=UniformFanIn(),
    )
    normal = (norm(f"norm{number}", out_channels, weight_init=DRAWN_GAIN),) if normed else ()
    return (layer, *normal, LEAKY)


def _up(number: int, in_channels: int, out_channels: int) -> tuple[Layer, ...]:
    """Return G's transposed convolution to images twice as wide, a norm behind it, and a ReLU."""
    layer = ConvTranspose2d(
        name=f"up{number}",
        in_channels=in_channels,
        out_channels=out_channels,
        kernel_size=4,
        stride=2,
        padding=1,
        weight_init=DRAWN,
        bias_init=UniformFanIn(),
    )
    return (layer, norm(f"norm{number}", out_channels, weight_init=DRAWN_GAIN), ReLU())


def _judged(number: int, in_channels: int, out_channels: int, *, stride: int) -> tuple[Layer, ...]:
    """Return D's convolution, an instance norm behind it, and a LeakyReLU."""
    normal = GroupNorm(
        name=f"norm{number}", num_features=out_channels, num_groups=out_channels, epsilon=1e-5, affine=False
    )
    return (conv(f"conv{number}", in_channels, out_channels, stride=stride, weight_init=DRAWN), normal, LEAKY)


SPEC = GanSpec(
    name="context-encoder",
    title="Context encoder on MNIST digits: a G that fills a hole in an image, and a score for each patch",
    source="Linder-Norén, PyTorch-GAN, context_encoder; Pathak et al. 2016",
    batch_size=8,
    real=DigitsReal(size=_IMAGE, num_channels=1, low=-1.0, high=1.0, num_images=None, reshuffle=True, part=_HOLE),
    latent=HoledLatent(num_channels=1, size=_IMAGE, hole=_HOLE, fill=1.0),
    generator=Network(
        input_shape=(1, _IMAGE, _IMAGE),
        layers=(
            *_down(1, 1, 64, normed=False),
            *_down(2, 64, 64),
            *_down(3, 64, 128),
            *_down(4, 128, 256),
            *_down(5, 256, 512),
            Conv2d(
                name="bottleneck",
                in_channels=512,
                out_channels=_BOTTLENECK,
                kernel_size=1,
                stride=1,
                padding=0,
                weight_init=DRAWN,
                bias_init=UniformFanIn(),
            ),
            *_up(6, _BOTTLENECK, 512),
            *_up(7, 512, 256),
            *_up(8, 256, 128),
            *_up(9, 128, 64),
            conv("output", 64, 1, weight_init=DRAWN),
            Tanh(),
        ),
    ),
    discriminator=Network(
        input_shape=(1, _HOLE, _HOLE),
        layers=(
            conv("conv1", 1, 64, stride=2, weight_init=DRAWN),
            LEAKY,
            *_judged(2, 64, 128, stride=2),
            *_judged(3, 128, 256, stride=2),
            *_judged(4, 256, 512, stride=1),
            conv("output", 512, 1, weight_init=DRAWN),
        ),
    ),
    pretraining=None,
    training=Training(
        # 200 passes over the 5000 digits.
        num_steps=125000,
        first="generator",
        fake_batch="reused",
        latent_draws="shared",
        detach_fake=True,
        discriminator_steps=EVERY_STEP,
        discriminator_loss=LeastSquaresDiscriminatorLoss(
            real_target=1.0, fake_target=0.0, factor=0.5, reduction="mean"
        ),
        generator_loss=LeastSquaresGeneratorLoss(target=1.0, factor=0.001, reduction="mean"),
        distance_loss=DistanceLoss(by="absolute", weight=0.999),
        discriminator_optimizer=ADAM,
        generator_optimizer=ADAM,
        stop=None,
    ),
)
