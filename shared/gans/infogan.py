"""InfoGAN on MNIST digits: a category and two codes beside the noise, which D finds again in an update of its own.

Kept as published, because it is what ran: neither player's own loss has the codes in it, which a third update lowers
instead, with an Adam of its own over both networks, so that each network has two; the cross entropy of the category
takes what a softmax gave, which takes the softmax twice.
"""

from gan_rosetta.shared.gans.upsampled_digits import ADAM, DRAWN, DRAWN_GAIN, down, linear, up
from gan_rosetta.shared.spec import (
    EVERY_STEP,
    Branch,
    Branches,
    CategoryLatent,
    ClassLoss,
    CodeError,
    DigitsReal,
    GanSpec,
    JoinedLatent,
    LeastSquaresDiscriminatorLoss,
    LeastSquaresGeneratorLoss,
    Network,
    NormalLatent,
    Reshape,
    Softmax,
    Training,
    UniformLatent,
)

_HEADS = Branches(
    name="heads",
    join="concatenate",
    branches=(
        Branch(name="score", layers=(linear("linear", 512, 1),)),
        Branch(
            name="category",
            layers=(
                linear("linear", 512, 10),
                Softmax(axis=0),
                CodeError(form="cross-entropy", start=62, stop=72),
            ),
        ),
        Branch(
            name="code",
            layers=(linear("linear", 512, 2), CodeError(form="squared-error", start=72, stop=74)),
        ),
    ),
)

SPEC = GanSpec(
    name="infogan",
    title="InfoGAN on MNIST digits, whose D finds the codes of the noise again in a third update",
    source="Linder-Norén, PyTorch-GAN, infogan; Chen et al. 2016",
    batch_size=64,
    real=DigitsReal(size=32, num_channels=1, low=-1.0, high=1.0, num_images=None, reshuffle=True),
    latent=JoinedLatent(
        parts=(
            NormalLatent(shape=(62,), redraw="step"),
            CategoryLatent(num_categories=10, redraw="step"),
            UniformLatent(shape=(2,), low=-1.0, high=1.0, redraw="step"),
        )
    ),
    generator=Network(input_shape=(74,), layers=up(74, normed_first=True)),
    discriminator=Network(
        input_shape=(1, 32, 32),
        layers=(
            *down(normed=(2, 3, 4), weight_init=DRAWN, gain_init=DRAWN_GAIN),
            Reshape(shape=(512,)),
            _HEADS,
        ),
    ),
    pretraining=None,
    training=Training(
        num_steps=7900,
        first="generator",
        fake_batch="reused",
        latent_draws="shared",
        detach_fake=True,
        discriminator_steps=EVERY_STEP,
        discriminator_loss=LeastSquaresDiscriminatorLoss(
            real_target=1.0, fake_target=0.0, factor=0.5, reduction="mean"
        ),
        generator_loss=LeastSquaresGeneratorLoss(target=1.0, factor=1.0, reduction="mean"),
        discriminator_optimizer=ADAM,
        generator_optimizer=ADAM,
        stop=None,
        class_loss=ClassLoss(on_real=0.0, on_fake=0.0, of_generator=0.0, of_joint=1.0),
        second_class_loss=ClassLoss(on_real=0.0, on_fake=0.0, of_generator=0.0, of_joint=0.1),
        joint_optimizer=ADAM,
    ),
)
