"""The losses. Scores are D's output, (B, 1), (B, 1, h, w) or (B, 2); a loss is (), unitless."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from gan_rosetta.shared import spec
from gan_rosetta.shared.errors import UnsupportedLayer

_LARGE_PROBABILITY = 0.25


def minimax_discriminator_loss(loss: spec.MinimaxDiscriminatorLoss, /, *, real: Any, fake: Any) -> Any:
    """A factor times (-log p(real) - log(1 - p(fake))). Goodfellow et al. 2014, Algorithm 1."""
    real_term = _reduce(loss, _log_probability(loss, real, target=loss.real_label))
    return loss.factor * (-real_term - _reduce(loss, _log_probability(loss, fake, target=1 - loss.real_label)))


def binary_cross_entropy_discriminator_loss(
    loss: spec.BinaryCrossEntropyDiscriminatorLoss, /, *, real: Any, fake: Any
) -> Any:
    """A factor times (BCE(p(real), real_label) + BCE(p(fake), 1 - real_label)), the logarithms clamped from below."""
    real_term = _reduce(loss, _binary_cross_entropy(loss, real, target=loss.real_label))
    fake_term = _reduce(loss, _binary_cross_entropy(loss, fake, target=1 - loss.real_label))
    return loss.factor * (real_term + fake_term)


def cross_entropy_discriminator_loss(loss: spec.CrossEntropyDiscriminatorLoss, /, *, real: Any, fake: Any) -> Any:
    """CE(D(real), real_label) + CE(D(fake), 1 - real_label), from two logits."""
    return _cross_entropy(loss, fake, target=1 - loss.real_label) + _cross_entropy(loss, real, target=loss.real_label)


def wasserstein_discriminator_loss(loss: spec.WassersteinDiscriminatorLoss, /, *, real: Any, fake: Any) -> Any:
    """-D(real) + D(fake), without the penalty. Arjovsky et al. 2017, Algorithm 1."""
    sign = 1 if loss.real_label == 1 else -1
    return sign * (_reduce(loss, fake) - _reduce(loss, real))


def hinge_discriminator_loss(loss: spec.HingeDiscriminatorLoss, /, *, real: Any, fake: Any) -> Any:
    """max(0, 1 - D(real)) + max(0, 1 + D(fake)). Lim and Ye 2017."""
    sign = 1 if loss.real_label == 1 else -1
    return _reduce(loss, jax.nn.relu(1 - sign * real)) + _reduce(loss, jax.nn.relu(1 + sign * fake))


def margin_discriminator_loss(loss: spec.MarginDiscriminatorLoss, /, *, real: Any, fake: Any) -> Any:
    """D(real) + max(0, margin - D(fake)). Zhao et al. 2017, equation 1."""
    if loss.over == "batch":
        return _reduce(loss, real) + jax.nn.relu(loss.margin - _reduce(loss, fake))
    return _reduce(loss, real) + _reduce(loss, jax.nn.relu(loss.margin - fake))


def balanced_discriminator_loss(loss: spec.BalancedDiscriminatorLoss, /, *, real: Any, fake: Any, balance: Any) -> Any:
    """D(real) - k · D(fake); balance: k. Berthelot et al. 2017, section 3.4."""
    return _reduce(loss, real) - balance * _reduce(loss, fake)


def moved_balance(training: spec.Training, /, *, real: Any, fake: Any, balance: Any) -> Any:
    """Return k + rate · (diversity · D(real) - D(fake)), held to [0, 1]; balance: k. Berthelot et al. 2017."""
    loss: Any = training.balanced
    of_real, of_fake = (_reduce(loss, scores[:, :1]) for scores in (real, fake))
    return jnp.clip(balance + loss.rate * (loss.diversity * of_real - of_fake), 0, 1)


def non_saturating_generator_loss(loss: spec.NonSaturatingGeneratorLoss, /, *, fake: Any) -> Any:
    """-log p(fake). Goodfellow et al. 2014, section 3."""
    return -_reduce(loss, _log_probability(loss, fake, target=loss.real_label))


def saturating_generator_loss(loss: spec.SaturatingGeneratorLoss, /, *, fake: Any) -> Any:
    """log(1 - p(fake)). Goodfellow et al. 2014, Algorithm 1."""
    return _reduce(loss, _log_probability(loss, fake, target=1 - loss.real_label))


def binary_cross_entropy_generator_loss(loss: spec.BinaryCrossEntropyGeneratorLoss, /, *, fake: Any) -> Any:
    """A factor times BCE(p(fake), real_label), the logarithm clamped from below."""
    return loss.factor * _reduce(loss, _binary_cross_entropy(loss, fake, target=loss.real_label))


def cross_entropy_generator_loss(loss: spec.CrossEntropyGeneratorLoss, /, *, fake: Any) -> Any:
    """CE(D(fake), real_label), from two logits."""
    return _cross_entropy(loss, fake, target=loss.real_label)


def wasserstein_generator_loss(loss: spec.WassersteinGeneratorLoss, /, *, fake: Any) -> Any:
    """-D(fake). Arjovsky et al. 2017."""
    sign = -1 if loss.real_label == 1 else 1
    return sign * _reduce(loss, fake)


def least_squares_discriminator_loss(loss: spec.LeastSquaresDiscriminatorLoss, /, *, real: Any, fake: Any) -> Any:
    """A factor times ((D(real) - b)² + (D(fake) - a)²). Mao et al. 2017, equation 2."""
    real_term = _reduce(loss, jnp.square(real - loss.real_target))
    return loss.factor * (real_term + _reduce(loss, jnp.square(fake - loss.fake_target)))


def least_squares_generator_loss(loss: spec.LeastSquaresGeneratorLoss, /, *, fake: Any) -> Any:
    """A factor times (D(fake) - c)². Mao et al. 2017, equation 2."""
    return loss.factor * _reduce(loss, jnp.square(fake - loss.target))


def logistic_discriminator_loss(loss: spec.LogisticDiscriminatorLoss, /, *, real: Any, fake: Any) -> Any:
    """A factor times (CE(D(real), b) + CE(D(fake), a)), from one logit."""
    return loss.factor * (
        _logistic(loss, real, target=loss.real_target) + _logistic(loss, fake, target=loss.fake_target)
    )


def logistic_generator_loss(loss: spec.LogisticGeneratorLoss, /, *, fake: Any) -> Any:
    """A factor times CE(D(fake), c), from one logit."""
    return loss.factor * _logistic(loss, fake, target=loss.target)


def relativistic_discriminator_loss(loss: spec.RelativisticDiscriminatorLoss, /, *, real: Any, fake: Any) -> Any:
    """A factor times (CE(D(real) - D(fake), 1) + CE(D(fake) - D(real), 0)). Jolicoeur-Martineau 2018."""
    other_fake, other_real = (_others(batch, loss) for batch in (fake, real))
    real_term = _logistic(loss, real - other_fake, target=1.0)
    return loss.factor * (real_term + _logistic(loss, fake - other_real, target=0.0))


def relativistic_generator_loss(loss: spec.RelativisticGeneratorLoss, /, *, fake: Any, real: Any) -> Any:
    """A factor times (CE(D(fake) - D(real), 1) + CE(D(real) - D(fake), 0)), or the first. Jolicoeur-Martineau 2018."""
    other_fake, other_real = (_others(batch, loss) for batch in (fake, real))
    fake_term = _logistic(loss, fake - other_real, target=1.0)
    if loss.terms == "fake":
        return loss.factor * fake_term
    return loss.factor * (fake_term + _logistic(loss, real - other_fake, target=0.0))


def softmax_discriminator_loss(loss: spec.SoftmaxDiscriminatorLoss, /, *, real: Any, fake: Any) -> Any:
    """Mean D(real) + log(Z + floor), Z of exp(-D) over both batches. Lin 2017, section 3."""
    return jnp.mean(real) + _log_partition(loss, real, fake)


def softmax_generator_loss(loss: spec.SoftmaxGeneratorLoss, /, *, fake: Any, real: Any) -> Any:
    """Mean of D(real) and D(fake) + log(Z + floor), Z of exp(-D) over both batches. Lin 2017, section 3."""
    return 0.5 * (jnp.mean(real) + jnp.mean(fake)) + _log_partition(loss, real, fake)


def boundary_seeking_generator_loss(loss: spec.BoundarySeekingGeneratorLoss, /, *, fake: Any) -> Any:
    """A factor times (log p - log(1 - p))². Hjelm et al. 2017, equation 15."""
    return loss.factor * _reduce(loss, jnp.square(jnp.log(fake) - jnp.log(1 - fake)))


def mean_squared_error_loss(loss: spec.MeanSquaredErrorLoss, /, *, output: Any, target: Any) -> Any:
    """(D(input) - target)²."""
    return _reduce(loss, jnp.square(output - target))


def distance_loss(loss: spec.DistanceLoss, /, *, made: Any, real: Any) -> Any:
    """A weighted mean of |G - real|, or of its square. Pathak et al. 2016, equation 1."""
    difference = made - real
    if loss.by == "squares":
        return loss.weight * jnp.mean(difference**2)
    # jnp.abs has the derivative 1 at 0, where G meets a background exactly.
    return loss.weight * jnp.mean(difference * jax.lax.stop_gradient(jnp.sign(difference)))


def gradient_penalty(
    penalty: spec.GradientPenalty, /, *, discriminate: Callable[[Any], tuple[Any, Any]], mixed: Any
) -> tuple[Any, Any, Any]:
    """A weighted mean of (‖g‖ - target)^power, g = ∂ΣD(mixed)/∂mixed; returns it and g (B, ...).

    mixed: (B, ...), where it is taken. Gulrajani et al. 2017. discriminate: returns the scores and what else is to be
    returned, third.
    """

    def total_score(samples: Any) -> tuple[Any, Any]:
        scores, more = discriminate(samples)
        return jnp.sum(scores), more

    gradient, more = jax.grad(total_score, has_aux=True)(mixed)
    squares = jnp.sum(jnp.square(gradient), axis=1 if penalty.norm == "channel" else tuple(range(1, gradient.ndim)))
    deviations = squares
    if penalty.target != 0:
        # The square root has an infinite gradient at 0, which times 0 is NaN (jnp.linalg.norm has that flaw): step
        # around it.
        is_zero = squares == 0
        norms = jnp.where(is_zero, 0.0, jnp.sqrt(jnp.where(is_zero, 1.0, squares)))
        deviations = jnp.square(norms - penalty.target)
    for _ in range(penalty.power // 2 - 1):
        deviations = deviations * squares
    if penalty.over == "largest":
        return penalty.factor_of_mean * jnp.max(deviations), gradient, more
    # XLA adds all places of all samples up in one run, which costs three digits; sample by sample it does not.
    by_sample = jnp.mean(deviations.reshape(len(deviations), -1), axis=1)
    return penalty.factor_of_mean * jnp.mean(by_sample), gradient, more


def perturbed_samples(penalty: spec.GradientPenalty, /, *, real: Any, mix: Any, perturbation: Any) -> Any:
    """Return real + (1 - r) · perturbation · s · u, s the deviation of all of real's numbers. Kodali et al. 2017."""
    deviation = jnp.std(real, ddof=penalty.degrees_lost)
    return real + (1 - mix) * (penalty.perturbation * deviation * perturbation)


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
        value = value + of_class.on_real * jnp.mean(real[:, column]) + of_class.on_fake * jnp.mean(fake[:, column])
    return value


def generator_loss(training: spec.Training, /, *, fake: Any, **real: Any) -> Any:
    """G's loss, with what it has of classes. real: where the loss is of both batches."""
    loss = training.generator_loss
    function = GENERATOR_LOSSES[type(loss)]
    if not training.class_losses:
        return function(loss, fake=fake, **real)
    value = function(loss, fake=fake[:, :1], **{name: batch[:, :1] for name, batch in real.items()})
    for column, of_class in enumerate(training.class_losses, start=1):
        value = value + of_class.of_generator * jnp.mean(fake[:, column])
    return value


def joint_loss(training: spec.Training, /, *, fake: Any) -> Any:
    """The third update's loss, of what D's heads give of its batch."""
    told = enumerate(training.class_losses, start=1)
    first, *others = (of_class.of_joint * jnp.mean(fake[:, column]) for column, of_class in told)
    return sum(others, start=first)


def check_losses(gan: spec.GanSpec, /) -> None:
    """Raise UnsupportedLayer where the spec names a loss that is in neither table."""
    training = gan.training
    known = DISCRIMINATOR_LOSSES | GENERATOR_LOSSES
    for loss in (training.discriminator_loss, training.generator_loss):
        if type(loss) not in known:
            raise UnsupportedLayer(f"JAX has no loss for {type(loss).__name__}; add it to losses.py")


@partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def _binary_cross_entropies(loss: Any, target: int, probability: Any) -> Any:
    logarithm = jnp.log(probability) if target == 1 else _log_complement(probability)
    return -jnp.maximum(logarithm, loss.log_floor)


def _log_complement(probability: Any) -> Any:
    # XLA's log1p errs by up to 128 units in the last place for -0.42 < x < -0.3 in float64; there 1 - p loses nothing.
    is_large = probability > _LARGE_PROBABILITY
    return jnp.where(is_large, jnp.log(1 - probability), jnp.log1p(-jnp.where(is_large, 0.0, probability)))


@_binary_cross_entropies.defjvp
def _binary_cross_entropies_jvp(loss: Any, target: int, primals: tuple[Any], tangents: tuple[Any]) -> tuple[Any, Any]:
    ((probability,), (tangent,)) = primals, tangents
    denominator = jnp.maximum(probability * (1 - probability), loss.denominator_floor)
    return _binary_cross_entropies(loss, target, probability), tangent * (probability - target) / denominator


def _binary_cross_entropy(loss: Any, probability: Any, *, target: int) -> Any:
    """Return the cross entropy of each sample, differentiated as torch does; optax's own takes logits."""
    return _binary_cross_entropies(loss, target, probability)


def _log_probability(loss: Any, probability: Any, *, target: int) -> Any:
    likelihood = probability if target == 1 else 1 - probability
    if loss.probability_floor is not None:
        # Gradient 0 below the floor, whole at it and above; jnp.maximum's would be a half at it.
        likelihood = jnp.where(likelihood < loss.probability_floor, loss.probability_floor, likelihood)
    return jnp.log(likelihood)


def _cross_entropy(loss: Any, logits: Any, *, target: int) -> Any:
    return _reduce(loss, -jax.nn.log_softmax(logits)[:, target])


def _logistic(loss: Any, logits: Any, *, target: float) -> Any:
    return _reduce(loss, target * jax.nn.softplus(-logits) + (1 - target) * jax.nn.softplus(logits))


def _others(batch: Any, loss: Any, /) -> Any:
    # Of a map of scores the mean is of each place.
    return jnp.mean(batch, axis=0, keepdims=True) if loss.average else batch


def _log_partition(loss: Any, real: Any, fake: Any) -> Any:
    return jnp.log(jnp.sum(jnp.exp(-real)) + jnp.sum(jnp.exp(-fake)) + loss.floor)


def _reduce(loss: Any, values: Any) -> Any:
    return jnp.mean(values) if loss.reduction == "mean" else jnp.sum(values)
