"""One compared quantity: what counts as off, and which entry is shown."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from gan_rosetta.shared.compare.tolerance import Tolerance
from gan_rosetta.shared.diagnose.job import LookedInto, read_looked_into, row_from_data
from gan_rosetta.shared.diagnose.rows import Row, compare_quantity, first_offender
from gan_rosetta.shared.storage.files import write_json

NAN, INFINITY = float("nan"), float("inf")
EXPECTED = np.array([[1.0, -2.0], [3.0, 4.0]])


TOLERANCE = Tolerance(num_copies=8, dtype="float64")


def compare(got, expected=EXPECTED, *, noise=1e-15, exact=False, scale=0.0) -> Row:
    return compare_quantity(
        got,
        expected,
        noise=noise,
        tolerance=TOLERANCE,
        scale=scale,
        exact=exact,
        visit="step 0",
        phase="discriminator",
        quantity="output",
        stream="real",
        name="discriminator.hidden",
    )


def changed(index, value) -> np.ndarray:
    got = EXPECTED.copy()
    got[index] = value
    return got


def test_equal_arrays_are_not_off():
    row = compare(EXPECTED.copy())
    assert (row.difference, row.in_noise, row.verdict) == (0.0, 0.0, "rounding")
    assert not row.is_off


@pytest.mark.parametrize(("factor", "off"), [(0.9, False), (1.1, True)])
def test_the_margin_is_of_the_noise_relative_to_the_tensor_s_scale(factor, off):
    # The largest entry is 4, so that this difference is factor · TOLERANCE.margin · noise of the scale.
    row = compare(changed((0, 0), 1.0 + factor * TOLERANCE.margin * 1e-9 * 4), noise=1e-9)
    assert row.in_noise == pytest.approx(factor * TOLERANCE.margin, rel=1e-6)
    assert row.is_off == off
    assert row.verdict == ("different mathematics" if off else "rounding")


def test_the_floor_holds_where_the_copies_by_luck_do_not_differ():
    row = compare(changed((1, 1), np.nextafter(4.0, 5.0)), noise=0.0)
    assert row.noise == np.finfo(np.float64).eps
    assert not row.is_off


def test_exact_allows_nothing():
    row = compare(changed((1, 1), np.nextafter(4.0, 5.0)), exact=True)
    assert (row.noise, row.in_noise) == (0.0, INFINITY)
    assert row.is_off
    assert not compare(EXPECTED, exact=True).is_off


def test_the_entry_that_differs_most_is_shown():
    got = EXPECTED + np.array([[0.1, 0.2], [-0.5, 0.3]])
    row = compare(got)
    assert (row.index, row.got, row.expected) == ((1, 0), 2.5, 3.0)


@pytest.mark.parametrize("got", [None, np.zeros((2, 3)), np.zeros(4), np.zeros((2, 2, 1))])
def test_missing_and_misshapen_quantities_are_off(got):
    row = compare(got)
    assert row.is_off
    assert (row.difference, row.got, row.expected, row.index) == (INFINITY, None, None, ())


@pytest.mark.parametrize("bad", [NAN, INFINITY, -INFINITY])
def test_what_is_not_finite_is_off_and_shown(bad):
    row = compare(changed((0, 1), bad))
    assert row.is_off
    assert row.difference == INFINITY
    assert row.index == (0, 1)
    assert row.expected == -2.0
    assert row.got == bad or math.isnan(row.got or 0.0)
    reverse = compare(EXPECTED, changed((0, 1), bad))
    assert reverse.is_off
    assert reverse.index == (0, 1)
    assert reverse.got == -2.0


def test_both_not_a_number_in_one_place_is_agreement():
    both = changed((0, 1), NAN)
    assert not compare(both.copy(), both).is_off
    assert compare(changed((0, 1), INFINITY), both).is_off
    assert compare(changed((0, 1), -INFINITY), changed((0, 1), INFINITY)).is_off
    assert not compare(changed((0, 1), INFINITY), changed((0, 1), INFINITY)).is_off


@pytest.mark.parametrize("same", [NAN, INFINITY])
def test_entries_that_agree_are_not_shown_though_they_are_not_finite(same):
    got = changed((0, 1), same)
    got[1, 1] = 5.0
    row = compare(got, changed((0, 1), same))
    assert row.is_off
    assert (row.index, row.got, row.expected) == ((1, 1), 5.0, 4.0)


def test_noise_that_is_not_finite_allows_no_verdict_but_rounding():
    assert not compare(changed((0, 0), 1.5), noise=INFINITY).is_off


def test_scalars_and_empty_arrays():
    scalar = compare(np.float64(2.0), np.array(1.0))
    assert (scalar.index, scalar.got, scalar.expected, scalar.difference) == ((), 2.0, 1.0, 0.5)
    assert scalar.is_off
    empty = compare(np.zeros((0, 2)), np.zeros((0, 2)))
    assert not empty.is_off
    assert empty.got is None


def test_integers_are_compared_by_value():
    assert not compare(np.array(7, np.int64), np.array(7, np.int64), exact=True).is_off
    row = compare(np.array(8, np.int64), np.array(7, np.int64), exact=True)
    assert row.is_off
    assert (row.got, row.expected) == (8.0, 7.0)


def test_what_rounding_decides_is_never_off():
    row = compare(changed((0, 0), 8.0), noise=0.3)
    assert not row.is_off
    assert row.verdict == "not comparable"


def test_a_loss_near_zero_is_measured_by_what_it_is_made_of():
    assert compare(np.float64(1e-13), np.array(2e-13)).is_off
    assert not compare(np.float64(1e-16), np.array(2e-16), scale=1.0).is_off
    assert compare(np.float64(1e-13), np.array(2e-13), scale=1.0).is_off


def test_the_first_offender_is_the_first_in_order_and_not_the_worst():
    fine = compare(EXPECTED)
    ignored = compare(changed((0, 0), 8.0), noise=0.3)
    small, large = compare(changed((0, 0), 1.001)), compare(changed((0, 0), 100.0))
    assert first_offender([fine, ignored, small, large]) is small
    assert first_offender([fine, ignored]) is None
    assert first_offender([]) is None


def test_nothing_of_a_step_is_off_after_a_loss_that_is_nan_in_both():
    nan = np.array(NAN)
    off = compare(changed((0, 0), 100.0))
    lost = replace(compare(nan, nan), quantity="loss", name="loss")
    assert first_offender([lost, off]) is None
    assert first_offender([off, lost]) is off
    later = replace(off, visit="step 1")
    assert first_offender([lost, off, later]) is later
    for other in (
        replace(compare(np.array(1.0), np.array(1.0)), quantity="loss", name="loss"),
        replace(lost, phase="train"),
        replace(lost, quantity="output"),
    ):
        assert first_offender([other, off]) is off
    in_one = replace(compare(nan, np.array(1.0)), quantity="loss", name="loss")
    assert first_offender([in_one, off]) is in_one


@pytest.mark.parametrize("got", [None, changed((0, 1), NAN), changed((0, 1), INFINITY), changed((1, 1), 4.5)])
def test_a_row_survives_json(tmp_path, got):
    row = compare(got)
    path = tmp_path / "rows.json"
    write_json(path, LookedInto(rows=[row], explanation=None).as_data())
    (again,) = read_looked_into(path).rows
    text = json.loads(path.read_text(encoding="utf-8"))["rows"][0]
    assert text["verdict"] == "different mathematics"
    assert again.index == row.index
    assert again.is_off
    assert (again.difference, again.noise, again.expected) == (row.difference, row.noise, row.expected)
    assert again.as_data() == row.as_data() == row_from_data(text).as_data()
