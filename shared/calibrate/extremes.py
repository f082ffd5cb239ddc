"""Regimes where a GAN goes badly: a network wins, losses explode or vanish, the sigmoid saturates, sums cancel."""

from __future__ import annotations

from typing import Any

from shared.calibrate.pieces import (
    adadelta,
    adam,
    binary_cross_entropy,
    cross_entropy,
    linear,
    minimax,
    plane_gan,
    sgd,
    wasserstein,
)
from shared.spec import GanSpec, Layer, LeakyReLU, Normal, ReLU, Sigmoid, Softplus, StepPattern, Tanh

_GENERATOR = (linear("hidden", 3, 8), Tanh(), linear("output", 8, 2))
_WIDE_GENERATOR = (linear("hidden", 3, 16), ReLU(), linear("output", 16, 2))
_STEEP = Normal(standard_deviation=30.0)


def _judge(*, outputs: int = 1, sigmoid: bool = True, width: int = 8) -> tuple[Layer, ...]:
    end = (Sigmoid(),) if sigmoid else ()
    return (linear("hidden", 2, width), LeakyReLU(slope=0.2), linear("output", width, outputs), *end)


def build_all() -> list[tuple[GanSpec, str]]:
    """Return every GAN of this file, with what it is there for."""
    return [*_one_wins(), *_explodes(), *_saturates(), *_small_batches(), *_critics(), *_long(), *_orders()]


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
                generator=_GENERATOR,
                discriminator=_judge(),
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
                generator=_GENERATOR,
                discriminator=_judge(),
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
                generator=_GENERATOR,
                discriminator=_judge(),
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
                generator=_GENERATOR,
                discriminator=_judge(),
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
                generator=_WIDE_GENERATOR,
                discriminator=_judge(sigmoid=False),
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
                generator=_WIDE_GENERATOR,
                discriminator=_judge(),
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
                generator=_WIDE_GENERATOR,
                discriminator=_judge(outputs=2, sigmoid=False),
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
                generator=_GENERATOR,
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
                generator=_GENERATOR,
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
                generator=_GENERATOR,
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
                generator=_WIDE_GENERATOR,
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
                generator=_WIDE_GENERATOR,
                discriminator=_judge(width=16),
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
                generator=_WIDE_GENERATOR,
                discriminator=_judge(outputs=2, sigmoid=False, width=16),
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
                generator=_GENERATOR,
                discriminator=_judge(),
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
                generator=_WIDE_GENERATOR,
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
