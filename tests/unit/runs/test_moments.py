"""Moments of training: the same for every backend, early ones most, in chunks of one length."""

from __future__ import annotations

from itertools import pairwise

import pytest

from gan_rosetta.shared.runs.moments import SNAPSHOT_STEPS, choose_moments


@pytest.mark.parametrize("num_steps", [1, 2, 9, 10, 11, 20, 100, 101, 1200, 2500, 5001, 10_000, 1_000_000])
@pytest.mark.parametrize("count", [1, 8, 40])
@pytest.mark.parametrize("chunk_steps", [1, 2, 183, 500])
def test_moments_begin_at_the_start_end_at_the_end_and_cost_no_more_chunk_lengths(num_steps, count, chunk_steps):
    moments = choose_moments(num_steps, count=count, chunk_steps=chunk_steps)
    assert moments.steps[0] == 0
    assert moments.steps[-1] == num_steps
    assert list(moments.steps) == sorted(set(moments.steps))
    assert len(moments.steps) <= count + 3
    assert 1 <= moments.chunk_steps <= chunk_steps
    distances = [b - a for a, b in pairwise(moments.steps) if a not in (0, 1)]
    assert all(distance % moments.chunk_steps == 0 for distance in distances[:-1])


def test_the_default_has_about_eight_and_the_early_ones_lie_closest():
    moments = choose_moments(1200, count=8, chunk_steps=500)
    assert moments.steps == (0, 10, 48, 124, 238, 390, 618, 922, 1200)
    distances = [b - a for a, b in pairwise(moments.steps)]
    assert distances[:-1] == sorted(distances[:-1])


def test_few_steps_are_looked_at_as_states_are():
    assert {0, *SNAPSHOT_STEPS, 20} <= set(choose_moments(20, count=8, chunk_steps=2).steps)
