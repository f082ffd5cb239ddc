"""A made-up GAN on small digits: pixel shuffles, pools, attention, and a D projected on classes that tells them too."""

from __future__ import annotations

from dataclasses import replace

from gan_rosetta.shared.gans.made_up.parts import CONDITIONAL, DIGITS, SOURCE, SPECTRAL, adam, conv, linear
from gan_rosetta.shared.spec import (
    EVERY_STEP,
    Branch,
    Branches,
    ClassCrossEntropy,
    ClassEmbedding,
    ClassLoss,
    GanSpec,
    GlobalPool,
    LeakyReLU,
    LeastSquaresDiscriminatorLoss,
    LeastSquaresGeneratorLoss,
    Network,
    Normal,
    NormalLatent,
    PixelShuffle,
    Pool2d,
    ReLU,
    Reshape,
    Softmax,
    Tanh,
    Training,
    class_projection,
    conditional_batch_norm,
    self_attention,
)

_PROJECTED = class_projection(
    "s",
    ClassEmbedding(
        name="rows",
        num_classes=10,
        num_features=4,
        joined="alone",
        weight_init=Normal(standard_deviation=0.5),
        spectral_norm=SPECTRAL,
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

POOLED_SPEC = GanSpec(
    name="pooled-digits",
    title="Pixel shuffles, pools and attention on small digits, projected on their classes, which D tells too",
    source=SOURCE,
    batch_size=4,
    real=DIGITS,
    latent=NormalLatent(shape=(5,), redraw="step"),
    generator=Network(
        input_shape=(5,),
        layers=(
            linear("linear1", 5, 32),
            Reshape(shape=(8, 2, 2)),
            PixelShuffle(factor=2, order="channel"),
            conv("conv1", 2, 8),
            conditional_batch_norm(
                replace(CONDITIONAL, name="norm1", num_features=8, running_variance="biased"),
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
            conv("conv1", 1, 4),
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
                spectral_norm=SPECTRAL,
            ),
            conv("conv2", 4, 6),
            LeakyReLU(slope=0.2),
            Pool2d(kernel_size=2, stride=1, mode="average"),
            conv("conv3", 6, 4),
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
