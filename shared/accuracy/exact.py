"""Functions in extended precision, 64 bits on x86, by formulas that lose no digits; tests hold them to mpmath."""

from __future__ import annotations

from typing import Any

import numpy as np

from gan_rosetta.shared.errors import UsageError

Extended = np.longdouble


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
