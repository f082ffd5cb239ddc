"""Regimes, trained in this process on the reference: its copies agree, and a wrong backend does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gan_rosetta.backends import BACKENDS, REFERENCE
from gan_rosetta.shared.calibrate.counting import count_pairs
from gan_rosetta.shared.calibrate.job import (
    CalibrationJob,
    copy_path,
    run_calibration_job,
    trained_path,
    yardstick_path,
)
from gan_rosetta.shared.calibrate.pairs import Cell, judge_pairs, nearest_to_limit
from gan_rosetta.shared.calibrate.plan import CalibrationPlan
from gan_rosetta.shared.calibrate.power import Power, measure_power
from gan_rosetta.shared.calibrate.regimes import find_regimes, regimes
from gan_rosetta.shared.calibrate.session import code_digest, runs_of
from gan_rosetta.shared.calibrate.trained import as_evidence, read_trained, train_once
from gan_rosetta.shared.compare.yardstick import read_yardstick
from gan_rosetta.shared.data.digits import DigitSource
from gan_rosetta.shared.data.tape import SeededTape
from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.faults import find_fault
from gan_rosetta.shared.faults.planted import PlantedTrainer
from gan_rosetta.shared.state import initial_state
from gan_rosetta.shared.workers.registry import load_trainer

_REGIME = "batch-of-two"
_NUM_COPIES = 3
_SEED = 2
_CELL = Cell(regime=_REGIME, dtype="float64", execution="eager", kind="copies")


@pytest.fixture(scope="module")
def spec():
    return regimes()[_REGIME].spec


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """What the reference's job leaves: its run's and its held-out copies' evidence, and the yardstick."""
    folder = tmp_path_factory.mktemp("calibration")
    job = CalibrationJob(
        folder=str(folder),
        regime=_REGIME,
        dtype="float64",
        execution="eager",
        seeds=(_SEED,),
        num_held_out=_NUM_COPIES,
    )
    told = []
    run_calibration_job(job, BACKENDS[REFERENCE], report_progress=lambda *progress: told.append(progress))
    assert told == [("seeds", 1, 1)]
    spec = regimes()[_REGIME].spec
    paths = [trained_path(job, _SEED, REFERENCE), *(copy_path(job, _SEED, index) for index in range(_NUM_COPIES))]
    return [as_evidence(read_trained(path), spec) for path in paths], read_yardstick(yardstick_path(job, _SEED))


def test_copies_agree_with_the_reference_and_with_one_another(trained, spec):
    evidence, yardstick = trained
    pairs = judge_pairs(evidence, yardstick, spec, cell=_CELL, seed=_SEED)
    assert len(pairs) == 6
    assert {pair.verdict for pair in pairs} == {"AGREE"}
    assert all(0 < pair.share < 1 for pair in pairs)
    assert all(pair.num_quantities > 50 for pair in pairs)
    count = count_pairs(pairs)
    assert (count.alarms.count, count.silences.count, count.quantities.count) == (0, 0, 0)


def test_copies_differ_from_one_another(trained):
    evidence, _ = trained
    ends = {run.moments["end"]["generator.output.weight"].tobytes() for run in evidence}
    assert len(ends) == len(evidence)


def test_a_wrong_backend_is_counted(trained, spec):
    evidence, yardstick = trained
    plant = find_fault("adam-beta2").plant(spec)
    wrong = PlantedTrainer(
        load_trainer(BACKENDS[REFERENCE]).build(plant.spec, device="cpu", dtype="float64", execution="eager"), plant
    )
    run = train_once(
        wrong,
        spec,
        SeededTape(spec, seed=_SEED, digits=DigitSource.parse(None)),
        initial_state(spec, seed=_SEED),
        name="wrong",
        dtype="float64",
        seed=_SEED,
    )
    pairs = judge_pairs([*evidence, as_evidence(run, spec)], yardstick, spec, cell=_CELL, seed=_SEED)
    off = [pair for pair in pairs if "wrong" in pair.pair]
    assert len(off) == 4
    assert {pair.verdict for pair in off} == {"DISAGREE"}
    assert all(pair.share > 1e6 for pair in off)
    count = count_pairs(pairs)
    assert count.alarms.count == 4
    assert count.trainings.count == 1


def test_what_is_nearest_to_the_limit_is_what_the_judge_looks_at(trained, spec):
    """A difference just within what is allowed has a share just below 1, and AGREEs; one just beyond does not."""
    evidence, yardstick = trained
    first = evidence[0]
    name = "generator.output.weight"
    allowed = yardstick.tolerance.allowed(yardstick.tensors["step 1"][name])
    for factor in (0.6, 1.6):
        moments = {label: dict(tensors) for label, tensors in first.moments.items()}
        moments["step 1"][name] = moments["step 1"][name] * (1.0 + factor * allowed)
        moved = replace(first, name="moved", moments=moments)
        where, difference, limit = nearest_to_limit(first, moved, yardstick)
        assert where == f"{name} at step 1"
        assert difference / limit == pytest.approx(factor, rel=0.15)
        (pair,) = judge_pairs([first, moved], yardstick, spec, cell=_CELL, seed=_SEED)
        assert (pair.verdict == "DISAGREE") == (factor > 1)


def test_a_training_that_is_there_is_not_done_again(tmp_path, spec):
    job = CalibrationJob(
        folder=str(tmp_path), regime=_REGIME, dtype="float64", execution="eager", seeds=(0,), num_held_out=None
    )
    trained_path(job, 0, REFERENCE).write_bytes(b"as it was")
    run_calibration_job(job, BACKENDS[REFERENCE], report_progress=lambda *progress: None)
    assert trained_path(job, 0, REFERENCE).read_bytes() == b"as it was"


def test_planted_changes_are_seen_as_told(tmp_path):
    spec = regimes()["batch-of-one"].spec.with_steps(training=12)
    powers = measure_power(spec, seed=1, folder=tmp_path, report_progress=lambda *progress: None)
    assert [(power.change, power.dtype) for power in powers] == [
        ("gradient", "float32"),
        ("gradient", "float64"),
        ("rate", "float32"),
        ("rate", "float64"),
    ]
    for power in powers:
        assert power.judged == ("AGREE", "DISAGREE")
        assert not power.is_otherwise
        assert power.linear == pytest.approx(1.0, abs=0.02)
        assert set(power.diagnosed) == {0, 1, 10}
        again = Power.from_data(power.as_data())
        assert again.smallest.tolist() == power.smallest.tolist()
        assert again.as_data() == power.as_data()
    sizes = {power.dtype: power.least for power in powers}
    assert 1e-16 < sizes["float64"] < 1e-12
    assert 1e-8 < sizes["float32"] < 1e-3


def test_every_regime_has_a_name_of_its_own_and_an_unknown_one_is_refused():
    assert len(find_regimes([])) == len(regimes()) >= 30
    assert [regime.name for regime in find_regimes(["sine", "norm-adam", "sine"])] == ["sine", "norm-adam"]
    with pytest.raises(UsageError, match="did you mean 'saturated-bce'"):
        find_regimes(["saturated-bc"])


def test_compiled_in_some_regimes_where_both_are_asked_for_and_in_each_where_it_alone_is():
    def jobs_of(*executions):
        plan = CalibrationPlan(
            regimes=tuple(find_regimes(["linear-2d", "sine"])),
            seeds=(0,),
            dtypes=("float64",),
            executions=executions,
            backends=("numpy", "torch"),
        )
        return {(regime.name, *run) for regime in plan.regimes for run in runs_of(plan, regime)}

    both = jobs_of("eager", "compiled")
    assert ("linear-2d", "torch", "compiled") in both
    assert ("sine", "torch", "compiled") not in both
    assert ("sine", "torch", "eager") in both
    assert ("sine", "torch", "compiled") in jobs_of("compiled")
    assert ("sine", "numpy", "eager") in jobs_of("compiled")


def test_the_code_of_each_backend_has_a_digest_of_its_own():
    digests = {code_digest(entry) for entry in BACKENDS.values()}
    assert len(digests) == len(BACKENDS)


def test_fewer_seeds_where_a_step_is_dear():
    known = regimes()
    assert known["mnist-conv"].num_seeds(9) == 3
    assert known["mnist-conv"].num_seeds(1) == 1
    assert known["linear-2d"].num_seeds(9) == 9
