"""The losses. Scores are D's output, (B, 1), (B, 1, h, w) or (B, 2); a loss is (1,), unitless.

`ops` is what Gluon hands to hybrid_forward: mx.nd, or mx.sym where the block becomes a graph.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gan_rosetta.backends.mxnet.activations import exact_softplus
from gan_rosetta.shared import spec
from gan_rosetta.shared.errors import UnsupportedLayer


def minimax_discriminator_loss(loss: spec.MinimaxDiscriminatorLoss, ops: Any, /, *, real: Any, fake: Any) -> Any:
    """A factor times (-log p(real) - log(1 - p(fake))). Goodfellow et al. 2014, Algorithm 1."""
    real_term = _reduce(loss, ops, _log_probability(loss, ops, real, target=loss.real_label))
    fake_term = _reduce(loss, ops, _log_probability(loss, ops, fake, target=1 - loss.real_label))
    return loss.factor * (-real_term - fake_term)


def binary_cross_entropy_discriminator_loss(
    loss: spec.BinaryCrossEntropyDiscriminatorLoss, ops: Any, /, *, real: Any, fake: Any
) -> Any:
    """A factor times (BCE(p(real), real_label) + BCE(p(fake), 1 - real_label)), the logarithms clamped from below."""
    real_term = _reduce(loss, ops, _binary_cross_entropy(loss, ops, real, target=loss.real_label))
    fake_term = _reduce(loss, ops, _binary_cross_entropy(loss, ops, fake, target=1 - loss.real_label))
    return loss.factor * (real_term + fake_term)


def cross_entropy_discriminator_loss(
    loss: spec.CrossEntropyDiscriminatorLoss, ops: Any, /, *, real: Any, fake: Any
) -> Any:
    """CE(D(real), real_label) + CE(D(fake), 1 - real_label), from two logits."""
    entropies = _cross_entropy(loss, ops, fake, target=1 - loss.real_label)
    return _reduce(loss, ops, entropies) + _reduce(loss, ops, _cross_entropy(loss, ops, real, target=loss.real_label))


def wasserstein_discriminator_loss(
    loss: spec.WassersteinDiscriminatorLoss, ops: Any, /, *, real: Any, fake: Any
) -> Any:
    """-D(real) + D(fake), without the penalty. Arjovsky et al. 2017, Algorithm 1."""
    sign = 1 if loss.real_label == 1 else -1
    return sign * (_reduce(loss, ops, fake) - _reduce(loss, ops, real))


def hinge_discriminator_loss(loss: spec.HingeDiscriminatorLoss, ops: Any, /, *, real: Any, fake: Any) -> Any:
    """max(0, 1 - D(real)) + max(0, 1 + D(fake)). Lim and Ye 2017."""
    sign = 1 if loss.real_label == 1 else -1
    real_term = _reduce(loss, ops, ops.relu(1 - sign * real))
    return real_term + _reduce(loss, ops, ops.relu(1 + sign * fake))


def margin_discriminator_loss(loss: spec.MarginDiscriminatorLoss, ops: Any, /, *, real: Any, fake: Any) -> Any:
    """D(real) + max(0, margin - D(fake)). Zhao et al. 2017, equation 1."""
    if loss.over == "batch":
        return _reduce(loss, ops, real) + ops.relu(loss.margin - _reduce(loss, ops, fake))
    return _reduce(loss, ops, real) + _reduce(loss, ops, ops.relu(loss.margin - fake))


def balanced_discriminator_loss(
    loss: spec.BalancedDiscriminatorLoss, ops: Any, /, *, real: Any, fake: Any, balance: Any
) -> Any:
    """D(real) - k · D(fake); balance: k. Berthelot et al. 2017, section 3.4."""
    return _reduce(loss, ops, real) - balance * _reduce(loss, ops, fake)


def moved_balance(training: spec.Training, ops: Any, /, *, real: Any, fake: Any, balance: Any) -> Any:
    """Return k + rate · (diversity · D(real) - D(fake)), held to [0, 1]; balance: k. Berthelot et al. 2017."""
    loss: Any = training.balanced
    if training.class_losses:
        real, fake = (ops.slice_axis(scores, axis=1, begin=0, end=1) for scores in (real, fake))
    of_real, of_fake = (_reduce(loss, ops, scores) for scores in (real, fake))
    return ops.minimum(ops.relu(balance + loss.rate * (loss.diversity * of_real - of_fake)), 1)


def non_saturating_generator_loss(loss: spec.NonSaturatingGeneratorLoss, ops: Any, /, *, fake: Any) -> Any:
    """-log p(fake). Goodfellow et al. 2014, section 3."""
    return -_reduce(loss, ops, _log_probability(loss, ops, fake, target=loss.real_label))


def saturating_generator_loss(loss: spec.SaturatingGeneratorLoss, ops: Any, /, *, fake: Any) -> Any:
    """log(1 - p(fake)). Goodfellow et al. 2014, Algorithm 1."""
    return _reduce(loss, ops, _log_probability(loss, ops, fake, target=1 - loss.real_label))


def binary_cross_entropy_generator_loss(loss: spec.BinaryCrossEntropyGeneratorLoss, ops: Any, /, *, fake: Any) -> Any:
    """A factor times BCE(p(fake), real_label), the logarithm clamped from below."""
    return loss.factor * _reduce(loss, ops, _binary_cross_entropy(loss, ops, fake, target=loss.real_label))


def cross_entropy_generator_loss(loss: spec.CrossEntropyGeneratorLoss, ops: Any, /, *, fake: Any) -> Any:
    """CE(D(fake), real_label), from two logits."""
    return _reduce(loss, ops, _cross_entropy(loss, ops, fake, target=loss.real_label))


def wasserstein_generator_loss(loss: spec.WassersteinGeneratorLoss, ops: Any, /, *, fake: Any) -> Any:
    """-D(fake). Arjovsky et al. 2017, Algorithm 1."""
    sign = -1 if loss.real_label == 1 else 1
    return sign * _reduce(loss, ops, fake)


def least_squares_discriminator_loss(
    loss: spec.LeastSquaresDiscriminatorLoss, ops: Any, /, *, real: Any, fake: Any
) -> Any:
    """A factor times ((D(real) - b)² + (D(fake) - a)²). Mao et al. 2017, equation 2."""
    real_term = _reduce(loss, ops, ops.square(real - loss.real_target))
    return loss.factor * (real_term + _reduce(loss, ops, ops.square(fake - loss.fake_target)))


def least_squares_generator_loss(loss: spec.LeastSquaresGeneratorLoss, ops: Any, /, *, fake: Any) -> Any:
    """A factor times (D(fake) - c)². Mao et al. 2017, equation 2."""
    return loss.factor * _reduce(loss, ops, ops.square(fake - loss.target))


def logistic_discriminator_loss(loss: spec.LogisticDiscriminatorLoss, ops: Any, /, *, real: Any, fake: Any) -> Any:
    """A factor times (CE(D(real), b) + CE(D(fake), a)), from one logit."""
    real_term = _reduce(loss, ops, _logistic(ops, real, target=loss.real_target))
    return loss.factor * (real_term + _reduce(loss, ops, _logistic(ops, fake, target=loss.fake_target)))


def logistic_generator_loss(loss: spec.LogisticGeneratorLoss, ops: Any, /, *, fake: Any) -> Any:
    """A factor times CE(D(fake), c), from one logit."""
    return loss.factor * _reduce(loss, ops, _logistic(ops, fake, target=loss.target))


def relativistic_discriminator_loss(
    loss: spec.RelativisticDiscriminatorLoss, ops: Any, /, *, real: Any, fake: Any
) -> Any:
    """A factor times (CE(D(real) - D(fake), 1) + CE(D(fake) - D(real), 0)). Jolicoeur-Martineau 2018."""
    of_real, of_fake = _held_against(loss, ops, real, fake), _held_against(loss, ops, fake, real)
    real_term = _reduce(loss, ops, _logistic(ops, of_real, target=1.0))
    return loss.factor * (real_term + _reduce(loss, ops, _logistic(ops, of_fake, target=0.0)))


def relativistic_generator_loss(loss: spec.RelativisticGeneratorLoss, ops: Any, /, *, fake: Any, real: Any) -> Any:
    """A factor times (CE(D(fake) - D(real), 1) + CE(D(real) - D(fake), 0)), or the first. Jolicoeur-Martineau 2018."""
    of_real, of_fake = _held_against(loss, ops, real, fake), _held_against(loss, ops, fake, real)
    fake_term = _reduce(loss, ops, _logistic(ops, of_fake, target=1.0))
    if loss.terms == "fake":
        return loss.factor * fake_term
    return loss.factor * (fake_term + _reduce(loss, ops, _logistic(ops, of_real, target=0.0)))


def softmax_discriminator_loss(loss: spec.SoftmaxDiscriminatorLoss, ops: Any, /, *, real: Any, fake: Any) -> Any:
    """Mean D(real) + log(Z + floor), Z of exp(-D) over both batches. Lin 2017, section 3."""
    return ops.mean(real) + _log_partition(loss, ops, real, fake)


def softmax_generator_loss(loss: spec.SoftmaxGeneratorLoss, ops: Any, /, *, fake: Any, real: Any) -> Any:
    """Mean of D(real) and D(fake) + log(Z + floor), Z of exp(-D) over both batches. Lin 2017, section 3."""
    return 0.5 * (ops.mean(real) + ops.mean(fake)) + _log_partition(loss, ops, real, fake)


def boundary_seeking_generator_loss(loss: spec.BoundarySeekingGeneratorLoss, ops: Any, /, *, fake: Any) -> Any:
    """A factor times (log p - log(1 - p))². Hjelm et al. 2017, equation 15."""
    return loss.factor * _reduce(loss, ops, ops.square(ops.log(fake) - ops.log(1 - fake)))


def mean_squared_error_loss(loss: spec.MeanSquaredErrorLoss, ops: Any, /, *, output: Any, target: Any) -> Any:
    """(D(input) - target)²."""
    return _reduce(loss, ops, ops.square(output - target))


def distance_loss(loss: spec.DistanceLoss, ops: Any, /, *, made: Any, real: Any) -> Any:
    """A weighted mean of |G - real|, or of its square. Pathak et al. 2016, equation 1."""
    difference = made - real
    return loss.weight * ops.mean(ops.abs(difference) if loss.by == "absolute" else ops.square(difference))


def gradient_penalty(penalty: spec.GradientPenalty, ops: Any, /, *, gradient: Any) -> Any:
    """The penalty, weight · mean of (‖g‖ - target)^power, with g = ∂ΣD(mixed)/∂mixed (B, ...). Gulrajani et al. 2017.

    gradient: g as an expression of recorded tensors, from input_gradient.py, since MXNet cannot differentiate its own
    gradients of most operators.
    """
    axes = {"axis": 1} if penalty.norm == "channel" else {"axis": 0, "exclude": True}
    squares = ops.sum(ops.square(gradient), **axes)
    deviations = squares
    if penalty.target != 0:
        # The square root of 0 has no derivative; there the norm is 0 with derivative 0.
        is_zero = squares == 0
        norms = ops.sqrt(squares + is_zero) * (1 - is_zero)
        deviations = ops.square(norms - penalty.target)
    for _ in range(penalty.power // 2 - 1):
        deviations = deviations * squares
    if penalty.over == "largest":
        # Of entries that are alike MXNet's own maximum gives each the whole gradient.
        deviations = ops.reshape(deviations, shape=(-1,))
        is_largest = ops.BlockGrad(ops.broadcast_equal(deviations, ops.max(deviations)))
        return penalty.factor_of_mean * ops.sum(deviations * is_largest) / ops.sum(is_largest)
    return penalty.factor_of_mean * ops.mean(deviations)


def perturbed_samples(penalty: spec.GradientPenalty, ops: Any, /, *, real: Any, mix: Any, perturbation: Any) -> Any:
    """Return real + (1 - r) · perturbation · s · u, s the deviation of all of real's numbers. Kodali et al. 2017."""
    # MXNet has no deviation, and a graph does not know the batch's size: its count is a sum.
    numbers = ops.reshape(real, shape=(1, -1))
    squares = ops.square(ops.broadcast_sub(numbers, ops.mean(numbers, axis=1, keepdims=True)))
    count = ops.sum(ops.ones_like(squares), axis=1, keepdims=True) - penalty.degrees_lost
    deviation = ops.sqrt(ops.sum(squares, axis=1, keepdims=True) / count)
    moves = ops.broadcast_mul(ops.reshape(perturbation, shape=(1, -1)), penalty.perturbation * deviation)
    return ops.BlockGrad(real + ops.broadcast_mul(1 - mix, ops.reshape_like(moves, real)))


DISCRIMINATOR_LOSSES: dict[type, Callable[..., Any]] = {
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
GENERATOR_LOSSES: dict[type, Callable[..., Any]] = {
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


def discriminator_loss(training: spec.Training, ops: Any, /, *, real: Any, fake: Any, **balance: Any) -> Any:
    """D's loss, with what it has of classes. balance: where the loss has one."""
    loss, losses = training.discriminator_loss, training.class_losses
    function = DISCRIMINATOR_LOSSES[type(loss)]
    if not losses:
        return function(loss, ops, real=real, fake=fake, **balance)
    (real, *told_of_real), (fake, *told_of_fake) = (
        ops.split(batch, num_outputs=1 + len(losses), axis=1) for batch in (real, fake)
    )
    value = function(loss, ops, real=real, fake=fake, **balance)
    for of_class, of_real, of_fake in zip(losses, told_of_real, told_of_fake, strict=True):
        value = value + (of_class.on_real * ops.mean(of_real) + of_class.on_fake * ops.mean(of_fake))
    return value


def generator_loss(training: spec.Training, ops: Any, /, *, fake: Any, **real: Any) -> Any:
    """G's loss, with what it has of classes. real: where the loss is of both batches."""
    loss, losses = training.generator_loss, training.class_losses
    function = GENERATOR_LOSSES[type(loss)]
    if not losses:
        return function(loss, ops, fake=fake, **real)
    scores = {name: ops.slice_axis(batch, axis=1, begin=0, end=1) for name, batch in real.items()}
    fake, *told_of_fake = ops.split(fake, num_outputs=1 + len(losses), axis=1)
    value = function(loss, ops, fake=fake, **scores)
    for of_class, of_fake in zip(losses, told_of_fake, strict=True):
        value = value + of_class.of_generator * ops.mean(of_fake)
    return value


def joint_loss(training: spec.Training, ops: Any, /, *, fake: Any) -> Any:
    """The third update's loss, of what D's heads give of its batch."""
    losses = training.class_losses
    _, *told = ops.split(fake, num_outputs=1 + len(losses), axis=1)
    first, *others = (of_class.of_joint * ops.mean(own) for of_class, own in zip(losses, told, strict=True))
    return sum(others, start=first)


def check_losses(gan: spec.GanSpec, /) -> None:
    """Raise UnsupportedLayer where the spec names a loss that is in neither table."""
    for loss, table in (
        (gan.training.discriminator_loss, DISCRIMINATOR_LOSSES),
        (gan.training.generator_loss, GENERATOR_LOSSES),
    ):
        if type(loss) not in table:
            raise UnsupportedLayer(f"MXNet has no loss for {type(loss).__name__}; add it to losses.py")


def _log_probability(loss: Any, ops: Any, probability: Any, /, *, target: int) -> Any:
    likelihood = probability if target == 1 else 1 - probability
    if loss.probability_floor is not None:
        likelihood = ops.maximum(
            likelihood, loss.probability_floor
        )  # gradient 0 below the floor, whole at it and above
    return ops.log(likelihood)


def _binary_cross_entropy(loss: Any, ops: Any, probability: Any, /, *, target: int) -> Any:
    constant = ops.BlockGrad(probability)
    logarithm = ops.log(constant) if target == 1 else ops.log1p(-constant)
    slope = (constant - target) / ops.maximum(constant * (1 - constant), loss.denominator_floor)
    # The last term is 0; it brings the gradient that the clamped logarithm's own is replaced by.
    return slope * (probability - constant) - ops.maximum(logarithm, loss.log_floor)


def _cross_entropy(loss: Any, ops: Any, logits: Any, /, *, target: int) -> Any:
    # MXNet's own log_softmax, which is oneDNN's in float32, is off by 1e-6 there.
    del loss
    shifted = ops.broadcast_sub(logits, ops.BlockGrad(ops.max(logits, axis=1, keepdims=True)))
    normaliser = ops.log(ops.sum(ops.exp(shifted), axis=1, keepdims=True))  # (B, 1)
    return normaliser - ops.slice_axis(shifted, axis=1, begin=target, end=target + 1)


def _held_against(loss: Any, ops: Any, batch: Any, other: Any, /) -> Any:
    if loss.average:
        return ops.broadcast_sub(batch, ops.mean(other, axis=0, keepdims=True))
    return batch - other


def _logistic(ops: Any, logits: Any, /, *, target: float) -> Any:
    return target * exact_softplus(ops, -logits) + (1 - target) * exact_softplus(ops, logits)


def _log_partition(loss: Any, ops: Any, real: Any, fake: Any) -> Any:
    return ops.log(ops.sum(ops.exp(-real)) + ops.sum(ops.exp(-fake)) + loss.floor)


def _reduce(loss: Any, ops: Any, values: Any, /) -> Any:
    return ops.mean(values) if loss.reduction == "mean" else ops.sum(values)
