"""Regimes where a GAN goes badly: a network wins, losses explode or vanish, the sigmoid saturates, batches are tiny."""

from __future__ import annotations

from typing import Any

from gan_rosetta.shared.calibrate.pieces import (
    GENERATOR,
    WIDE_GENERATOR,
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
from gan_rosetta.shared.spec import GanSpec, LeakyReLU, Normal, Sigmoid, Softplus, Tanh

_STEEP = Normal(standard_deviation=30.0)


def build_all() -> list[tuple[GanSpec, str]]:
    """Return every GAN of this file, with what it is there for."""
    return [*_one_wins(), *_explodes(), *_saturates(), *_small_batches()]


def _one_wins() -> list[tuple[GanSpec, str]]:
    far: dict[str, Any] = {"centre": 20.0, "num_steps": 80, "batch_size": 4}
    still = (sgd(1.0), sgd(0.0))
    only_linear = (linear("output", 3, 2),)
    moving = (sgd(0.02), sgd(0.01))
    return [
        (
            plane_gan(
                "d-wins-logits",
                "D wins, two logits",
                generator=only_linear,
                discriminator=(linear("output", 2, 2),),
                losses=cross_entropy(),
                optimizers=still,
                **far,
            ),
            "D wins at once and its loss vanishes; G stands still",
        ),
        (
            plane_gan(
                "d-wins-bce",
                "D wins, BCE",
                generator=only_linear,
                discriminator=(linear("output", 2, 1), Sigmoid()),
                losses=binary_cross_entropy(),
                optimizers=still,
                **far,
            ),
            "as before, by BCE: the loss is made of logarithms of 1 - p, with p a few spacings",
        ),
        (
            plane_gan(
                "d-wins-minimax",
                "D wins, plain logarithms",
                generator=GENERATOR,
                discriminator=judging(),
                losses=minimax(),
                optimizers=moving,
                **far,
            ),
            "D wins against a G that moves; G's loss is large",
        ),
        (
            plane_gan(
                "d-wins-adam",
                "D wins, Adam on vanishing gradients",
                generator=GENERATOR,
                discriminator=judging(),
                losses=binary_cross_entropy(),
                optimizers=(adam(0.05), adam(1e-4)),
                **far,
            ),
            "gradients so small that Adam's ε, and float32's range, decide",
        ),
        (
            plane_gan(
                "g-wins",
                "G wins, saturating loss",
                generator=GENERATOR,
                discriminator=judging(),
                losses=minimax(saturating=True),
                optimizers=(sgd(0.001), adam(0.2)),
                num_steps=80,
            ),
            "G wins: p(fake) near 1, and G's loss is the logarithm of what is left",
        ),
        (
            plane_gan(
                "g-wins-floor",
                "G wins, floored logarithms",
                generator=GENERATOR,
                discriminator=judging(),
                losses=minimax(floor=1e-5),
                optimizers=(sgd(0.001), adam(0.3, hat=True)),
                num_steps=80,
            ),
            "G wins; probabilities cross the logarithm's floor",
        ),
    ]


def _explodes() -> list[tuple[GanSpec, str]]:
    return [
        (
            plane_gan(
                "explodes-sgd",
                "Large rates, a critic without a bound",
                generator=WIDE_GENERATOR,
                discriminator=judging(sigmoid=False),
                losses=wasserstein(),
                optimizers=(sgd(0.5), sgd(0.5)),
                num_steps=60,
            ),
            "losses grow by a factor a step",
        ),
        (
            plane_gan(
                "explodes-adam",
                "Large rates, Adam",
                generator=WIDE_GENERATOR,
                discriminator=judging(),
                losses=minimax(),
                optimizers=(adam(0.5), adam(0.5)),
                num_steps=80,
            ),
            "large steps that Adam bounds; probabilities may underflow to 0",
        ),
        (
            plane_gan(
                "explodes-logits",
                "Large rates, two logits, summed",
                generator=WIDE_GENERATOR,
                discriminator=judging(outputs=2, sigmoid=False),
                losses=cross_entropy(reduction="sum"),
                optimizers=(sgd(0.05), sgd(0.05)),
                num_steps=60,
            ),
            "losses summed over the batch, with rates far too large for that",
        ),
    ]


def _saturates() -> list[tuple[GanSpec, str]]:
    steep = (
        linear("hidden", 2, 16, weight=_STEEP),
        LeakyReLU(slope=0.2),
        linear("output", 16, 1, weight=_STEEP),
        Sigmoid(),
    )
    slow = (adam(2e-4), adam(2e-4))
    return [
        (
            plane_gan(
                "saturated-bce",
                "Saturated sigmoid, BCE",
                generator=GENERATOR,
                discriminator=steep,
                losses=binary_cross_entropy(),
                optimizers=slow,
                num_steps=60,
            ),
            "the sigmoid is 0 or 1 exactly; BCE's clamp decides",
        ),
        (
            plane_gan(
                "saturated-floor",
                "Saturated sigmoid, floored logarithms",
                generator=GENERATOR,
                discriminator=steep,
                losses=minimax(floor=1e-5),
                optimizers=slow,
                num_steps=60,
            ),
            "as before, with a floor: gradients are 0 or large",
        ),
        (
            plane_gan(
                "saturated-minimax",
                "Saturated sigmoid, plain logarithms",
                generator=GENERATOR,
                discriminator=steep,
                losses=minimax(),
                optimizers=slow,
                num_steps=60,
            ),
            "as before, with nothing that keeps logarithms finite: infinity and NaN in right programs",
        ),
        (
            plane_gan(
                "saturated-tanh",
                "Saturated tanh, vanishing gradients",
                generator=(linear("hidden", 3, 8, weight=_STEEP), Tanh(), linear("output", 8, 2), Tanh()),
                discriminator=(linear("hidden", 2, 8, weight=_STEEP), Tanh(), linear("output", 8, 1), Sigmoid()),
                losses=minimax(),
                optimizers=(adam(0.001), adam(0.001)),
                num_steps=80,
            ),
            "tanh is ±1 to the last bits; 1 - y² has few digits left",
        ),
    ]


def _small_batches() -> list[tuple[GanSpec, str]]:
    tiny = (linear("hidden", 3, 2), Softplus(), linear("output", 2, 2))
    judge = (linear("hidden", 2, 2), Tanh(), linear("output", 2, 1), Sigmoid())
    return [
        (
            plane_gan(
                f"batch-of-{word}",
                f"Tiny networks, batches of {word}",
                generator=tiny,
                discriminator=judge,
                losses=losses,
                optimizers=optimizers,
                num_steps=80,
                batch_size=size,
            ),
            f"few numbers, so that an envelope is one draw's luck; batches of {word}",
        )
        for word, size, losses, optimizers in (
            ("one", 1, minimax(), (sgd(0.05), sgd(0.05))),
            ("two", 2, binary_cross_entropy(), (adam(0.01), adam(0.01, hat=True))),
        )
    ]
