"""The losses. Scores are D's output, (B, 1), (B, 1, h, w) or (B, 2); a loss is (), unitless."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from gan_rosetta.backends.torch.activations import SOFTPLUS_THRESHOLD
from gan_rosetta.shared import spec
from gan_rosetta.shared.errors import UnsupportedLayer


def minimax_discriminator_loss(loss: spec.MinimaxDiscriminatorLoss, /, *, real: Tensor, fake: Tensor) -> Tensor:
    """A factor times (-log p(real) - log(1 - p(fake))). Goodfellow et al. 2014, Algorithm 1."""
    real_term = _reduce(loss, _log_probability(loss, real, target=loss.real_label))
    return loss.factor * (-real_term - _reduce(loss, _log_probability(loss, fake, target=1 - loss.real_label)))


def binary_cross_entropy_discriminator_loss(
    loss: spec.BinaryCrossEntropyDiscriminatorLoss, /, *, real: Tensor, fake: Tensor
) -> Tensor:
    """A factor times (BCE(p(real), real_label) + BCE(p(fake), 1 - real_label)), the logarithms clamped from below."""
    real_term = _reduce(loss, _binary_cross_entropy(loss, real, target=loss.real_label))
    fake_term = _reduce(loss, _binary_cross_entropy(loss, fake, target=1 - loss.real_label))
    return loss.factor * (real_term + fake_term)


def cross_entropy_discriminator_loss(
    loss: spec.CrossEntropyDiscriminatorLoss, /, *, real: Tensor, fake: Tensor
) -> Tensor:
    """CE(D(real), real_label) + CE(D(fake), 1 - real_label), from two logits."""
    return _cross_entropy(loss, fake, target=1 - loss.real_label) + _cross_entropy(loss, real, target=loss.real_label)


def wasserstein_discriminator_loss(loss: spec.WassersteinDiscriminatorLoss, /, *, real: Tensor, fake: Tensor) -> Tensor:
    """-D(real) + D(fake), without the penalty. Arjovsky et al. 2017, Algorithm 1."""
    sign = 1 if loss.real_label == 1 else -1
    return sign * (_reduce(loss, fake) - _reduce(loss, real))


def hinge_discriminator_loss(loss: spec.HingeDiscriminatorLoss, /, *, real: Tensor, fake: Tensor) -> Tensor:
    """max(0, 1 - D(real)) + max(0, 1 + D(fake)). Lim and Ye 2017."""
    sign = 1 if loss.real_label == 1 else -1
    return _reduce(loss, torch.relu(1 - sign * real)) + _reduce(loss, torch.relu(1 + sign * fake))


def margin_discriminator_loss(loss: spec.MarginDiscriminatorLoss, /, *, real: Tensor, fake: Tensor) -> Tensor:
    """D(real) + max(0, margin - D(fake)). Zhao et al. 2017, equation 1."""
    if loss.over == "batch":
        return _reduce(loss, real) + torch.relu(loss.margin - _reduce(loss, fake))
    return _reduce(loss, real) + _reduce(loss, torch.relu(loss.margin - fake))


def balanced_discriminator_loss(
    loss: spec.BalancedDiscriminatorLoss, /, *, real: Tensor, fake: Tensor, balance: Tensor
) -> Tensor:
    """D(real) - k · D(fake); balance: k. Berthelot et al. 2017, section 3.4."""
    return _reduce(loss, real) - balance * _reduce(loss, fake)


def moved_balance(training: spec.Training, /, *, real: Tensor, fake: Tensor, balance: Tensor) -> Tensor:
    """Return k + rate · (diversity · D(real) - D(fake)), held to [0, 1]; balance: k. Berthelot et al. 2017."""
    loss: Any = training.balanced
    of_real, of_fake = (_reduce(loss, scores[:, :1]) for scores in (real, fake))
    return (balance + loss.rate * (loss.diversity * of_real - of_fake)).clamp(0, 1)


def non_saturating_generator_loss(loss: spec.NonSaturatingGeneratorLoss, /, *, fake: Tensor) -> Tensor:
    """-log p(fake). Goodfellow et al. 2014, section 3."""
    return -_reduce(loss, _log_probability(loss, fake, target=loss.real_label))


def saturating_generator_loss(loss: spec.SaturatingGeneratorLoss, /, *, fake: Tensor) -> Tensor:
    """log(1 - p(fake)). Goodfellow et al. 2014, Algorithm 1."""
    return _reduce(loss, _log_probability(loss, fake, target=1 - loss.real_label))


def binary_cross_entropy_generator_loss(loss: spec.BinaryCrossEntropyGeneratorLoss, /, *, fake: Tensor) -> Tensor:
    """A factor times BCE(p(fake), real_label), the logarithm clamped from below."""
    return loss.factor * _reduce(loss, _binary_cross_entropy(loss, fake, target=loss.real_label))


def cross_entropy_generator_loss(loss: spec.CrossEntropyGeneratorLoss, /, *, fake: Tensor) -> Tensor:
    """CE(D(fake), real_label), from two logits."""
    return _cross_entropy(loss, fake, target=loss.real_label)


def wasserstein_generator_loss(loss: spec.WassersteinGeneratorLoss, /, *, fake: Tensor) -> Tensor:
    """-D(fake). Arjovsky et al. 2017, Algorithm 1."""
    sign = -1 if loss.real_label == 1 else 1
    return sign * _reduce(loss, fake)


def least_squares_discriminator_loss(
    loss: spec.LeastSquaresDiscriminatorLoss, /, *, real: Tensor, fake: Tensor
) -> Tensor:
    """A factor times ((D(real) - b)² + (D(fake) - a)²). Mao et al. 2017, equation 2."""
    squares = _reduce(loss, (real - loss.real_target) ** 2) + _reduce(loss, (fake - loss.fake_target) ** 2)
    return loss.factor * squares


def least_squares_generator_loss(loss: spec.LeastSquaresGeneratorLoss, /, *, fake: Tensor) -> Tensor:
    """A factor times (D(fake) - c)². Mao et al. 2017, equation 2."""
    return loss.factor * _reduce(loss, (fake - loss.target) ** 2)


def logistic_discriminator_loss(loss: spec.LogisticDiscriminatorLoss, /, *, real: Tensor, fake: Tensor) -> Tensor:
    """A factor times (CE(D(real), b) + CE(D(fake), a)), from one logit."""
    return loss.factor * (
        _logistic(loss, real, target=loss.real_target) + _logistic(loss, fake, target=loss.fake_target)
    )


def logistic_generator_loss(loss: spec.LogisticGeneratorLoss, /, *, fake: Tensor) -> Tensor:
    """A factor times CE(D(fake), c), from one logit."""
    return loss.factor * _logistic(loss, fake, target=loss.target)


def relativistic_discriminator_loss(
    loss: spec.RelativisticDiscriminatorLoss, /, *, real: Tensor, fake: Tensor
) -> Tensor:
    """A factor times (CE(D(real) - D(fake), 1) + CE(D(fake) - D(real), 0)). Jolicoeur-Martineau 2018."""
    other_fake, other_real = (_others(batch, loss) for batch in (fake, real))
    real_term = _logistic(loss, real - other_fake, target=1.0)
    return loss.factor * (real_term + _logistic(loss, fake - other_real, target=0.0))


def relativistic_generator_loss(loss: spec.RelativisticGeneratorLoss, /, *, fake: Tensor, real: Tensor) -> Tensor:
    """A factor times (CE(D(fake) - D(real), 1) + CE(D(real) - D(fake), 0)), or the first. Jolicoeur-Martineau 2018."""
    other_fake, other_real = (_others(batch, loss) for batch in (fake, real))
    fake_term = _logistic(loss, fake - other_real, target=1.0)
    if loss.terms == "fake":
        return loss.factor * fake_term
    return loss.factor * (fake_term + _logistic(loss, real - other_fake, target=0.0))


def softmax_discriminator_loss(loss: spec.SoftmaxDiscriminatorLoss, /, *, real: Tensor, fake: Tensor) -> Tensor:
    """Mean D(real) + log(Z + floor), Z of exp(-D) over both batches. Lin 2017, section 3."""
    return real.mean() + _log_partition(loss, real, fake)


def softmax_generator_loss(loss: spec.SoftmaxGeneratorLoss, /, *, fake: Tensor, real: Tensor) -> Tensor:
    """Mean of D(real) and D(fake) + log(Z + floor), Z of exp(-D) over both batches. Lin 2017, section 3."""
    return 0.5 * (real.mean() + fake.mean()) + _log_partition(loss, real, fake)


def boundary_seeking_generator_loss(loss: spec.BoundarySeekingGeneratorLoss, /, *, fake: Tensor) -> Tensor:
    """A factor times (log p - log(1 - p))². Hjelm et al. 2017, equation 15."""
    return loss.factor * _reduce(loss, (torch.log(fake) - torch.log(1 - fake)) ** 2)


def mean_squared_error_loss(loss: spec.MeanSquaredErrorLoss, /, *, output: Tensor, target: Tensor) -> Tensor:
    """(D(input) - target)²."""
    return functional.mse_loss(output, target, reduction=loss.reduction)


def distance_loss(loss: spec.DistanceLoss, /, *, made: Tensor, real: Tensor) -> Tensor:
    """A weighted mean of |G - real|, or of its square. Pathak et al. 2016, equation 1."""
    difference = made - real
    return loss.weight * (difference.abs() if loss.by == "absolute" else difference**2).mean()


def gradient_penalty(penalty: spec.GradientPenalty, /, *, gradient: Tensor) -> Tensor:
    """A weighted mean of (‖g‖ - target)^power; gradient: g = ∂ΣD(x̂)/∂x̂, (B, ...). Gulrajani et al. 2017."""
    axes = 1 if penalty.norm == "channel" else tuple(range(1, gradient.dim()))
    if penalty.target == 0:
        return penalty.factor_of_mean * _of_all(penalty, (gradient**2).sum(dim=axes) ** (penalty.power // 2))
    # torch's norm has gradient 0 where it is 0.
    norms = torch.linalg.vector_norm(gradient, dim=axes)
    return penalty.factor_of_mean * _of_all(penalty, (norms - penalty.target) ** 2)


def perturbed_samples(penalty: spec.GradientPenalty, /, *, real: Tensor, mix: Tensor, perturbation: Tensor) -> Tensor:
    """Return real + (1 - r) · perturbation · s · u, s the deviation of all of real's numbers. Kodali et al. 2017."""
    deviation = real.std(correction=penalty.degrees_lost)
    return real + (1 - mix) * (penalty.perturbation * deviation * perturbation)


DISCRIMINATOR_LOSSES: dict[type, Callable[..., Tensor]] = {
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
GENERATOR_LOSSES: dict[type, Callable[..., Tensor]] = {
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


def discriminator_loss(training: spec.Training, /, *, real: Tensor, fake: Tensor, **balance: Tensor) -> Tensor:
    """D's loss, with what it has of classes. balance: where the loss has one."""
    loss = training.discriminator_loss
    function = DISCRIMINATOR_LOSSES[type(loss)]
    if not training.class_losses:
        return function(loss, real=real, fake=fake, **balance)
    value = function(loss, real=real[:, :1], fake=fake[:, :1], **balance)
    for column, of_class in enumerate(training.class_losses, start=1):
        value = value + of_class.on_real * real[:, column].mean() + of_class.on_fake * fake[:, column].mean()
    return value


def generator_loss(training: spec.Training, /, *, fake: Tensor, **real: Tensor) -> Tensor:
    """G's loss, with what it has of classes. real: where the loss is of both batches."""
    loss = training.generator_loss
    function = GENERATOR_LOSSES[type(loss)]
    if not training.class_losses:
        return function(loss, fake=fake, **real)
    value = function(loss, fake=fake[:, :1], **{name: batch[:, :1] for name, batch in real.items()})
    for column, of_class in enumerate(training.class_losses, start=1):
        value = value + of_class.of_generator * fake[:, column].mean()
    return value


def joint_loss(training: spec.Training, /, *, fake: Tensor) -> Tensor:
    """The third update's loss, of what D's heads give of its batch."""
    told = zip(training.class_losses, fake[:, 1:].unbind(dim=1), strict=True)
    first, *others = (of_class.of_joint * column.mean() for of_class, column in told)
    return sum(others, start=first)


def check_losses(gan: spec.GanSpec, /) -> None:
    """Raise UnsupportedLayer where the spec names a loss that is in neither table."""
    training = gan.training
    if type(training.discriminator_loss) not in DISCRIMINATOR_LOSSES:
        raise UnsupportedLayer(
            f"torch has no loss for {type(training.discriminator_loss).__name__}; add it to losses.py"
        )
    if type(training.generator_loss) not in GENERATOR_LOSSES:
        raise UnsupportedLayer(f"torch has no loss for {type(training.generator_loss).__name__}; add it to losses.py")


class _BinaryCrossEntropy(torch.autograd.Function):
    """functional.binary_cross_entropy with its two constants free; that one raises on NaN, which has to pass here."""

    generate_vmap_rule = True

    @staticmethod
    def forward(probability: Tensor, target: int, log_floor: float, denominator_floor: float) -> Tensor:
        del denominator_floor
        logarithm = torch.log(probability) if target == 1 else torch.log1p(-probability)
        return -logarithm.clamp(min=log_floor)

    @staticmethod
    def setup_context(context: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        del output
        probability, context.target, _, context.denominator_floor = inputs
        context.save_for_backward(probability)

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        (probability,) = context.saved_tensors
        denominator = (probability * (1 - probability)).clamp(min=context.denominator_floor)
        return gradients[0] * (probability - context.target) / denominator, None, None, None


def _binary_cross_entropy(loss: Any, probability: Tensor, *, target: int) -> Tensor:
    return _BinaryCrossEntropy.apply(probability, target, loss.log_floor, loss.denominator_floor)


def _log_probability(loss: Any, probability: Tensor, *, target: int) -> Tensor:
    likelihood = probability if target == 1 else 1 - probability
    if loss.probability_floor is not None:
        likelihood = likelihood.clamp(min=loss.probability_floor)  # gradient 0 below the floor, whole at it and above
    return torch.log(likelihood)


def _cross_entropy(loss: Any, logits: Tensor, *, target: int) -> Tensor:
    targets = torch.full((len(logits),), target, device=logits.device)
    return functional.cross_entropy(logits, targets, reduction=loss.reduction)


def _logistic(loss: Any, logits: Tensor, *, target: float) -> Tensor:
    # torch's own is (1 - target) · z - log sigmoid z, where far below 0 two numbers cancel that are nearly alike.
    real = functional.softplus(-logits, threshold=SOFTPLUS_THRESHOLD)
    fake = functional.softplus(logits, threshold=SOFTPLUS_THRESHOLD)
    return _reduce(loss, target * real + (1 - target) * fake)


def _others(batch: Tensor, loss: Any, /) -> Tensor:
    # Of a map of scores the mean is of each place.
    return batch.mean(dim=0, keepdim=True) if loss.average else batch


def _of_all(penalty: spec.GradientPenalty, deviations: Tensor) -> Tensor:
    return deviations.mean() if penalty.over == "mean" else deviations.amax()


def _log_partition(loss: Any, real: Tensor, fake: Tensor) -> Tensor:
    return torch.log(torch.exp(-real).sum() + torch.exp(-fake).sum() + loss.floor)


def _reduce(loss: Any, values: Tensor) -> Tensor:
    return values.mean() if loss.reduction == "mean" else values.sum()
