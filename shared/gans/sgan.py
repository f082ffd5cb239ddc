"""Semi-supervised GAN on MNIST digits: D tells which digit a real sample is, and has an eleventh class for fakes.

The published program gives the cross entropy of the class what a softmax gave, which takes the softmax twice: kept
because it is what ran. Its G has a table of classes that it never looks into: left out. Here D's classes of fakes are
told too, with no weight, so that fakes have classes on the tape, which G is not asked for.
"""

from gan_rosetta.shared.gans.upsampled_digits import ADAM, DRAWN, DRAWN_GAIN, down, linear, up
from gan_rosetta.shared.spec import (
    EVERY_STEP,
    BinaryCrossEntropyDiscriminatorLoss,
    BinaryCrossEntropyGeneratorLoss,
    Branch,
    Branches,
    ClassCrossEntropy,
    ClassLoss,
    DigitsReal,
    GanSpec,
    Layer,
    Network,
    NormalLatent,
    Reshape,
    Sigmoid,
    Softmax,
    Training,
)

_LOGITS = 11


def _discriminator_layers() -> tuple[Layer, ...]:
    own = ClassCrossEntropy(num_classes=10, num_logits=_LOGITS)
    of_fakes = ClassCrossEntropy(num_classes=10, num_logits=_LOGITS, stride=0, offset=10)
    told = Branches(
        name="as",
        join="concatenate",
        branches=(Branch(name="real", layers=(own,)), Branch(name="fake", layers=(of_fakes,))),
    )
    heads = Branches(
        name="h",
        join="concatenate",
        branches=(
            Branch(name="score", layers=(linear("linear", 512, 1), Sigmoid())),
            Branch(name="told", layers=(linear("linear", 512, _LOGITS), Softmax(axis=0), told)),
        ),
    )
    return (*down(normed=(2, 3, 4), weight_init=DRAWN, gain_init=DRAWN_GAIN), Reshape(shape=(512,)), heads)


SPEC = GanSpec(
    name="sgan",
    title="Semi-supervised GAN on MNIST digits, whose D has a class of their own for fakes",
    source="Linder-Norén, PyTorch-GAN, sgan; Odena 2016",
    batch_size=64,
    real=DigitsReal(size=32, num_channels=1, low=-1.0, high=1.0, num_images=None, reshuffle=True),
    latent=NormalLatent(shape=(100,), redraw="step"),
    generator=Network(input_shape=(100,), layers=up(100, normed_first=True)),
    discriminator=Network(input_shape=(1, 32, 32), layers=_discriminator_layers()),
    pretraining=None,
    training=Training(
        num_steps=15800,
        first="generator",
        fake_batch="reused",
        latent_draws="shared",
        detach_fake=True,
        discriminator_steps=EVERY_STEP,
        discriminator_loss=BinaryCrossEntropyDiscriminatorLoss(
            log_floor=-100.0, denominator_floor=1e-12, reduction="mean", real_label=1, factor=0.25
        ),
        generator_loss=BinaryCrossEntropyGeneratorLoss(
            log_floor=-100.0, denominator_floor=1e-12, reduction="mean", real_label=1
        ),
        discriminator_optimizer=ADAM,
        generator_optimizer=ADAM,
        stop=None,
        class_loss=ClassLoss(on_real=0.25, on_fake=0.0, of_generator=0.0),
        second_class_loss=ClassLoss(on_real=0.0, on_fake=0.25, of_generator=0.0),
    ),
)
