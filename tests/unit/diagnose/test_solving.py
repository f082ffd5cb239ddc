"""Numbers are solved for: exactly where a quantity is in proportion, by few steps elsewhere, and rounded as written."""

from __future__ import annotations

import numpy as np
import pytest

from gan_rosetta.shared.diagnose.solving import shortest, solve
from gan_rosetta.shared.errors import SpecError
from gan_rosetta.shared.faults.fault import Number

GRADIENT = np.array([0.3, -1.2, 2.5e-3])


def number(expected, planted, *, is_scale=False):
    def never(value):
        raise SpecError(f"{value} was asked of the GAN itself")

    return Number(expected=expected, planted=planted, with_value=never, is_scale=is_scale)


def proportional(rate):
    return 1.0 - rate * GRADIENT


def damped(epsilon):
    return None if epsilon <= 0 else GRADIENT / (np.abs(GRADIENT) + epsilon)


def found(respond, observed, start, *, allowed=1e-15, scale=0.0):
    solution = solve(respond, observed, start, right=respond(start.expected))
    if solution is None:
        return None
    return shortest(respond, observed, solution, expected=start.expected, allowed=allowed, scale=scale)


@pytest.mark.parametrize("rate", [0.002, 0.1, 0.0, -0.5, 1e-5])
def test_what_moves_in_proportion(rate):
    rounded = found(proportional, proportional(rate), number(0.001, 0.002))
    assert rounded.value == rate
    assert rounded.chance < 1e-4


@pytest.mark.parametrize("epsilon", [1e-12, 1e-7, 1e-5, 1e-3, 0.8])
def test_a_scale_far_away(epsilon):
    rounded = found(damped, damped(epsilon), number(1e-8, 1e-7, is_scale=True))
    assert rounded.value == epsilon


def test_a_number_of_many_digits_is_found_but_may_be_luck():
    rounded = found(proportional, proportional(np.pi / 1000), number(0.001, 0.002))
    assert rounded.value == pytest.approx(np.pi / 1000, rel=1e-11)
    assert rounded.chance > 1e-4


def test_coarser_noise_says_less_of_a_short_number():
    fine = found(proportional, proportional(0.0025), number(0.001, 0.002))
    coarse = found(proportional, proportional(0.0025), number(0.001, 0.002), allowed=1e-5)
    assert fine.value == coarse.value == 0.0025
    assert fine.chance < 1e-4 < coarse.chance


def test_what_no_number_explains():
    observed = proportional(0.002) + np.array([1e-3, 0.0, 0.0])
    assert found(proportional, observed, number(0.001, 0.002)) is None


def test_what_does_not_move_is_no_suspect():
    assert found(lambda _value: GRADIENT, GRADIENT + 1.0, number(0.001, 0.002)) is None


def test_other_shapes_and_what_is_not_finite():
    observed = proportional(0.002)
    assert solve(lambda _value: observed[:2], observed, number(0.001, 0.002), right=observed) is None
    assert solve(lambda _value: observed * np.nan, observed, number(0.001, 0.002), right=observed) is None
    assert solve(lambda _value: None, observed, number(0.001, 0.002), right=observed) is None


def test_what_ends_beside_the_right_number_says_nothing():
    """A quantity that is off by what the number does not move: the nearest is the right number, all but rounding."""
    observed = np.append(proportional(0.001), 1.0 + 1e-6)
    grown = number(0.001, 0.002, is_scale=True)
    assert found(lambda rate: np.append(proportional(rate), 1.0), observed, grown) is None
