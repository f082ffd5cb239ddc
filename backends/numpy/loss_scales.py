"""How large the numbers are that losses are made of, which says how their rounding is to be judged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gan_rosetta.backends.numpy.layer import Array
from gan_rosetta.backends.numpy.losses import class_weights, reduced
from gan_rosetta.shared import spec

_MATRIX = 2


def loss_scale(loss: Any, /, *scores: Array, balance: float = 0.0) -> float:
    """Return how large the numbers are that a loss of some batches of scores is made of. balance: where it has one.

    A loss near 0 has the rounding of what cancelled in it: a critic's that of its scores, a hinge's that of 1 too, a
    square that of its target, one logit's that of the logit; all others are logarithms of probabilities near 1, so of
    numbers with the rounding of 1.
    """
    if isinstance(loss, spec.HingeDiscriminatorLoss):
        wanted = (1.0, -1.0) if loss.real_label == 1 else (-1.0, 1.0)
        terms = (
            np.where(1.0 - sign * batch > 0.0, 1.0 + np.abs(batch), 0.0)
            for batch, sign in zip(scores, wanted, strict=True)
        )
        return float(sum(float(reduced(batch, loss.reduction)) for batch in terms))
    if isinstance(loss, spec.MarginDiscriminatorLoss):
        of_real, of_fake = (float(reduced(np.abs(batch), loss.reduction)) for batch in scores)
        return of_real + abs(loss.margin) + of_fake
    if isinstance(loss, spec.BalancedDiscriminatorLoss):
        of_real, of_fake = (float(reduced(np.abs(batch), loss.reduction)) for batch in scores)
        return of_real + balance * of_fake
    if isinstance(loss, spec.SoftmaxDiscriminatorLoss | spec.SoftmaxGeneratorLoss):
        # The mean of scores, and the logarithm of a sum of powers, which has the rounding of 1 at least.
        return 1.0 + sum(float(np.max(np.abs(batch))) for batch in scores)
    if loss.score == "squares":
        targets = (loss.target,) if hasattr(loss, "target") else (loss.real_target, loss.fake_target)
        pairs = zip(scores, targets, strict=True)
        return float(loss.factor) * sum(_square_scale(batch, target, loss.reduction) for batch, target in pairs)
    if isinstance(loss, spec.BoundarySeekingGeneratorLoss):
        parts = [(np.log(batch), np.log1p(-batch)) for batch in scores]
        sizes = [np.abs(first - second) * (np.abs(first) + np.abs(second)) for first, second in parts]
    else:
        sizes = [_SIZES.get(loss.score, _one_each)(batch) for batch in scores]
    # A relativistic loss has each logit in both of its terms.
    twice = isinstance(loss, spec.RelativisticDiscriminatorLoss) or getattr(loss, "terms", None) == "both"
    factor = float(getattr(loss, "factor", 1.0)) * (2.0 if twice else 1.0)
    return factor * float(sum(float(reduced(batch, loss.reduction)) for batch in sizes))


def squared_error_scale(loss: spec.MeanSquaredErrorLoss, output: Array, target: Array, /) -> float:
    """Return the same of (D(input) - target)²: each term's rounding is that of the difference's two sides."""
    return _square_scale(output, target, loss.reduction)


def distance_scale(loss: spec.DistanceLoss, made: Array, real: Array, /) -> float:
    """Return the same of weight · mean of |G - real|, or of its square, by the rounding of a difference's sides."""
    if loss.by == "squares":
        return float(loss.weight) * _square_scale(made, real, "mean")
    return float(loss.weight) * float(reduced(np.abs(made) + np.abs(real), "mean"))


def class_scale(training: spec.Training, phase: str, /, *heads: Array) -> float:
    """Return how large the numbers are that a phase's loss has of classes: logarithms, some of numbers near 1."""
    if not training.class_losses:
        return 0.0
    of_batches = class_weights(training, phase)
    sizes = (1.0 + np.mean(np.abs(batch[:, 1:]), axis=0) for batch in heads)
    pairs = zip(of_batches, sizes, strict=False)
    return float(sum(abs(weight) * size for own, told in pairs for weight, size in zip(own, told, strict=True)))


def _one_each(scores: Array) -> Array:
    return np.ones(scores.size if scores.ndim > _MATRIX else len(scores))


def _of_logits(logits: Array) -> Array:
    return np.logaddexp(np.abs(logits), 0.0)


_SIZES: dict[str, Callable[[Array], Array]] = {"critic": np.abs, "logit": _of_logits}


def _square_scale(output: Array, target: Array | float, reduction: spec.loss_fields.Reduction) -> float:
    sides = np.abs(output) + np.abs(target)
    return float(reduced(np.abs(output - target) * sides, reduction))
