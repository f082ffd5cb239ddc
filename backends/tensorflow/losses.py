"""The losses on D's scores: (batch, 1), (batch, 1, h, w) or, for logits, (batch, 2); each returns a scalar."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from gan_rosetta.shared import spec
from gan_rosetta.shared.errors import UnsupportedLayer

Network = Callable[[Any], Any]

_LARGE_PROBABILITY = 0.25


def minimax_discriminator_loss(loss: spec.MinimaxDiscriminatorLoss, /, *, real: Any, fake: Any) -> Any:
    """A factor times (-log p(real) - log(1 - p(fake))). Goodfellow et al. 2014, Algorithm 1."""
    real_term = _log_probability(real, loss.real_label, floor=loss.probability_floor)
    fake_term = _log_probability(fake, 1 - loss.real_label, floor=loss.probability_floor)
    return loss.factor * (-_reduce(real_term, loss.reduction) - _reduce(fake_term, loss.reduction))


def binary_cross_entropy_discriminator_loss(
    loss: spec.BinaryCrossEntropyDiscriminatorLoss, /, *, real: Any, fake: Any
) -> Any:
    """A factor times (BCE(p(real), 1) + BCE(p(fake), 0)), clamped and differentiated as torch does."""
    real_term = _binary_cross_entropy(real, loss.real_label, loss)
    fake_term = _binary_cross_entropy(fake, 1 - loss.real_label, loss)
    return loss.factor * (_reduce(real_term, loss.reduction) + _reduce(fake_term, loss.reduction))


def cross_entropy_discriminator_loss(loss: spec.CrossEntropyDiscriminatorLoss, /, *, real: Any, fake: Any) -> Any:
    """CE(D(real), real) + CE(D(fake), not real), from two logits."""
    real_term = _cross_entropy(real, loss.real_label)
    fake_term = _cross_entropy(fake, 1 - loss.real_label)
    return _reduce(real_term, loss.reduction) + _reduce(fake_term, loss.reduction)


def wasserstein_discriminator_loss(loss: spec.WassersteinDiscriminatorLoss, /, *, real: Any, fake: Any) -> Any:
    """-D(real) + D(fake), the penalty apart. Arjovsky et al. 2017."""
    difference = _reduce(fake, loss.reduction) - _reduce(real, loss.reduction)
    return difference if loss.real_label == 1 else -difference


def hinge_discriminator_loss(loss: spec.HingeDiscriminatorLoss, /, *, real: Any, fake: Any) -> Any:
    """max(0, 1 - D(real)) + max(0, 1 + D(fake)). Lim and Ye 2017."""
    sign = 1 if loss.real_label == 1 else -1
    real_term = _reduce(tf.nn.relu(1 - sign * real), loss.reduction)
    return real_term + _reduce(tf.nn.relu(1 + sign * fake), loss.reduction)


def margin_discriminator_loss(loss: spec.MarginDiscriminatorLoss, /, *, real: Any, fake: Any) -> Any:
    """D(real) + max(0, margin - D(fake)). Zhao et al. 2017, equation 1."""
    if loss.over == "batch":
        return _reduce(real, loss.reduction) + tf.nn.relu(loss.margin - _reduce(fake, loss.reduction))
    return _reduce(real, loss.reduction) + _reduce(tf.nn.relu(loss.margin - fake), loss.reduction)


def balanced_discriminator_loss(loss: spec.BalancedDiscriminatorLoss, /, *, real: Any, fake: Any, balance: Any) -> Any:
    """D(real) - k · D(fake); balance: k. Berthelot et al. 2017, section 3.4."""
    return _reduce(real, loss.reduction) - balance * _reduce(fake, loss.reduction)


def moved_balance(training: spec.Training, /, *, real: Any, fake: Any, balance: Any) -> Any:
    """Return k + rate · (diversity · D(real) - D(fake)), held to [0, 1]; balance: k. Berthelot et al. 2017."""
    loss: Any = training.balanced
    if training.class_losses:
        real, fake = real[:, :1], fake[:, :1]
    of_real, of_fake = (_reduce(scores, loss.reduction) for scores in (real, fake))
    return tf.clip_by_value(balance + loss.rate * (loss.diversity * of_real - of_fake), 0, 1)


def non_saturating_generator_loss(loss: spec.NonSaturatingGeneratorLoss, /, *, fake: Any) -> Any:
    """-log p(fake). Goodfellow et al. 2014, section 3."""
    return -_reduce(_log_probability(fake, loss.real_label, floor=loss.probability_floor), loss.reduction)


def saturating_generator_loss(loss: spec.SaturatingGeneratorLoss, /, *, fake: Any) -> Any:
    """log(1 - p(fake)). Goodfellow et al. 2014, Algorithm 1."""
    return _reduce(_log_probability(fake, 1 - loss.real_label, floor=loss.probability_floor), loss.reduction)


def binary_cross_entropy_generator_loss(loss: spec.BinaryCrossEntropyGeneratorLoss, /, *, fake: Any) -> Any:
    """A factor times BCE(p(fake), 1), clamped and differentiated as torch does."""
    return loss.factor * _reduce(_binary_cross_entropy(fake, loss.real_label, loss), loss.reduction)


def cross_entropy_generator_loss(loss: spec.CrossEntropyGeneratorLoss, /, *, fake: Any) -> Any:
    """CE(D(fake), real), from two logits."""
    return _reduce(_cross_entropy(fake, loss.real_label), loss.reduction)


def wasserstein_generator_loss(loss: spec.WassersteinGeneratorLoss, /, *, fake: Any) -> Any:
    """-D(fake). Arjovsky et al. 2017."""
    score = _reduce(fake, loss.reduction)
    return -score if loss.real_label == 1 else score


def least_squares_discriminator_loss(loss: spec.LeastSquaresDiscriminatorLoss, /, *, real: Any, fake: Any) -> Any:
    """A factor times ((D(real) - b)² + (D(fake) - a)²). Mao et al. 2017, equation 2."""
    real_term = _reduce(tf.square(real - loss.real_target), loss.reduction)
    return loss.factor * (real_term + _reduce(tf.square(fake - loss.fake_target), loss.reduction))


def least_squares_generator_loss(loss: spec.LeastSquaresGeneratorLoss, /, *, fake: Any) -> Any:
    """A factor times (D(fake) - c)². Mao et al. 2017, equation 2."""
    return loss.factor * _reduce(tf.square(fake - loss.target), loss.reduction)


def logistic_discriminator_loss(loss: spec.LogisticDiscriminatorLoss, /, *, real: Any, fake: Any) -> Any:
    """A factor times (CE(D(real), b) + CE(D(fake), a)), from one logit."""
    real_term = _reduce(_logistic(real, loss.real_target), loss.reduction)
    return loss.factor * (real_term + _reduce(_logistic(fake, loss.fake_target), loss.reduction))


def logistic_generator_loss(loss: spec.LogisticGeneratorLoss, /, *, fake: Any) -> Any:
    """A factor times CE(D(fake), c), from one logit."""
    return loss.factor * _reduce(_logistic(fake, loss.target), loss.reduction)


def relativistic_discriminator_loss(loss: spec.RelativisticDiscriminatorLoss, /, *, real: Any, fake: Any) -> Any:
    """A factor times (CE(D(real) - D(fake), 1) + CE(D(fake) - D(real), 0)). Jolicoeur-Martineau 2018."""
    other_fake, other_real = (_others(batch, loss) for batch in (fake, real))
    real_term = _reduce(_logistic(real - other_fake, 1.0), loss.reduction)
    return loss.factor * (real_term + _reduce(_logistic(fake - other_real, 0.0), loss.reduction))


def relativistic_generator_loss(loss: spec.RelativisticGeneratorLoss, /, *, fake: Any, real: Any) -> Any:
    """A factor times (CE(D(fake) - D(real), 1) + CE(D(real) - D(fake), 0)), or the first. Jolicoeur-Martineau 2018."""
    other_fake, other_real = (_others(batch, loss) for batch in (fake, real))
    fake_term = _reduce(_logistic(fake - other_real, 1.0), loss.reduction)
    if loss.terms == "fake":
        return loss.factor * fake_term
    return loss.factor * (fake_term + _reduce(_logistic(real - other_fake, 0.0), loss.reduction))


def softmax_discriminator_loss(loss: spec.SoftmaxDiscriminatorLoss, /, *, real: Any, fake: Any) -> Any:
    """Mean D(real) + log(Z + floor), Z of exp(-D) over both batches. Lin 2017, section 3."""
    return tf.reduce_mean(real) + _log_partition(loss, real, fake)


def softmax_generator_loss(loss: spec.SoftmaxGeneratorLoss, /, *, fake: Any, real: Any) -> Any:
    """Mean of D(real) and D(fake) + log(Z + floor), Z of exp(-D) over both batches. Lin 2017, section 3."""
    return 0.5 * (tf.reduce_mean(real) + tf.reduce_mean(fake)) + _log_partition(loss, real, fake)


def boundary_seeking_generator_loss(loss: spec.BoundarySeekingGeneratorLoss, /, *, fake: Any) -> Any:
    """A factor times (log p - log(1 - p))². Hjelm et al. 2017, equation 15."""
    return loss.factor * _reduce(tf.square(tf.math.log(fake) - tf.math.log(1 - fake)), loss.reduction)


def mean_squared_error_loss(loss: spec.MeanSquaredErrorLoss, /, *, output: Any, target: Any) -> Any:
    """(output - target)²; both (batch, 1)."""
    return _reduce(tf.square(output - target), loss.reduction)


def distance_loss(loss: spec.DistanceLoss, /, *, made: Any, real: Any) -> Any:
    """A weighted mean of |G - real|, or of its square. Pathak et al. 2016, equation 1."""
    difference = made - real
    return loss.weight * tf.reduce_mean(tf.abs(difference) if loss.by == "absolute" else tf.square(difference))


def gradient_penalty(penalty: spec.GradientPenalty, /, *, discriminate: Network, mixed: Any) -> tuple[Any, Any]:
    """Return weight · mean of (‖g‖ - target)^power, (), and g = ∂ΣD(x̂)/∂x̂. Gulrajani et al. 2017, Algorithm 1.

    mixed: x̂, (batch, features) or (batch, height, width, channels): the channels are last, where the canonical layout
    has them first.
    """
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(mixed)
        total = tf.reduce_sum(discriminate(mixed))
    gradient = tape.gradient(total, mixed)
    axes = -1 if penalty.norm == "channel" else list(range(1, gradient.shape.rank))
    squares = tf.reduce_sum(tf.square(gradient), axis=axes)
    deviations = squares
    if penalty.target != 0:
        # The square root has an infinite gradient at 0, which times 0 is NaN (tf.norm has that flaw): step around it.
        is_zero = tf.equal(squares, 0)
        norm = tf.where(is_zero, tf.zeros_like(squares), tf.sqrt(tf.where(is_zero, tf.ones_like(squares), squares)))
        deviations = tf.square(norm - penalty.target)
    for _ in range(penalty.power // 2 - 1):
        deviations = deviations * squares
    if penalty.over == "largest":
        return penalty.factor_of_mean * tf.reduce_max(deviations), gradient
    if deviations.shape.rank > 1:
        # XLA adds all places of all samples up in one run, which costs three digits; sample by sample it does not.
        deviations = tf.reduce_mean(deviations, axis=list(range(1, deviations.shape.rank)))
    return penalty.factor_of_mean * tf.reduce_mean(deviations), gradient


def perturbed_samples(penalty: spec.GradientPenalty, /, *, real: Any, mix: Any, perturbation: Any) -> Any:
    """Return real + (1 - r) · perturbation · s · u, s the deviation of all of real's numbers. Kodali et al. 2017."""
    # TensorFlow's own deviation is the biased one.
    count = tf.cast(tf.size(real), real.dtype)
    squares = tf.reduce_sum(tf.square(real - tf.reduce_mean(real)))
    deviation = tf.sqrt(squares / (count - penalty.degrees_lost))
    return real + (1 - mix) * (penalty.perturbation * deviation * perturbation)


def _others(batch: Any, loss: Any, /) -> Any:
    # Of a map of scores the mean is of each place.
    return tf.reduce_mean(batch, axis=0, keepdims=True) if loss.average else batch


def _log_partition(loss: Any, real: Any, fake: Any) -> Any:
    return tf.math.log(tf.reduce_sum(tf.exp(-real)) + tf.reduce_sum(tf.exp(-fake)) + loss.floor)


def _reduce(values: Any, reduction: spec.loss_fields.Reduction) -> Any:
    return tf.reduce_mean(values) if reduction == "mean" else tf.reduce_sum(values)


def _log_probability(probability: Any, label: int, *, floor: float | None) -> Any:
    """Return log p for label 1, log(1 - p) for label 0. At a tie tf.maximum gives its first argument the gradient."""
    likelihood = probability if label == 1 else 1 - probability
    return tf.math.log(likelihood if floor is None else tf.maximum(likelihood, floor))


def _cross_entropy(logits: Any, label: int) -> Any:
    return -tf.nn.log_softmax(logits)[:, label]


def _logistic(logits: Any, target: float) -> Any:
    return target * tf.math.softplus(-logits) + (1 - target) * tf.math.softplus(logits)


def _log_complement(probability: Any) -> Any:
    # XLA's log1p errs by up to 128 units in the last place for -0.42 < x < -0.3 in float64; there 1 - p loses nothing.
    is_large = probability > _LARGE_PROBABILITY
    small = tf.where(is_large, tf.zeros_like(probability), probability)
    return tf.where(is_large, tf.math.log(1 - probability), tf.math.log1p(-small))


def _binary_cross_entropy(
    probability: Any,
    label: int,
    loss: spec.BinaryCrossEntropyDiscriminatorLoss | spec.BinaryCrossEntropyGeneratorLoss,
) -> Any:
    """Return the cross entropy of each sample; Keras's own clips p to [1e-7, 1 - 1e-7] instead."""

    @tf.custom_gradient
    def value_and_gradient(p: Any) -> tuple[Any, Callable[[Any], Any]]:
        value = -tf.maximum(tf.math.log(p) if label == 1 else _log_complement(p), loss.log_floor)

        def gradient(upstream: Any) -> Any:
            return upstream * (p - label) / tf.maximum(p * (1 - p), loss.denominator_floor)

        return value, gradient

    return value_and_gradient(probability)


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


def discriminator_loss(training: spec.Training, /, *, real: Any, fake: Any, **balance: Any) -> Any:
    """D's loss, with what it has of classes. balance: where the loss has one."""
    loss = training.discriminator_loss
    function = DISCRIMINATOR_LOSSES[type(loss)]
    if not training.class_losses:
        return function(loss, real=real, fake=fake, **balance)
    value = function(loss, real=real[:, :1], fake=fake[:, :1], **balance)
    for column, of_class in enumerate(training.class_losses, start=1):
        value += of_class.on_real * tf.reduce_mean(real[:, column])
        value += of_class.on_fake * tf.reduce_mean(fake[:, column])
    return value


def generator_loss(training: spec.Training, /, *, fake: Any, **real: Any) -> Any:
    """G's loss, with what it has of classes. real: where the loss is of both batches."""
    loss = training.generator_loss
    function = GENERATOR_LOSSES[type(loss)]
    if not training.class_losses:
        return function(loss, fake=fake, **real)
    value = function(loss, fake=fake[:, :1], **{name: batch[:, :1] for name, batch in real.items()})
    for column, of_class in enumerate(training.class_losses, start=1):
        value += of_class.of_generator * tf.reduce_mean(fake[:, column])
    return value


def joint_loss(training: spec.Training, /, *, fake: Any) -> Any:
    """The third update's loss, of what D's heads give of its batch."""
    told = enumerate(training.class_losses, start=1)
    first, *others = (of_class.of_joint * tf.reduce_mean(fake[:, column]) for column, of_class in told)
    return sum(others, start=first)


def check_losses(gan: spec.GanSpec, /) -> None:
    """Raise UnsupportedLayer where the spec names a loss that is in neither table."""
    training = gan.training
    known = DISCRIMINATOR_LOSSES | GENERATOR_LOSSES
    for loss in (training.discriminator_loss, training.generator_loss):
        if type(loss) not in known:
            raise UnsupportedLayer(f"TensorFlow has no loss for {type(loss).__name__}; add it to losses.py")
