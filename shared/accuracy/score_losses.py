"""The losses of one sample's scores, about the targets and margins where their terms cancel; pretraining's too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from gan_rosetta.shared.accuracy import exact
from gan_rosetta.shared.accuracy.one_sample import BY_FAKE, BY_SCORE, FAKE, ONE, SCORE, of, one_sample
from gan_rosetta.shared.accuracy.operation import Operation, Quantity, Trial, loss_quantity, read_entry, read_tensor
from gan_rosetta.shared.accuracy.points import in_type
from gan_rosetta.shared.accuracy.tiny import KEEPING, linear, step_arrays, tiny_gan
from gan_rosetta.shared.interface import Dtype
from gan_rosetta.shared.spec import (
    BalancedDiscriminatorLoss,
    DensityRegression,
    HingeDiscriminatorLoss,
    LeastSquaresDiscriminatorLoss,
    LeastSquaresGeneratorLoss,
    MarginDiscriminatorLoss,
    MeanSquaredErrorLoss,
    Pretraining,
    SoftmaxDiscriminatorLoss,
    SoftmaxGeneratorLoss,
    WassersteinGeneratorLoss,
)
from gan_rosetta.shared.state import BALANCE

_FAR = 4


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
            state={SCORE: np.array(output)},
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
            state={SCORE: np.array([output, 1.0, 0.0]), FAKE: np.array([0.0, output, 1.0])},
            arrays=step_arrays(latent=ONE, real=np.array([[1.0, 0.0, 0.0]])),
            arguments={"apart": exact.extended(output) - 1},
        )
        for output in _about_one(dtype).tolist()
    ]


def _least_squares() -> Operation:
    return one_sample(
        "least-squares",
        (
            LeastSquaresDiscriminatorLoss(real_target=1.0, fake_target=0.0, factor=0.5, reduction="mean"),
            LeastSquaresGeneratorLoss(target=1.0, factor=1.0, reduction="mean"),
        ),
        title="least squares, targets 1 and 0, D's halved",
        trials=_squares_trials,
        quantities=(
            loss_quantity(
                "D's loss",
                "discriminator",
                truth=of("apart", lambda apart: (np.square(apart) + np.square(1 + apart)) / 2),
            ),
            Quantity(name="by D(real)", read=read_entry(BY_SCORE, 0), truth=of("apart", lambda apart: apart)),
            Quantity(name="by D(fake)", read=read_entry(BY_SCORE, 2), truth=of("apart", lambda apart: 1 + apart)),
            loss_quantity("G's loss", "generator", truth=of("apart", np.square)),
            Quantity(name="G's by D(fake)", read=read_entry(BY_FAKE, 1), truth=of("apart", lambda apart: 2 * apart)),
        ),
        axis="score minus 1",
    )


def _hinge_trials(dtype: Dtype) -> Sequence[Trial]:
    """The real sample's score about its margin of 1, and the fake's its opposite."""
    return [
        Trial(
            inputs=(output - 1.0,),
            state={SCORE: np.array([output, 1.0, 0.0]), FAKE: np.array([0.0, -output, 1.0])},
            arrays=step_arrays(latent=ONE, real=np.array([[1.0, 0.0, 0.0]])),
            arguments={"apart": exact.extended(output) - 1},
        )
        for output in _about_one(dtype).tolist()
    ]


def _hinge() -> Operation:
    def inside(apart: np.ndarray) -> np.ndarray:
        return np.where(apart < 0, exact.Extended(1), exact.Extended(0))

    return one_sample(
        "hinge",
        (
            HingeDiscriminatorLoss(reduction="mean", real_label=1),
            WassersteinGeneratorLoss(reduction="mean", real_label=1),
        ),
        title="hinge",
        trials=_hinge_trials,
        quantities=(
            loss_quantity("D's loss", "discriminator", truth=of("apart", lambda apart: 2 * np.maximum(-apart, 0))),
            Quantity(name="by D(real)", read=read_entry(BY_SCORE, 0), truth=of("apart", lambda apart: -inside(apart))),
            Quantity(name="by D(fake)", read=read_entry(BY_SCORE, 2), truth=of("apart", inside)),
            loss_quantity("G's loss", "generator", truth=of("apart", lambda apart: 1 + apart)),
        ),
        axis="score of the real sample minus 1",
    )


def _margin() -> Operation:
    """Both samples' energies about the margin of 1."""

    def held(apart: np.ndarray) -> np.ndarray:
        return np.where(apart < 0, exact.Extended(-1), exact.Extended(0))

    return one_sample(
        "margin",
        (
            MarginDiscriminatorLoss(margin=1.0, over="batch", reduction="mean"),
            WassersteinGeneratorLoss(reduction="mean", real_label=0),
        ),
        title="an energy and a margin of 1",
        trials=_squares_trials,
        quantities=(
            loss_quantity(
                "D's loss", "discriminator", truth=of("apart", lambda apart: 1 + apart + np.maximum(-apart, 0))
            ),
            Quantity(name="by D(real)", read=read_entry(BY_SCORE, 0), truth=of("apart", lambda apart: 1 + 0 * apart)),
            Quantity(name="by D(fake)", read=read_entry(BY_SCORE, 2), truth=of("apart", held)),
            loss_quantity("G's loss", "generator", truth=of("apart", lambda apart: 1 + apart)),
        ),
        axis="energy minus 1",
    )


def _balanced() -> Operation:
    """Both samples' energies about 1, balanced by a half, which then moves by their difference."""

    def moved(apart: np.ndarray) -> np.ndarray:
        return np.clip(0.5 + 0.25 * (0.5 * (1 + apart) - (1 + apart)), 0, 1)

    return one_sample(
        "balanced",
        (
            BalancedDiscriminatorLoss(initial_balance=0.5, diversity=0.5, rate=0.25, reduction="mean"),
            WassersteinGeneratorLoss(reduction="mean", real_label=0),
        ),
        title="energies and their balance",
        trials=lambda dtype: [
            replace(trial, state={**trial.state, BALANCE: np.array(0.5)}) for trial in _squares_trials(dtype)
        ],
        quantities=(
            loss_quantity("D's loss", "discriminator", truth=of("apart", lambda apart: 0.5 * (1 + apart))),
            Quantity(name="by D(real)", read=read_entry(BY_SCORE, 0), truth=of("apart", lambda apart: 1 + 0 * apart)),
            Quantity(
                name="by D(fake)", read=read_entry(BY_SCORE, 2), truth=of("apart", lambda apart: -0.5 + 0 * apart)
            ),
            Quantity(name="balance", read=read_tensor(BALANCE), truth=of("apart", moved)),
            loss_quantity("G's loss", "generator", truth=of("apart", lambda apart: 1 + apart)),
        ),
        axis="energy minus 1",
    )


def _softmax_trials(dtype: Dtype) -> Sequence[Trial]:
    """The same as far as no power is beyond what its type holds."""
    return [trial for trial in _squares_trials(dtype) if abs(float(trial.arguments["apart"])) <= _FAR]


def _softmax() -> Operation:
    """Two samples of one score x, of which the softmax gives each half but for the 1 beside: log(1 + 2 exp(-x))."""

    def share(apart: np.ndarray) -> np.ndarray:
        return exact.sigmoid(np.log(exact.Extended(2)) - 1 - apart) / 2

    def value(apart: np.ndarray) -> np.ndarray:
        return 1 + apart + exact.softplus(np.log(exact.Extended(2)) - 1 - apart)

    return one_sample(
        "softmax-loss",
        (SoftmaxDiscriminatorLoss(floor=1.0), SoftmaxGeneratorLoss(floor=1.0)),
        title="a softmax over both batches, with 1 beside",
        trials=_softmax_trials,
        quantities=(
            loss_quantity("D's loss", "discriminator", truth=of("apart", value)),
            Quantity(
                name="by D(real)", read=read_entry(BY_SCORE, 0), truth=of("apart", lambda apart: 1 - share(apart))
            ),
            Quantity(name="by D(fake)", read=read_entry(BY_SCORE, 2), truth=of("apart", lambda apart: -share(apart))),
            loss_quantity("G's loss", "generator", truth=of("apart", value)),
            Quantity(
                name="G's by D(fake)", read=read_entry(BY_FAKE, 1), truth=of("apart", lambda apart: 0.5 - share(apart))
            ),
        ),
        axis="score minus 1",
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
            loss_quantity("loss", "pretraining", truth=of("apart", np.square)),
            Quantity(
                name="gradient",
                read=read_entry("optimizer.pretraining.score.weight.m", 0),
                truth=of("apart", lambda apart: 2 * apart),
            ),
        ),
        axis="output minus target",
        phase="pretraining",
    )


SCORE_LOSSES = (_least_squares(), _hinge(), _margin(), _balanced(), _softmax(), _squared_error())
