"""Regimes with BatchNorm, where biases before it are noise and small batches cancel, and on digits."""

from __future__ import annotations

from typing import Any

from gan_rosetta.shared.calibrate.pieces import (
    adadelta,
    adam,
    binary_cross_entropy,
    linear,
    minimax,
    norm,
    plane_gan,
    sgd,
)
from gan_rosetta.shared.spec import (
    EVERY_STEP,
    DigitsReal,
    GanSpec,
    LeakyReLU,
    Network,
    Normal,
    NormalLatent,
    ReLU,
    Reshape,
    Sigmoid,
    Tanh,
    Training,
)

_STEEP = Normal(standard_deviation=30.0)


def build_all() -> list[tuple[GanSpec, str]]:
    """Return every GAN of this file, with what it is there for."""
    generator = (linear("hidden", 3, 8), norm("norm", 8), ReLU(), linear("output", 8, 2))
    judge = (linear("hidden", 2, 8), norm("norm", 8), LeakyReLU(slope=0.2), linear("output", 8, 1), Sigmoid())
    both: dict[str, Any] = {"generator": generator, "discriminator": judge}
    return [
        (
            plane_gan(
                "norm-adam",
                "BatchNorm in both networks, Adam",
                losses=binary_cross_entropy(),
                optimizers=(adam(0.002), adam(0.002)),
                num_steps=40,
                **both,
            ),
            "biases before BatchNorm: true gradients of 0, which Adam turns into steps",
        ),
        (
            plane_gan(
                "norm-adadelta",
                "BatchNorm in both networks, Adadelta",
                losses=minimax(floor=1e-5),
                optimizers=(adadelta(1.0), adadelta(1.0)),
                num_steps=30,
                **both,
            ),
            "as before, with Adadelta",
        ),
        (
            plane_gan(
                "norm-sgd",
                "BatchNorm in both networks, gradient descent",
                losses=minimax(),
                optimizers=(sgd(0.05), sgd(0.05)),
                num_steps=40,
                **both,
            ),
            "as before, where the noise of those biases stays noise",
        ),
        (
            plane_gan(
                "norm-of-two",
                "BatchNorm over batches of two",
                losses=binary_cross_entropy(),
                optimizers=(adam(0.002), adam(0.002)),
                num_steps=30,
                batch_size=2,
                **both,
            ),
            "normalised pairs are ±1 whatever they were: all gradients through them cancel",
        ),
        (_saturated_digits(), "digits, and a sigmoid that is 0 or 1 exactly"),
    ]


def _saturated_digits() -> GanSpec:
    discriminator_loss, generator_loss = binary_cross_entropy()
    return GanSpec(
        name="saturated-digits",
        title="Saturated sigmoid on digits",
        source="made to calibrate the judge",
        batch_size=8,
        real=DigitsReal(size=16, num_channels=1, low=-1.0, high=1.0, num_images=64, reshuffle=True),
        latent=NormalLatent(shape=(8,), redraw="step"),
        generator=Network(
            input_shape=(8,),
            layers=(
                linear("hidden", 8, 16),
                norm("norm", 16),
                ReLU(),
                linear("output", 16, 256),
                Tanh(),
                Reshape(shape=(1, 16, 16)),
            ),
        ),
        discriminator=Network(
            input_shape=(1, 16, 16),
            layers=(
                Reshape(shape=(256,)),
                linear("hidden", 256, 16, weight=_STEEP),
                LeakyReLU(slope=0.2),
                linear("output", 16, 1, weight=_STEEP),
                Sigmoid(),
            ),
        ),
        pretraining=None,
        training=Training(
            num_steps=20,
            first="discriminator",
            fake_batch="regenerated",
            latent_draws="shared",
            detach_fake=True,
            discriminator_steps=EVERY_STEP,
            discriminator_loss=discriminator_loss,
            generator_loss=generator_loss,
            discriminator_optimizer=adam(2e-4),
            generator_optimizer=adam(2e-4),
            stop=None,
        ),
    )
