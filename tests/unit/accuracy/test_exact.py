"""The truth is held to arbitrary precision."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

from gan_rosetta.shared.accuracy import exact
from gan_rosetta.shared.errors import UsageError

_POINTS = np.array([-800, -90, -33, -3.5, -1, -1e-3, -1e-20, 0, 1e-20, 1e-3, 0.4, 1, 3.5, 17, 33, 90, 800])
mpmath.mp.dps = 60


def _sigmoid(x):
    return 1 / (1 + mpmath.exp(-x))


_CUBIC = mpmath.mpf("0.044715")


def _argument(x):
    return mpmath.sqrt(2 / mpmath.pi) * (x + _CUBIC * x**3)


def _slope(x):
    return mpmath.sqrt(2 / mpmath.pi) * (1 + 3 * _CUBIC * x**2)


FUNCTIONS = {
    "sigmoid": (exact.sigmoid, _sigmoid),
    "sigmoid_derivative": (exact.sigmoid_derivative, lambda x: _sigmoid(x) * _sigmoid(-x)),
    "tanh": (exact.tanh, mpmath.tanh),
    "tanh_derivative": (exact.tanh_derivative, lambda x: mpmath.sech(x) ** 2),
    "softplus": (exact.softplus, lambda x: mpmath.log1p(mpmath.exp(x))),
    "elu": (
        lambda x: exact.elu(x, scale=exact.extended(1), bend=exact.extended(1.25)),
        lambda x: x if x > 0 else 1.25 * mpmath.expm1(x),
    ),
    "elu derivative": (
        lambda x: exact.elu_derivative(x, scale=exact.extended(1), bend=exact.extended(1.25)),
        lambda x: mpmath.mpf(1) if x > 0 else 1.25 * mpmath.exp(x),
    ),
    "normal share": (exact.normal_share, mpmath.ncdf),
    "gelu": (exact.normal_gelu, lambda x: x * mpmath.ncdf(x)),
    "gelu derivative": (exact.normal_gelu_derivative, lambda x: mpmath.ncdf(x) + x * mpmath.npdf(x)),
    "gelu by tanh": (exact.tanh_gelu, lambda x: x * _sigmoid(2 * _argument(x))),
    "gelu by tanh, derivative": (
        exact.tanh_gelu_derivative,
        lambda x: (
            _sigmoid(2 * _argument(x)) + 2 * x * _slope(x) * _sigmoid(2 * _argument(x)) * _sigmoid(-2 * _argument(x))
        ),
    ),
    "silu": (exact.silu, lambda x: x * _sigmoid(x)),
    "silu derivative": (exact.silu_derivative, lambda x: _sigmoid(x) * (1 + x * _sigmoid(-x))),
    "negative log": (exact.negative_log_probability, lambda x: -mpmath.log(_sigmoid(x))),
    "floored": (
        lambda x: exact.negative_log_probability(x, floor=1e-6),
        lambda x: -mpmath.log(max(_sigmoid(x), mpmath.mpf(1e-6))),
    ),
    "floored derivative": (
        lambda x: exact.negative_log_probability_derivative(x, floor=1e-6),
        lambda x: mpmath.mpf(0) if _sigmoid(x) < mpmath.mpf(1e-6) else -_sigmoid(-x),
    ),
    "clamped": (
        lambda x: exact.clamped_entropy(x, log_floor=-100.0),
        lambda x: -max(mpmath.log(_sigmoid(x)), mpmath.mpf(-100)),
    ),
    "clamped derivative": (
        lambda x: exact.clamped_entropy_derivative(x, denominator_floor=1e-12),
        lambda x: -_sigmoid(-x) / max(_sigmoid(x) * _sigmoid(-x), mpmath.mpf(1e-12)) * (_sigmoid(x) * _sigmoid(-x)),
    ),
}


def _as_mpmath(number):
    """A long double as it is: its double, and the rest."""
    high = float(number)
    return mpmath.mpf(high) + mpmath.mpf(float(number - np.longdouble(high)))


@pytest.mark.parametrize("name", list(FUNCTIONS))
def test_the_truth_is_right_to_a_thousandth_of_a_last_place_of_double(name):
    function, expected = FUNCTIONS[name]
    found = function(exact.extended(_POINTS))
    for x, number in zip(_POINTS.tolist(), found, strict=True):
        true = expected(mpmath.mpf(x))
        if abs(true) > 1e-290:
            assert abs(_as_mpmath(number) - true) <= abs(true) * mpmath.mpf(2) ** -60, x


def test_a_long_double_that_is_no_longer_than_double_is_refused(monkeypatch):
    monkeypatch.setattr(exact, "Extended", np.float64)
    with pytest.raises(UsageError, match="x86-64"):
        exact.require_extended()
