"""The losses: the value, and the gradients with respect to D's scores, by hand.

Scores are (B, 1), (B, 1, h, w) or (B, 2); a value is a scalar of their type, a gradient has the scores' shape. draw:
which of an operation's formulas to take (see formulas.py), 0 for the first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gan_rosetta.backends.numpy.formulas import (
    CROSS_ENTROPY,
    CROSS_ENTROPY_SLOPE,
    LOG_COMPLEMENT,
    LOGISTIC,
    LOGISTIC_SLOPE,
    SUM,
    Formulas,
)
from gan_rosetta.backends.numpy.layer import Array
from gan_rosetta.shared import spec
from gan_rosetta.shared.errors import UnsupportedLayer

_RANK_OF_MAPS = 4

Value = np.floating[Any]
DiscriminatorResult = tuple[Value, Array, Array]
GeneratorResult = tuple[Value, Array]
_Relativistic = spec.RelativisticDiscriminatorLoss | spec.RelativisticGeneratorLoss


class SideBySide(int):
    """Draws the first formulas, of the scores of many replicas, (R, B, 1) or (R, B, 2); values are then (R,)."""


SIDE_BY_SIDE = SideBySide(0)


def minimax_discriminator_loss(
    loss: spec.MinimaxDiscriminatorLoss, real: Array, fake: Array, /, *, draw: int = 0
) -> DiscriminatorResult:
    """Return factor · (-log p(real) - log(1 - p(fake))) and its two gradients. Goodfellow et al. 2014, Algorithm 1."""
    real_terms, gradient_real = _logarithm(real, loss.real_label, loss.probability_floor)
    fake_terms, gradient_fake = _logarithm(fake, 1 - loss.real_label, loss.probability_floor)
    real_terms += fake_terms
    factor = float(loss.factor)
    value = reduced(np.negative(real_terms, out=real_terms), loss.reduction, draw)
    return (
        _weighted(value, factor),
        _scaled(gradient_real, -factor, loss.reduction, draw),
        _scaled(gradient_fake, -factor, loss.reduction, draw),
    )


def binary_cross_entropy_discriminator_loss(
    loss: spec.BinaryCrossEntropyDiscriminatorLoss, real: Array, fake: Array, /, *, draw: int = 0
) -> DiscriminatorResult:
    """Return factor · (BCE(p(real), 1) + BCE(p(fake), 0)) and its two gradients."""
    real_value, gradient_real = _binary_cross_entropy(loss, real, loss.real_label, draw)
    fake_value, gradient_fake = _binary_cross_entropy(loss, fake, 1 - loss.real_label, draw)
    value = _weighted(real_value + fake_value, loss.factor)
    return value, float(loss.factor) * gradient_real, float(loss.factor) * gradient_fake


def cross_entropy_discriminator_loss(
    loss: spec.CrossEntropyDiscriminatorLoss, real: Array, fake: Array, /, *, draw: int = 0
) -> DiscriminatorResult:
    """Return CE(D(real), 1) + CE(D(fake), 0), from two logits, and its two gradients."""
    real_value, gradient_real = _cross_entropy(real, loss.real_label, loss.reduction, draw)
    fake_value, gradient_fake = _cross_entropy(fake, 1 - loss.real_label, loss.reduction, draw)
    return real_value + fake_value, gradient_real, gradient_fake


def wasserstein_discriminator_loss(
    loss: spec.WassersteinDiscriminatorLoss, real: Array, fake: Array, /, *, draw: int = 0
) -> DiscriminatorResult:
    """Return -D(real) + D(fake), without the penalty, and its two gradients. Arjovsky et al. 2017."""
    sign = 1.0 if loss.real_label == 1 else -1.0
    difference = reduced(fake, loss.reduction, draw) - reduced(real, loss.reduction, draw)
    value = difference if loss.real_label == 1 else -difference
    gradient_real = _scaled(np.ones_like(real), -sign, loss.reduction, draw)
    return value, gradient_real, _scaled(np.ones_like(fake), sign, loss.reduction, draw)


def hinge_discriminator_loss(
    loss: spec.HingeDiscriminatorLoss, real: Array, fake: Array, /, *, draw: int = 0
) -> DiscriminatorResult:
    """Return max(0, 1 - D(real)) + max(0, 1 + D(fake)) and its two gradients. Lim and Ye 2017."""
    real_value, gradient_real = _hinge(real, 1.0 if loss.real_label == 1 else -1.0, loss.reduction, draw)
    fake_value, gradient_fake = _hinge(fake, -1.0 if loss.real_label == 1 else 1.0, loss.reduction, draw)
    return real_value + fake_value, gradient_real, gradient_fake


def margin_discriminator_loss(
    loss: spec.MarginDiscriminatorLoss, real: Array, fake: Array, /, *, draw: int = 0
) -> DiscriminatorResult:
    """Return D(real) + max(0, margin - D(fake)) and its two gradients. Zhao et al. 2017, equation 1."""
    # Of the scores' type, as NumPy 1's scalars would turn to float64.
    margin, zero = fake.dtype.type(loss.margin), fake.dtype.type(0.0)
    if loss.over == "sample":
        terms = np.maximum(margin - fake, zero)
        inside, fake_value = (terms > 0.0).astype(fake.dtype), reduced(terms, loss.reduction, draw)
    else:
        fake_value = np.maximum(margin - reduced(fake, loss.reduction, draw), zero)
        is_inside = np.asarray(fake_value > 0.0)
        inside = np.ones_like(fake) * is_inside.reshape(*is_inside.shape, *(1,) * (fake.ndim - is_inside.ndim))
    value = real.dtype.type(0.0) + reduced(real, loss.reduction, draw) + fake_value
    gradient_real = _scaled(np.ones_like(real), 1.0, loss.reduction, draw)
    return value, gradient_real, _scaled(inside.astype(fake.dtype), -1.0, loss.reduction, draw)


def balanced_discriminator_loss(
    loss: spec.BalancedDiscriminatorLoss, real: Array, fake: Array, /, balance: Array, *, draw: int = 0
) -> DiscriminatorResult:
    """Return D(real) - k · D(fake) and its two gradients; balance: k. Berthelot et al. 2017, section 3.4."""
    of_real, of_fake = (reduced(batch, loss.reduction, draw) for batch in (real, fake))
    value = real.dtype.type(of_real - balance * of_fake)
    gradient_real = _scaled(np.ones_like(real), 1.0, loss.reduction, draw)
    gradient_fake = _scaled(np.ones_like(fake), -1.0, loss.reduction, draw)
    gradient_fake *= np.reshape(balance, (*np.shape(balance), *(1,) * (fake.ndim - np.ndim(balance))))
    return value, gradient_real, gradient_fake


def moved_balance(
    loss: spec.BalancedDiscriminatorLoss, real: Array, fake: Array, balance: Array, /, *, draw: int = 0
) -> tuple[Value, Value]:
    """Return k + rate · (diversity · D(real) - D(fake)), before it is held to [0, 1], and how large its terms are."""
    of_real, of_fake = (reduced(batch, loss.reduction, draw) for batch in (real, fake))
    diversity, rate = (real.dtype.type(number) for number in (loss.diversity, loss.rate))
    scale = balance + rate * (diversity * np.abs(of_real) + np.abs(of_fake))
    return real.dtype.type(balance + rate * (diversity * of_real - of_fake)), real.dtype.type(scale)


def non_saturating_generator_loss(
    loss: spec.NonSaturatingGeneratorLoss, fake: Array, /, *, draw: int = 0
) -> GeneratorResult:
    """Return -log p(fake) and its gradient. Goodfellow et al. 2014, section 3."""
    terms, gradient = _logarithm(fake, loss.real_label, loss.probability_floor)
    value = reduced(np.negative(terms, out=terms), loss.reduction, draw)
    return value, _scaled(gradient, -1.0, loss.reduction, draw)


def saturating_generator_loss(loss: spec.SaturatingGeneratorLoss, fake: Array, /, *, draw: int = 0) -> GeneratorResult:
    """Return log(1 - p(fake)) and its gradient. Goodfellow et al. 2014, Algorithm 1."""
    terms, gradient = _logarithm(fake, 1 - loss.real_label, loss.probability_floor)
    return reduced(terms, loss.reduction, draw), _scaled(gradient, 1.0, loss.reduction, draw)


def binary_cross_entropy_generator_loss(
    loss: spec.BinaryCrossEntropyGeneratorLoss, fake: Array, /, *, draw: int = 0
) -> GeneratorResult:
    """Return factor · BCE(p(fake), 1) and its gradient."""
    value, gradient = _binary_cross_entropy(loss, fake, loss.real_label, draw)
    return _weighted(value, loss.factor), float(loss.factor) * gradient


def cross_entropy_generator_loss(
    loss: spec.CrossEntropyGeneratorLoss, fake: Array, /, *, draw: int = 0
) -> GeneratorResult:
    """Return CE(D(fake), 1), from two logits, and its gradient."""
    return _cross_entropy(fake, loss.real_label, loss.reduction, draw)


def wasserstein_generator_loss(
    loss: spec.WassersteinGeneratorLoss, fake: Array, /, *, draw: int = 0
) -> GeneratorResult:
    """Return -D(fake) and its gradient. Arjovsky et al. 2017."""
    total = reduced(fake, loss.reduction, draw)
    if loss.real_label == 1:
        return -total, _scaled(np.ones_like(fake), -1.0, loss.reduction, draw)
    return total, _scaled(np.ones_like(fake), 1.0, loss.reduction, draw)


def least_squares_discriminator_loss(
    loss: spec.LeastSquaresDiscriminatorLoss, real: Array, fake: Array, /, *, draw: int = 0
) -> DiscriminatorResult:
    """Return factor · ((D(real) - b)² + (D(fake) - a)²) and its two gradients. Mao et al. 2017, equation 2."""
    real_value, gradient_real = _squared(real, loss.real_target, loss, draw)
    fake_value, gradient_fake = _squared(fake, loss.fake_target, loss, draw)
    return real_value + fake_value, gradient_real, gradient_fake


def least_squares_generator_loss(
    loss: spec.LeastSquaresGeneratorLoss, fake: Array, /, *, draw: int = 0
) -> GeneratorResult:
    """Return factor · (D(fake) - c)² and its gradient. Mao et al. 2017, equation 2."""
    return _squared(fake, loss.target, loss, draw)


def logistic_discriminator_loss(
    loss: spec.LogisticDiscriminatorLoss, real: Array, fake: Array, /, *, draw: int = 0
) -> DiscriminatorResult:
    """Return factor · (CE(D(real), b) + CE(D(fake), a)), from one logit, and its two gradients."""
    real_value, gradient_real = _logistic(real, loss.real_target, loss, draw)
    fake_value, gradient_fake = _logistic(fake, loss.fake_target, loss, draw)
    return real_value + fake_value, gradient_real, gradient_fake


def logistic_generator_loss(loss: spec.LogisticGeneratorLoss, fake: Array, /, *, draw: int = 0) -> GeneratorResult:
    """Return factor · CE(D(fake), c), from one logit, and its gradient."""
    return _logistic(fake, loss.target, loss, draw)


def relativistic_discriminator_loss(
    loss: spec.RelativisticDiscriminatorLoss, real: Array, fake: Array, /, *, draw: int = 0
) -> DiscriminatorResult:
    """Return factor · (CE(D(real) - D(fake), 1) + CE(D(fake) - D(real), 0)) and its two gradients.

    Of an average each logit is a part of every term of the other batch. Jolicoeur-Martineau 2018.
    """
    other_fake, other_real = (_others(batch, loss, draw) for batch in (fake, real))
    real_value, by_real = _logistic(real - other_fake, 1.0, loss, draw)
    fake_value, by_fake = _logistic(fake - other_real, 0.0, loss, draw)
    gradients = by_real - _others(by_fake, loss, draw), by_fake - _others(by_real, loss, draw)
    return real_value + fake_value, *gradients


def relativistic_generator_loss(
    loss: spec.RelativisticGeneratorLoss, fake: Array, real: Array, /, *, draw: int = 0
) -> GeneratorResult:
    """Return factor · (CE(D(fake) - D(real), 1) + CE(D(real) - D(fake), 0)), or the first term, and its gradient.

    Jolicoeur-Martineau 2018.
    """
    value, gradient = _logistic(fake - _others(real, loss, draw), 1.0, loss, draw)
    if loss.terms == "both":
        more, by_real = _logistic(real - _others(fake, loss, draw), 0.0, loss, draw)
        value, gradient = value + more, gradient - _others(by_real, loss, draw)
    return value, gradient


def softmax_discriminator_loss(
    loss: spec.SoftmaxDiscriminatorLoss, real: Array, fake: Array, /, *, draw: int = 0
) -> DiscriminatorResult:
    """Return mean D(real) + log(Z + floor), Z of exp(-D) over both batches, and its two gradients. Lin 2017."""
    log_partition, *shares = _shares(loss, real, fake, draw)
    even = _scaled(np.ones_like(real), 1.0, "mean", draw)
    return reduced(real, "mean", draw) + log_partition, even - shares[0], -shares[1]


def softmax_generator_loss(
    loss: spec.SoftmaxGeneratorLoss, fake: Array, real: Array, /, *, draw: int = 0
) -> GeneratorResult:
    """Return mean of D(real) and D(fake) + log(Z + floor), and its gradient. Lin 2017."""
    log_partition, _, share = _shares(loss, real, fake, draw)
    half = real.dtype.type(0.5)
    value = half * (reduced(real, "mean", draw) + reduced(fake, "mean", draw)) + log_partition
    return value, _scaled(np.ones_like(fake), 0.5, "mean", draw) - share


def boundary_seeking_generator_loss(
    loss: spec.BoundarySeekingGeneratorLoss, fake: Array, /, *, draw: int = 0
) -> GeneratorResult:
    """Return factor · (log p - log(1 - p))² and its gradient. Hjelm et al. 2017, equation 15."""
    logits = np.log(fake) - _drawn(LOG_COMPLEMENT, draw)(fake)
    value = _weighted(reduced(logits * logits, loss.reduction, draw), loss.factor)
    return value, _scaled(logits * (1.0 / fake + 1.0 / (1.0 - fake)), 2.0 * float(loss.factor), loss.reduction, draw)


def mean_squared_error_loss(
    loss: spec.MeanSquaredErrorLoss, output: Array, target: Array, /, *, draw: int = 0
) -> GeneratorResult:
    """Return (D(input) - target)² and its gradient with respect to D's output."""
    difference = output - target
    return reduced(difference * difference, loss.reduction, draw), _scaled(difference, 2.0, loss.reduction, draw)


def distance_loss(loss: spec.DistanceLoss, difference: Array, /, *, draw: int = 0) -> GeneratorResult:
    """Return weight · mean of |G - real|, or of its square, and its gradient, of the difference. Pathak et al. 2016."""
    absolute = loss.by == "absolute"
    terms, slope = (np.abs(difference), np.sign(difference)) if absolute else (difference * difference, difference)
    value = difference.dtype.type(float(loss.weight) * reduced(terms, "mean", draw))
    return value, _scaled(slope.copy(), float(loss.weight) * (1.0 if absolute else 2.0), "mean", draw)


def reduced(terms: Array, reduction: spec.loss_fields.Reduction, draw: int = 0) -> Value:
    """Return the sum or the mean, as a scalar of the array's type (NumPy 1's scalars would turn to float64)."""
    if isinstance(draw, SideBySide):
        totals = np.add.reduce(terms.reshape(len(terms), -1), axis=1)
        return totals if reduction == "sum" else totals / (terms.size // len(terms))
    own = terms.dtype.type
    total = own(_drawn(SUM, draw)(terms))
    return total if reduction == "sum" else own(total / terms.size)


DISCRIMINATOR_LOSSES: dict[type[spec.DiscriminatorLoss], Callable[..., DiscriminatorResult]] = {
    spec.MinimaxDiscriminatorLoss: minimax_discriminator_loss,
    spec.BinaryCrossEntropyDiscriminatorLoss: binary_cross_entropy_discriminator_loss,
    spec.CrossEntropyDiscriminatorLoss: cross_entropy_discriminator_loss,
    spec.WassersteinDiscriminatorLoss: wasserstein_discriminator_loss,
    spec.HingeDiscriminatorLoss: hinge_discriminator_loss,
    spec.MarginDiscriminatorLoss: margin_discriminator_loss,
    spec.BalancedDiscriminatorLoss: balanced_discriminator_loss,
    spec.SoftmaxDiscriminatorLoss: softmax_discriminator_loss,
    spec.LeastSquaresDiscriminatorLoss: least_squares_discriminator_loss,
    spec.LogisticDiscriminatorLoss: logistic_discriminator_loss,
    spec.RelativisticDiscriminatorLoss: relativistic_discriminator_loss,
}
GENERATOR_LOSSES: dict[type[spec.GeneratorLoss], Callable[..., GeneratorResult]] = {
    spec.NonSaturatingGeneratorLoss: non_saturating_generator_loss,
    spec.SaturatingGeneratorLoss: saturating_generator_loss,
    spec.BinaryCrossEntropyGeneratorLoss: binary_cross_entropy_generator_loss,
    spec.CrossEntropyGeneratorLoss: cross_entropy_generator_loss,
    spec.WassersteinGeneratorLoss: wasserstein_generator_loss,
    spec.LeastSquaresGeneratorLoss: least_squares_generator_loss,
    spec.LogisticGeneratorLoss: logistic_generator_loss,
    spec.RelativisticGeneratorLoss: relativistic_generator_loss,
    spec.SoftmaxGeneratorLoss: softmax_generator_loss,
    spec.BoundarySeekingGeneratorLoss: boundary_seeking_generator_loss,
}


def class_terms(
    weights: Sequence[Sequence[float]], heads: Sequence[Array], /, *, draw: int = 0
) -> tuple[Value, list[Array]]:
    """Return Σ weight · mean of what a batch tells of classes, and each batch's gradient by those, (B, classes told).

    weights: of each batch those of the numbers after its score.
    """
    value: Value = heads[0].dtype.type(0)
    gradients = []
    for own, batch in zip(weights, heads, strict=True):
        slopes = np.ones_like(batch[..., 1:])
        for index, weight in enumerate(own, start=1):
            value = batch.dtype.type(value + float(weight) * reduced(batch[..., index : index + 1], "mean", draw))
            _scaled(slopes[..., index - 1 : index], float(weight), "mean", draw)
        gradients.append(slopes)
    return value, gradients


def class_weights(training: spec.Training, phase: str, /) -> list[list[float]]:
    """Return of each batch of a phase, real samples first where it has any, the weights of the classes told."""
    fields = ("on_real", "on_fake") if phase == "discriminator" else (f"of_{phase}",)
    return [[getattr(of_class, field) for of_class in training.class_losses] for field in fields]


def discriminator_loss(
    training: spec.Training, real: Array, fake: Array, /, *balance: Array, draw: int = 0
) -> DiscriminatorResult:
    """Return D's loss, with what it has of classes, and its two gradients. balance: where the loss has one."""
    loss = training.discriminator_loss
    function = DISCRIMINATOR_LOSSES[type(loss)]
    if not training.class_losses:
        return function(loss, real, fake, *balance, draw=draw)
    value, *gradients = function(loss, real[..., :1], fake[..., :1], *balance, draw=draw)
    more, others = class_terms(class_weights(training, "discriminator"), (real, fake), draw=draw)
    of_real, of_fake = (np.concatenate(pair, axis=-1) for pair in zip(gradients, others, strict=True))
    return value + more, of_real, of_fake


def generator_loss(training: spec.Training, fake: Array, /, *real: Array, draw: int = 0) -> GeneratorResult:
    """Return G's loss, with what it has of classes, and its gradient. real: where the loss is of both batches."""
    loss = training.generator_loss
    function = GENERATOR_LOSSES[type(loss)]
    if not training.class_losses:
        return function(loss, fake, *real, draw=draw)
    value, gradient = function(loss, fake[..., :1], *(batch[..., :1] for batch in real), draw=draw)
    more, others = class_terms(class_weights(training, "generator"), (fake,), draw=draw)
    return value + more, np.concatenate((gradient, *others), axis=-1)


def joint_loss(training: spec.Training, fake: Array, /, *, draw: int = 0) -> GeneratorResult:
    """Return the third update's loss, of what D's heads give of its batch, and its gradient, 0 by the score."""
    value, (slopes,) = class_terms(class_weights(training, "joint"), (fake,), draw=draw)
    return value, np.concatenate((np.zeros_like(fake[..., :1]), slopes), axis=-1)


def check_losses(gan: spec.GanSpec, /) -> None:
    """Raise UnsupportedLayer where the spec names a loss that is in neither table."""
    known: set[type] = {*DISCRIMINATOR_LOSSES, *GENERATOR_LOSSES}
    for loss in (gan.training.discriminator_loss, gan.training.generator_loss):
        if type(loss) not in known:
            raise UnsupportedLayer(f"numpy has no loss {type(loss).__name__}")


def _logarithm(probability: Array, label: int, floor: float | None) -> tuple[Array, Array]:
    """Return log max(q, floor) and its derivative by p, entrywise, with q = p for label 1 and 1 - p for label 0."""
    chosen = probability if label == 1 else 1.0 - probability
    sign = 1.0 if label == 1 else -1.0
    if floor is None:
        return np.log(chosen), sign / chosen
    held = np.maximum(chosen, floor)
    derivative = sign / held
    np.copyto(derivative, 0.0, where=chosen < floor)
    return np.log(held), derivative


def _binary_cross_entropy(
    loss: spec.BinaryCrossEntropyDiscriminatorLoss | spec.BinaryCrossEntropyGeneratorLoss,
    probability: Array,
    target: int,
    draw: int,
) -> GeneratorResult:
    """Return -max(log q, log_floor), q = p for target 1 and 1 - p for 0; (p - target) / max(p (1 - p), floor)."""
    terms = np.log(probability) if target == 1 else _drawn(LOG_COMPLEMENT, draw)(probability)
    np.maximum(terms, float(loss.log_floor), out=terms)
    denominator = np.maximum(probability * (1.0 - probability), float(loss.denominator_floor))
    gradient = (probability - float(target)) / denominator
    value = reduced(np.negative(terms, out=terms), loss.reduction, draw)
    return value, _scaled(gradient, 1.0, loss.reduction, draw)


def _cross_entropy(logits: Array, label: int, reduction: spec.loss_fields.Reduction, draw: int) -> GeneratorResult:
    """Return -log softmax(logits)[label] = log(1 + exp(other - labelled)), of logits (B, 2), and softmax - one-hot."""
    labelled, other = logits[..., label], logits[..., 1 - label]
    other_probability = 1.0 / (1.0 + np.exp(labelled - other))
    gradient = np.empty_like(logits)
    gradient[..., 1 - label] = other_probability
    gradient[..., label] = _drawn(CROSS_ENTROPY_SLOPE, draw)(labelled, other, other_probability)
    if reduction == "mean":
        gradient /= logits.shape[-2]
    terms = _drawn(CROSS_ENTROPY, draw)(labelled, other)
    return reduced(terms, reduction, draw), gradient


def _hinge(scores: Array, sign: float, reduction: spec.loss_fields.Reduction, draw: int) -> GeneratorResult:
    """Return max(0, 1 - sign · score) and its gradient, 0 where a term is 0."""
    terms = np.maximum(1.0 - sign * scores, 0.0)
    gradient = (terms > 0.0).astype(scores.dtype)
    return reduced(terms, reduction, draw), _scaled(gradient, -sign, reduction, draw)


def _squared(
    scores: Array,
    target: float,
    loss: spec.LeastSquaresDiscriminatorLoss | spec.LeastSquaresGeneratorLoss,
    draw: int,
) -> GeneratorResult:
    """Return factor · (score - target)² and its gradient."""
    difference = scores - float(target)
    value = _weighted(reduced(difference * difference, loss.reduction, draw), loss.factor)
    return value, _scaled(difference, 2.0 * float(loss.factor), loss.reduction, draw)


def _others(batch: Array, loss: _Relativistic, draw: int) -> Array:
    """Return what each number of the other batch is held against: the mean, of a map's place, or the one there."""
    if not loss.average:
        return batch
    if batch.ndim >= _RANK_OF_MAPS and batch.shape[-2:] != (1, 1):
        at_each_place: Array = np.mean(batch, axis=-4, keepdims=True)
        return at_each_place
    mean = np.asarray(reduced(batch, "mean", draw))
    return mean.reshape(-1, *(1,) * (batch.ndim - 1)) if isinstance(draw, SideBySide) else mean


def _shares(
    loss: spec.SoftmaxDiscriminatorLoss | spec.SoftmaxGeneratorLoss, real: Array, fake: Array, draw: int
) -> tuple[Value, Array, Array]:
    """Return log(Z + floor), and what each score of both batches has of Z + floor."""
    powers = [np.exp(-batch) for batch in (real, fake)]
    total = np.asarray(sum(reduced(batch, "sum", draw) for batch in powers), real.dtype) + real.dtype.type(loss.floor)
    by = total.reshape(-1, *(1,) * (real.ndim - 1)) if isinstance(draw, SideBySide) else total
    logarithm = np.log(total)
    return logarithm if isinstance(draw, SideBySide) else real.dtype.type(logarithm), powers[0] / by, powers[1] / by


def _logistic(
    logits: Array,
    target: float,
    loss: spec.LogisticDiscriminatorLoss | spec.LogisticGeneratorLoss | _Relativistic,
    draw: int,
) -> GeneratorResult:
    """Return factor · (t · log(1 + exp(-z)) + (1 - t) · log(1 + exp(z))) and factor · (sigmoid z - t)."""
    wanted = np.asarray(target, logits.dtype)
    terms, gradient = _drawn(LOGISTIC, draw)(logits, wanted), _drawn(LOGISTIC_SLOPE, draw)(logits, wanted)
    value = _weighted(reduced(terms, loss.reduction, draw), loss.factor)
    return value, _scaled(gradient, float(loss.factor), loss.reduction, draw)


def _drawn(formulas: Formulas, draw: int) -> Callable[..., Array]:
    return formulas[draw % len(formulas)]


def _weighted(value: Value, factor: float) -> Value:
    """Return a value times a factor, in its own type; NumPy 1 would multiply a scalar of float32 in float64."""
    own = value.dtype.type
    return own(own(factor) * value)


def _scaled(gradient: Array, factor: float, reduction: spec.loss_fields.Reduction, draw: int) -> Array:
    """Multiply a gradient, in place, by a factor and by what the reduction makes of it."""
    size = gradient.size // len(gradient) if isinstance(draw, SideBySide) else gradient.size
    gradient *= factor / size if reduction == "mean" else factor
    return gradient
