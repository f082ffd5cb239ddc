"""States that do not fit are refused by name; those from files are completed."""

from __future__ import annotations

import numpy as np
import pytest

from gan_rosetta.shared.errors import StateError
from gan_rosetta.shared.gans import MADE_UP, find_gan
from gan_rosetta.shared.state import BALANCE, check_state, complete_state, initial_state, state_schema

SPEC = find_gan("mnist-conv")
SMALL = find_gan("linear-2d")


@pytest.fixture
def state() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    drawn = {name: array + rng.random(array.shape) for name, array in initial_state(SMALL, seed=0).items()}
    return drawn | {f"optimizer.{network}.step": np.array(7) for network in ("generator", "discriminator")}


def fault(check, state, spec=SMALL) -> str:
    with pytest.raises(StateError) as caught:
        check(state, spec)
    message = str(caught.value)
    assert "\n" not in message
    return message


CHECKS = [check_state, complete_state]


@pytest.mark.parametrize("check", CHECKS)
def test_a_whole_state_is_taken(check, state):
    result = check(state, SMALL)
    if check is complete_state:
        assert list(result) == list(state_schema(SMALL))
        for name, array in state.items():
            np.testing.assert_array_equal(result[name], array, strict=True)
            assert not np.shares_memory(result[name], array)


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", [name for name in state_schema(SMALL) if not name.startswith("optimizer")])
def test_a_missing_parameter_is_named(check, state, name):
    del state[name]
    assert f"lacks {name!r}" in fault(check, state)


@pytest.mark.parametrize("check", CHECKS)
def test_several_missing_are_counted(check, state):
    del state["generator.output.weight"], state["generator.output.bias"]
    assert "lacks 'generator.output.weight' and 1 more" in fault(check, state)


@pytest.mark.parametrize("check", CHECKS)
def test_an_extra_tensor_is_named(check, state):
    state["generator.hidden9.weight"] = np.zeros(3)
    assert "has 'generator.hidden9.weight'" in fault(check, state)


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("name", state_schema(SMALL))
def test_a_misshapen_tensor_is_named(check, state, name):
    shape = state[name].shape
    state[name] = np.zeros((*shape, 1), dtype=state[name].dtype)
    message = fault(check, state)
    assert message.startswith(name)
    assert str((*shape, 1)) in message
    assert f"expected {shape}" in message


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("dtype", ["i8", "c16", "?", "U3"])
def test_a_parameter_must_be_floating(check, state, dtype):
    state["generator.output.bias"] = np.zeros(2, dtype=dtype)
    message = fault(check, state)
    assert message.startswith("generator.output.bias")
    assert "floating-point" in message


@pytest.mark.parametrize("check", CHECKS)
def test_a_counter_must_be_a_count(check, state):
    name = "optimizer.generator.step"
    state[name] = np.array(3.0)
    assert f"{name} of 'linear-2d' has dtype float64; expected an integer" in fault(check, state)
    state[name] = np.array(-1)
    assert "is -1; expected 0 or more" in fault(check, state)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_state_from_a_file_must_be_finite(state, bad):
    state["discriminator.hidden2.weight"][1, 2] = bad
    assert "non-finite numbers in 'discriminator.hidden2.weight'" in fault(complete_state, state)
    check_state(state, SMALL)  # Whereas a run may end so.


def test_a_state_of_a_run_may_be_anything(state):
    state["discriminator.hidden2.weight"][1, 2] = np.nan
    completed = complete_state(state, SMALL, must_be_finite=False)
    np.testing.assert_array_equal(completed["discriminator.hidden2.weight"], state["discriminator.hidden2.weight"])


@pytest.mark.parametrize("name", ["optimizer.generator.output.weight.v", "optimizer.discriminator.hidden1.bias.v"])
def test_a_mean_of_squares_is_not_below_0(state, name):
    state[name].flat[0] = -1e-9
    assert f"below 0 in {name!r}" in fault(complete_state, state)


def test_a_variance_is_not_below_0():
    state = initial_state(SPEC, seed=0)
    state["generator.norm1.running_var"][1] = -1
    assert "below 0 in 'generator.norm1.running_var'" in fault(complete_state, state, SPEC)


def test_both_what_lacks_and_what_is_there_are_named(state):
    state["generator.out.weight"] = state.pop("generator.output.weight")
    message = fault(check_state, state)
    assert "lacks 'generator.output.weight', and has 'generator.out.weight' in their place" in message


@pytest.mark.parametrize("optimizer", ["discriminator", "generator"])
def test_one_optimizer_may_be_left_out_whole(state, optimizer):
    left = {name: array for name, array in state.items() if not name.startswith(f"optimizer.{optimizer}.")}
    completed = complete_state(left, SMALL)
    for name, array in completed.items():
        if name in left:
            np.testing.assert_array_equal(array, state[name])
        else:
            assert not array.any()
    assert completed[f"optimizer.{optimizer}.step"].dtype == np.int64


@pytest.mark.parametrize("name", ["optimizer.generator.step", "optimizer.discriminator.hidden1.bias.v"])
def test_but_not_a_part_of_it(state, name):
    del state[name]
    assert f"lacks {name!r}" in fault(complete_state, state)


def test_buffers_may_be_left_out_whole_but_not_in_part():
    state = {name: array for name, array in initial_state(SPEC, seed=0).items() if not name.startswith("optimizer")}
    bare = {name: array for name, array in state.items() if "running" not in name}
    completed = complete_state(bare, SPEC)
    assert list(completed) == list(state_schema(SPEC))
    np.testing.assert_array_equal(completed["generator.norm3.running_var"], 1)
    np.testing.assert_array_equal(completed["discriminator.norm3.running_mean"], 0)
    part = {name: array for name, array in state.items() if "running_mean" not in name}
    assert "lacks 'generator.norm1.running_var'" not in fault(complete_state, part, SPEC)
    assert "lacks 'generator.norm1.running_mean' and" in fault(complete_state, part, SPEC)


def test_a_balance_that_a_state_lacks_is_what_the_loss_begins_with():
    spec = MADE_UP["smooth-2d"]
    state = initial_state(spec, seed=0)
    assert state.pop(BALANCE) == 0.3
    np.testing.assert_array_equal(complete_state(state, spec)[BALANCE], np.array(0.3), strict=True)
    with pytest.raises(StateError, match=BALANCE):
        check_state(state, spec)
