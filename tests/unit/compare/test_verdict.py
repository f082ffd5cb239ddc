"""A verdict says AGREE only where everything that can be judged is within rounding."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from shared.compare.verdict import MARGIN, Evidence, judge, tensors_without_gradient
from shared.compare.yardstick import Yardstick
from shared.gans import find_gan
from shared.state import state_schema

_STEPS = 20
_NOISE = 1e-14


@pytest.fixture
def spec():
    return find_gan("linear-2d").with_steps(training=_STEPS)


@pytest.fixture
def yardstick(spec):
    noise = dict.fromkeys(state_schema(spec), _NOISE)
    envelope = np.full(_STEPS, _NOISE)
    losses = {"pretraining": np.zeros(0), "discriminator": envelope, "generator": envelope}
    return Yardstick(losses=losses, tensors={"step 1": noise, "end": noise}, samples=_NOISE)


def _evidence(spec, name="torch"):
    generator = np.random.default_rng(0)
    losses = {"discriminator": generator.uniform(1, 2, _STEPS), "generator": generator.uniform(1, 2, _STEPS)}
    tensors = {
        n: np.array(3) if t.role == "counter" else generator.uniform(1, 2, t.shape)
        for n, t in state_schema(spec).items()
    }
    return Evidence(
        name=name,
        dtype="float64",
        identity={"spec": "a", "initial state": "b", "dtype": "float64"},
        tape_digests={"pretraining": {}, "adversarial": {"1": "x", "20": "y"}},
        losses={"pretraining": np.zeros(0), **losses},
        snapshots={"step 1": tensors, "end": tensors},
        samples=np.ones((4, 2)),
    )


def _changed_loss(evidence, name, step, value):
    losses = {key: array.copy() for key, array in evidence.losses.items()}
    losses[name][step] = value(losses[name][step])
    return replace(evidence, losses=losses)


def _changed_tensor(evidence, moment, name, factor):
    snapshots = {label: dict(tensors) for label, tensors in evidence.snapshots.items()}
    snapshots[moment][name] = snapshots[moment][name] * factor
    return replace(evidence, snapshots=snapshots)


def test_equal_runs_agree_in_all_steps(spec, yardstick):
    verdict = judge(_evidence(spec), _evidence(spec, "mxnet"), yardstick, spec)
    assert (verdict.verdict, verdict.checked_steps, verdict.largest) == ("AGREE", _STEPS, 0.0)


def test_rounding_agrees_and_more_than_rounding_does_not(spec, yardstick):
    first = _evidence(spec)
    within = _changed_loss(first, "generator", 7, lambda value: value * (1 + 0.9 * MARGIN * _NOISE))
    beyond = _changed_loss(first, "generator", 7, lambda value: value * (1 + 1.5 * MARGIN * _NOISE))
    assert judge(first, within, yardstick, spec).verdict == "AGREE"
    verdict = judge(first, beyond, yardstick, spec)
    assert verdict.verdict == "DISAGREE"
    assert "generator's loss at step 7" in verdict.reason
    assert verdict.first_over == {"1e-12": None, "1e-09": None, "1e-06": None, "1e-03": None}


def test_first_steps_over_the_bounds_are_named(spec, yardstick):
    first = _evidence(spec)
    second = _changed_loss(first, "discriminator", 4, lambda value: value + 1e-7)
    second = _changed_loss(second, "generator", 9, lambda value: value + 1)
    found = judge(first, second, yardstick, spec).first_over
    assert found == {"1e-12": "step 4", "1e-09": "step 4", "1e-06": "step 9", "1e-03": "step 9"}


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("step", [3, _STEPS - 1])
def test_nan_in_one_run_alone_is_a_disagreement_even_past_the_horizon(spec, yardstick, bad, step):
    chaos = np.where(np.arange(_STEPS) < 10, _NOISE, 1.0)
    yardstick = replace(yardstick, losses={**yardstick.losses, "generator": chaos, "discriminator": chaos})
    first = _evidence(spec)
    verdict = judge(first, _changed_loss(first, "generator", step, lambda _: bad), yardstick, spec)
    assert verdict.verdict == "DISAGREE"
    assert any("NaN or infinite" in finding.where for finding in verdict.findings)


def test_nan_in_both_at_the_same_step_is_noted(spec, yardstick):
    first = _changed_loss(_evidence(spec), "generator", 5, lambda _: np.nan)
    verdict = judge(first, first, yardstick, spec)
    assert verdict.verdict == "AGREE"
    assert any("in both from step 5" in note for note in verdict.notes)


@pytest.mark.parametrize("moment", ["step 1", "end"])
@pytest.mark.parametrize("name", ["generator.output.weight", "optimizer.discriminator.hidden1.weight.v"])
def test_a_wrong_tensor_disagrees_though_all_losses_are_equal(spec, yardstick, moment, name):
    first = _evidence(spec)
    verdict = judge(first, _changed_tensor(first, moment, name, 1 + 1e-9), yardstick, spec)
    assert verdict.verdict == "DISAGREE"
    assert name in verdict.reason


def test_counters_must_be_equal(spec, yardstick):
    first = _evidence(spec)
    verdict = judge(first, _changed_tensor(first, "end", "optimizer.generator.step", 2), yardstick, spec)
    assert verdict.verdict == "DISAGREE"


def test_wrong_samples_disagree(spec, yardstick):
    first = _evidence(spec)
    assert judge(first, replace(first, samples=first.samples[::-1] * 1.1), yardstick, spec).verdict == "DISAGREE"


def test_steps_past_the_horizon_are_not_judged_and_not_counted(spec, yardstick):
    chaos = np.where(np.arange(_STEPS) < 10, _NOISE, 0.5)
    yardstick = replace(
        yardstick, losses={**yardstick.losses, "generator": chaos, "discriminator": chaos}, samples=None
    )
    first = _evidence(spec)
    verdict = judge(first, _changed_loss(first, "generator", 12, lambda value: value * 2), yardstick, spec)
    assert (verdict.verdict, verdict.checked_steps, verdict.num_steps) == ("AGREE", 10, _STEPS)
    assert "10 of 20" in verdict.reason


def test_nothing_to_judge_is_not_agreement(spec, yardstick):
    chaos = np.ones(_STEPS)
    yardstick = replace(yardstick, losses={**yardstick.losses, "generator": chaos, "discriminator": chaos})
    first = _evidence(spec)
    assert judge(first, first, yardstick, spec).verdict == "NOT COMPARABLE"


@pytest.mark.parametrize("what", ["spec", "initial state", "dtype"])
def test_runs_of_different_things_are_refused(spec, yardstick, what):
    first = _evidence(spec)
    second = replace(first, identity={**first.identity, what: "other"})
    verdict = judge(first, second, yardstick, spec)
    assert verdict.verdict == "NOT COMPARABLE"
    assert what in verdict.reason


def test_runs_on_different_tapes_are_refused(spec, yardstick):
    first = _evidence(spec)
    for digests in ({"1": "x", "20": "z"}, {"7": "x"}):
        second = replace(first, tape_digests={"pretraining": {}, "adversarial": digests})
        assert judge(first, second, yardstick, spec).verdict == "NOT COMPARABLE"


def test_biases_that_a_batch_norm_takes_away_are_named():
    found = tensors_without_gradient(find_gan("mnist-wgan-gp"))
    expected = {f"generator.linear{i}.bias" for i in (2, 3, 4)} | {f"generator.norm{i}.running_mean" for i in (2, 3, 4)}
    slots = {f"optimizer.generator.linear{i}.bias.{slot}" for i in (2, 3, 4) for slot in "mv"}
    assert set(found) == expected | slots
    assert tensors_without_gradient(find_gan("sine")) == ()
