"""Each assertion helper is itself shown a wrong value, and must raise."""

from __future__ import annotations

import numpy as np
import pytest

from gan_rosetta.shared.compare.assertions import (
    assert_losses_close,
    assert_same_bits,
    assert_same_names,
    assert_tensors_close,
)
from gan_rosetta.shared.compare.distances import first_nonfinite, first_over, relative_difference, tensor_difference
from gan_rosetta.shared.interface import ProbeKey
from tests.unit.compare.yardsticks import yardstick_of

TIGHT = yardstick_of({"generator": [1e-13] * 3})


def test_same_bits_sees_a_sign_of_zero_a_type_and_a_name():
    array = {"a": np.zeros(3)}
    assert_same_bits(array, {"a": np.zeros(3)})
    with pytest.raises(AssertionError):
        assert_same_bits(array, {"a": -np.zeros(3)})
    with pytest.raises(AssertionError):
        assert_same_bits(array, {"a": np.zeros(3, dtype=np.float32)})
    with pytest.raises(AssertionError):
        assert_same_bits(array, {"b": np.zeros(3)})
    with pytest.raises(AssertionError):
        assert_same_names(["a", "b"], ["b", "a"])


def test_losses_close_sees_a_value_a_length_and_a_nan():
    losses = np.array([1.0, 2.0, 3.0])
    assert_losses_close(losses, losses, yardstick=TIGHT, name="generator")
    for wrong in (losses + np.array([0, 1e-9, 0]), losses[:2], losses * [1, np.nan, 1], losses * [1, 1, np.inf]):
        with pytest.raises(AssertionError):
            assert_losses_close(wrong, losses, yardstick=TIGHT, name="generator")
    with pytest.raises(AssertionError):
        assert_losses_close(None, losses, yardstick=TIGHT, name="generator")
    with pytest.raises(AssertionError, match="followed for 3 steps"):
        assert_losses_close(np.ones(4), np.ones(4), yardstick=TIGHT, name="generator")


def test_losses_close_allows_no_more_than_each_step_has():
    losses, growing = np.array([1.0, 1.0]), yardstick_of({"generator": [1e-10, 1e-4]})
    with pytest.raises(AssertionError, match="step 0"):
        assert_losses_close(losses + np.array([1e-6, 0]), losses, yardstick=growing, name="generator")
    assert_losses_close(losses + np.array([0, 1e-6]), losses, yardstick=growing, name="generator")


def test_tensors_close_sees_one_entry_a_nan_and_a_shape():
    tensor = {"a": np.arange(6.0).reshape(2, 3)}
    for wrong in (np.arange(6.0).reshape(3, 2), tensor["a"] + np.eye(2, 3) * 1e-6, tensor["a"] * np.nan):
        with pytest.raises(AssertionError):
            assert_tensors_close({"a": wrong}, tensor, within={"a": 1e-9})
    loss = ProbeKey("generator", "loss", "", "loss")
    near, zero = {loss: np.array(1e-12)}, {loss: np.array(0.0)}
    assert_tensors_close(near, zero, within={loss: 1e-9}, scales={loss: 1.0})
    with pytest.raises(AssertionError):
        assert_tensors_close(near, zero, within={loss: 1e-9})


def test_a_finite_number_is_infinitely_far_from_one_that_is_not():
    for bad in (np.nan, np.inf, -np.inf):
        assert relative_difference(np.array([1.0]), np.array([bad]))[0] == np.inf
        assert tensor_difference(np.array([1.0, 2.0]), np.array([1.0, bad])) == np.inf
    assert relative_difference(np.array([np.inf]), np.array([-np.inf]))[0] == np.inf
    assert relative_difference(np.array([np.nan]), np.array([np.nan]))[0] == 0


def test_a_difference_is_relative_to_the_scale():
    assert tensor_difference(np.array([0.0, 100.0]), np.array([1.0, 100.0])) == pytest.approx(0.01)
    assert tensor_difference(np.zeros(3), np.zeros(3)) == 0
    assert relative_difference(np.array([0.0, 2.0]), np.array([0.0, 1.0])).tolist() == [0.0, 0.5]
    with pytest.raises(ValueError, match="shapes"):
        tensor_difference(np.zeros(3), np.zeros(1))


def test_first_steps():
    differences = np.array([0.0, 1e-13, 1e-7, 1e-8])
    assert first_over(differences, 1e-9) == 2
    assert first_over(differences, 1e-3) is None
    assert first_nonfinite(np.array([1.0, np.nan, np.inf])) == 1
    assert first_nonfinite(np.array([1.0, np.nan]), expected=np.array([True, False])) is None
