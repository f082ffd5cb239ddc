"""Relativistic GAN on MNIST digits, with G's loss as the published program trains by it.

That program computes a relativistic loss of G and then puts the cross entropy of D's logits in its place, which is kept
because it is what ran. Before, it gives D both batches once more and leaves what D says unread; that moves D's running
averages alone, which nothing here reads, and is left out.
"""

from gan_rosetta.shared.gans.upsampled_digits import ADAM, LEAKY, conv, down, linear, norm
from gan_rosetta.shared.spec import (
    EVERY_STEP,
    DigitsReal,
    GanSpec,
    LogisticGeneratorLoss,
    Network,
    NormalLatent,
    RelativisticDiscriminatorLoss,
    Reshape,
    Tanh,
    Training,
    Upsample,
)

SPEC = GanSpec(
    name="relativistic",
    title="Relativistic GAN on MNIST digits, whose G is trained by plain cross entropy",
    source="Linder-Norén, PyTorch-GAN, relativistic_gan; Jolicoeur-Martineau 2018",
    batch_size=64,
    real=DigitsReal(size=32, num_channels=1, low=-1.0, high=1.0, num_images=None, reshuffle=True),
    latent=NormalLatent(shape=(100,), redraw="step"),
    generator=Network(
        input_shape=(100,),
        layers=(
            linear("linear", 100, 8192),
            Reshape(shape=(128, 8, 8)),
            norm("norm0", 128, epsilon=1e-5),
            Upsample(factor=2, mode="nearest"),
            conv("conv1", 128, 128),
            norm("norm1", 128),
            LEAKY,
            Upsample(factor=2, mode="nearest"),
            conv("conv2", 128, 64),
            norm("norm2", 64),
            LEAKY,
            conv("conv3", 64, 1),
            Tanh(),
        ),
    ),
    discriminator=Network(
        input_shape=(1, 32, 32), layers=(*down(normed=(2, 3, 4)), Reshape(shape=(512,)), linear("output", 512, 1))
    ),
    pretraining=None,
    training=Training(
        num_steps=7900,
        first="generator",
        fake_batch="reused",
        latent_draws="shared",
        detach_fake=True,
        discriminator_steps=EVERY_STEP,
        discriminator_loss=RelativisticDiscriminatorLoss(average=False, factor=0.5, reduction="mean"),
        generator_loss=LogisticGeneratorLoss(target=1.0, factor=1.0, reduction="mean"),
        discriminator_optimizer=ADAM,
        generator_optimizer=ADAM,
        stop=None,
    ),
)
