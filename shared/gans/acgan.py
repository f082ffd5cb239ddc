"""Auxiliary classifier GAN on MNIST digits: G draws the digit that it is asked for, and D says which digit it sees.

The published program gives the cross entropy of the class what a softmax gave, which takes the softmax twice: kept
because it is what ran.
"""

from gan_rosetta.shared.gans.upsampled_digits import ADAM, DRAWN, DRAWN_GAIN, down, linear, up
from gan_rosetta.shared.spec import (
    EVERY_STEP,
    BinaryCrossEntropyDiscriminatorLoss,
    BinaryCrossEntropyGeneratorLoss,
    Branch,
    Branches,
    ClassCrossEntropy,
    ClassEmbedding,
    ClassLoss,
    DigitsReal,
    GanSpec,
    Layer,
    Network,
    Normal,
    NormalLatent,
    Reshape,
    Sigmoid,
    Softmax,
    Training,
)


def _discriminator_layers() -> tuple[Layer, ...]:
    heads = Branches(
        name="heads",
        join="concatenate",
        branches=(
            Branch(name="score", layers=(linear("linear", 512, 1), Sigmoid())),
            Branch(
                name="class",
                layers=(linear("linear", 512, 10), Softmax(axis=0), ClassCrossEntropy(num_classes=10)),
            ),
        ),
    )
    return (*down(normed=(2, 3), weight_init=DRAWN, gain_init=DRAWN_GAIN), Reshape(shape=(512,)), heads)


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
            *up(100, normed_first=True),
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
        discriminator_optimizer=ADAM,
        generator_optimizer=ADAM,
        stop=None,
        class_loss=ClassLoss(on_real=0.25, on_fake=0.25, of_generator=0.5),
    ),
)
