"""The gradient penalty: its value, its gradient with respect to the input gradient, and where it is taken."""

from __future__ import annotations

import numpy as np

from gan_rosetta.backends.numpy.layer import Array
from gan_rosetta.backends.numpy.losses import GeneratorResult, reduced
from gan_rosetta.shared import spec


def gradient_penalty(penalty: spec.GradientPenalty, gradient: Array, /) -> GeneratorResult:
    """Return weight · mean (‖g‖ - target)^power of the input gradient g (B, ...), and its gradient with respect to g.

    ∂(‖g‖ - 1)²/∂g = 2 (‖g‖ - 1) g / ‖g‖, with g / ‖g‖ taken as 0 where g is. Gulrajani et al. 2017, Algorithm 1. Of
    s = Σ g² and k = power / 2, ∂sᵏ/∂g = 2 k sᵏ⁻¹ g. Of the largest alone, the others' gradients are 0.
    """
    weight = float(penalty.factor_of_mean)
    if penalty.target == 0:
        squares, half = _squares(penalty, gradient), penalty.power // 2
        terms = squares**half
        slope = squares ** (half - 1) * (2.0 * half * weight / _num_taken(penalty, terms))
    else:
        norm = _norms(penalty, gradient)
        excess = norm - float(penalty.target)
        terms = excess * excess
        slope = excess * (2.0 * weight / _num_taken(penalty, terms))
        np.divide(slope, norm, out=slope, where=norm != 0.0)
        np.copyto(slope, 0.0, where=norm == 0.0)
    if penalty.over == "largest":
        np.copyto(slope, 0.0, where=terms < np.max(terms))
    return gradient.dtype.type(weight * _of_all(penalty, terms)), slope * gradient


def perturbed_samples(penalty: spec.GradientPenalty, /, *, real: Array, mix: Array, perturbation: Array) -> Array:
    """Return real + (1 - r) · perturbation · s · u, s the deviation of all of real's numbers. Kodali et al. 2017."""
    scale = np.std(real, ddof=penalty.degrees_lost) * float(penalty.perturbation or 0.0)
    moved: Array = real + (1.0 - mix) * (real.dtype.type(scale) * perturbation)
    return moved


def penalty_scale(penalty: spec.GradientPenalty, gradient: Array, /) -> float:
    """Return how large the numbers are that the penalty is made of, which its rounding goes with."""
    target, weight = float(penalty.target), float(penalty.factor_of_mean)
    if target == 0:
        return weight * _of_all(penalty, _squares(penalty, gradient) ** (penalty.power // 2))
    norm = _norms(penalty, gradient)
    return weight * _of_all(penalty, np.abs(norm - target) * (norm + target))


def _of_all(penalty: spec.GradientPenalty, terms: Array) -> float:
    return float(reduced(terms, "mean") if penalty.over == "mean" else np.max(terms))


def _num_taken(penalty: spec.GradientPenalty, terms: Array) -> int:
    """Return how many terms share the gradient: all, or those that are the largest, nearly always one."""
    return terms.size if penalty.over == "mean" else max(1, int(np.count_nonzero(terms == np.max(terms))))


def _norms(penalty: spec.GradientPenalty, gradient: Array) -> Array:
    return np.asarray(np.sqrt(_squares(penalty, gradient)))


def _squares(penalty: spec.GradientPenalty, gradient: Array) -> Array:
    axes = 1 if penalty.norm == "channel" else tuple(range(1, gradient.ndim))
    return np.asarray(np.add.reduce(gradient * gradient, axis=axes, keepdims=True))
