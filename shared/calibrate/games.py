"""Regimes of other games: critics whose means cancel, chaos past the horizon, steps in unusual order, dead units."""

from __future__ import annotations

from gan_rosetta.shared.calibrate.pieces import (
    GENERATOR,
    WIDE_GENERATOR,
    adadelta,
    adam,
    binary_cross_entropy,
    cross_entropy,
    judging,
    linear,
    minimax,
    plane_gan,
    sgd,
    wasserstein,
)
from gan_rosetta.shared.spec import GanSpec, LeakyReLU, ReLU, Sigmoid, Softplus, StepPattern


def build_all() -> list[tuple[GanSpec, str]]:
    """Return every GAN of this file, with what it is there for."""
    return [*_critics(), *_long(), *_orders()]


def _critics() -> list[tuple[GanSpec, str]]:
    return [
        (
            plane_gan(
                "wasserstein-cancels",
                "A critic whose two means cancel",
                generator=(linear("output", 3, 2),),
                discriminator=(linear("hidden", 2, 8), Softplus(), linear("output", 8, 1)),
                losses=wasserstein(),
                optimizers=(adam(0.001), adam(0.001)),
                num_steps=80,
                centre=0.0,
            ),
            "D's loss is the small difference of two means",
        ),
        (
            plane_gan(
                "wasserstein-penalty",
                "A critic with gradient penalty",
                generator=WIDE_GENERATOR,
                discriminator=(linear("hidden", 2, 16), LeakyReLU(slope=0.2), linear("output", 16, 1)),
                losses=wasserstein(penalty=10.0),
                optimizers=(adam(0.002), adam(0.002)),
                num_steps=80,
            ),
            "gradients of gradients; a penalty near 0",
        ),
    ]


def _long() -> list[tuple[GanSpec, str]]:
    return [
        (
            plane_gan(
                "chaotic",
                "Chaotic: quick Adam on kinks",
                generator=WIDE_GENERATOR,
                discriminator=judging(width=16),
                losses=minimax(),
                optimizers=(adam(0.1), adam(0.1)),
                num_steps=160,
            ),
            "rounding grows by a factor a step, past the horizon in float32",
        ),
        (
            plane_gan(
                "chaotic-sgd",
                "Chaotic: two logits at a large rate",
                generator=WIDE_GENERATOR,
                discriminator=judging(outputs=2, sigmoid=False, width=16),
                losses=cross_entropy(),
                optimizers=(sgd(0.4), sgd(0.4)),
                num_steps=120,
            ),
            "a game that turns in circles, without Adam",
        ),
    ]


def _orders() -> list[tuple[GanSpec, str]]:
    return [
        (
            plane_gan(
                "third-steps",
                "D trains in a third of the steps, labels swapped",
                generator=GENERATOR,
                discriminator=judging(),
                losses=binary_cross_entropy(real_label=0),
                optimizers=(adadelta(1.0), adadelta(1.0)),
                num_steps=80,
                discriminator_steps=StepPattern(period=3, offsets=(0,)),
                detach_fake=False,
            ),
            "Adadelta from nothing, D's loss reaches G, and D rests two steps in three",
        ),
        (
            plane_gan(
                "generator-first",
                "G first, dead units",
                generator=WIDE_GENERATOR,
                discriminator=(linear("hidden", 2, 16), ReLU(), linear("output", 16, 1), Sigmoid()),
                losses=minimax(floor=1e-5, saturating=True),
                optimizers=(adam(0.05, hat=True), adam(0.05)),
                num_steps=80,
                first="generator",
                fake_batch="reused",
            ),
            "G first on a reused batch; units die, and Adam goes on with gradients of 0",
        ),
    ]
