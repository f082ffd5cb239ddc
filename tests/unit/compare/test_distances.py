"""Distances: right at every size, and never close where only one of two numbers is finite."""

from __future__ import annotations

import numpy as np
import pytest

from gan_rosetta.shared.compare.distances import tensor_difference

# More than two of the blocks in which tensors are read.
NUM_VALUES = 40_000


def plain_difference(first: np.ndarray, second: np.ndarray) -> float:
    """Return the definition, for finite tensors that are not both 0."""
    return float(np.abs(first - second).max() / max(np.abs(first).max(), np.abs(second).max()))


@pytest.mark.parametrize("shape", [(1,), (3, 5), (NUM_VALUES,), (200, NUM_VALUES // 200)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_difference_is_relative_to_the_largest_magnitude(shape, dtype):
    generator = np.random.default_rng(4)
    first = generator.standard_normal(shape).astype(dtype)
    second = (first + 1e-3 * generator.standard_normal(shape)).astype(dtype)
    expected = plain_difference(first.astype(np.float64), second.astype(np.float64))
    assert tensor_difference(first, second) == tensor_difference(second, first) == expected
    assert tensor_difference(first, first) == 0.0


@pytest.mark.parametrize("place", [0, 16_383, 16_384, NUM_VALUES - 1])
def test_a_difference_and_the_scale_are_found_wherever_they_are(place):
    first = np.ones(NUM_VALUES)
    second = first.copy()
    second[place] += 1e-12
    assert tensor_difference(first, second) == pytest.approx(1e-12, rel=1e-3)
    first[-1 - place] = second[-1 - place] = -1000.0
    assert tensor_difference(first, second) == pytest.approx(1e-15, rel=1e-1)


@pytest.mark.parametrize("place", [0, 16_384, NUM_VALUES - 1])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_close_to_itself_alone(place, value):
    first = np.linspace(1.0, 2.0, NUM_VALUES)
    second = first.copy()
    second[place] = value
    assert tensor_difference(first, second) == tensor_difference(second, first) == np.inf
    first[place] = -value
    assert tensor_difference(first, second) == (0.0 if np.isnan(value) else np.inf)
    first[place] = value
    assert tensor_difference(first, second) == 0.0
    first[1 - place] += 0.5
    assert 0.0 < tensor_difference(first, second) < 0.5


def test_other_shapes_are_refused_and_nothing_is_no_difference():
    with pytest.raises(ValueError, match=r"\(2, 3\) and \(3, 2\)"):
        tensor_difference(np.zeros((2, 3)), np.zeros((3, 2)))
    assert tensor_difference(np.zeros((0, 4)), np.zeros((0, 4))) == 0.0
