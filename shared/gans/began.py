"""Boundary equilibrium GAN on MNIST digits: D gives back what it is shown, and a balance holds it to how far it is off.

Kept as published, because it is what ran: where the paper moves the balance by G's loss on noise of its own, it moves
by what D's update says of the batch that G was trained on; BatchNorms have the ε of 0.8 that a Keras momentum left.
The measure of convergence that the program prints moves nothing.
"""

from gan_rosetta.shared.gans.upsampled_digits import ADAM, given_back, up
from gan_rosetta.shared.spec import (
    EVERY_STEP,
    BalancedDiscriminatorLoss,
    Branch,
    Branches,
    DigitsReal,
    GanSpec,
    Network,
    NormalLatent,
    Training,
    WassersteinGeneratorLoss,
)

_BACK = given_back(embedding="linear1", after="linear2")

SPEC = GanSpec(
    name="began",
    title="Boundary equilibrium GAN on MNIST digits, whose D is an autoencoder",
    source="Linder-Norén, PyTorch-GAN, began; Berthelot et al. 2017",
    batch_size=64,
    real=DigitsReal(size=32, num_channels=1, low=-1.0, high=1.0, num_images=None, reshuffle=True),
    latent=NormalLatent(shape=(62,), redraw="step"),
    generator=Network(input_shape=(62,), layers=up(62, normed_first=True)),
    discriminator=Network(
        input_shape=(1, 32, 32),
        layers=(Branches(name="energy", join="absolute_error", branches=(_BACK, Branch(name="given"))),),
    ),
    pretraining=None,
    training=Training(
        num_steps=7900,
        first="generator",
        fake_batch="reused",
        latent_draws="shared",
        detach_fake=True,
        discriminator_steps=EVERY_STEP,
        discriminator_loss=BalancedDiscriminatorLoss(initial_balance=0.0, diversity=0.75, rate=0.001, reduction="mean"),
        generator_loss=WassersteinGeneratorLoss(reduction="mean", real_label=0),
        discriminator_optimizer=ADAM,
        generator_optimizer=ADAM,
        stop=None,
    ),
)
