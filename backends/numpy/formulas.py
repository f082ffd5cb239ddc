"""The formulas that frameworks in use compute one operation by, each of which is right and rounds in its own way.

The reference takes an operation's first formula. Its copies, which measure what rounding does, draw among them: a
framework whose logarithm of a softmax errs by a unit in the last place of 1 is not wrong where the reference's own
formula errs by one of 1e-12. Forms that no framework in use has, such as a sigmoid by tanh, which is 0 where the others
still have sixteen digits, are left out: they would only hide faults.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from gan_rosetta.backends.numpy.layer import Array

if TYPE_CHECKING:
    from gan_rosetta.backends.numpy.rounding import RandomRounding

# Weights of a layer from which on the terms of their gradient are added one at a time.
_LARGE_KERNEL = 256

Formulas = tuple[Callable[..., Array], ...]


def evaluate(formulas: Formulas, rounding: RandomRounding | None, /, *arrays: Array) -> Array:
    """Return an operation's result by its first formula, or by that which a copy has drawn."""
    return formulas[0](*arrays) if rounding is None else rounding.evaluate(formulas, *arrays)


def _sigmoid_by_exponential(x: Array) -> Array:
    # This form keeps its relative accuracy where x is very negative; (1 + tanh(x / 2)) / 2 does not.
    result = np.negative(x)
    np.exp(result, out=result)
    result += 1.0
    return np.divide(1.0, result, out=result)


def _sigmoid_by_sign(x: Array) -> Array:
    likeness = np.exp(-np.abs(x))
    return np.where(x >= 0.0, 1.0, likeness) / (1.0 + likeness)


def _softplus_by_logaddexp(x: Array) -> Array:
    return np.logaddexp(x, 0.0)


def _softplus_by_sign(x: Array) -> Array:
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


def _softplus_by_exponential(x: Array) -> Array:
    # As TensorFlow has it: x itself where exp(-x) is nothing beside it.
    beyond = x > -np.log(np.finfo(x.dtype).eps) - 2.0
    return np.where(beyond, x, np.log1p(np.exp(np.where(beyond, 0.0, x))))


def _softplus_slope_of_difference(x: Array) -> Array:
    # As JAX differentiates log(exp x + 1); the difference has the rounding of x.
    return np.asarray(np.exp(x - np.logaddexp(x, 0.0)))


def _tanh_slope_of_square(y: Array) -> Array:
    slope = y * y
    return np.subtract(1.0, slope, out=slope)


def _tanh_slope_of_factors(y: Array) -> Array:
    return (1.0 - y) * (1.0 + y)


def _exponential_of_difference(x: Array) -> Array:
    # As torch's compiler has it where it vectorises: near 0 it has the rounding of 1.
    return np.asarray(np.exp(x) - 1.0)


def exponential_slopes(scale: float, /) -> Formulas:
    """Return the derivative of scale · (exp(x) - 1), of x and of its result: by either."""

    def of_argument(x: Array, y: Array) -> Array:
        del y
        return np.asarray(scale * np.exp(x))

    def of_result(x: Array, y: Array) -> Array:
        # As TensorFlow's and MXNet's own have it: far below 0 two numbers cancel that are nearly alike.
        del x
        return np.asarray(y + scale)

    return of_argument, of_result


def _special(function: Callable[[Array], Array], z: Array) -> Array:
    # SciPy has no wider type than double; in one the atlas alone runs the reference, with truths of its own.
    if z.itemsize <= np.dtype(np.float64).itemsize:
        return np.asarray(function(z))
    return np.asarray(function(z.astype(np.float64))).astype(z.dtype)


def _normal_by_complement(z: Array, noise: Array) -> Array:
    del noise
    return np.asarray(0.5 * _special(special.erfc, -z))


def _normal_by_error(z: Array, noise: Array) -> Array:
    return np.asarray(0.5 * (1.0 + np.maximum(_special(special.erf, z) + noise, -1.0)))


def _share_by_sigmoid(u: Array, noise: Array) -> Array:
    del noise
    return _sigmoid_by_exponential(2.0 * u)


def _share_by_tanh(u: Array, noise: Array) -> Array:
    return np.asarray(0.5 * (1.0 + np.maximum(np.tanh(u) + noise, -1.0)))


def _share_slope_by_sigmoid(u: Array, noise: Array) -> Array:
    del noise
    return 2.0 * _sigmoid_by_exponential(2.0 * u) * _sigmoid_by_exponential(-2.0 * u)


def _share_slope_by_tanh(u: Array, noise: Array) -> Array:
    return np.asarray(0.5 * (1.0 - np.square(np.clip(np.tanh(u) + noise, -1.0, 1.0))))


def _cross_entropy_by_logaddexp(labelled: Array, other: Array) -> Array:
    return np.logaddexp(other - labelled, 0.0)


def _cross_entropy_by_log_softmax(labelled: Array, other: Array) -> Array:
    largest = np.maximum(labelled, other)
    total = np.exp(labelled - largest) + np.exp(other - largest)
    return np.log(total) - (labelled - largest)


def _slope_of_other(labelled: Array, other: Array, other_probability: Array) -> Array:
    del labelled, other
    return np.negative(other_probability)


def _slope_of_softmax(labelled: Array, other: Array, other_probability: Array) -> Array:
    del other_probability
    largest = np.maximum(labelled, other)
    own = np.exp(labelled - largest)
    return own / (own + np.exp(other - largest)) - 1.0


def _logistic_of_softplus(z: Array, target: Array) -> Array:
    return target * np.logaddexp(-z, 0.0) + (1.0 - target) * np.logaddexp(z, 0.0)


def _logistic_by_sign(z: Array, target: Array) -> Array:
    # As TensorFlow and Gluon have it.
    return np.maximum(z, 0.0) - z * target + np.log1p(np.exp(-np.abs(z)))


def _logistic_of_difference(z: Array, target: Array) -> Array:
    # As torch has it; where z is far below 0 the two nearly cancel.
    return (1.0 - target) * z + np.logaddexp(-z, 0.0)


def _logistic_slope_of_parts(z: Array, target: Array) -> Array:
    return (1.0 - target) * _sigmoid_by_exponential(z) - target * _sigmoid_by_exponential(-z)


def _logistic_slope_of_difference(z: Array, target: Array) -> Array:
    return _sigmoid_by_exponential(z) - target


def _logistic_slope_of_exponentials(z: Array, target: Array) -> Array:
    # As JAX differentiates the two softplus.
    return (1.0 - target) * _softplus_slope_of_difference(z) - target * _softplus_slope_of_difference(-z)


def _sum_in_pairs(terms: Array) -> Any:
    return np.add.reduce(terms, axis=None)


def _sum_one_by_one(terms: Array) -> Array:
    return np.asarray(np.add.accumulate(terms.reshape(-1))[-1])


def _weight_gradient_of_product(gradient_y: Array, x: Array) -> Array:
    return np.matmul(gradient_y.swapaxes(-1, -2), x)


def _weight_gradient_one_by_one(gradient_y: Array, x: Array) -> Array:
    num_terms = x.shape[-2]
    if gradient_y.shape[-1] * x.shape[-1] > _LARGE_KERNEL:
        # Term after term in one place: all terms beside one another would not fit into the processor's cache.
        total = gradient_y[..., 0, :, np.newaxis] * x[..., 0, np.newaxis, :]
        for index in range(1, num_terms):
            total += gradient_y[..., index, :, np.newaxis] * x[..., index, np.newaxis, :]
        return np.asarray(total)
    terms = gradient_y[..., :, :, np.newaxis] * x[..., :, np.newaxis, :]
    return _add_one_by_one(terms.reshape(*terms.shape[:-2], -1)).reshape(*terms.shape[:-3], *terms.shape[-2:])


def _bias_gradient_in_numpy(gradient_y: Array) -> Array:
    return np.asarray(np.add.reduce(gradient_y, axis=-2))


def _bias_gradient_one_by_one(gradient_y: Array) -> Array:
    return _add_one_by_one(gradient_y)


def _add_one_by_one(rows: Array) -> Array:
    """Return the sums over the last axis but one, row after row."""
    if reduces_one_by_one(rows):
        # In a fraction of the time that accumulate takes. It begins with a 0 that leaves -0 as it is.
        return np.asarray(np.add.reduce(rows, axis=-2, initial=-0.0))
    return np.asarray(np.add.accumulate(rows, axis=-2)[..., -1, :])


def reduces_one_by_one(rows: Array) -> bool:
    """Return whether NumPy's own sum over the last axis but one adds row after row; else it adds in pairs."""
    return rows.shape[-1] > 1 and rows.strides[-1] == rows.itemsize


def _log_complement_by_log1p(probability: Array) -> Array:
    return np.log1p(-probability)


def _log_complement_by_log(probability: Array) -> Array:
    return np.log(1.0 - probability)


SIGMOID: Formulas = (_sigmoid_by_exponential, _sigmoid_by_sign)
EXPONENTIAL_LESS_ONE: Formulas = (np.expm1, _exponential_of_difference)
SOFTPLUS: Formulas = (_softplus_by_logaddexp, _softplus_by_sign, _softplus_by_exponential)
SOFTPLUS_SLOPE: Formulas = (*SIGMOID, _softplus_slope_of_difference)
TANH_SLOPE: Formulas = (_tanh_slope_of_square, _tanh_slope_of_factors)
# The normal distribution's function at √2 z; and a GELU's other share, (1 + tanh u) / 2, and its derivative by u.
# noise: what rounding adds to erf z or tanh u, which then cancels with 1.
NORMAL: Formulas = (_normal_by_complement, _normal_by_error)
TANH_SHARE: Formulas = (_share_by_sigmoid, _share_by_tanh)
TANH_SHARE_SLOPE: Formulas = (_share_slope_by_sigmoid, _share_slope_by_tanh)
# -log softmax of two logits, (B,) each.
CROSS_ENTROPY: Formulas = (_cross_entropy_by_logaddexp, _cross_entropy_by_log_softmax)
# Its derivative by the labelled logit, of both and of the other's share of their softmax.
CROSS_ENTROPY_SLOPE: Formulas = (_slope_of_other, _slope_of_softmax)
# The cross entropy of one logit and a target, an array too so that its type is the logit's; and its derivative.
LOGISTIC: Formulas = (_logistic_of_softplus, _logistic_by_sign, _logistic_of_difference)
LOGISTIC_SLOPE: Formulas = (
    _logistic_slope_of_parts,
    _logistic_slope_of_difference,
    _logistic_slope_of_exponentials,
)
# Of all entries; and Σ ∂y xᵀ over the batch, (..., out, in) of (..., N, out) and (..., N, in).
SUM: Formulas = (_sum_in_pairs, _sum_one_by_one)
WEIGHT_GRADIENT: Formulas = (_weight_gradient_of_product, _weight_gradient_one_by_one)
# Σ ∂y over the batch, (..., out).
BIAS_GRADIENT: Formulas = (_bias_gradient_in_numpy, _bias_gradient_one_by_one)
LOG_COMPLEMENT: Formulas = (_log_complement_by_log1p, _log_complement_by_log)
