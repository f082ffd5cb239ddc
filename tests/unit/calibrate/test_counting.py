"""Counts of right pairs, and the exact bounds of the rates behind them."""

from __future__ import annotations

import math

import pytest

from gan_rosetta.shared.calibrate.counting import Rate, count_pairs, of_kind
from gan_rosetta.shared.calibrate.pairs import Cell, JudgedPair
from gan_rosetta.shared.errors import UsageError


def _pair(*, verdict="AGREE", seed=0, kind="backends", share=0.1, num_findings=0, num_quantities=100):
    return JudgedPair(
        cell=Cell(regime="linear-2d", dtype="float64", execution="eager", kind=kind),
        seed=seed,
        pair=("numpy", "torch"),
        verdict=verdict,
        reason="a reason",
        findings=("scores",) * min(num_findings, 5),
        share=share,
        where="scores at step 1",
        difference=share * 1e-15,
        allowed=1e-15,
        checked_steps=10,
        num_steps=10,
        num_findings=num_findings,
        num_quantities=num_quantities,
        num_left_out=0,
    )


def test_no_alarm_in_so_many_bounds_the_rate_by_three_over_them():
    assert Rate(count=0, total=3000).upper == pytest.approx(1 - 0.05 ** (1 / 3000), rel=1e-9)
    assert Rate(count=0, total=3000).upper == pytest.approx(3 / 3000, rel=2e-3)


def test_the_bound_is_the_rate_at_which_so_few_come_once_in_twenty_times():
    rate = Rate(count=2, total=50)
    p = rate.upper
    few = sum(math.comb(50, k) * p**k * (1 - p) ** (50 - k) for k in range(3))
    assert few == pytest.approx(0.05, rel=1e-9)


@pytest.mark.parametrize("total", [0, 5])
def test_all_of_all_bounds_nothing(total):
    assert Rate(count=total, total=total).upper == 1.0


def test_a_rate_of_more_than_all_is_refused():
    with pytest.raises(UsageError, match="5 of 4"):
        Rate(count=5, total=4)


@pytest.mark.parametrize(("count", "exceeds"), [(0, False), (1, False), (4, False), (5, True), (40, True)])
def test_more_than_chance_makes_of_the_promised_rate(count, exceeds):
    # Of 10 000 at a rate of 1e-4 one is expected; five or more come 4 times in 1000, six 6 times in 10 000.
    assert Rate(count=count + 1, total=10_000).exceeds(1e-4) == exceeds
    assert not Rate(count=0, total=10_000).exceeds(1e-4)


def test_alarms_and_silences_are_counted_apart_and_trainings_once():
    pairs = [
        *(_pair(verdict="DISAGREE", seed=3, num_findings=2, share=1.5) for _ in range(4)),
        *(_pair(verdict="NOT COMPARABLE", seed=4) for _ in range(2)),
        *(_pair(seed=seed) for seed in range(4)),
    ]
    count = count_pairs(pairs)
    assert (count.alarms.count, count.alarms.total) == (4, 10)
    assert count.silences.count == 2
    assert (count.quantities.count, count.quantities.total) == (8, 1000)
    assert (count.trainings.count, count.trainings.total) == (1, 5)
    assert count.largest == 1.5


def test_the_promise_is_of_trainings_since_the_pairs_of_one_are_off_together():
    one = [_pair(verdict="DISAGREE", seed=0, num_findings=9) for _ in range(10)]
    count = count_pairs([*one, *(_pair(seed=seed) for seed in range(1, 5))])
    assert count.promised == pytest.approx(1 - (1 - 1e-4) ** 100)
    assert count.keeps_promise  # One training of five is off by 5 % chance.
    two = [_pair(verdict="DISAGREE", seed=seed, num_findings=1) for seed in range(2)]
    assert not count_pairs([*two, *(_pair(seed=seed) for seed in range(2, 5))]).keeps_promise


def test_nothing_off_keeps_the_promise_and_so_does_nothing_at_all():
    assert count_pairs([_pair(seed=seed) for seed in range(4)]).keeps_promise
    assert count_pairs([]).keeps_promise


def test_backends_and_copies_are_told_apart():
    pairs = [_pair(), _pair(kind="copies")]
    assert [pair.cell.kind for pair in of_kind(pairs, "copies")] == ["copies"]


def test_a_pair_comes_back_from_plain_data():
    pair = _pair(share=math.inf, num_findings=1)
    assert JudgedPair.from_data(pair.as_data()) == pair
