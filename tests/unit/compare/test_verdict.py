"""A verdict says AGREE only where everything that can be judged is within rounding."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gan_rosetta.shared.compare.evidence import Evidence
from gan_rosetta.shared.compare.tolerance import margin
from gan_rosetta.shared.compare.verdict import judge
from gan_rosetta.shared.gans import find_gan
from gan_rosetta.shared.state import state_schema
from tests.unit.compare.yardsticks import NUM_COPIES, yardstick_of

_STEPS = 20
_NOISE = 1e-14
_MARGIN = margin(NUM_COPIES)


@pytest.fixture
def spec():
    return find_gan("linear-2d").with_steps(training=_STEPS)


@pytest.fixture
def yardstick(spec):
    noise = dict.fromkeys(state_schema(spec), _NOISE)
    outputs = {"samples": _NOISE, "scores": _NOISE}
    return _with_noise([_NOISE] * _STEPS, tensors={"step 1": noise | outputs, "end": noise | outputs})


def _with_noise(noise, tensors=None):
    return yardstick_of({"discriminator": noise, "generator": noise}, tensors=tensors)


def _evidence(spec, name="torch"):
    generator = np.random.default_rng(0)
    losses = {"discriminator": generator.uniform(1, 2, _STEPS), "generator": generator.uniform(1, 2, _STEPS)}
    tensors = {
        n: np.array(3) if t.role == "counter" else generator.uniform(1, 2, t.shape)
        for n, t in state_schema(spec).items()
    }
    tensors |= {"samples": generator.uniform(1, 2, (4, 2)), "scores": generator.uniform(1, 2, (4, 1))}
    return Evidence(
        name=name,
        precision="float64",
        identity={"spec": "a", "initial state": "b", "precision": "float64"},
        tape_digests={"pretraining": {}, "adversarial": {"1": "x", "20": "y"}},
        losses={"pretraining": np.zeros(0), **losses},
        moments={"step 1": tensors, "end": tensors},
    )


def _changed_loss(evidence, name, step, value):
    losses = {key: array.copy() for key, array in evidence.losses.items()}
    losses[name][step] = value(losses[name][step])
    return replace(evidence, losses=losses)


def _changed_tensor(evidence, moment, name, factor):
    moments = {label: dict(tensors) for label, tensors in evidence.moments.items()}
    moments[moment][name] = moments[moment][name] * factor
    return replace(evidence, moments=moments)


def test_equal_runs_agree_in_all_steps(spec, yardstick):
    verdict = judge(_evidence(spec), _evidence(spec, "mxnet"), yardstick, spec)
    assert (verdict.verdict, verdict.checked_steps, verdict.largest) == ("AGREE", _STEPS, 0.0)


def test_rounding_agrees_and_more_than_rounding_does_not(spec, yardstick):
    first = _evidence(spec)
    within = _changed_loss(first, "generator", 7, lambda value: value * (1 + 0.9 * _MARGIN * _NOISE))
    beyond = _changed_loss(first, "generator", 7, lambda value: value * (1 + 1.5 * _MARGIN * _NOISE))
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
@pytest.mark.parametrize(("step", "expected"), [(3, "DISAGREE"), (_STEPS - 1, "NOT COMPARABLE")])
def test_nan_in_one_run_alone_disagrees_where_it_can_be_judged_and_agrees_nowhere(spec, yardstick, bad, step, expected):
    chaos = np.where(np.arange(_STEPS) < 10, _NOISE, 1.0)
    yardstick = _with_noise(chaos, tensors=yardstick.tensors)
    first = _evidence(spec)
    verdict = judge(first, _changed_loss(first, "generator", step, lambda _: bad), yardstick, spec)
    assert verdict.verdict == expected
    assert f"NaN or infinite from step {step}" in verdict.reason


def test_nan_in_both_is_no_agreement(spec, yardstick):
    first = _changed_loss(_evidence(spec), "generator", 5, lambda _: np.nan)
    verdict = judge(first, first, yardstick, spec)
    assert verdict.verdict == "NOT COMPARABLE"
    assert "generator loss is NaN or infinite from step 5" in verdict.reason
    assert "in both" in verdict.reason


@pytest.mark.parametrize("name", ["generator.output.weight", "samples", "scores"])
def test_nan_in_the_state_or_the_outputs_of_both_is_no_agreement(spec, yardstick, name):
    first = _changed_tensor(_evidence(spec), "end", name, np.nan)
    verdict = judge(first, first, yardstick, spec)
    assert verdict.verdict == "NOT COMPARABLE"
    assert f"{name} at the end has NaN" in verdict.reason


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


@pytest.mark.parametrize("moment", ["step 1", "end"])
@pytest.mark.parametrize("name", ["samples", "scores"])
def test_wrong_outputs_disagree(spec, yardstick, moment, name):
    first = _evidence(spec)
    verdict = judge(first, _changed_tensor(first, moment, name, 1 + 1e-9), yardstick, spec)
    assert verdict.verdict == "DISAGREE"
    assert name in verdict.reason


def test_an_output_that_one_run_lacks_disagrees(spec, yardstick):
    first = _evidence(spec)
    moments = {label: {n: a for n, a in tensors.items() if n != "scores"} for label, tensors in first.moments.items()}
    verdict = judge(first, replace(first, name="mxnet", moments=moments), yardstick, spec)
    assert verdict.verdict == "DISAGREE"
    assert "which mxnet lacks" in verdict.reason


def test_what_rounding_decides_is_left_out_and_counted(spec, yardstick):
    first = _evidence(spec)
    name = "generator.output.bias"
    noise = {label: {**tensors, name: 0.5} for label, tensors in yardstick.tensors.items()}
    verdict = judge(first, _changed_tensor(first, "end", name, -1.0), replace(yardstick, tensors=noise), spec)
    assert verdict.verdict == "AGREE"
    assert verdict.left_out == (f"{name} after step 1", f"{name} at the end")
    assert "2 tensors left out" in verdict.reason


def test_a_loss_near_zero_is_measured_by_what_it_is_made_of(spec):
    tiny = np.full(_STEPS, 1e-12)
    yardstick = yardstick_of(
        {"discriminator": tiny * 1e-3, "generator": tiny * 1e-3},
        scales={"discriminator": np.ones(_STEPS), "generator": np.ones(_STEPS)},
    )
    first = replace(_evidence(spec), moments={})
    first = replace(first, losses={**first.losses, "generator": tiny, "discriminator": tiny})
    assert judge(first, _changed_loss(first, "generator", 7, lambda _: 0.0), yardstick, spec).verdict == "DISAGREE"
    near = _changed_loss(first, "generator", 7, lambda value: value + 2e-16)
    assert judge(first, near, yardstick, spec).verdict == "AGREE"


def test_the_end_is_not_judged_by_the_noise_of_an_earlier_step(spec, yardstick):
    short = {name: yardstick.noise[name][:5] for name in ("discriminator", "generator")}
    shorter = yardstick_of(short, tensors=yardstick.tensors)
    first = _evidence(spec)
    verdict = judge(first, _changed_tensor(first, "end", "samples", 1 + 1e-9), shorter, spec)
    assert verdict.verdict == "AGREE"
    assert any("at the end were not judged" in note for note in verdict.notes)


def test_steps_past_the_horizon_are_not_judged_and_not_counted(spec, yardstick):
    chaos = np.where(np.arange(_STEPS) < 10, _NOISE, 0.5)
    yardstick = _with_noise(chaos)
    first = _evidence(spec)
    verdict = judge(first, _changed_loss(first, "generator", 12, lambda value: value * 2), yardstick, spec)
    assert (verdict.verdict, verdict.checked_steps, verdict.num_steps) == ("AGREE", 10, _STEPS)
    assert "10 of 20" in verdict.reason


def test_nothing_to_judge_is_not_agreement(spec, yardstick):
    chaos = np.ones(_STEPS)
    yardstick = _with_noise(chaos, tensors=yardstick.tensors)
    first = _evidence(spec)
    assert judge(first, first, yardstick, spec).verdict == "NOT COMPARABLE"


@pytest.mark.parametrize("what", ["spec", "initial state", "precision"])
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
