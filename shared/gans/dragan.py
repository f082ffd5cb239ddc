"""DRAGAN on MNIST digits, as the published program runs: its D follows the gradient penalty alone.

The program computes D's cross entropy, reports it, and leads nothing back from it, which is kept because it is what
ran. Its penalty moves each pixel of the real samples by its own share of half their deviation, goes through D's dropout
and batch norms, and takes the norm over the one channel, so |∂D/∂x̂| pixel by pixel.
"""

from gan_rosetta.shared.gans.upsampled_digits import ADAM, DRAWN, DRAWN_GAIN, down, linear, up
from gan_rosetta.shared.spec import (
    EVERY_STEP,
    BinaryCrossEntropyDiscriminatorLoss,
    BinaryCrossEntropyGeneratorLoss,
    DigitsReal,
    GanSpec,
    GradientPenalty,
    Network,
    NormalLatent,
    Reshape,
    Sigmoid,
    Training,
)

SPEC = GanSpec(
    name="dragan",
    title="DRAGAN on MNIST digits, whose D is trained by its gradient penalty alone",
    source="Linder-Norén, PyTorch-GAN, dragan; Kodali et al. 2017",
    batch_size=64,
    real=DigitsReal(size=32, num_channels=1, low=-1.0, high=1.0, num_images=None, reshuffle=True),
    latent=NormalLatent(shape=(100,), redraw="step"),
    generator=Network(input_shape=(100,), layers=up(100, normed_first=True)),
    discriminator=Network(
        input_shape=(1, 32, 32),
        layers=(
            *down(normed=(2, 3, 4), weight_init=DRAWN, gain_init=DRAWN_GAIN),
            Reshape(shape=(512,)),
            linear("output", 512, 1),
            Sigmoid(),
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
        discriminator_loss=BinaryCrossEntropyDiscriminatorLoss(
            log_floor=-100.0,
            denominator_floor=1e-12,
            reduction="mean",
            real_label=1,
            factor=0.5,
            penalty=GradientPenalty(
                weight=10.0,
                norm="channel",
                at="perturbed",
                mixing="entry",
                perturbation=0.5,
                deviation="unbiased",
                alone=True,
            ),
        ),
        generator_loss=BinaryCrossEntropyGeneratorLoss(
            log_floor=-100.0, denominator_floor=1e-12, reduction="mean", real_label=1
        ),
        discriminator_optimizer=ADAM,
        generator_optimizer=ADAM,
        stop=None,
    ),
)
