"""Counter-based random numbers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from gan_rosetta.shared.data import streams

DRAWS = [streams.uniform, streams.normal]


@pytest.mark.parametrize("draw", DRAWS)
@pytest.mark.parametrize("size", [1, 4, 6, 33])
def test_a_step_costs_no_replay_and_does_not_depend_on_cuts(draw, size):
    whole = draw(3, "label", first_step=0, num_steps=60, size=size)
    assert whole.shape == (60, size)
    parts = [
        draw(3, "label", first_step=first, num_steps=count, size=size) for first, count in ((0, 1), (1, 7), (8, 52))
    ]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    late = draw(3, "label", first_step=4_998, num_steps=4, size=size)
    np.testing.assert_array_equal(late[2], draw(3, "label", first_step=5_000, num_steps=1, size=size)[0])


def test_no_number_comes_twice():
    drawn = streams.uniform(0, "label", first_step=0, num_steps=1000, size=7)
    assert len(np.unique(drawn)) == drawn.size


def test_seeds_and_labels_give_other_numbers():
    drawn = [
        streams.uniform(seed, label, first_step=0, num_steps=1, size=2000)[0]
        for seed, label in ((0, "a"), (1, "a"), (0, "b"), (10, "a"))
    ]
    correlations = np.corrcoef(drawn) - np.eye(4)
    assert np.abs(correlations).max() < 0.1


def test_distributions():
    uniforms = streams.uniform(5, "u", first_step=0, num_steps=500, size=41).ravel()
    normals = streams.normal(5, "n", first_step=0, num_steps=500, size=41).ravel()
    assert stats.kstest(uniforms, "uniform").pvalue > 0.01
    assert stats.kstest(normals, "norm").pvalue > 0.01
    along_steps = streams.normal(5, "n", first_step=0, num_steps=20_000, size=1)[:, 0]
    assert abs(np.corrcoef(along_steps[:-1], along_steps[1:])[0, 1]) < 0.03


def test_the_extreme_words_stay_inside_the_open_interval(monkeypatch):
    class Extremes:
        def __init__(self, key: object) -> None:
            pass

        def advance(self, delta: int) -> None:
            pass

        def random_raw(self, size: int) -> np.ndarray:
            return np.array([0, 2**64 - 1, 2**63, 2**63 - 1], dtype=np.uint64)[:size]

    monkeypatch.setattr(streams.np.random, "Philox", Extremes)
    uniforms = streams.uniform(0, "u", first_step=0, num_steps=1, size=4)[0]
    assert 0 < uniforms[0] < uniforms[3] < 0.5 < uniforms[2] < uniforms[1] < 1
    np.testing.assert_array_equal(uniforms[[1, 2]], 1 - uniforms[[0, 3]])  # Symmetric about a half, without rounding.
    assert np.isfinite(streams.normal(0, "n", first_step=0, num_steps=1, size=4)).all()


def test_permutations():
    first = streams.permutation(1, "order", epoch=0, size=100)
    assert first.dtype == np.int64
    np.testing.assert_array_equal(np.sort(first), np.arange(100))
    assert not np.array_equal(first, streams.permutation(1, "order", epoch=1, size=100))
    assert not np.array_equal(first, streams.permutation(2, "order", epoch=0, size=100))
    np.testing.assert_array_equal(first, streams.permutation(1, "order", epoch=0, size=100))


def test_permutations_are_fair():
    places = [np.argmin(streams.permutation(1, "order", epoch=epoch, size=5)) for epoch in range(2000)]
    assert stats.chisquare(np.bincount(places, minlength=5)).pvalue > 0.01
