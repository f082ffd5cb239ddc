"""Functions in extended precision, 64 bits on x86, by formulas that lose no digits; tests hold them to mpmath."""

from __future__ import annotations

from typing import Any

import numpy as np

from gan_rosetta.shared.errors import UsageError

Extended = np.longdouble
_PI = Extended("3.14159265358979323846264338327950288")
_GELU_CUBIC = Extended("0.044715")
# Of a continued fraction, and of a series: at 1, where one takes over from the other, both have all digits long before.
_NUM_TERMS = 400
# Where the normal density is 0 in double precision too, and its square still a number.
_FAR_OUT = 200


def require_extended() -> None:
    """Raise UsageError where the machine's long double is no wider than double: nothing to judge by."""
    bits = np.finfo(Extended).nmant
    if bits <= np.finfo(np.float64).nmant:
        raise UsageError(
            f"accuracy is judged in extended precision, and NumPy's long double has {bits} bits here, as double has; "
            "run it on x86-64 Linux"
        )


def extended(numbers: Any, /) -> Any:
    """Return numbers in extended precision."""
    return np.asarray(numbers).astype(Extended)


def sigmoid(x: np.ndarray, /) -> np.ndarray:
    """Return 1 / (1 + exp(-x))."""
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, small) / (1 + small)


def sigmoid_derivative(x: np.ndarray, /) -> np.ndarray:
    """Return sigmoid(x) · sigmoid(-x)."""
    small = np.exp(-np.abs(x))
    return small / (1 + small) ** 2


def tanh(x: np.ndarray, /) -> np.ndarray:
    """Return tanh x."""
    return np.tanh(x)


def tanh_derivative(x: np.ndarray, /) -> np.ndarray:
    """Return 1 / cosh² x."""
    small = np.exp(-2 * np.abs(x))
    return 4 * small / (1 + small) ** 2


def softplus(x: np.ndarray, /) -> np.ndarray:
    """Return log(1 + exp x)."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def elu(x: np.ndarray, /, *, scale: Any, bend: Any) -> np.ndarray:
    """Return scale · x above 0, bend · (exp x - 1) elsewhere."""
    return np.where(x > 0, scale * x, bend * np.expm1(np.minimum(x, 0)))


def elu_derivative(x: np.ndarray, /, *, scale: Any, bend: Any) -> np.ndarray:
    """Return scale above 0, bend · exp x elsewhere."""
    return np.where(x > 0, scale, bend * np.exp(np.minimum(x, 0)))


def silu(x: np.ndarray, /) -> np.ndarray:
    """Return x · sigmoid x."""
    return x * sigmoid(x)


def silu_derivative(x: np.ndarray, /) -> np.ndarray:
    """Return sigmoid x · (1 + x · sigmoid(-x))."""
    return sigmoid(x) + x * sigmoid_derivative(x)


def normal_density(x: np.ndarray, /) -> np.ndarray:
    """Return exp(-x² / 2) / √(2π), with x² taken apart, since what rounds it is multiplied by x²."""
    high = x.astype(np.float32).astype(Extended)
    with np.errstate(all="ignore"):
        near = np.exp(-high * high / 2) * np.exp(-(x - high) * (x + high) / 2)
    return np.where(np.abs(x) < _FAR_OUT, near, 0) / np.sqrt(2 * _PI)


def normal_share(x: np.ndarray, /) -> np.ndarray:
    """Return Φ(x): by a series about 0, and beyond 1 by the continued fraction of Mills' ratio (Laplace)."""
    size = np.minimum(np.abs(x), _FAR_OUT)
    fraction = np.maximum(size, 1)
    for number in range(_NUM_TERMS, 0, -1):
        fraction = np.maximum(size, 1) + number / fraction
    beyond = normal_density(x) / fraction
    small = np.minimum(size, 1)
    term = total = small
    for number in range(3, _NUM_TERMS, 2):
        term = term * small * small / number
        total = total + term
    part = np.where(size > 1, Extended(0.5) - beyond, normal_density(x) * total)
    return np.where(x < -1, beyond, np.where(x < 0, Extended(0.5) - part, Extended(0.5) + part))


def normal_gelu(x: np.ndarray, /) -> np.ndarray:
    """Return x · Φ(x)."""
    return x * normal_share(x)


def normal_gelu_derivative(x: np.ndarray, /) -> np.ndarray:
    """Return Φ(x) + x · exp(-x² / 2) / √(2π)."""
    return normal_share(x) + x * normal_density(x)


def tanh_gelu(x: np.ndarray, /) -> np.ndarray:
    """Return x · (1 + tanh u) / 2, u = √(2/π) · (x + 0.044715 x³)."""
    return x * sigmoid(2 * _gelu_argument(x))


def tanh_gelu_derivative(x: np.ndarray, /) -> np.ndarray:
    """Return its derivative, sigmoid 2u + 2 x u' · sigmoid' 2u."""
    slope = np.sqrt(2 / _PI) * (1 + 3 * _GELU_CUBIC * x * x)
    return sigmoid(2 * _gelu_argument(x)) + 2 * x * slope * sigmoid_derivative(2 * _gelu_argument(x))


def _gelu_argument(x: np.ndarray) -> np.ndarray:
    return np.sqrt(2 / _PI) * (x + _GELU_CUBIC * x * x * x)


def negative_log_probability(x: np.ndarray, /, *, floor: float | None = None) -> np.ndarray:
    """Return -log max(sigmoid x, floor)."""
    found = softplus(-x)
    return found if floor is None else np.minimum(found, -np.log(extended(floor)))


def negative_log_probability_derivative(x: np.ndarray, /, *, floor: float | None = None) -> np.ndarray:
    """Return its derivative, -sigmoid(-x), and 0 where the probability is below the floor."""
    found = -sigmoid(-x)
    return found if floor is None else np.where(sigmoid(x) < extended(floor), 0, found)


def clamped_entropy(x: np.ndarray, /, *, log_floor: float) -> np.ndarray:
    """Return -max(log sigmoid x, log_floor): binary cross entropy with target 1."""
    return np.minimum(softplus(-x), -extended(log_floor))


def clamped_entropy_derivative(x: np.ndarray, /, *, denominator_floor: float) -> np.ndarray:
    """Return (p - 1) / max(p (1 - p), floor) · p (1 - p), p = sigmoid x."""
    product = sigmoid_derivative(x)
    return -sigmoid(-x) * np.minimum(1, product / extended(denominator_floor))
