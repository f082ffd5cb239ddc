"""Wasserstein GAN with clipped weights on MNIST digits, G's turn in every fifth batch of an epoch."""

from dataclasses import replace

from gan_rosetta.shared.gans import mnist_wgan_gp
from gan_rosetta.shared.spec import ConstantRate, RMSprop, StepPattern, WassersteinDiscriminatorLoss, WeightClipping

_RMSPROP = RMSprop(
    learning_rate=ConstantRate(value=5e-5),
    rho=0.99,
    epsilon=1e-8,
    epsilon_placement="outside",
    centered=False,
    momentum=0.0,
    momentum_of="direction",
)

SPEC = replace(
    mnist_wgan_gp.SPEC,
    name="wgan",
    title="Wasserstein GAN with clipped weights on MNIST digits",
    source="Linder-Norén, PyTorch-GAN, wgan; Arjovsky et al. 2017",
    training=replace(
        mnist_wgan_gp.SPEC.training,
        num_steps=15800,
        # The published `i % n_critic` counts batches within an epoch, so that its first batch always trains G.
        generator_steps=StepPattern(period=5, offsets=(0,), counted="epoch"),
        discriminator_loss=WassersteinDiscriminatorLoss(penalty=None, reduction="mean", real_label=1),
        discriminator_optimizer=_RMSPROP,
        generator_optimizer=_RMSPROP,
        weight_clipping=WeightClipping(bound=0.01),
    ),
)
