"""A run that is turned down before its first step leaves nothing; one that ends later can be taken up again."""

from __future__ import annotations

from pathlib import Path

import pytest

from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.runs import session
from gan_rosetta.shared.runs.jobs_on_disk import read_jobs
from gan_rosetta.shared.runs.names import parse_runs
from gan_rosetta.shared.runs.plan import plan_resume, plan_train
from gan_rosetta.shared.runs.request import make_request
from gan_rosetta.shared.workers.jobs import JobOutcome, Progress
from gan_rosetta.shared.workers.watching import calling


@pytest.fixture
def train(monkeypatch, tmp_path):
    """Return a function that plans runs into tmp_path/runs and has each end as it is told, after a step or before."""

    def carry_out(ends: dict[str, tuple[str, bool]], *, resume: bool = False) -> Path:
        def run_jobs(jobs, /, *, num_slots, on_progress, on_outcome):
            outcomes = []
            for job in jobs:
                status, took_a_step = ends[job.settings.run_name]
                assert job.settings.keeping.job_path.exists()
                if took_a_step:
                    on_progress(Progress(settings=job.settings, phase="adversarial", done=1, total=3))
                outcomes.append(JobOutcome(settings=job.settings, status=status, message="for some reason"))
                on_outcome(outcomes[-1])
            return outcomes

        monkeypatch.setattr(session, "run_jobs", run_jobs)
        out = tmp_path / "runs"
        plan = plan_train(parse_runs(ends), make_request("linear-2d", steps=3), out) if not resume else None
        session.train_plan(
            plan or plan_resume(out, command="train"), watch=calling(None), on_run=lambda _run, _spec: None
        )
        return out

    return carry_out


def test_a_refused_run_leaves_nothing(train, tmp_path):
    assert train({"numpy": ("usage", False)}) == tmp_path / "runs"
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_was_there_stays(train, tmp_path):
    (tmp_path / "runs" / "linear-2d").mkdir(parents=True)
    train({"numpy": ("usage", False)})
    assert [path.name for path in (tmp_path / "runs").rglob("*")] == ["linear-2d"]


@pytest.mark.parametrize(("status", "took_a_step"), [("usage", True), ("crash", False), ("crash", True)])
def test_a_run_that_ended_in_another_way_goes_on(train, status, took_a_step):
    out = train({"numpy": (status, took_a_step)})
    (job,) = read_jobs(out)
    assert job.run_name == "numpy"
    train({"numpy": ("usage", False)}, resume=True)
    assert read_jobs(out) == [job]


def test_the_others_stay_where_one_is_refused(train):
    out = train({"numpy": ("usage", False), "numpy:float32": ("crash", True)})
    assert [job.run_name for job in read_jobs(out)] == ["numpy:float32"]
    assert sorted(path.name for path in (out / "linear-2d").iterdir()) == [
        ".numpy+float32.lock",
        "numpy+float32.job.json",
    ]


def test_a_plan_writes_nothing(tmp_path):
    with pytest.raises(UsageError, match="go with one run"):
        plan_train(
            parse_runs(["numpy", "numpy:float32"]),
            make_request("linear-2d", export_tape=tmp_path / "tape.npz"),
            tmp_path / "deep" / "runs",
        )
    assert list(tmp_path.iterdir()) == []
