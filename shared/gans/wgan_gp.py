"""Wasserstein GAN with gradient penalty on MNIST digits, as PyTorch-GAN has it: G in every fifth batch of an epoch.

The published program does not detach D's fakes, so that D's loss leaves a gradient in G, which `zero_grad` takes away
before G's own: nothing of it is left. Its clip_value is never used.
"""

from dataclasses import replace

from gan_rosetta.shared.gans import mnist_wgan_gp
from gan_rosetta.shared.spec import Adam, ConstantRate, StepPattern

_ADAM = Adam(
    learning_rate=ConstantRate(value=2e-4),
    beta1=0.5,
    beta2=0.999,
    epsilon=1e-8,
    epsilon_placement="outside",
    bias_correction=True,
)

SPEC = replace(
    mnist_wgan_gp.SAMPLE_SPEC,
    name="wgan-gp",
    title="Wasserstein GAN with gradient penalty on MNIST digits, one update of G for five of D",
    training=replace(
        mnist_wgan_gp.SAMPLE_SPEC.training,
        num_steps=15800,
        # The published `i % n_critic` counts batches within an epoch, so that its first batch always trains G.
        generator_steps=StepPattern(period=5, offsets=(0,), counted="epoch"),
        discriminator_optimizer=_ADAM,
        generator_optimizer=_ADAM,
    ),
)
