"""Intervals cover what they say, and a difference is claimed only where there is one."""

from __future__ import annotations

import numpy as np
import pytest

from gan_rosetta.benchmarks.statistics import CONFIDENCE, compare_repeats, summarise


def test_the_interval_of_a_median_covers_it_as_often_as_it_says():
    generator = np.random.default_rng(0)
    for count in (3, 7, 15):
        # Skewed, as timings are; the median of the distribution is exp(0).
        draws = np.exp(generator.standard_normal((600, count)))
        found = [summarise(row) for row in draws]
        covered = np.mean([summary.low <= 1.0 <= summary.high for summary in found])
        assert covered == pytest.approx(found[0].coverage, abs=0.05)
    assert summarise([1.0] * 6).coverage >= CONFIDENCE > summarise([1.0] * 5).coverage


def test_the_interval_is_of_order_statistics():
    found = summarise([5.0, 1.0, 3.0, 2.0, 4.0, 7.0, 6.0, 9.0, 8.0])
    assert (found.median, found.low, found.high, found.num_repeats) == (5.0, 2.0, 8.0, 9)
    assert found.is_noisy
    assert not summarise([1.0, 1.01, 1.02]).is_noisy


def test_single_and_equal_repeats_are_no_mistake_and_no_evidence():
    one = summarise([2.0])
    assert (one.median, one.low, one.high, one.coverage) == (2.0, 2.0, 2.0, 0.0)
    assert not compare_repeats([1.0], [5.0]).is_difference
    same = compare_repeats([1.0] * 5, [1.0] * 5)
    assert (same.ratio, same.low, same.high, same.p_value, same.is_difference) == (1.0, 1.0, 1.0, 1.0, False)
    constant = compare_repeats([1.0] * 7, [2.0] * 7)
    assert constant.is_difference
    assert (constant.low, constant.high) == (2.0, 2.0)


def test_a_ratio_is_a_difference_only_where_interval_and_ranks_agree():
    generator = np.random.default_rng(1)
    base = 1.0 + 0.01 * generator.random(7)
    apart = compare_repeats(base, 1.5 * base)
    assert apart.is_difference
    assert 1.4 < apart.low <= 1.5 <= apart.high < 1.6
    overlapping = compare_repeats([1.0, 1.2, 0.9, 1.1, 1.3, 1.0, 0.8], [1.1, 0.9, 1.2, 1.0, 1.3, 0.85, 1.15])
    assert overlapping.low <= 1.0 <= overlapping.high
    assert not overlapping.is_difference
    # Far apart, but three repeats each cannot show it by their ranks.
    few = compare_repeats([1.0, 1.01, 1.02], [2.0, 2.01, 2.02])
    assert few.low > 1.0
    assert few.p_value > 0.05
    assert not few.is_difference


def test_equal_cells_are_seldom_told_apart():
    generator = np.random.default_rng(2)
    draws = np.exp(0.1 * generator.standard_normal((60, 2, 9)))
    told = sum(compare_repeats(first, second).is_difference for first, second in draws)
    assert told <= 8


@pytest.mark.parametrize("bad", [[], [0.0], [-1.0], [float("nan")], [1.0, float("inf")]])
def test_what_is_no_time_is_refused(bad):
    with pytest.raises(ValueError, match="positive numbers"):
        summarise(bad)
    with pytest.raises(ValueError, match="positive numbers"):
        compare_repeats([1.0], bad)
