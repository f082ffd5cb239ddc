"""GANs of no published program on small digits: layers, norms, heads and starts that no other has."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from gan_rosetta.shared.gans.made_up.parts import SOURCE, adam, linear
from gan_rosetta.shared.spec import (
    EVERY_STEP,
    Augment,
    BatchNorm,
    Branch,
    Branches,
    ClassContrast,
    ClassCrossEntropy,
    ClassEmbedding,
    ClassLoss,
    Conv2d,
    ConvTranspose2d,
    DigitsReal,
    DistanceLoss,
    GanSpec,
    GlobalPool,
    GradientPenalty,
    GroupNorm,
    HoledLatent,
    Layer,
    LeakyReLU,
    LeastSquaresDiscriminatorLoss,
    LeastSquaresGeneratorLoss,
    MarginDiscriminatorLoss,
    Network,
    Normal,
    NormalLatent,
    PixelShuffle,
    Pool2d,
    PReLU,
    PullAway,
    Recall,
    ReLU,
    Reshape,
    Softmax,
    SoftmaxDiscriminatorLoss,
    SoftmaxGeneratorLoss,
    SpectralNorm,
    Tanh,
    Training,
    UniformFanIn,
    Upsample,
    WassersteinDiscriminatorLoss,
    WassersteinGeneratorLoss,
    class_projection,
    conditional_batch_norm,
    recalled_batch_norm,
    same_sides,
    self_attention,
)


def _conv(name: str, in_channels: int, out_channels: int, *, kernel_size: int = 3) -> Conv2d:
    return Conv2d(
        name=name,
        in_channels=in_channels,
        out_channels=out_channels,
        kernel_size=kernel_size,
        stride=1,
        padding=kernel_size // 2,
        weight_init=UniformFanIn(),
        bias_init=UniformFanIn(),
    )


_SPECTRAL = SpectralNorm(
    num_iterations=1, first="v", epsilon=1e-12, epsilon_placement="floor", sigma_gradient="followed"
)
_CONDITIONAL = BatchNorm(
    name="norm2",
    num_features=16,
    epsilon=1e-4,
    momentum=0.1,
    running_variance="unbiased",
    statistics="batch",
    affine=False,
)

_PROJECTED = class_projection(
    "s",
    ClassEmbedding(
        name="rows",
        num_classes=10,
        num_features=4,
        joined="alone",
        weight_init=Normal(standard_deviation=0.5),
        spectral_norm=_SPECTRAL,
    ),
    linear("linear", 4, 1),
)

# Of each class two logits, one of its real samples and one of its fakes.
_AS_REAL_OR_FAKE = Branches(
    name="as",
    join="concatenate",
    branches=tuple(
        Branch(name=name, layers=(ClassCrossEntropy(num_classes=10, num_logits=20, stride=2, offset=offset),))
        for offset, name in enumerate(("real", "fake"))
    ),
)

_DIGITS = DigitsReal(size=8, num_channels=1, low=-1.0, high=1.0, num_images=64, reshuffle=True)

POOLED_SPEC = GanSpec(
    name="pooled-digits",
    title="Pixel shuffles, pools and attention on small digits, projected on their classes, which D tells too",
    source=SOURCE,
    batch_size=4,
    real=_DIGITS,
    latent=NormalLatent(shape=(5,), redraw="step"),
    generator=Network(
        input_shape=(5,),
        layers=(
            linear("linear1", 5, 32),
            Reshape(shape=(8, 2, 2)),
            PixelShuffle(factor=2, order="channel"),
            _conv("conv1", 2, 8),
            conditional_batch_norm(
                replace(_CONDITIONAL, name="norm1", num_features=8, running_variance="biased"),
                num_classes=10,
                gain="affine",
                gain_init=Normal(standard_deviation=0.02, mean=1.0),
                bias_init=Normal(standard_deviation=0.2),
            ),
            Softmax(axis=0),
            GlobalPool(mode="maximum"),
            linear("linear2", 8, 64),
            ReLU(),
            Reshape(shape=(4, 4, 4)),
            PixelShuffle(factor=2, order="pixel"),
            Tanh(),
        ),
    ),
    discriminator=Network(
        input_shape=(1, 8, 8),
        layers=(
            _conv("conv1", 1, 4),
            ReLU(),
            Pool2d(kernel_size=3, stride=2, mode="maximum"),
            self_attention(
                "attention",
                channels=4,
                query_channels=3,
                value_channels=2,
                pool=Pool2d(kernel_size=2, stride=1, mode="maximum"),
                weight_init=Normal(standard_deviation=0.7),
                bias_init=None,
                gamma_init=Normal(standard_deviation=0.3, mean=0.5),
                spectral_norm=_SPECTRAL,
            ),
            _conv("conv2", 4, 6),
            LeakyReLU(slope=0.2),
            Pool2d(kernel_size=2, stride=1, mode="average"),
            _conv("conv3", 6, 4),
            GlobalPool(mode="average"),
            Branches(
                name="h",
                join="concatenate",
                branches=(
                    Branch(name="score", layers=(_PROJECTED,)),
                    Branch(name="class", layers=(linear("linear", 4, 20), _AS_REAL_OR_FAKE)),
                ),
            ),
        ),
    ),
    pretraining=None,
    training=Training(
        num_steps=200,
        first="generator",
        fake_batch="reused",
        latent_draws="shared",
        detach_fake=True,
        discriminator_steps=EVERY_STEP,
        discriminator_loss=LeastSquaresDiscriminatorLoss(
            real_target=1.0, fake_target=0.0, factor=0.5, reduction="mean"
        ),
        generator_loss=LeastSquaresGeneratorLoss(target=1.0, factor=1.0, reduction="mean"),
        discriminator_optimizer=adam(0.002),
        generator_optimizer=adam(0.002),
        stop=None,
        class_loss=ClassLoss(on_real=0.5, on_fake=0.0, of_generator=0.75),
        second_class_loss=ClassLoss(on_real=0.0, on_fake=0.25, of_generator=-0.5),
    ),
)


def _norm(name: str, num_features: int, num_groups: int, *, affine: bool = True) -> GroupNorm:
    return GroupNorm(name=name, num_features=num_features, num_groups=num_groups, epsilon=1e-5, affine=affine)


def _slopes(num_parameters: int) -> PReLU:
    start = Normal(standard_deviation=0.1, mean=0.25)
    return PReLU(name="slopes", num_parameters=num_parameters, weight_init=start)


# TensorFlow's and JAX's "SAME" at stride 2.
_SAME = same_sides((4, 4), kernel=(3, 3), stride=2, dilation=2)

GROUPED_SPEC = replace(
    POOLED_SPEC,
    name="grouped-digits",
    title="Norms of every kind on small digits, a class and noise shared among layers, and R1 through convolutions",
    generator=Network(
        input_shape=(5,),
        layers=(
            ClassEmbedding(
                name="shared",
                num_classes=10,
                num_features=3,
                joined="after",
                weight_init=Normal(standard_deviation=0.5),
            ),
            Recall(of="shared", parts=((0, 3),)),
            linear("linear", 3, 64),
            _norm("norm1", 64, 1),
            ReLU(),
            Reshape(shape=(16, 2, 2)),
            recalled_batch_norm(
                _CONDITIONAL,
                Recall(of="shared", parts=((5, 8), (3, 5))),
                weight_init=Normal(standard_deviation=0.3),
            ),
            Branches(
                name="block1",
                join="add",
                branches=(
                    Branch(
                        name="main",
                        layers=(
                            ConvTranspose2d(
                                name="up1",
                                in_channels=16,
                                out_channels=4,
                                kernel_size=3,
                                kernel_width=2,
                                stride=2,
                                padding=0,
                                sides=(2, 0, 1, 0),
                                output_padding=1,
                                groups=2,
                                weight_init=UniformFanIn(),
                                bias_init=UniformFanIn(),
                            ),
                            _norm("norm2", 4, 4, affine=False),
                            ReLU(),
                            PixelShuffle(factor=2, order="channel"),
                        ),
                    ),
                    Branch(
                        name="shortcut",
                        layers=(Upsample(factor=4, mode="nearest"), _conv("conv", 16, 1, kernel_size=1)),
                    ),
                ),
            ),
            Tanh(),
        ),
    ),
    discriminator=Network(
        input_shape=(1, 8, 8),
        layers=(
            replace(_conv("conv1", 1, 6), kernel_width=2, padding=0, sides=(1, 1, 0, 1)),
            _norm("norm1", 6, 3),
            LeakyReLU(slope=0.2),
            Pool2d(kernel_size=2, stride=2, mode="average"),
            replace(_conv("conv2", 6, 4), stride=2, padding=0, sides=_SAME, dilation=2, groups=2),
            Branches(
                name="block1",
                join="concatenate",
                branches=(
                    Branch(name="main", layers=(_norm("norm2", 4, 1), _slopes(4))),
                    Branch(name="shortcut"),
                ),
            ),
            GlobalPool(mode="sum"),
            linear("output", 8, 1),
        ),
    ),
    training=replace(
        POOLED_SPEC.training,
        discriminator_loss=WassersteinDiscriminatorLoss(
            reduction="mean",
            real_label=1,
            penalty=GradientPenalty(weight=5.0, norm="sample", at="real", target=0.0),
        ),
        generator_loss=WassersteinGeneratorLoss(reduction="mean", real_label=1),
        class_loss=None,
        second_class_loss=None,
    ),
)


def _contrast(form: Literal["conditional", "data-to-data"], *, margin: float | None) -> ClassContrast:
    return ClassContrast(num_classes=10, form=form, temperature=0.5, epsilon=1e-12, margin=margin)


def _embedded(*, rows_per_class: int) -> tuple[Layer, ...]:
    row = ClassEmbedding(
        name="row",
        num_classes=10,
        num_features=4,
        joined="after",
        weight_init=Normal(standard_deviation=1.0),
        rows_per_class=rows_per_class,
        spectral_norm=_SPECTRAL if rows_per_class > 1 else None,
    )
    return (linear("linear", 6, 4), row)


# Of each class two proxies, one of its real samples and one of its fakes.
_NEAR_REAL_OR_FAKE = Branches(
    name="as",
    join="concatenate",
    branches=tuple(
        Branch(
            name=name,
            layers=(
                Recall(of="h.class.row", parts=((0, 4), (start, start + 4))),
                _contrast("data-to-data", margin=0.9),
            ),
        )
        for start, name in ((4, "real"), (8, "fake"))
    ),
)


def _energy(name: str, join: Literal["absolute_error", "squared_error_held"]) -> Branch:
    back = Branch(name="back", layers=(linear("linear", 6, 6),))
    return Branch(name=name, layers=(Branches(name="energy", join=join, branches=(back, Branch(name="given"))),))


_ENERGIES = Branches(
    name="e",
    join="add",
    branches=(
        _energy("a", "absolute_error"),
        _energy("b", "squared_error_held"),
        Branch(name="c", layers=(linear("linear", 6, 4), PullAway())),
    ),
)

CONTRAST_SPEC = replace(
    POOLED_SPEC,
    name="contrast-digits",
    title="A D of small, augmented digits that holds each against others, and against what it gives back of it",
    batch_size=6,
    real=replace(_DIGITS, num_channels=3),
    generator=Network(input_shape=(5,), layers=(linear("linear", 5, 192), Tanh(), Reshape(shape=(3, 8, 8)))),
    discriminator=Network(
        input_shape=(3, 8, 8),
        layers=(
            Augment(name="colour", policy="colour", ratio=None),
            Augment(name="moved", policy="translation", ratio=0.25),
            Augment(name="cut", policy="cutout", ratio=0.4),
            Reshape(shape=(192,)),
            replace(linear("hidden", 192, 6), spectral_norm=_SPECTRAL),
            LeakyReLU(slope=0.2),
            Branches(
                name="h",
                join="concatenate",
                branches=(
                    Branch(
                        name="score",
                        layers=(
                            Branches(
                                name="sum",
                                join="add",
                                branches=(
                                    Branch(name="own", layers=(linear("linear", 6, 1),)),
                                    Branch(
                                        name="near",
                                        layers=(*_embedded(rows_per_class=1), _contrast("conditional", margin=None)),
                                    ),
                                    Branch(name="e", layers=(_ENERGIES,)),
                                ),
                            ),
                        ),
                    ),
                    Branch(name="class", layers=(*_embedded(rows_per_class=2), _NEAR_REAL_OR_FAKE)),
                ),
            ),
        ),
    ),
    training=replace(
        POOLED_SPEC.training,
        discriminator_loss=MarginDiscriminatorLoss(margin=3.0, over="sample", reduction="mean"),
        generator_loss=WassersteinGeneratorLoss(reduction="mean", real_label=0),
        class_loss=ClassLoss(on_real=0.5, on_fake=0.25, of_generator=0.75),
        second_class_loss=ClassLoss(on_real=0.25, on_fake=0.5, of_generator=-0.25),
        second_class_asked="again",
    ),
)

HOLED_SPEC = replace(
    POOLED_SPEC,
    name="holed-digits",
    title="A G that fills holes in small digits it also sees made smaller, and a D that gives a score for each patch",
    real=replace(_DIGITS, part=4),
    latent=HoledLatent(num_channels=1, size=8, hole=4, fill=1.0, reduced_by=2),
    generator=Network(
        input_shape=(80,),
        layers=(
            Recall(of=None, parts=((0, 64),)),
            Reshape(shape=(1, 8, 8)),
            replace(_conv("conv1", 1, 4), stride=2),
            Branches(
                name="both",
                join="concatenate",
                branches=(
                    Branch(name="holed"),
                    Branch(name="smaller", layers=(Recall(of=None, parts=((64, 80),)), Reshape(shape=(1, 4, 4)))),
                ),
            ),
            LeakyReLU(slope=0.2),
            _conv("conv2", 5, 1),
            Tanh(),
        ),
    ),
    discriminator=Network(
        input_shape=(1, 4, 4), layers=(_conv("conv1", 1, 4), LeakyReLU(slope=0.2), _conv("conv2", 4, 1))
    ),
    training=replace(
        POOLED_SPEC.training,
        class_loss=None,
        second_class_loss=None,
        distance_loss=DistanceLoss(by="absolute", weight=2.0),
    ),
)

PAIRED_SPEC = replace(
    HOLED_SPEC,
    name="paired-digits",
    title="A G that makes small digits with holes whole, and a D that is shown both, by a softmax over both batches",
    real=_DIGITS,
    latent=HoledLatent(num_channels=1, size=8, hole=3, fill=-1.0),
    generator=Network(input_shape=(1, 8, 8), layers=(_conv("conv1", 1, 4), _slopes(1), _conv("conv2", 4, 1))),
    discriminator=Network(
        input_shape=(2, 8, 8),
        layers=(replace(_conv("conv1", 2, 4), stride=2), _norm("norm1", 4, 4, affine=False), _conv("conv2", 4, 1)),
    ),
    training=replace(
        HOLED_SPEC.training,
        first="discriminator",
        fake_batch="regenerated",
        detach_fake=False,
        discriminator_loss=SoftmaxDiscriminatorLoss(floor=0.5),
        generator_loss=SoftmaxGeneratorLoss(floor=0.5),
        distance_loss=DistanceLoss(by="squares", weight=0.5),
        start_shown="before",
    ),
)
