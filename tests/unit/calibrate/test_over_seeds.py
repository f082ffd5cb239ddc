"""How often the equivalence test is wrong: trained in this process, on the smallest GAN."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gan_rosetta as gr
from gan_rosetta.backends import BACKENDS
from gan_rosetta.backends.numpy import rounding
from gan_rosetta.shared.calibrate import over_seeds
from gan_rosetta.shared.calibrate.over_seeds import (
    SeedsCalibration,
    SeedsCalibrationPlan,
    Verdicts,
    calibrate_over_seeds,
    plan_seeds_calibration,
)
from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.matters.treatments import Treatment, plan_treatments
from gan_rosetta.shared.report.equivalence_page import calibration_lines, write_page
from gan_rosetta.shared.runs.names import parse_runs
from gan_rosetta.shared.runs.order import Order
from gan_rosetta.shared.runs.plan import Plan, plan_train
from gan_rosetta.shared.runs.request import make_request
from gan_rosetta.shared.seeds.equivalence import SeedsVerdict
from gan_rosetta.shared.seeds.job import read_seeds, serve
from gan_rosetta.shared.seeds.together import SeedTrainer
from gan_rosetta.shared.workers.jobs import JobOutcome
from gan_rosetta.shared.workers.watching import calling

WANTED = ("learning-rate-doubled", "adam-epsilon-value")


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def run_jobs_here(jobs, /, **_options):
        for job in jobs:
            serve(dict(job.data), BACKENDS[job.settings.backend], report_progress=lambda *_: None, kept={})
        return [JobOutcome(settings=job.settings, status="finished", message="") for job in jobs]

    monkeypatch.setattr(over_seeds, "run_jobs", run_jobs_here)
    monkeypatch.setattr(over_seeds, "_TESTS_OF_A_FAULT", 2)
    monkeypatch.setattr(rounding, "_POOL_SIZE", 1 << 13)  # drawing 72 whole ones would take seconds


def plan_in(folder: Path, *, num_tests: int = 2, num_seeds: int = 36) -> SeedsCalibrationPlan:
    request = make_request("linear-2d", steps=2)
    plan = plan_train(parse_runs(["numpy:float32"]), request, folder, num_seeds=num_seeds)
    made = plan_seeds_calibration(plan, num_tests=num_tests, num_seeds=num_seeds)
    return replace(made, faults=tuple(fault for fault in made.faults if fault.name in WANTED))


def test_copies_are_not_said_to_differ_and_faults_that_change_much_are(tmp_path: Path) -> None:
    plan = plan_in(tmp_path)
    found, _ = calibrate_over_seeds(plan, watch=calling(None))
    assert found is not None
    assert found.keeps_promise
    assert (found.copies.seeds, found.copies.share("DIFFERENT").count, len(found.copies.verdicts)) == (36, 0, 2)
    powers = {power.fault: power.tests for power in found.powers}
    assert [(test.seeds, len(test.verdicts)) for test in powers["learning-rate-doubled"]] == [(36, 2), (72, 1)]
    assert powers["learning-rate-doubled"][-1].verdicts == ("DIFFERENT",)
    assert powers["adam-epsilon-value"][-1].verdicts == ("EQUIVALENT",)
    # The copies are other programs: each seed of them has losses of its own, near the reference's.
    reference, copies = read_seeds(plan.reference), read_seeds(plan.copies)
    own, other = (run.losses["generator"][:, -1] for run in (reference, copies))
    assert np.mean(own != other) > 0.9
    assert np.median(np.abs(own - other) / own) < 1e-3
    assert all(0 < parted < 0.1 for parted in found.parted.values())
    page = tmp_path / "equivalence.md"
    write_page(page, found, seconds=60)
    assert "| learning-rate-doubled |" in page.read_text()
    made = "gan-rosetta equivalence linear-2d --tests 2 --seeds 36 --steps 2 --dtype float32 --markdown"
    assert f"Made in 1 minutes by\n\n```\n{made} {page}\n" in page.read_text()
    assert "2 said EQUIVALENT" in calibration_lines(found)[0]


def test_too_many_that_differ_break_the_promise() -> None:
    def found(*, num_different: int) -> SeedsCalibration:
        verdicts: tuple[SeedsVerdict, ...] = ("DIFFERENT",) * num_different + ("EQUIVALENT",) * (200 - num_different)
        copies = Verdicts(seeds=40, verdicts=verdicts)
        return SeedsCalibration(gan="sine", run="numpy", num_steps=1, copies=copies, parted={}, powers=())

    assert found(num_different=10).keeps_promise
    assert not found(num_different=30).keeps_promise


def test_too_few_seeds_to_decide_and_another_backend_that_rounds_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--seeds is 35"):
        plan_in(tmp_path, num_seeds=35)
    with pytest.raises(UsageError, match="--tests is 1"):
        plan_in(tmp_path, num_tests=1)
    with pytest.raises(UsageError, match="cannot round at random"):
        SeedTrainer(plan_in(tmp_path).copies, replace(BACKENDS["numpy"], name="mine"), execution="eager")


def test_the_library_measures_it_as_the_command_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def of_some(plan: Plan, /, **options: Any) -> tuple[Order, list[Treatment]]:
        base, faults = plan_treatments(plan, **options)
        return base, [fault for fault in faults if fault.name in WANTED]

    monkeypatch.setattr(over_seeds, "plan_treatments", of_some)
    found = gr.equivalence("linear-2d", tests=2, seeds=36, steps=1)
    assert (found.verdict, found.run, found.num_steps) == ("AGREE", "numpy:float32", 1)
    assert "2 said EQUIVALENT" in found._repr_html_()
    (page,) = gr.write_page(found, tmp_path / "page.md")
    assert "Made by" in page.read_text()
    with pytest.raises(gr.GanRosettaError, match="seeds is 35; expected 36 or more"):
        gr.equivalence(seeds=35)
