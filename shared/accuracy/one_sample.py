"""A loss of one real sample and one fake, which the two logits alone decide, and its gradients by them.

Real samples are (1, 0, 0) and D's weights (r, 1, 0), so that r is the real sample's logit; G makes (0, f, 1), so that f
is the fake's, its weight's gradient that of G's loss by f, and the gradient of D's last weight that of D's loss by f.
With two logits there are two numbers in place of each of r and f.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from gan_rosetta.shared.accuracy import exact
from gan_rosetta.shared.accuracy.operation import Operation, Quantity, Trial
from gan_rosetta.shared.accuracy.tiny import linear, tiny_gan
from gan_rosetta.shared.interface import Dtype
from gan_rosetta.shared.spec import DiscriminatorLoss, GeneratorLoss, Sigmoid

ONE = np.ones((1, 1))
SCORE, FAKE = "discriminator.score.weight", "generator.fake.weight"
BY_SCORE, BY_FAKE = "optimizer.discriminator.score.weight.m", "optimizer.generator.fake.weight.m"

Function = Callable[[np.ndarray], np.ndarray]
Truth = Callable[[Mapping[str, np.ndarray]], np.ndarray]


def of(name: str, function: Function, /) -> Truth:
    """Return the truth that is a function of one argument of a trial, in extended precision."""
    return lambda arguments: np.asarray(function(exact.extended(arguments[name])), exact.Extended).reshape(1, -1)


def one_sample(
    name: str,
    losses: tuple[DiscriminatorLoss, GeneratorLoss],
    /,
    *,
    title: str,
    trials: Callable[[Dtype], Sequence[Trial]],
    quantities: tuple[Quantity, ...],
    axis: str,
    num_logits: int = 1,
    has_sigmoid: bool = False,
) -> Operation:
    """Return the operation of both players' losses. has_sigmoid: whether D says probabilities."""
    size = num_logits + 2
    return Operation(
        name=name,
        group="losses",
        title=title,
        spec=tiny_gan(
            name,
            generator=(linear("fake", 1, size),),
            discriminator=(linear("score", size, num_logits), *([Sigmoid()] if has_sigmoid else [])),
            losses=losses,
        ),
        trials=trials,
        quantities=quantities,
        axis=axis,
        trains_discriminator=True,
    )
