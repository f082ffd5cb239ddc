"""Least-squares GAN on MNIST digits: upsampling and convolutions in G, convolutions and channel dropout in D."""

from gan_rosetta.shared.gans.upsampled_digits import ADAM, DRAWN, DRAWN_GAIN, down, linear, up
from gan_rosetta.shared.spec import (
    EVERY_STEP,
    DigitsReal,
    GanSpec,
    LeastSquaresDiscriminatorLoss,
    LeastSquaresGeneratorLoss,
    Network,
    NormalLatent,
    Reshape,
    Training,
)

SPEC = GanSpec(
    name="lsgan",
    title="Least-squares GAN on MNIST digits, with upsampling and channel dropout",
    source="Linder-Norén, PyTorch-GAN, lsgan; Mao et al. 2017",
    batch_size=64,
    real=DigitsReal(size=32, num_channels=1, low=-1.0, high=1.0, num_images=None, reshuffle=True),
    latent=NormalLatent(shape=(100,), redraw="step"),
    generator=Network(input_shape=(100,), layers=up(100, normed_first=False)),
    discriminator=Network(
        input_shape=(1, 32, 32),
        layers=(
            *down(normed=(2, 3, 4), weight_init=DRAWN, gain_init=DRAWN_GAIN),
            Reshape(shape=(512,)),
            linear("output", 512, 1),
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
    ),
)
