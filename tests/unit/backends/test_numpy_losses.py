"""Each loss against its formula, and its gradients against central differences."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gan_rosetta.backends.numpy.losses import (
    DISCRIMINATOR_LOSSES,
    GENERATOR_LOSSES,
    distance_loss,
    mean_squared_error_loss,
    moved_balance,
)
from gan_rosetta.backends.numpy.penalty import gradient_penalty
from gan_rosetta.shared.spec import (
    BalancedDiscriminatorLoss,
    BinaryCrossEntropyDiscriminatorLoss,
    BinaryCrossEntropyGeneratorLoss,
    BoundarySeekingGeneratorLoss,
    CrossEntropyDiscriminatorLoss,
    CrossEntropyGeneratorLoss,
    DistanceLoss,
    GradientPenalty,
    HingeDiscriminatorLoss,
    LogisticDiscriminatorLoss,
    LogisticGeneratorLoss,
    MeanSquaredErrorLoss,
    MinimaxDiscriminatorLoss,
    NonSaturatingGeneratorLoss,
    RelativisticDiscriminatorLoss,
    RelativisticGeneratorLoss,
    SaturatingGeneratorLoss,
    SoftmaxDiscriminatorLoss,
    SoftmaxGeneratorLoss,
    WassersteinDiscriminatorLoss,
    WassersteinGeneratorLoss,
)
from tests.unit.backends.numpy_layers import differences

_BCE = {"log_floor": -100.0, "denominator_floor": 1e-12}
_DISCRIMINATOR = {
    MinimaxDiscriminatorLoss: {"probability_floor": None},
    BinaryCrossEntropyDiscriminatorLoss: _BCE,
    CrossEntropyDiscriminatorLoss: {},
    WassersteinDiscriminatorLoss: {"penalty": None},
    HingeDiscriminatorLoss: {},
}
_GENERATOR = {
    NonSaturatingGeneratorLoss: {"probability_floor": None},
    SaturatingGeneratorLoss: {"probability_floor": None},
    BinaryCrossEntropyGeneratorLoss: _BCE,
    CrossEntropyGeneratorLoss: {},
    WassersteinGeneratorLoss: {},
}


def _scores(kind, shape=(6, 1), seed=0):
    generator = np.random.default_rng(seed)
    if kind.score == "probability":
        return generator.uniform(0.1, 0.9, shape)
    return generator.standard_normal((6, 2) if kind.score == "logits" else shape)


def _likelihoods(kind, scores, label):
    """-log of the probability given to a label, or the critic's score with its sign, by the textbook."""
    if kind is HingeDiscriminatorLoss:
        return np.array([max(0, 1 - score) if label == 1 else max(0, 1 + score) for score in scores.flat])
    if kind.score == "critic":
        return -scores if label == 1 else scores
    if kind.score == "logits":
        exponential = np.exp(scores)
        return -np.log(exponential[:, label] / exponential.sum(axis=1))
    return -np.log(scores if label == 1 else 1 - scores)


def _reduce(terms, reduction):
    return terms.mean() if reduction == "mean" else terms.sum()


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("real_label", [1, 0])
@pytest.mark.parametrize("kind", list(_DISCRIMINATOR))
def test_discriminator_losses(kind, real_label, reduction):
    loss = kind(**_DISCRIMINATOR[kind], reduction=reduction, real_label=real_label)
    function = DISCRIMINATOR_LOSSES[kind]
    real, fake = _scores(kind, seed=1), _scores(kind, seed=2)
    value, gradient_real, gradient_fake = function(loss, real, fake)
    expected = _reduce(_likelihoods(kind, real, real_label), reduction)
    expected += _reduce(_likelihoods(kind, fake, 1 - real_label), reduction)
    np.testing.assert_allclose(value, expected, rtol=1e-13)
    np.testing.assert_allclose(gradient_real, differences(lambda: function(loss, real, fake)[0], real), rtol=1e-7)
    np.testing.assert_allclose(gradient_fake, differences(lambda: function(loss, real, fake)[0], fake), rtol=1e-7)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("real_label", [1, 0])
@pytest.mark.parametrize("kind", list(_GENERATOR))
def test_generator_losses(kind, real_label, reduction):
    loss = kind(**_GENERATOR[kind], reduction=reduction, real_label=real_label)
    function = GENERATOR_LOSSES[kind]
    fake = _scores(kind, shape=(6, 1, 1, 1), seed=3)
    value, gradient = function(loss, fake)
    if kind is SaturatingGeneratorLoss:
        terms = -_likelihoods(kind, fake, 1 - real_label)
    else:
        terms = _likelihoods(kind, fake, real_label)
    np.testing.assert_allclose(value, _reduce(terms, reduction), rtol=1e-13)
    np.testing.assert_allclose(gradient, differences(lambda: function(loss, fake)[0], fake), rtol=1e-7)


@pytest.mark.parametrize(
    "loss",
    [
        RelativisticDiscriminatorLoss(average=True, factor=0.5, reduction="mean"),
        LogisticDiscriminatorLoss(real_target=0.9, fake_target=0.2, factor=0.5, reduction="sum"),
        HingeDiscriminatorLoss(reduction="mean", real_label=1, penalty=None),
    ],
)
def test_a_loss_of_maps_of_scores_is_that_of_each_place_put_together(loss):
    real, fake = np.random.default_rng(9).standard_normal((2, 6, 1, 2, 3))
    function = DISCRIMINATOR_LOSSES[type(loss)]
    value, gradient_real, gradient_fake = function(loss, real, fake)
    places = [(slice(None), slice(None), row, column) for row in range(2) for column in range(3)]
    found = [function(loss, real[place], fake[place])[0] for place in places]
    np.testing.assert_allclose(value, _reduce(np.array(found), loss.reduction), rtol=1e-13)
    np.testing.assert_allclose(gradient_real, differences(lambda: function(loss, real, fake)[0], real), atol=1e-8)
    np.testing.assert_allclose(gradient_fake, differences(lambda: function(loss, real, fake)[0], fake), atol=1e-8)


@pytest.mark.parametrize("by", ["absolute", "squares"])
def test_a_distance_is_a_weighed_mean_over_all_numbers(by):
    loss = DistanceLoss(by=by, weight=0.7)
    difference = np.random.default_rng(4).standard_normal((3, 2, 2, 2))
    value, gradient = distance_loss(loss, difference)
    terms = np.abs(difference) if by == "absolute" else difference**2
    np.testing.assert_allclose(value, 0.7 * terms.mean(), rtol=1e-13)
    expected = differences(lambda: distance_loss(loss, difference)[0], difference)
    np.testing.assert_allclose(gradient, expected, atol=1e-9)
    assert not distance_loss(loss, np.zeros((2, 1)))[1].any()


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_a_balanced_loss_is_the_difference_of_energies_and_its_balance_stays_within_0_and_1(reduction):
    loss = BalancedDiscriminatorLoss(initial_balance=0.0, diversity=0.75, rate=0.5, reduction=reduction)
    real, fake = np.random.default_rng(5).uniform(0, 1, (2, 6, 1))
    balance = np.array(0.3)

    def found():
        return DISCRIMINATOR_LOSSES[type(loss)](loss, real, fake, balance)

    value, gradient_real, gradient_fake = found()
    of_real, of_fake = _reduce(real, reduction), _reduce(fake, reduction)
    np.testing.assert_allclose(value, of_real - 0.3 * of_fake, rtol=1e-13)
    np.testing.assert_allclose(gradient_real, differences(lambda: found()[0], real), rtol=1e-7)
    np.testing.assert_allclose(gradient_fake, differences(lambda: found()[0], fake), rtol=1e-7)
    moved, scale = moved_balance(loss, real, fake, balance)
    np.testing.assert_allclose(moved, 0.3 + 0.5 * (0.75 * of_real - of_fake), rtol=1e-13)
    np.testing.assert_allclose(scale, 0.3 + 0.5 * (0.75 * of_real + of_fake), rtol=1e-13)


@pytest.mark.parametrize("shape", [(6, 1), (3, 1, 2, 3)])
def test_a_softmax_is_over_the_scores_of_both_batches(shape):
    real, fake = np.random.default_rng(5).standard_normal((2, *shape))
    partition = np.log(np.exp(-real).sum() + np.exp(-fake).sum() + 0.25)

    def of_d():
        return DISCRIMINATOR_LOSSES[SoftmaxDiscriminatorLoss](SoftmaxDiscriminatorLoss(floor=0.25), real, fake)

    def of_g():
        return GENERATOR_LOSSES[SoftmaxGeneratorLoss](SoftmaxGeneratorLoss(floor=0.25), fake, real)

    value, gradient_real, gradient_fake = of_d()
    np.testing.assert_allclose(value, real.mean() + partition, rtol=1e-13)
    np.testing.assert_allclose(gradient_real, differences(lambda: of_d()[0], real), atol=1e-9)
    np.testing.assert_allclose(gradient_fake, differences(lambda: of_d()[0], fake), atol=1e-9)
    value, gradient = of_g()
    np.testing.assert_allclose(value, (real.mean() + fake.mean()) / 2 + partition, rtol=1e-13)
    np.testing.assert_allclose(gradient, differences(lambda: of_g()[0], fake), atol=1e-9)


@pytest.mark.parametrize("draw", range(3))
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_a_logistic_loss_is_the_cross_entropy_of_a_sigmoid_by_every_formula(reduction, draw):
    loss_d = LogisticDiscriminatorLoss(real_target=0.9, fake_target=0.2, factor=0.5, reduction=reduction)
    loss_g = LogisticGeneratorLoss(target=0.7, factor=2.0, reduction=reduction)
    real, fake = np.random.default_rng(5).standard_normal((2, 6, 1))

    def entropies(scores, target):
        share = 1 / (1 + np.exp(-scores))
        return _reduce(-target * np.log(share) - (1 - target) * np.log(1 - share), reduction)

    def of_d():
        return DISCRIMINATOR_LOSSES[type(loss_d)](loss_d, real, fake, draw=draw)

    def of_g():
        return GENERATOR_LOSSES[type(loss_g)](loss_g, fake, draw=draw)

    value, gradient_real, gradient_fake = of_d()
    np.testing.assert_allclose(value, 0.5 * (entropies(real, 0.9) + entropies(fake, 0.2)), rtol=1e-13)
    np.testing.assert_allclose(gradient_real, differences(lambda: of_d()[0], real), rtol=1e-7)
    np.testing.assert_allclose(gradient_fake, differences(lambda: of_d()[0], fake), rtol=1e-7)
    value, gradient = of_g()
    np.testing.assert_allclose(value, 2.0 * entropies(fake, 0.7), rtol=1e-13)
    np.testing.assert_allclose(gradient, differences(lambda: of_g()[0], fake), rtol=1e-7)


def test_a_logistic_loss_is_exact_far_out():
    loss = LogisticGeneratorLoss(target=1.0, factor=1.0, reduction="sum")
    value, gradient = GENERATOR_LOSSES[type(loss)](loss, np.array([[50.0]]))
    np.testing.assert_allclose([value, *gradient[0]], [np.exp(-50.0), -np.exp(-50.0)], rtol=1e-14)


@pytest.mark.parametrize("draw", range(3))
def test_a_logistic_loss_stays_in_single_precision(draw):
    loss = LogisticDiscriminatorLoss(real_target=0.9, fake_target=0.1, factor=0.5, reduction="mean")
    scores = np.ones((2, 1), np.float32)
    results = DISCRIMINATOR_LOSSES[type(loss)](loss, scores, scores.copy(), draw=draw)
    assert [result.dtype for result in results] == [np.float32] * 3


@pytest.mark.parametrize("average", [True, False])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_a_relativistic_loss_holds_each_logit_against_the_other_batch(reduction, average):
    loss = RelativisticDiscriminatorLoss(average=average, factor=0.5, reduction=reduction)
    real, fake = np.random.default_rng(6).standard_normal((2, 6, 1))
    others = (fake.mean(), real.mean()) if average else (fake, real)
    expected = np.log1p(np.exp(others[0] - real)), np.log1p(np.exp(fake - others[1]))

    def found():
        return DISCRIMINATOR_LOSSES[type(loss)](loss, real, fake)

    value, gradient_real, gradient_fake = found()
    np.testing.assert_allclose(value, 0.5 * sum(_reduce(terms, reduction) for terms in expected), rtol=1e-13)
    np.testing.assert_allclose(gradient_real, differences(lambda: found()[0], real), rtol=1e-7)
    np.testing.assert_allclose(gradient_fake, differences(lambda: found()[0], fake), rtol=1e-7)


@pytest.mark.parametrize("terms", ["both", "fake"])
@pytest.mark.parametrize("average", [True, False])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_a_relativistic_loss_of_g_holds_its_logits_against_real_ones(reduction, average, terms):
    loss = RelativisticGeneratorLoss(average=average, terms=terms, factor=0.5, reduction=reduction)
    real, fake = np.random.default_rng(7).standard_normal((2, 6, 1))
    others = (fake.mean(), real.mean()) if average else (fake, real)
    expected = [np.log1p(np.exp(others[1] - fake)), np.log1p(np.exp(real - others[0]))][: 2 if terms == "both" else 1]

    def found():
        return GENERATOR_LOSSES[type(loss)](loss, fake, real)

    value, gradient = found()
    np.testing.assert_allclose(value, 0.5 * sum(_reduce(each, reduction) for each in expected), rtol=1e-13)
    np.testing.assert_allclose(gradient, differences(lambda: found()[0], fake), rtol=1e-7)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_a_boundary_seeking_loss_is_half_the_square_of_the_logit(reduction):
    loss = BoundarySeekingGeneratorLoss(factor=0.5, reduction=reduction)
    logits = np.random.default_rng(7).standard_normal((6, 1))
    share = 1 / (1 + np.exp(-logits))
    value, gradient = GENERATOR_LOSSES[type(loss)](loss, share)
    np.testing.assert_allclose(value, 0.5 * _reduce(logits**2, reduction), rtol=1e-12)
    found = differences(lambda: GENERATOR_LOSSES[type(loss)](loss, share)[0], share)
    np.testing.assert_allclose(gradient, found, rtol=1e-6)


@pytest.mark.parametrize("kind", [BinaryCrossEntropyDiscriminatorLoss, MinimaxDiscriminatorLoss])
def test_half_a_cross_entropy_is_half_of_everything(kind):
    whole = kind(**_DISCRIMINATOR[kind], reduction="mean", real_label=1)
    real, fake = (_scores(type(whole), seed=seed) for seed in (1, 2))
    function = DISCRIMINATOR_LOSSES[type(whole)]
    halves = function(replace(whole, factor=0.5), real, fake)
    for half, one in zip(halves, function(whole, real, fake), strict=True):
        np.testing.assert_array_equal(half, 0.5 * one)


def test_a_hinge_has_no_gradient_from_its_margin_on():
    loss = HingeDiscriminatorLoss(reduction="sum", real_label=1)
    real, fake = np.array([[0.5], [1.0], [2.0]]), np.array([[-2.0], [-1.0], [0.5]])
    value, gradient_real, gradient_fake = DISCRIMINATOR_LOSSES[type(loss)](loss, real, fake)
    assert value == 0.5 + 1.5
    np.testing.assert_array_equal(gradient_real, [[-1.0], [0.0], [0.0]])
    np.testing.assert_array_equal(gradient_fake, [[0.0], [0.0], [1.0]])


def test_a_probability_floor_holds_the_logarithm_and_stops_the_gradient_below_it():
    loss = NonSaturatingGeneratorLoss(probability_floor=0.25, reduction="sum", real_label=1)
    value, gradient = GENERATOR_LOSSES[type(loss)](loss, np.array([[0.0], [0.2], [0.25], [0.5]]))
    np.testing.assert_allclose(value, -3 * np.log(0.25) - np.log(0.5), rtol=1e-14)
    np.testing.assert_array_equal(gradient, [[0.0], [0.0], [-4.0], [-2.0]])


def test_plain_logarithms_go_to_infinity():
    loss = MinimaxDiscriminatorLoss(probability_floor=None, reduction="mean", real_label=1)
    ones = np.ones((2, 1))
    with np.errstate(all="ignore"):
        value, gradient_real, gradient_fake = DISCRIMINATOR_LOSSES[type(loss)](loss, ones, ones)
    assert value == np.inf
    np.testing.assert_array_equal(gradient_real, [[-0.5], [-0.5]])
    np.testing.assert_array_equal(gradient_fake, [[np.inf], [np.inf]])


def test_binary_cross_entropy_is_clamped_as_in_torch():
    loss = BinaryCrossEntropyDiscriminatorLoss(**_BCE, reduction="sum", real_label=1)
    with np.errstate(all="ignore"):
        value, gradient_real, gradient_fake = DISCRIMINATOR_LOSSES[type(loss)](
            loss, np.array([[0.0]]), np.array([[1e-20]])
        )
    np.testing.assert_allclose(value, 100.0, rtol=1e-15)
    np.testing.assert_array_equal(gradient_real, [[-1 / 1e-12]])
    np.testing.assert_allclose(gradient_fake, [[1e-20 / 1e-12]], rtol=1e-15)


def test_cross_entropy_is_exact_far_out():
    loss = CrossEntropyGeneratorLoss(reduction="sum", real_label=1)
    value, gradient = GENERATOR_LOSSES[type(loss)](loss, np.array([[0.0, 50.0]]))
    np.testing.assert_allclose(value, np.exp(-50.0), rtol=1e-14)
    np.testing.assert_allclose(gradient, [[np.exp(-50.0), -np.exp(-50.0)]], rtol=1e-14)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_mean_squared_error(reduction):
    loss = MeanSquaredErrorLoss(reduction=reduction)
    output, target = np.random.default_rng(0).standard_normal((2, 6, 1))
    value, gradient = mean_squared_error_loss(loss, output, target)
    np.testing.assert_allclose(value, _reduce((output - target) ** 2, reduction), rtol=1e-14)
    expected = differences(lambda: mean_squared_error_loss(loss, output, target)[0], output)
    np.testing.assert_allclose(gradient, expected, rtol=1e-7)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("kind", [*_DISCRIMINATOR, *_GENERATOR, GradientPenalty, MeanSquaredErrorLoss])
def test_single_precision_stays_single(kind, reduction):
    if kind is GradientPenalty:
        results = gradient_penalty(GradientPenalty(weight=10.0, norm="sample"), np.ones((2, 3), np.float32))
    elif kind is MeanSquaredErrorLoss:
        batch = np.ones((2, 1), np.float32)
        results = mean_squared_error_loss(MeanSquaredErrorLoss(reduction=reduction), batch, batch)
    else:
        scores = _scores(kind).astype(np.float32)
        arguments = (_DISCRIMINATOR | _GENERATOR)[kind]
        loss = kind(**arguments, reduction=reduction, real_label=1)
        table = DISCRIMINATOR_LOSSES if kind in DISCRIMINATOR_LOSSES else GENERATOR_LOSSES
        results = table[kind](loss, *([scores, scores] if kind in DISCRIMINATOR_LOSSES else [scores]))
    assert [result.dtype for result in results] == [np.float32] * len(results)
