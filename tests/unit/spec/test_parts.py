"""Losses, optimizers and sources: what they refuse, and the learning rates they give."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import pytest

from gan_rosetta.shared.errors import SpecError
from gan_rosetta.shared.gans import find_gan
from gan_rosetta.shared.spec import (
    Adadelta,
    BalancedDiscriminatorLoss,
    ConstantRate,
    CosineDecay,
    DensityRegression,
    DigitsReal,
    ExponentialDecay,
    GaussianReal,
    GradientClipping,
    GradientDescent,
    GradientPenalty,
    GridReal,
    LinearDecay,
    LinearGaussianReal,
    MeanSquaredErrorLoss,
    MinimaxDiscriminatorLoss,
    MovingAverage,
    NormalLatent,
    PiecewiseRate,
    RingReal,
    SineReal,
    SpiralReal,
    StepPattern,
    StopRule,
    StratifiedLatent,
    WarmUp,
    WassersteinGeneratorLoss,
    WeightClipping,
    WeightDecay,
)

ADAM = find_gan("sine").training.generator_optimizer
ADADELTA = Adadelta(learning_rate=ConstantRate(value=1.0), rho=0.9, epsilon=1e-6)
CLIPPED = GradientClipping(by="norm", bound=1.0, epsilon=1e-6)
LINE = LinearDecay(initial=0.1, final=0.02, begin=2, duration=4)
COSINE = CosineDecay(initial=0.1, final=0.02, duration=4, beyond="held")
AVERAGE = MovingAverage(decay=0.9, start=1, warm_up="none", buffers="copied")
RMSPROP = find_gan("wgan").training.generator_optimizer
DECAY = ExponentialDecay(initial=0.005, factor=0.95, every=150, staircase=True)
DIGITS = DigitsReal(size=28, num_channels=1, low=0.0, high=1.0, num_images=None, reshuffle=True)
RING = RingReal(num_modes=8, radius=2.0, standard_deviation=0.02)
GRID = GridReal(side=5, spacing=2.0, standard_deviation=0.05)
SPIRAL = SpiralReal(num_arms=2, num_turns=1.5, radius=1.0, standard_deviation=0.02)
LINEAR = LinearGaussianReal(matrix=((1.0, 2.0), (-0.1, 0.5)), offset=(1.0, 2.0), num_points=10)
BALANCED = BalancedDiscriminatorLoss(initial_balance=0.0, diversity=0.75, rate=0.001, reduction="mean")
MINIMAX = MinimaxDiscriminatorLoss(probability_floor=None, reduction="mean", real_label=1)
NAN, INFINITY = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("part", "changes", "words"),
    [
        (PiecewiseRate(values=(0.2, 0.1), boundaries=(2,)), {"values": (0.2,)}, "has 1 values and 1 boundaries"),
        (PiecewiseRate(values=(0.2, 0.1), boundaries=(2,)), {"boundaries": (0,)}, "boundaries are"),
        (WarmUp(initial=0.0, duration=1, after=ConstantRate(value=0.1)), {"duration": 0}, "duration is 0"),
        (WeightDecay(share=0.1, by="parameter"), {"share": 1.0}, "expected less than 1"),
        (GradientDescent(learning_rate=ConstantRate(value=0.1)), {"nesterov": True}, "momentum 0"),
        (ADAM, {"amsgrad": "corrected", "bias_correction": False}, "which is of v̂"),
        (ConstantRate(value=0.1), {"value": -0.1}, "ConstantRate: value is -0.1"),
        (ConstantRate(value=0.1), {"value": INFINITY}, "value is inf"),
        (DECAY, {"every": 0}, "every is 0"),
        (DECAY, {"factor": 0}, "factor is 0; expected a finite number greater than 0"),
        (DECAY, {"initial": NAN}, "initial is nan"),
        (ADAM, {"beta1": 1.0}, "Adam: beta1 is 1.0; expected less than 1"),
        (ADAM, {"beta2": -0.1}, "beta2 is -0.1"),
        (ADAM, {"epsilon": 0.0}, "epsilon is 0.0"),
        (ADAM, {"epsilon_placement": "inside"}, "epsilon_placement is 'inside'; expected one of 'outside', 'hat'"),
        (ADADELTA, {"rho": 1}, "Adadelta: rho is 1; expected less than 1"),
        (ADADELTA, {"epsilon": -1e-6}, "epsilon is -1e-06"),
        (RMSPROP, {"rho": 1}, "RMSprop: rho is 1; expected less than 1"),
        (RMSPROP, {"momentum": 1.0}, "momentum is 1.0; expected less than 1"),
        (RMSPROP, {"epsilon": 0.0}, "epsilon is 0.0"),
        (RMSPROP, {"epsilon_placement": "hat"}, "epsilon_placement is 'hat'; expected one of 'outside', 'inside'"),
        (RMSPROP, {"momentum_of": "gradient"}, "momentum_of is 'gradient'; expected one of 'direction', 'step'"),
        (WeightClipping(bound=0.01), {"bound": 0.0}, "WeightClipping: bound is 0.0"),
        (CLIPPED, {"by": "all"}, "by is 'all'; expected one of 'value', 'norm', 'global_norm'"),
        (CLIPPED, {"bound": 0.0}, "GradientClipping: bound is 0.0"),
        (CLIPPED, {"epsilon": -1e-6}, "epsilon is -1e-06"),
        (CLIPPED, {"by": "value"}, "epsilon is 1e-06, and by value there is no norm; say 0"),
        (LINE, {"initial": 0.0}, "LinearDecay: initial is 0.0"),
        (LINE, {"final": -1.0}, "final is -1.0"),
        (LINE, {"begin": -1}, "begin is -1"),
        (LINE, {"duration": 0}, "duration is 0"),
        (LINE, {"counted": "steps"}, "counted is 'steps'"),
        (COSINE, {"beyond": "up"}, "beyond is 'up'; expected one of 'held', 'mirrored'"),
        (COSINE, {"duration": 1.5}, "duration is 1.5"),
        (AVERAGE, {"decay": 1.0}, "MovingAverage: decay is 1.0; expected less than 1"),
        (AVERAGE, {"decay": -0.1}, "decay is -0.1"),
        (AVERAGE, {"start": -1}, "start is -1"),
        (AVERAGE, {"start": 1.5}, "start is 1.5"),
        (AVERAGE, {"warm_up": "linear"}, "warm_up is 'linear'; expected one of 'none', 'counted'"),
        (AVERAGE, {"buffers": "kept"}, "buffers is 'kept'; expected one of 'averaged', 'copied'"),
        (StepPattern(period=5, offsets=(0,)), {"counted": "batch"}, "counted is 'batch'"),
        (MINIMAX, {"probability_floor": 0.0}, "MinimaxDiscriminatorLoss: probability_floor is 0.0"),
        (MINIMAX, {"reduction": "none"}, "reduction is 'none'; expected one of 'mean', 'sum'"),
        (MINIMAX, {"real_label": 2}, "real_label is 2; expected one of 0, 1"),
        (WassersteinGeneratorLoss(reduction="mean", real_label=1), {"real_label": -1}, "real_label is -1"),
        (MeanSquaredErrorLoss(reduction="mean"), {"reduction": "max"}, "reduction is 'max'"),
        (BALANCED, {"initial_balance": 1.5}, "initial_balance is 1.5; expected at most 1"),
        (BALANCED, {"diversity": -0.5}, "diversity is -0.5"),
        (BALANCED, {"rate": 0.0}, "rate is 0.0"),
        (GradientPenalty(weight=10.0, norm="sample"), {"norm": "pixel"}, "norm is 'pixel'"),
        (GradientPenalty(weight=10.0, norm="sample"), {"weight": -1}, "weight is -1"),
        (GradientPenalty(weight=10.0, norm="sample"), {"at": "between"}, "at is 'between'; expected one of 'mixed'"),
        (GradientPenalty(weight=10.0, norm="sample"), {"target": -1.0}, "target is -1"),
        (GradientPenalty(weight=10.0, norm="sample"), {"power": 3, "target": 0.0}, "power is 3; expected an even"),
        (GradientPenalty(weight=10.0, norm="sample"), {"over": "median"}, "over is 'median'; expected one of 'mean'"),
        (GradientPenalty(weight=10.0, norm="sample"), {"at": "real", "mixing": "entry"}, "'real', where nothing is mi"),
        (GradientPenalty(weight=10.0, norm="sample"), {"at": "perturbed"}, "perturbation is not given; say how many"),
        (GradientPenalty(weight=10.0, norm="sample"), {"perturbation": 0.5}, "perturbation is 0.5, and at 'mixed'"),
        (GradientPenalty(weight=1, norm="sample"), {"at": "perturbed", "perturbation": 0.5}, "deviation is None; expe"),
        (GradientPenalty(weight=10.0, norm="sample"), {"power": 4}, "power is 4 and target 1; expected power 2, or"),
        (
            GaussianReal(mean=4.0, standard_deviation=0.5, sort=True),
            {"standard_deviation": 0},
            "standard_deviation is 0",
        ),
        (GaussianReal(mean=4.0, standard_deviation=0.5, sort=True), {"mean": "4"}, "mean is '4'"),
        (LINEAR, {"offset": (1.0,)}, "do not fit; expected d×d and d"),
        (LINEAR, {"matrix": ((1.0, 2.0), (3.0,))}, "do not fit"),
        (LINEAR, {"matrix": ((1.0, 2.0), (NAN, 0.5))}, "must be finite"),
        (LINEAR, {"num_points": 0}, "num_points is 0"),
        (SineReal(num_points=16), {"num_points": -1}, "num_points is -1"),
        (RING, {"num_modes": 0}, "num_modes is 0; expected an integer of at least 1"),
        (RING, {"num_modes": 10**400}, "expected at most 1000"),
        (RING, {"radius": 0.0}, "radius is 0.0; expected a finite number greater than 0"),
        (RING, {"standard_deviation": NAN}, "standard_deviation is nan"),
        (GRID, {"side": 1001}, "side is 1001; expected at most 1000"),
        (GRID, {"spacing": -1.0}, "spacing is -1.0"),
        (SPIRAL, {"num_arms": 1.5}, "num_arms is 1.5; expected an integer"),
        (SPIRAL, {"num_turns": 0.0}, "num_turns is 0.0"),
        (DIGITS, {"num_images": 0}, "num_images is 0"),
        (DIGITS, {"size": 0}, "size is 0"),
        (DIGITS, {"high": 0.0}, "high is 0.0; expected a finite number greater than 0.0"),
        (StratifiedLatent(low=-8.0, high=8.0, jitter=0.01), {"jitter": -1}, "jitter is -1"),
        (StratifiedLatent(low=-8.0, high=8.0, jitter=0.01), {"low": 9.0}, "high is 8.0"),
        (
            NormalLatent(shape=(2,), redraw="step"),
            {"redraw": "epoch"},
            "redraw is 'epoch'; expected one of 'step', 'never'",
        ),
        (DensityRegression(low=-5.0, high=5.0, mean=4.0, standard_deviation=0.5), {"high": -5.0}, "high is -5.0"),
        (
            StepPattern(period=9, offsets=(0, 5)),
            {"offsets": (9,)},
            "offsets are (9,); expected at least one, each from 0 to 8",
        ),
        (StepPattern(period=9, offsets=(0, 5)), {"offsets": ()}, "offsets are ()"),
        (StepPattern(period=9, offsets=(0, 5)), {"period": 0}, "period is 0"),
        (StopRule(tolerance=1e-6), {"tolerance": -1e-6}, "tolerance is -1e-06"),
    ],
)
def test_fields_that_make_no_sense(part, changes, words):
    with pytest.raises(SpecError, match=re.escape(words)):
        replace(part, **changes)


def test_learning_rates():
    assert ConstantRate(value=0.1).at(1000) == 0.1
    assert [DECAY.at(step) for step in (0, 149, 150, 300)] == [0.005, 0.005, 0.005 * 0.95, 0.005 * 0.95**2]
    smooth = replace(DECAY, staircase=False)
    assert smooth.at(75) == 0.005 * 0.95**0.5
    assert smooth.at(150) == DECAY.at(150)


def test_patterns():
    pattern = StepPattern(period=9, offsets=(0, 5))
    assert [step for step in range(20) if pattern.includes(step)] == [0, 5, 9, 14, 18]


def test_slots():
    descent = GradientDescent(learning_rate=ConstantRate(value=0.1))
    assert (descent.slots, replace(descent, momentum=0.9).slots) == ((), ("momentum",))
    assert (ADAM.slots, replace(ADAM, amsgrad="as_kept").slots) == (("m", "v"), ("m", "v", "largest"))
    assert Adadelta.slots == ("square", "delta")


def test_pieces_change_at_their_boundaries():
    pieces = PiecewiseRate(values=(0.3, 0.2, 0.1), boundaries=(2, 5))
    assert [pieces.at(step) for step in (0, 1, 2, 4, 5, 9)] == [0.3, 0.3, 0.2, 0.2, 0.1, 0.1]
    epochs = replace(pieces, counted="epochs")
    assert [epochs.at(9, epoch=epoch) for epoch in (1, 2, 5)] == [0.3, 0.2, 0.1]


def test_a_warmed_up_rate_goes_in_a_line_to_the_schedule_behind():
    pieces = PiecewiseRate(values=(0.4, 0.1), boundaries=(3,))
    rate = WarmUp(initial=0.0, duration=4, after=pieces)
    assert [rate.at(step) for step in range(9)] == [0.0, 0.1, 0.2, 0.4 * 3 / 4, 0.4, 0.4, 0.4, 0.1, 0.1]
    counted = replace(rate, after=replace(pieces, counted="epochs"))
    assert [counted.at(0, epoch=epoch) for epoch in (0, 2, 4, 7)] == [0.0, 0.2, 0.4, 0.1]


def test_what_a_weight_loses_hangs_on_the_rate_or_does_not():
    shares = {by: WeightDecay(share=0.25, by=by).shrinks_by(0.5) for by in ("gradient", "parameter", "parameter_alone")}
    assert shares == {"gradient": 0.0, "parameter": 0.125, "parameter_alone": 0.25}


def test_sample_shapes():
    assert DIGITS.sample_shape == (1, 28, 28)
    assert replace(DIGITS, num_channels=3, size=32).sample_shape == (3, 32, 32)
    assert LINEAR.sample_shape == (2,)
    assert SineReal(num_points=16).sample_shape == (16,)
    assert RING.sample_shape == GRID.sample_shape == SPIRAL.sample_shape == (2,)
    assert NormalLatent(shape=(100, 1, 1), redraw="never").sample_shape == (100, 1, 1)


def test_a_rate_in_a_line():
    rates = [LINE.at(step) for step in range(8)]
    assert rates == pytest.approx([0.1, 0.1, 0.1, 0.08, 0.06, 0.04, 0.02, 0.02])
    by_epoch = replace(LINE, counted="epochs")
    assert by_epoch.at(100, epoch=3) == LINE.at(3)


def test_a_rate_by_a_cosine():
    rates = [COSINE.at(step) for step in range(7)]
    quarter = 0.02 + 0.04 * (1 + math.sqrt(0.5))
    assert rates == pytest.approx([0.1, quarter, 0.06, 0.12 - quarter, 0.02, 0.02, 0.02])
    mirrored = replace(COSINE, beyond="mirrored")
    assert [mirrored.at(step) for step in range(9)] == pytest.approx([*rates[:5], *rates[3::-1]])
