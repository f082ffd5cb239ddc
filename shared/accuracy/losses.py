"""The losses of one sample and their gradients by the logit, or by each of two; pretraining's squared error.

Real samples are (1, 0, 0) and D's weights (r, 1, 0), so that r is the real sample's logit; G makes (0, f, 1), so that f
is the fake's, its weight's gradient that of G's loss by f, and the gradient of D's last weight that of D's loss by f.
With two logits there are two numbers in place of each of r and f.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from gan_rosetta.shared.accuracy import exact
from gan_rosetta.shared.accuracy.operation import Operation, Quantity, Trial, loss_quantity, read_entry
from gan_rosetta.shared.accuracy.points import in_type, logits
from gan_rosetta.shared.accuracy.tiny import KEEPING, linear, step_arrays, tiny_gan
from gan_rosetta.shared.interface import Dtype
from gan_rosetta.shared.spec import (
    BinaryCrossEntropyDiscriminatorLoss,
    BinaryCrossEntropyGeneratorLoss,
    BoundarySeekingGeneratorLoss,
    CrossEntropyDiscriminatorLoss,
    CrossEntropyGeneratorLoss,
    DensityRegression,
    DiscriminatorLoss,
    GeneratorLoss,
    HingeDiscriminatorLoss,
    LeastSquaresDiscriminatorLoss,
    LeastSquaresGeneratorLoss,
    LogisticDiscriminatorLoss,
    LogisticGeneratorLoss,
    MeanSquaredErrorLoss,
    MinimaxDiscriminatorLoss,
    NonSaturatingGeneratorLoss,
    Pretraining,
    RelativisticDiscriminatorLoss,
    SaturatingGeneratorLoss,
    Sigmoid,
    WassersteinGeneratorLoss,
)

_FLOOR = 1e-6
_LOG_FLOOR, _DENOMINATOR_FLOOR = -100.0, 1e-12
_ONE = np.ones((1, 1))
_SCORE, _FAKE = "discriminator.score.weight", "generator.fake.weight"
_BY_SCORE, _BY_FAKE = "optimizer.discriminator.score.weight.m", "optimizer.generator.fake.weight.m"

Function = Callable[[np.ndarray], np.ndarray]
Truth = Callable[[Mapping[str, np.ndarray]], np.ndarray]


def _of(name: str, function: Function) -> Truth:
    return lambda arguments: np.asarray(function(exact.extended(arguments[name])), exact.Extended).reshape(1, -1)


def _probability_trials(dtype: Dtype) -> Sequence[Trial]:
    """Real logit z and fake logit -z, so that D is right about both where z is large, and wrong where it is small."""
    return [
        Trial(
            inputs=(z,),
            state={_SCORE: np.array([z, 1.0, 0.0]), _FAKE: np.array([0.0, -z, 1.0])},
            arrays=step_arrays(latent=_ONE, real=np.array([[1.0, 0.0, 0.0]])),
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

    return Operation(
        name=name,
        group="losses",
        title=name,
        spec=tiny_gan(
            name,
            generator=(linear("fake", 1, 3),),
            discriminator=(linear("score", 3, 1), Sigmoid()),
            losses=losses,
        ),
        trials=_probability_trials,
        quantities=(
            loss_quantity("D's loss", "discriminator", truth=_of("z", lambda z: 2 * entropy(z))),
            Quantity(name="by D(real)", read=read_entry(_BY_SCORE, 0), truth=_of("z", derivative)),
            Quantity(name="by D(fake)", read=read_entry(_BY_SCORE, 2), truth=_of("z", lambda z: -derivative(z))),
            loss_quantity("G's loss", "generator", truth=_of("z", for_generator)),
            Quantity(name="G's by D(fake)", read=read_entry(_BY_FAKE, 1), truth=_of("z", generator_derivative)),
        ),
        axis="logit of the real sample",
        trains_discriminator=True,
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
    floors = {"log_floor": _LOG_FLOOR, "denominator_floor": _DENOMINATOR_FLOOR}
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

    return Operation(
        name="logistic",
        group="losses",
        title="cross entropy of one logit, a target of ⅞ for the real sample",
        spec=tiny_gan(
            "logistic",
            generator=(linear("fake", 1, 3),),
            discriminator=(linear("score", 3, 1),),
            losses=(
                LogisticDiscriminatorLoss(real_target=_SMOOTHED, fake_target=0.0, factor=0.5, reduction="mean"),
                LogisticGeneratorLoss(target=1.0, factor=1.0, reduction="mean"),
            ),
        ),
        trials=_probability_trials,
        quantities=(
            loss_quantity(
                "D's loss", "discriminator", truth=_of("z", lambda z: (smoothed(z) + exact.softplus(-z)) / 2)
            ),
            Quantity(
                name="by D(real)", read=read_entry(_BY_SCORE, 0), truth=_of("z", lambda z: smoothed_derivative(z) / 2)
            ),
            Quantity(name="by D(fake)", read=read_entry(_BY_SCORE, 2), truth=_of("z", lambda z: exact.sigmoid(-z) / 2)),
            loss_quantity("G's loss", "generator", truth=_of("z", exact.softplus)),
            Quantity(name="G's by D(fake)", read=read_entry(_BY_FAKE, 1), truth=_of("z", lambda z: -exact.sigmoid(z))),
        ),
        axis="logit of the real sample",
        trains_discriminator=True,
    )


def _relativistic() -> Operation:
    """One sample a batch, so that the other batch's mean is the other logit: both terms are of z - (-z)."""

    def slope(z: np.ndarray) -> np.ndarray:
        return exact.sigmoid(-2 * z)

    return Operation(
        name="relativistic",
        group="losses",
        title="relativistic average, halved",
        spec=tiny_gan(
            "relativistic",
            generator=(linear("fake", 1, 3),),
            discriminator=(linear("score", 3, 1),),
            losses=(
                RelativisticDiscriminatorLoss(average=True, factor=0.5, reduction="mean"),
                LogisticGeneratorLoss(target=1.0, factor=1.0, reduction="mean"),
            ),
        ),
        trials=_probability_trials,
        quantities=(
            loss_quantity("D's loss", "discriminator", truth=_of("z", lambda z: exact.softplus(-2 * z))),
            Quantity(name="by D(real)", read=read_entry(_BY_SCORE, 0), truth=_of("z", lambda z: -slope(z))),
            Quantity(name="by D(fake)", read=read_entry(_BY_SCORE, 2), truth=_of("z", slope)),
        ),
        axis="logit of the real sample",
        trains_discriminator=True,
    )


def _boundary_seeking() -> Operation:
    """The fake's logit is -z, and so is half its square's derivative."""
    floors = {"log_floor": _LOG_FLOOR, "denominator_floor": _DENOMINATOR_FLOOR}
    return Operation(
        name="boundary-seeking",
        group="losses",
        title="boundary seeking, halved",
        spec=tiny_gan(
            "boundary-seeking",
            generator=(linear("fake", 1, 3),),
            discriminator=(linear("score", 3, 1), Sigmoid()),
            losses=(
                BinaryCrossEntropyDiscriminatorLoss(**floors, reduction="mean", real_label=1, factor=0.5),
                BoundarySeekingGeneratorLoss(factor=0.5, reduction="mean"),
            ),
        ),
        trials=_probability_trials,
        quantities=(
            loss_quantity("G's loss", "generator", truth=_of("z", lambda z: z * z / 2)),
            Quantity(name="G's by D(fake)", read=read_entry(_BY_FAKE, 1), truth=_of("z", lambda z: -z)),
        ),
        axis="logit of the real sample",
        trains_discriminator=True,
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
                    state={_SCORE: weights, _FAKE: np.array([0, labelled, other, 1.0])},
                    arrays=step_arrays(latent=_ONE, real=np.array([[1.0, 0, 0, 0]])),
                    arguments={"margin": margin},
                )
            )
    return trials


def _cross_entropy() -> Operation:
    """D finds the real sample's label 1 in its second logit, and the fake's label 0 in its first."""

    def pair(sign: int) -> Truth:
        return _of("margin", lambda margin: sign * np.stack([exact.sigmoid(margin), -exact.sigmoid(margin)]))

    def generator_pair(margin: np.ndarray) -> np.ndarray:
        return np.stack([exact.sigmoid(-margin), -exact.sigmoid(-margin)])

    return Operation(
        name="cross-entropy",
        group="losses",
        title="cross entropy of two logits",
        spec=tiny_gan(
            "cross-entropy",
            generator=(linear("fake", 1, 4),),
            discriminator=(linear("score", 4, 2),),
            losses=(
                CrossEntropyDiscriminatorLoss(reduction="mean", real_label=1),
                CrossEntropyGeneratorLoss(reduction="mean", real_label=1),
            ),
        ),
        trials=_logit_trials,
        quantities=(
            loss_quantity(
                "D's loss",
                "discriminator",
                truth=_of("margin", lambda margin: 2 * exact.softplus(margin)),
            ),
            Quantity(name="by D(real)", read=read_entry(_BY_SCORE, slice(0, 8, 4)), truth=pair(1)),
            Quantity(name="by D(fake)", read=read_entry(_BY_SCORE, slice(3, 8, 4)), truth=pair(-1)),
            loss_quantity(
                "G's loss",
                "generator",
                truth=_of("margin", lambda margin: exact.softplus(-margin)),
            ),
            Quantity(
                name="G's by D(fake)", read=read_entry(_BY_FAKE, slice(1, 3)), truth=_of("margin", generator_pair)
            ),
        ),
        axis="labelled logit minus the other",
        trains_discriminator=True,
    )


def _about_one(dtype: Dtype) -> np.ndarray:
    """Return numbers about 1, from so near that only the last digits differ to far beyond it."""
    eps, largest = float(np.finfo(dtype).eps), float(np.finfo(dtype).max)
    away = [0, eps, 3 * eps, 1e3 * eps, 1e-3, 0.5, 3, 1e3, largest**0.4, largest**0.6]
    offsets = sorted({sign * step for step in away for sign in (1, -1)})
    return in_type(1 + np.array(offsets), dtype)


def _regression_trials(dtype: Dtype) -> Sequence[Trial]:
    """Outputs about a target of 1."""
    return [
        Trial(
            inputs=(float(output) - 1.0,),
            state={_SCORE: np.array(output)},
            arrays={"pretrain_input": np.ones((1, 1, 1)), "pretrain_target": np.ones((1, 1, 1))},
            arguments={"apart": exact.extended(output) - 1},
        )
        for output in _about_one(dtype)
    ]


def _squares_trials(dtype: Dtype) -> Sequence[Trial]:
    """Both samples' scores about 1, which is the target of all but D's fakes."""
    return [
        Trial(
            inputs=(output - 1.0,),
            state={_SCORE: np.array([output, 1.0, 0.0]), _FAKE: np.array([0.0, output, 1.0])},
            arrays=step_arrays(latent=_ONE, real=np.array([[1.0, 0.0, 0.0]])),
            arguments={"apart": exact.extended(output) - 1},
        )
        for output in _about_one(dtype).tolist()
    ]


def _least_squares() -> Operation:
    return Operation(
        name="least-squares",
        group="losses",
        title="least squares, targets 1 and 0, D's halved",
        spec=tiny_gan(
            "least-squares",
            generator=(linear("fake", 1, 3),),
            discriminator=(linear("score", 3, 1),),
            losses=(
                LeastSquaresDiscriminatorLoss(real_target=1.0, fake_target=0.0, factor=0.5, reduction="mean"),
                LeastSquaresGeneratorLoss(target=1.0, factor=1.0, reduction="mean"),
            ),
        ),
        trials=_squares_trials,
        quantities=(
            loss_quantity(
                "D's loss",
                "discriminator",
                truth=_of("apart", lambda apart: (np.square(apart) + np.square(1 + apart)) / 2),
            ),
            Quantity(name="by D(real)", read=read_entry(_BY_SCORE, 0), truth=_of("apart", lambda apart: apart)),
            Quantity(name="by D(fake)", read=read_entry(_BY_SCORE, 2), truth=_of("apart", lambda apart: 1 + apart)),
            loss_quantity("G's loss", "generator", truth=_of("apart", np.square)),
            Quantity(name="G's by D(fake)", read=read_entry(_BY_FAKE, 1), truth=_of("apart", lambda apart: 2 * apart)),
        ),
        axis="score minus 1",
        trains_discriminator=True,
    )


def _hinge_trials(dtype: Dtype) -> Sequence[Trial]:
    """The real sample's score about its margin of 1, and the fake's its opposite."""
    return [
        Trial(
            inputs=(output - 1.0,),
            state={_SCORE: np.array([output, 1.0, 0.0]), _FAKE: np.array([0.0, -output, 1.0])},
            arrays=step_arrays(latent=_ONE, real=np.array([[1.0, 0.0, 0.0]])),
            arguments={"apart": exact.extended(output) - 1},
        )
        for output in _about_one(dtype).tolist()
    ]


def _hinge() -> Operation:
    def inside(apart: np.ndarray) -> np.ndarray:
        return np.where(apart < 0, exact.Extended(1), exact.Extended(0))

    return Operation(
        name="hinge",
        group="losses",
        title="hinge",
        spec=tiny_gan(
            "hinge",
            generator=(linear("fake", 1, 3),),
            discriminator=(linear("score", 3, 1),),
            losses=(
                HingeDiscriminatorLoss(reduction="mean", real_label=1),
                WassersteinGeneratorLoss(reduction="mean", real_label=1),
            ),
        ),
        trials=_hinge_trials,
        quantities=(
            loss_quantity("D's loss", "discriminator", truth=_of("apart", lambda apart: 2 * np.maximum(-apart, 0))),
            Quantity(
                name="by D(real)", read=read_entry(_BY_SCORE, 0), truth=_of("apart", lambda apart: -inside(apart))
            ),
            Quantity(name="by D(fake)", read=read_entry(_BY_SCORE, 2), truth=_of("apart", inside)),
            loss_quantity("G's loss", "generator", truth=_of("apart", lambda apart: 1 + apart)),
        ),
        axis="score of the real sample minus 1",
        trains_discriminator=True,
    )


def _squared_error() -> Operation:
    data = DensityRegression(low=-1.0, high=1.0, mean=0.0, standard_deviation=1.0)
    loss = MeanSquaredErrorLoss(reduction="mean")
    return Operation(
        name="squared-error",
        group="losses",
        title="squared error of pretraining",
        spec=tiny_gan(
            "squared-error",
            generator=(linear("fake", 1, 1),),
            discriminator=(linear("score", 1, 1),),
            pretraining=Pretraining(num_steps=1, data=data, loss=loss, optimizer=KEEPING),
        ),
        trials=_regression_trials,
        quantities=(
            loss_quantity("loss", "pretraining", truth=_of("apart", np.square)),
            Quantity(
                name="gradient",
                read=read_entry("optimizer.pretraining.score.weight.m", 0),
                truth=_of("apart", lambda apart: 2 * apart),
            ),
        ),
        axis="output minus target",
        phase="pretraining",
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
    _least_squares(),
    _hinge(),
    _squared_error(),
)
