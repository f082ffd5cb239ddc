"""A made-up GAN on small digits: norms of every kind, odd convolutions, and what is shared among layers."""

from __future__ import annotations

from dataclasses import replace

from gan_rosetta.shared.gans.made_up.parts import CONDITIONAL, conv, linear, norm, slopes
from gan_rosetta.shared.gans.made_up.pooled_digits import POOLED_SPEC
from gan_rosetta.shared.spec import (
    Branch,
    Branches,
    ClassEmbedding,
    ConvTranspose2d,
    GlobalPool,
    GradientPenalty,
    LeakyReLU,
    Network,
    Normal,
    PixelShuffle,
    Pool2d,
    Recall,
    ReLU,
    Reshape,
    Tanh,
    UniformFanIn,
    Upsample,
    WassersteinDiscriminatorLoss,
    WassersteinGeneratorLoss,
    recalled_batch_norm,
    same_sides,
)

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
            norm("norm1", 64, 1),
            ReLU(),
            Reshape(shape=(16, 2, 2)),
            recalled_batch_norm(
                CONDITIONAL,
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
                            norm("norm2", 4, 4, affine=False),
                            ReLU(),
                            PixelShuffle(factor=2, order="channel"),
                        ),
                    ),
                    Branch(
                        name="shortcut",
                        layers=(Upsample(factor=4, mode="nearest"), conv("conv", 16, 1, kernel_size=1)),
                    ),
                ),
            ),
            Tanh(),
        ),
    ),
    discriminator=Network(
        input_shape=(1, 8, 8),
        layers=(
            replace(conv("conv1", 1, 6), kernel_width=2, padding=0, sides=(1, 1, 0, 1)),
            norm("norm1", 6, 3),
            LeakyReLU(slope=0.2),
            Pool2d(kernel_size=2, stride=2, mode="average"),
            replace(conv("conv2", 6, 4), stride=2, padding=0, sides=_SAME, dilation=2, groups=2),
            Branches(
                name="block1",
                join="concatenate",
                branches=(
                    Branch(name="main", layers=(norm("norm2", 4, 1), slopes(4))),
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
