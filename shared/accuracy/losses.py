"""The losses of one sample and their gradients by the logit, or by each of two."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gan_rosetta.shared.accuracy import exact
from gan_rosetta.shared.accuracy.one_sample import BY_FAKE, BY_SCORE, FAKE, ONE, SCORE, Function, Truth, of, one_sample
from gan_rosetta.shared.accuracy.operation import Operation, Quantity, Trial, loss_quantity, read_entry
from gan_rosetta.shared.accuracy.points import in_type, logits
from gan_rosetta.shared.accuracy.score_losses import SCORE_LOSSES
from gan_rosetta.shared.accuracy.tiny import step_arrays
from gan_rosetta.shared.interface import Dtype
from gan_rosetta.shared.spec import (
    BinaryCrossEntropyDiscriminatorLoss,
    BinaryCrossEntropyGeneratorLoss,
    BoundarySeekingGeneratorLoss,
    CrossEntropyDiscriminatorLoss,
    CrossEntropyGeneratorLoss,
    DiscriminatorLoss,
    GeneratorLoss,
    LogisticDiscriminatorLoss,
    LogisticGeneratorLoss,
    MinimaxDiscriminatorLoss,
    NonSaturatingGeneratorLoss,
    RelativisticDiscriminatorLoss,
    RelativisticGeneratorLoss,
    SaturatingGeneratorLoss,
)

_FLOOR = 1e-6
_LOG_FLOOR, _DENOMINATOR_FLOOR = -100.0, 1e-12


def _probability_trials(dtype: Dtype) -> Sequence[Trial]:
    """Real logit z and fake logit -z, so that D is right about both where z is large, and wrong where it is small."""
    return [
        Trial(
            inputs=(z,),
            state={SCORE: np.array([z, 1.0, 0.0]), FAKE: np.array([0.0, -z, 1.0])},
            arrays=step_arrays(latent=ONE, real=np.array([[1.0, 0.0, 0.0]])),
            arguments={"z": np.array(z)},
        )
        for z in logits(dtype).tolist()
    ]


def _on_probability(
    name: str,
    losses: tuple[DiscriminatorLoss, GeneratorLoss],
    entropy: Function,
    derivative: Function,
    *,
    saturating: bool = False,
) -> Operation:
    """entropy: -log p of a logit as the loss has it, derivative: its derivative. The sum for D is over both samples."""

    def for_generator(z: np.ndarray) -> np.ndarray:
        return -entropy(z) if saturating else entropy(-z)

    def generator_derivative(z: np.ndarray) -> np.ndarray:
        return derivative(z) if saturating else derivative(-z)

    return one_sample(
        name,
        losses,
        title=name,
        trials=_probability_trials,
        quantities=(
            loss_quantity("D's loss", "discriminator", truth=of("z", lambda z: 2 * entropy(z))),
            Quantity(name="by D(real)", read=read_entry(BY_SCORE, 0), truth=of("z", derivative)),
            Quantity(name="by D(fake)", read=read_entry(BY_SCORE, 2), truth=of("z", lambda z: -derivative(z))),
            loss_quantity("G's loss", "generator", truth=of("z", for_generator)),
            Quantity(name="G's by D(fake)", read=read_entry(BY_FAKE, 1), truth=of("z", generator_derivative)),
        ),
        axis="logit of the real sample",
        has_sigmoid=True,
    )


def _minimax(name: str, floor: float | None, *, saturating: bool) -> Operation:
    kind = SaturatingGeneratorLoss if saturating else NonSaturatingGeneratorLoss
    return _on_probability(
        name,
        (
            MinimaxDiscriminatorLoss(probability_floor=floor, reduction="mean", real_label=1),
            kind(probability_floor=floor, reduction="mean", real_label=1),
        ),
        lambda z: exact.negative_log_probability(z, floor=floor),
        lambda z: exact.negative_log_probability_derivative(z, floor=floor),
        saturating=saturating,
    )


def _binary_cross_entropy() -> Operation:
    floors: dict[str, Any] = {"log_floor": _LOG_FLOOR, "denominator_floor": _DENOMINATOR_FLOOR}
    return _on_probability(
        "bce",
        (
            BinaryCrossEntropyDiscriminatorLoss(**floors, reduction="mean", real_label=1),
            BinaryCrossEntropyGeneratorLoss(**floors, reduction="mean", real_label=1),
        ),
        lambda z: exact.clamped_entropy(z, log_floor=_LOG_FLOOR),
        lambda z: exact.clamped_entropy_derivative(z, denominator_floor=_DENOMINATOR_FLOOR),
    )


_SMOOTHED = 0.875  # exact in every type


def _logistic() -> Operation:
    """D's real sample has the target ⅞, its fake 0, and G's 1; the real sample's logit is z, the fake's -z."""

    def smoothed(z: np.ndarray) -> np.ndarray:
        return _SMOOTHED * exact.softplus(-z) + (1 - _SMOOTHED) * exact.softplus(z)

    def smoothed_derivative(z: np.ndarray) -> np.ndarray:
        return (1 - _SMOOTHED) * exact.sigmoid(z) - _SMOOTHED * exact.sigmoid(-z)

    return one_sample(
        "logistic",
        (
            LogisticDiscriminatorLoss(real_target=_SMOOTHED, fake_target=0.0, factor=0.5, reduction="mean"),
            LogisticGeneratorLoss(target=1.0, factor=1.0, reduction="mean"),
        ),
        title="cross entropy of one logit, a target of ⅞ for the real sample",
        trials=_probability_trials,
        quantities=(
            loss_quantity("D's loss", "discriminator", truth=of("z", lambda z: (smoothed(z) + exact.softplus(-z)) / 2)),
            Quantity(
                name="by D(real)", read=read_entry(BY_SCORE, 0), truth=of("z", lambda z: smoothed_derivative(z) / 2)
            ),
            Quantity(name="by D(fake)", read=read_entry(BY_SCORE, 2), truth=of("z", lambda z: exact.sigmoid(-z) / 2)),
            loss_quantity("G's loss", "generator", truth=of("z", exact.softplus)),
            Quantity(name="G's by D(fake)", read=read_entry(BY_FAKE, 1), truth=of("z", lambda z: -exact.sigmoid(z))),
        ),
        axis="logit of the real sample",
    )


def _relativistic() -> Operation:
    """One sample a batch, so that the other batch's mean is the other logit: both terms are of z - (-z)."""

    def slope(z: np.ndarray) -> np.ndarray:
        return exact.sigmoid(-2 * z)

    return one_sample(
        "relativistic",
        (
            RelativisticDiscriminatorLoss(average=True, factor=0.5, reduction="mean"),
            RelativisticGeneratorLoss(average=True, terms="fake", factor=1.0, reduction="mean"),
        ),
        title="relativistic average, D's halved, G's first term",
        trials=_probability_trials,
        quantities=(
            loss_quantity("D's loss", "discriminator", truth=of("z", lambda z: exact.softplus(-2 * z))),
            Quantity(name="by D(real)", read=read_entry(BY_SCORE, 0), truth=of("z", lambda z: -slope(z))),
            Quantity(name="by D(fake)", read=read_entry(BY_SCORE, 2), truth=of("z", slope)),
            loss_quantity("G's loss", "generator", truth=of("z", lambda z: exact.softplus(2 * z))),
            Quantity(
                name="G's by D(fake)", read=read_entry(BY_FAKE, 1), truth=of("z", lambda z: -exact.sigmoid(2 * z))
            ),
        ),
        axis="logit of the real sample",
    )


def _boundary_seeking() -> Operation:
    """The fake's logit is -z, and so is half its square's derivative."""
    floors: dict[str, Any] = {"log_floor": _LOG_FLOOR, "denominator_floor": _DENOMINATOR_FLOOR}
    return one_sample(
        "boundary-seeking",
        (
            BinaryCrossEntropyDiscriminatorLoss(**floors, reduction="mean", real_label=1, factor=0.5),
            BoundarySeekingGeneratorLoss(factor=0.5, reduction="mean"),
        ),
        title="boundary seeking, halved",
        trials=_probability_trials,
        quantities=(
            loss_quantity("G's loss", "generator", truth=of("z", lambda z: z * z / 2)),
            Quantity(name="G's by D(fake)", read=read_entry(BY_FAKE, 1), truth=of("z", lambda z: -z)),
        ),
        axis="logit of the real sample",
        has_sigmoid=True,
    )


def _logit_trials(dtype: Dtype) -> Sequence[Trial]:
    """Logits (other, labelled) of the real sample and of the fake: b - z and b for a b that is far from 0 at times."""
    trials = []
    for base in (0.0, 1e4):
        for z in logits(dtype).tolist():
            other, labelled = in_type(np.array([base - z, base]), dtype)
            margin = np.array(other - labelled)
            weights = np.array([[other, 1, 0, 0], [labelled, 0, 1, 0]])
            trials.append(
                Trial(
                    inputs=(z if base == 0.0 else f"{z:g} + 10⁴",),
                    state={SCORE: weights, FAKE: np.array([0, labelled, other, 1.0])},
                    arrays=step_arrays(latent=ONE, real=np.array([[1.0, 0, 0, 0]])),
                    arguments={"margin": margin},
                )
            )
    return trials


def _cross_entropy() -> Operation:
    """D finds the real sample's label 1 in its second logit, and the fake's label 0 in its first."""

    def pair(sign: int) -> Truth:
        return of("margin", lambda margin: sign * np.stack([exact.sigmoid(margin), -exact.sigmoid(margin)]))

    def generator_pair(margin: np.ndarray) -> np.ndarray:
        return np.stack([exact.sigmoid(-margin), -exact.sigmoid(-margin)])

    return one_sample(
        "cross-entropy",
        (
            CrossEntropyDiscriminatorLoss(reduction="mean", real_label=1),
            CrossEntropyGeneratorLoss(reduction="mean", real_label=1),
        ),
        title="cross entropy of two logits",
        trials=_logit_trials,
        quantities=(
            loss_quantity(
                "D's loss",
                "discriminator",
                truth=of("margin", lambda margin: 2 * exact.softplus(margin)),
            ),
            Quantity(name="by D(real)", read=read_entry(BY_SCORE, slice(0, 8, 4)), truth=pair(1)),
            Quantity(name="by D(fake)", read=read_entry(BY_SCORE, slice(3, 8, 4)), truth=pair(-1)),
            loss_quantity(
                "G's loss",
                "generator",
                truth=of("margin", lambda margin: exact.softplus(-margin)),
            ),
            Quantity(name="G's by D(fake)", read=read_entry(BY_FAKE, slice(1, 3)), truth=of("margin", generator_pair)),
        ),
        axis="labelled logit minus the other",
        num_logits=2,
    )


LOSSES = (
    _minimax("minimax", None, saturating=False),
    _minimax("minimax-floor", _FLOOR, saturating=False),
    _minimax("saturating", None, saturating=True),
    _minimax("saturating-floor", _FLOOR, saturating=True),
    _binary_cross_entropy(),
    _cross_entropy(),
    _logistic(),
    _relativistic(),
    _boundary_seeking(),
    *SCORE_LOSSES,
)
