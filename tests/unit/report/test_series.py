from __future__ import annotations

import numpy as np

from gan_rosetta.shared.report.series import finite_or_gap, has_lone_points, thin


def test_short_series_are_kept_whole():
    assert thin(np.arange(30.0)).tolist() == list(range(30))


def test_thinning_keeps_a_lone_peak_a_lone_trough_and_the_ends():
    values = np.zeros(10_000)
    values[4321] = 7.0
    values[8765] = -3.0
    kept = thin(values, num_bins=100)
    assert len(kept) <= 500
    assert {0, 4321, 8765, 9999} <= set(kept.tolist())
    assert np.all(np.diff(kept) > 0)


def test_thinning_keeps_the_first_number_that_is_not_finite():
    values = np.sin(np.arange(10_000.0))
    values[5003:5006] = [np.inf, 1.0, np.nan]
    assert 5003 in thin(values, num_bins=50)


def test_thinning_a_series_without_a_finite_number():
    kept = thin(np.full(10_000, np.nan), num_bins=10)
    assert kept[0] == 0
    assert kept[-1] == 9999


def test_lone_points_are_those_without_a_finite_neighbour():
    gap = np.nan
    assert has_lone_points(np.array([1.0, gap, gap, 2.0, 3.0]))
    assert has_lone_points(np.array([1.0]))
    assert not has_lone_points(np.array([1.0, 2.0, gap, 3.0, 4.0]))
    assert not has_lone_points(np.array([gap, gap]))


def test_infinities_become_gaps():
    np.testing.assert_array_equal(
        finite_or_gap(np.array([1.0, np.inf, -np.inf, np.nan])), [1.0, np.nan, np.nan, np.nan]
    )
