"""Equivalence over seeds: how often it is wrong, and how many seeds it takes."""

from __future__ import annotations

import numpy as np
import pytest

from gan_rosetta.shared.seeds.equivalence import (
    ERROR_RATE,
    MARGIN_OF_RATE,
    Effect,
    compare_numbers,
    compare_rates,
    margins,
    spread_between_seeds,
    worst,
)

NUM_TRIALS = 200
# Of so many trials, what a right rate exceeds once in ten thousand times: four standard deviations.
MOST = ERROR_RATE + 4 * np.sqrt(ERROR_RATE * (1 - ERROR_RATE) / NUM_TRIALS)


def effects(*, shift: float, count: int, num_outcomes: int = 1) -> list[Effect]:
    """Compare pairs of runs whose seeds are as far apart as strangers, the second's shifted by so many margins."""
    generator = np.random.default_rng(7)
    found = []
    for _ in range(NUM_TRIALS):
        first, second = generator.normal(size=(2, count))
        found.append(compare_numbers("x", first, second + shift / 2, unit="1", margin=0.5, num_outcomes=num_outcomes))
    return found


def share(found: list[Effect], verdict: str) -> float:
    return float(np.mean([effect.verdict == verdict for effect in found]))


def test_the_same_is_called_equivalent_and_hardly_ever_different() -> None:
    found = effects(shift=0.0, count=90)
    assert share(found, "EQUIVALENT") > 0.9
    assert share(found, "DIFFERENT") == 0


def test_what_differs_by_the_margin_is_called_equivalent_no_more_often_than_told() -> None:
    found = effects(shift=1.0, count=90)
    assert share(found, "EQUIVALENT") <= MOST
    assert share(found, "DIFFERENT") <= MOST


def test_what_differs_by_three_margins_is_found_different() -> None:
    assert share(effects(shift=3.0, count=90, num_outcomes=20), "DIFFERENT") > 0.99


def test_few_seeds_decide_nothing_and_say_how_many_would() -> None:
    undecided = [effect for effect in effects(shift=0.0, count=24) if effect.verdict == "UNDECIDED"]
    assert len(undecided) > NUM_TRIALS / 3
    needed = int(np.median([effect.seeds_to_decide or 0 for effect in undecided]))
    assert 24 < needed < 400
    assert share(effects(shift=0.0, count=needed), "EQUIVALENT") > 0.5


def test_seeds_without_a_number_are_left_out_of_both() -> None:
    first, second = np.arange(10.0), np.arange(10.0)
    first[3], second[5] = np.nan, np.inf
    effect = compare_numbers("x", first, second, unit="1", margin=1.0, num_outcomes=1)
    assert (effect.num_seeds, effect.difference, effect.verdict) == (8, 0.0, "EQUIVALENT")
    nothing = compare_numbers("x", np.full(5, np.nan), second[:5], unit="1", margin=1.0, num_outcomes=1)
    assert nothing.verdict == "UNDECIDED"
    assert nothing.as_data()["difference"] is None


def test_a_rate_that_never_differs_is_equivalent_from_some_seeds_on() -> None:
    never = np.zeros(90, dtype=bool)
    assert compare_rates("collapsed", never, never, num_outcomes=1).verdict == "EQUIVALENT"
    few = compare_rates("collapsed", never[:20], never[:20], num_outcomes=1)
    assert few.verdict == "UNDECIDED"
    assert few.seeds_to_decide is not None
    assert compare_rates("collapsed", np.zeros(few.seeds_to_decide, bool), np.zeros(few.seeds_to_decide, bool),
                         num_outcomes=1).verdict == "EQUIVALENT"  # fmt: skip


def test_a_rate_that_differs_by_the_margin_is_called_equivalent_no_more_often_than_told() -> None:
    generator = np.random.default_rng(3)
    found = [
        compare_rates(
            "collapsed", generator.random(90) < 0.2, generator.random(90) < 0.2 + MARGIN_OF_RATE, num_outcomes=1
        )
        for _ in range(NUM_TRIALS)
    ]
    assert share(found, "EQUIVALENT") <= MOST
    assert share(found, "DIFFERENT") <= MOST


def test_a_rate_that_differs_widely_is_found_different() -> None:
    half = np.arange(60) % 2 == 0
    effect = compare_rates("collapsed", np.zeros(60, dtype=bool), half, num_outcomes=20)
    assert (effect.verdict, effect.difference) == ("DIFFERENT", 0.5)


def test_what_all_seeds_have_alike_is_equivalent_without_a_margin() -> None:
    same = compare_numbers("last step", np.full(5, 3.0), np.full(5, 3.0), unit="steps", margin=0.0, num_outcomes=1)
    assert (same.verdict, same.difference) == ("EQUIVALENT", 0.0)
    other = compare_numbers("last step", np.full(5, 3.0), np.full(5, 4.0), unit="steps", margin=0.0, num_outcomes=1)
    assert other.verdict == "DIFFERENT"


def test_differences_that_rounding_alone_parts_are_one() -> None:
    first = np.linspace(1.0, 2.0, 40)
    second = (first + 3.0) * (1 + 1e-16 * np.arange(40))
    effect = compare_numbers("error", first, second, unit="", margin=1.0, num_outcomes=1)
    assert effect.verdict == "DIFFERENT"
    assert effect.low == effect.high == effect.difference


def test_a_runaway_seed_does_not_widen_the_margin() -> None:
    values = np.random.default_rng(5).normal(size=200)
    spread = spread_between_seeds(values)
    values[0] = 1e30
    assert spread_between_seeds(values) == pytest.approx(spread, rel=0.1)
    assert margins({"x": np.full(9, 3.0)}, dtype="float64")["x"] > 0


def test_the_worst_decides() -> None:
    same, other = effects(shift=0.0, count=90)[0], effects(shift=4.0, count=90)[0]
    assert worst([same, same]) == "EQUIVALENT"
    assert worst([same, other]) == "DIFFERENT"
    assert worst([]) == "UNDECIDED"
