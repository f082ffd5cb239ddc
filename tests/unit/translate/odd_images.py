"""GANs on images with every form that a dialect writes in its own way, in sizes that a test can afford."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gan_rosetta.shared.conformance.small import small_gan
from gan_rosetta.shared.gans import MADE_UP
from gan_rosetta.shared.spec import (
    BatchNorm,
    Branch,
    Branches,
    Conv2d,
    ConvTranspose2d,
    Dropout,
    ExponentialDecay,
    GanSpec,
    GlobalPool,
    GlorotUniform,
    GradientDescent,
    GroupNorm,
    HingeDiscriminatorLoss,
    Layer,
    LeakyReLU,
    Linear,
    MovingAverage,
    Network,
    NormalLatent,
    PixelShuffle,
    Pool2d,
    RelativisticDiscriminatorLoss,
    RelativisticGeneratorLoss,
    ReLU,
    Reshape,
    SpectralNorm,
    StepPattern,
    Tanh,
    Uniform,
    UniformFanIn,
    Upsample,
    WassersteinGeneratorLoss,
    WeightClipping,
)
from tests.unit.translate.odd_optimizers import rmsprop


def odd_norms() -> GanSpec:
    """A relativistic G, all forms of BatchNorm, bilinear upsampling, turns within epochs, clipped weights."""
    spec = small_gan("lsgan")

    def norm(name: str, num_features: int, variance: str, statistics: str) -> BatchNorm:
        return BatchNorm(
            name=name,
            num_features=num_features,
            epsilon=1e-3,
            momentum=0.2,
            running_variance=variance,
            statistics=statistics,
        )

    def window(kind: type, name: str, channels: tuple[int, int], size: int, stride: int) -> Layer:
        return kind(
            name=name,
            in_channels=channels[0],
            out_channels=channels[1],
            kernel_size=size,
            stride=stride,
            padding=1,
            weight_init=UniformFanIn(),
            bias_init=Uniform(bound=0.05),
        )

    def linear(name: str, in_features: int, out_features: int) -> Linear:
        return Linear(
            name=name,
            in_features=in_features,
            out_features=out_features,
            weight_init=GlorotUniform(),
            bias_init=Uniform(bound=0.05),
        )

    generator = (
        linear("linear", 8, 32),
        norm("norm1", 32, "unbiased", "running"),
        Reshape(shape=(8, 2, 2)),
        Upsample(factor=2, mode="bilinear"),
        window(Conv2d, "conv", (8, 3), 3, 1),
        norm("norm2", 3, "biased", "batch"),
        LeakyReLU(slope=0.2),
        replace(window(ConvTranspose2d, "up", (3, 1), 4, 2), padding=0, sides=(2, 3, 3, 2), dilation=2),
        Tanh(),
    )
    discriminator = (
        window(Conv2d, "down", (1, 3), 3, 2),
        LeakyReLU(slope=0.2),
        Dropout(name="drop", probability=0.25, unit="channel"),
        norm("norm", 3, "biased", "running"),
        Reshape(shape=(48,)),
        linear("output", 48, 1),
    )
    training = replace(
        spec.training,
        fake_batch="regenerated",
        latent_draws="separate",
        generator_steps=StepPattern(period=2, offsets=(0,), counted="epoch"),
        discriminator_loss=RelativisticDiscriminatorLoss(average=False, factor=0.5, reduction="mean"),
        generator_loss=RelativisticGeneratorLoss(average=False, terms="fake", factor=2.0, reduction="mean"),
        discriminator_optimizer=rmsprop(placement="outside", centered=False, momentum=0.5, of="step"),
        generator_optimizer=rmsprop(placement="inside", centered=True, momentum=0.0, of="direction"),
        weight_clipping=WeightClipping(bound=0.5),
        generator_average=MovingAverage(decay=0.5, start=1, warm_up="counted", buffers="copied"),
    )
    return replace(
        spec,
        name="odd-norms",
        real=replace(spec.real, size=8),
        latent=NormalLatent(shape=(8,), redraw="step"),
        generator=Network(input_shape=(8,), layers=generator),
        discriminator=Network(input_shape=(1, 8, 8), layers=discriminator),
        training=training,
    )


def odd_spectra() -> GanSpec:
    """Spectral norms in all forms, in both networks; two steps a batch and an epoch; rates that decay by epochs."""
    spec = small_gan("lsgan")
    common = {"weight_init": UniformFanIn(), "bias_init": Uniform(bound=0.05)}
    paper = SpectralNorm(
        num_iterations=1, first="v", epsilon=1e-3, epsilon_placement="outside", sigma_gradient="followed"
    )
    flax = SpectralNorm(
        num_iterations=2, first="u", epsilon=1e-2, epsilon_placement="inside", sigma_gradient="constant"
    )
    torch = replace(paper, epsilon_placement="floor", first="u")

    def window(kind: type, name: str, channels: tuple[int, int], norm: SpectralNorm) -> Layer:
        sizes = {"in_channels": channels[0], "out_channels": channels[1], "kernel_size": 4, "stride": 2, "padding": 1}
        return kind(name=name, **sizes, **common, spectral_norm=norm)

    def linear(name: str, in_features: int, out_features: int, norm: SpectralNorm) -> Linear:
        return Linear(name=name, in_features=in_features, out_features=out_features, **common, spectral_norm=norm)

    generator = (
        linear("linear", 8, 32, torch),
        Reshape(shape=(2, 4, 4)),
        LeakyReLU(slope=0.2),
        window(ConvTranspose2d, "up", (2, 1), flax),
        Tanh(),
    )
    discriminator = (
        window(Conv2d, "down", (1, 3), paper),
        LeakyReLU(slope=0.2),
        Reshape(shape=(48,)),
        linear("output", 48, 1, flax),
    )
    by_epoch = ExponentialDecay(initial=0.05, factor=0.5, every=2, staircase=False, counted="epochs")
    training = replace(
        spec.training,
        fake_batch="regenerated",
        latent_draws="separate",
        first="discriminator",
        generator_steps=StepPattern(period=2, offsets=(1,), counted="epoch"),
        steps_per_batch=2,
        discriminator_loss=HingeDiscriminatorLoss(reduction="sum", real_label=0),
        generator_loss=WassersteinGeneratorLoss(reduction="sum", real_label=0),
        discriminator_optimizer=GradientDescent(learning_rate=by_epoch),
        generator_optimizer=replace(
            rmsprop(placement="inside", centered=False, momentum=0.5, of="step"),
            learning_rate=replace(by_epoch, every=1, staircase=True),
        ),
    )
    return replace(
        spec,
        name="odd-spectra",
        batch_size=4,
        real=replace(spec.real, size=8, num_images=5, short_batch="dropped"),
        latent=NormalLatent(shape=(8,), redraw="step"),
        generator=Network(input_shape=(8,), layers=generator),
        discriminator=Network(input_shape=(1, 8, 8), layers=discriminator),
        training=training,
    )


def branched_images() -> GanSpec:
    """grouped-digits with batch norms, a spectral norm, upsampling, pools and dropout inside of branches."""
    spec = MADE_UP["grouped-digits"]

    def conv(name: str, inputs: int, outputs: int, kernel: int = 3, norm: SpectralNorm | None = None) -> Conv2d:
        start = UniformFanIn()
        return Conv2d(
            name=name,
            in_channels=inputs,
            out_channels=outputs,
            kernel_size=kernel,
            stride=1,
            padding=kernel // 2,
            weight_init=start,
            bias_init=start,
            spectral_norm=norm,
        )

    norm = BatchNorm(
        name="norm", num_features=4, epsilon=1e-5, momentum=0.1, running_variance="unbiased", statistics="batch"
    )
    spectral = SpectralNorm(
        num_iterations=1, first="v", epsilon=1e-12, epsilon_placement="outside", sigma_gradient="followed"
    )
    up, pool = Upsample(factor=2, mode="nearest"), Pool2d(kernel_size=2, stride=2, mode="average")
    first = Linear(name="first", in_features=5, out_features=64, weight_init=UniformFanIn(), bias_init=None)
    generator = (
        first,
        Reshape(shape=(4, 4, 4)),
        Branches(
            name="block1",
            join="add",
            branches=(
                Branch(name="main", layers=(norm, ReLU(), up, conv("conv1", 4, 6), ReLU(), conv("conv2", 6, 4))),
                Branch(name="shortcut", layers=(up, conv("conv", 4, 4, 1))),
            ),
        ),
        ReLU(),
        conv("output", 4, 1),
    )
    discriminator = (
        Branches(
            name="block1",
            join="add",
            branches=(
                Branch(name="main", layers=(conv("conv1", 1, 4, 3, spectral), ReLU(), conv("conv2", 4, 4), pool)),
                Branch(name="shortcut", layers=(pool, conv("conv", 1, 4, 1, spectral))),
            ),
        ),
        Branches(
            name="block2",
            join="concatenate",
            branches=(
                Branch(
                    name="main",
                    layers=(ReLU(), conv("conv1", 4, 3), Dropout(name="drop", probability=0.3, unit="channel")),
                ),
                Branch(name="shortcut"),
            ),
        ),
        Reshape(shape=(112,)),
        Linear(name="output", in_features=112, out_features=1, weight_init=UniformFanIn(), bias_init=None),
    )
    return replace(
        spec,
        name="branched-images",
        generator=replace(spec.generator, layers=generator),
        discriminator=replace(spec.discriminator, layers=discriminator),
        training=replace(MADE_UP["pooled-digits"].training, class_loss=None, second_class_loss=None),
    )


def penalised_images() -> GanSpec:
    """grouped-digits, in whose D a gradient penalty goes through every layer of images that it may go through."""
    spec = MADE_UP["grouped-digits"]

    def conv(kind: Any = Conv2d, **fields: Any) -> Any:
        plain = {"in_channels": 4, "out_channels": 4, "kernel_size": 3, "stride": 1, "padding": 1}
        return kind(weight_init=UniformFanIn(), bias_init=UniformFanIn(), **(plain | fields))

    sides = {"sides": (1, 0, 0, 2), "padding": 0}
    pools = tuple(
        Branch(name=mode, layers=(GlobalPool(mode=mode),))
        for mode in ("average", "sum", "maximum")  # type: ignore[arg-type]
    )
    discriminator = (
        conv(name="conv1", in_channels=1, stride=2, kernel_width=2, dilation=2, **sides),
        LeakyReLU(slope=0.2),
        Upsample(factor=2, mode="nearest"),
        conv(ConvTranspose2d, name="up1", stride=2, dilation=2, output_padding=1, groups=2, **sides),
        Pool2d(kernel_size=3, stride=2, mode="maximum"),
        conv(name="conv2", out_channels=8, stride=2, groups=2, kernel_width=1, padding=0, sides=(1, 1, 0, 0)),
        GroupNorm(name="norm1", num_features=8, num_groups=2, epsilon=1e-3, affine=True),
        Dropout(name="drop1", probability=0.25, unit="channel"),
        PixelShuffle(factor=2, order="channel"),
        BatchNorm(
            name="norm2",
            num_features=2,
            epsilon=0.1,
            momentum=0.1,
            running_variance="unbiased",
            statistics="batch",
            affine=False,
        ),
        Upsample(factor=2, mode="bilinear"),
        Pool2d(kernel_size=2, stride=1, mode="average"),
        conv(ConvTranspose2d, name="up2", in_channels=2, out_channels=8),
        PixelShuffle(factor=2, order="pixel"),
        Tanh(),
        Branches(name="pools", join="concatenate", branches=pools),
        Linear(name="output", in_features=6, out_features=1, weight_init=UniformFanIn(), bias_init=None),
    )
    return replace(
        spec,
        name="penalised-images",
        generator=MADE_UP["pooled-digits"].generator,
        discriminator=replace(spec.discriminator, layers=discriminator),
    )
