"""`gan-rosetta calibrate`, its workers' jobs run in this process on the reference alone."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from gan_rosetta.backends import BACKENDS
from gan_rosetta.shared.calibrate import job as jobs_of_workers
from gan_rosetta.shared.calibrate import session
from gan_rosetta.shared.commands import main as cli
from gan_rosetta.shared.workers.jobs import JobOutcome


@pytest.fixture
def command(monkeypatch, capsys, tmp_path):
    """Return a function that runs the command in an empty folder and returns its status and what it printed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def run_jobs_here(jobs, /, *, num_slots, on_progress, on_outcome):
        outcomes = []
        for job in jobs:
            jobs_of_workers.serve(
                dict(job.data), BACKENDS[job.settings.backend], report_progress=lambda *_progress: None, kept={}
            )
            outcomes.append(JobOutcome(settings=job.settings, status="finished"))
            on_outcome(outcomes[-1])
        return outcomes

    monkeypatch.setattr(session, "run_jobs", run_jobs_here)

    def execute(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["gan-rosetta", "calibrate", "--backends", "numpy", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out, printed.err

    return execute


def test_tables_and_what_came_of_it(command):
    status, printed, _ = command("d-wins-logits", "--seeds", "1", "--dtype", "float64", "--no-power")
    assert status == 0
    assert "Pairs of right copies of the reference: 0 of 10 are false alarms, 0 silences" in printed
    assert "as seldom as promised" in printed
    assert "It took" in printed
    assert printed.startswith("Pairs of right")
    assert not list(Path().iterdir())


def test_the_page_its_pictures_and_every_pair(command):
    Path("docs").mkdir()
    arguments = ("d-wins-logits", "linear-2d", "--seeds", "1", "--out", "kept", "--markdown", "docs/page.md")
    status, printed, _ = command(*arguments)
    assert status == 0
    page = Path("docs/page.md").read_text(encoding="utf-8")
    for text in ("## How to read it", "## By regime", "## How small a mistake is seen", "d-wins-logits", "a gradient"):
        assert text in page
    for picture in ("calibration.png", "calibration-power.png"):
        assert f"(pictures/{picture})" in page
        assert (Path("docs/pictures") / picture).stat().st_size > 10_000
        assert picture in printed
    pairs = [json.loads(line) for line in Path("kept/pairs.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(pairs) == 2 * 2 * 10
    document = json.loads(Path("kept/calibration.json").read_text(encoding="utf-8"))
    assert document["counts"]["copies"]["alarms"] == {"count": 0, "total": 40, "upper": pytest.approx(0.0722, abs=1e-3)}
    assert len(document["powers"]) == 6


def test_a_judge_that_is_too_strict_fails(command, monkeypatch):
    judge_pairs = session.judge_pairs

    def judge_too_strictly(evidence, yardstick, spec, /, **where):
        noise = {name: values * 1e-3 for name, values in yardstick.noise.items()}
        tensors = {label: dict.fromkeys(own, 0.0) for label, own in yardstick.tensors.items()}
        return judge_pairs(evidence, replace(yardstick, noise=noise, tensors=tensors), spec, **where)

    monkeypatch.setattr(session, "judge_pairs", judge_too_strictly)
    status, printed, _ = command("batch-of-two", "--seeds", "2", "--dtype", "float64", "--no-power", "--json")
    assert status == 1
    document = json.loads(printed)
    assert document["status"] == 1
    assert document["counts"]["copies"]["alarms"]["count"] > 5
    assert not document["counts"]["copies"]["keeps_promise"]
    assert document["not_agreed"][0]["verdict"] == "DISAGREE"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("linear-3d",), "unknown regime 'linear-3d': did you mean 'linear-2d'?"),
        (("--seeds", "0"), "--seeds is 0"),
        (("--dtype", "float16"), "--dtype is 'float16'; expected float32, float64 or both"),
        (("--execution", "jitted"), "--execution is 'jitted'; expected eager, compiled or both"),
        (("--markdown", "no/such/page.md"), "--markdown no/such/page.md cannot be written"),
    ],
)
def test_what_makes_no_sense_is_refused(command, arguments, message):
    status, _, printed = command(*arguments)
    assert status == 2
    assert message in printed


def test_lines_are_whole_on_a_narrow_terminal(command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    _, printed, _ = command("d-wins-logits", "--seeds", "1", "--dtype", "float64", "--no-power")
    assert "\nd-wins-logits  10     0             " in printed
    assert "…" not in printed
