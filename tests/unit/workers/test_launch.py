"""Which job runs when, and what becomes of the others when one worker dies."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gan_rosetta.shared.runs.order import Label
from gan_rosetta.shared.runs.run import training_job
from gan_rosetta.shared.workers import inspect, launch
from gan_rosetta.shared.workers.child import WorkerProcess
from gan_rosetta.shared.workers.jobs import Job, JobOutcome
from gan_rosetta.shared.workers.launch import run_jobs
from gan_rosetta.shared.workers.protocol import Request
from tests.unit.runs.orders import order_of


def job(backend: str, gan: str, *, num_runs: int = 1, is_awaited: bool = False) -> Job:
    label = Label(gan=gan, backend=backend, folder=f"{gan}/{backend}")
    return Job(settings=label, task="run", data={}, num_runs=num_runs, is_awaited=is_awaited)


@pytest.fixture
def schedule(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[list[str], int, list[JobOutcome]]]:
    """Return a function that runs jobs on workers that only wait, and returns their order and the most at once."""
    order: list[str] = []
    running: list[str] = []
    most: list[int] = []

    class WaitingWorker:
        def __init__(self, backend: str, /, *, threads: int, python: str | None) -> None:
            del backend, threads, python

        def run(self, job: Job, /, *, on_progress: Callable[[object], None]) -> JobOutcome:
            del on_progress
            order.append(f"{job.settings.gan} on {job.settings.backend}")
            running.append(job.settings.backend)
            most.append(len(running))
            time.sleep(0.02)
            running.remove(job.settings.backend)
            return JobOutcome(settings=job.settings, status="finished")

        def close(self) -> None:
            pass

        kill = close

    monkeypatch.setattr(launch, "WorkerProcess", WaitingWorker)

    def execute(jobs: list[Job], num_slots: int) -> tuple[list[str], int, list[JobOutcome]]:
        main = threading.current_thread()

        def on_outcome(outcome: JobOutcome) -> None:
            assert threading.current_thread() is main, f"{outcome} was reported from another thread"

        outcomes = run_jobs(jobs, num_slots=num_slots, on_progress=lambda _: None, on_outcome=on_outcome)
        return order, max(most), outcomes

    return execute


def test_the_backend_with_the_most_left_goes_first(schedule) -> None:
    jobs = [job("torch", "a"), job("numpy", "a", num_runs=4), job("torch", "b"), job("numpy", "b", num_runs=4)]
    order, most, outcomes = schedule(jobs, 1)
    # Whichever thread starts first has the first slot; after it the reference comes before what is left of torch.
    assert [name for name in order[1:] if "numpy" in name] == order[1 : 1 + sum("numpy" in name for name in order[1:])]
    assert most == 1
    assert len(outcomes) == len(jobs)


def test_what_somebody_waits_for_goes_before_all_else(schedule) -> None:
    backends = {"numpy": 9, "torch": 1, "mxnet": 1, "jax": 1}
    first = [job(backend, "a", num_runs=count, is_awaited=True) for backend, count in backends.items()]
    jobs = [*first, *(job(backend, gan, num_runs=count) for gan in "bc" for backend, count in backends.items())]
    order, _, _ = schedule(jobs, 1)
    assert {name.partition(" ")[0] for name in order[:4]} == {"a"}
    # The reference's runs, of which most are left, come right after.
    assert order[4:6] == ["b on numpy", "c on numpy"]


def test_no_more_run_at_once_than_there_are_slots(schedule) -> None:
    jobs = [job(backend, gan) for backend in ("numpy", "torch", "mxnet") for gan in ("a", "b")]
    _, most, outcomes = schedule(jobs, 2)
    assert most == 2
    assert sorted(o.settings.folder for o in outcomes) == sorted(j.settings.folder for j in jobs)


def test_a_worker_that_dies_leaves_the_others_standing(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    real_run = WorkerProcess.run

    def run_or_die(self, job: Job, /, *, on_progress) -> JobOutcome:
        if job.settings.gan != "sine":
            return real_run(self, job, on_progress=on_progress)
        assert self.start().version
        self.kill()
        self._process.wait()
        with monkeypatch.context() as patch:
            # Not noticed before the request is sent, to a process that is no more.
            patch.setattr(self._process, "poll", lambda: None)
            return real_run(self, job, on_progress=on_progress)

    monkeypatch.setattr(WorkerProcess, "run", run_or_die)
    jobs = [
        training_job(order_of(gan, "numpy", tmp_path / gan, steps=2, pretrain_steps=0)) for gan in ("sine", "linear-2d")
    ]
    outcomes = run_jobs(jobs, num_slots=2, on_progress=lambda _: None, on_outcome=lambda _: None)
    found = {outcome.settings.gan: (outcome.status, outcome.message) for outcome in outcomes}
    assert found["sine"] == ("crash", "the numpy worker ended with signal SIGKILL")
    assert found["linear-2d"] == ("finished", "")
    assert (tmp_path / "linear-2d" / "record.json").exists()


def test_a_worker_that_hangs_is_ended_and_the_others_stand(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    send = WorkerProcess._send

    # The worker waits for a request that never comes.
    def send_but_to_one(self, request: Request, **options: float) -> None:
        if not request.data["keeping"]["folder"].endswith("/hangs"):
            send(self, request, **options)

    monkeypatch.setattr(WorkerProcess, "_send", send_but_to_one)
    jobs = [
        training_job(order_of("linear-2d", "numpy", tmp_path / name, steps=2, **options))
        for name, options in (("hangs", {"patience_seconds": 1.0}), ("runs", {}))
    ]
    outcomes = run_jobs(jobs, num_slots=2, on_progress=lambda _: None, on_outcome=lambda _: None)
    found = {outcome.settings.folder.rsplit("/", 1)[1]: outcome for outcome in outcomes}
    assert found["hangs"].status == "crash"
    assert "no sign of life for 1 s" in found["hangs"].message
    assert (found["runs"].status, found["runs"].message) == ("finished", "")


@pytest.fixture
def dying(tmp_path):
    """Return a program that stands in for a Python, says something, and dies."""
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\necho 'it began well' >&2\necho ' libfancy.so.3 is missing ' >&2\necho >&2\nexit 7\n")
    program.chmod(0o755)
    return str(program)


def outcome_on(python: str) -> JobOutcome:
    worker = WorkerProcess("numpy", threads=1, python=python)
    try:
        return worker.run(job("numpy", "sine"), on_progress=lambda _: None)
    finally:
        worker.close()


def test_a_worker_that_dies_says_the_last_line_of_what_it_said(dying):
    outcome = outcome_on(dying)
    assert outcome.status == "crash"
    assert outcome.message == "the numpy worker ended with exit status 7: libfancy.so.3 is missing"
    assert outcome.details.splitlines()[0] == "it began well"


def test_a_last_line_without_end_is_cut(dying):
    Path(dying).write_text("#!/bin/sh\nhead -c 9000 /dev/zero | tr '\\0' x >&2\nexit 7\n")
    outcome = outcome_on(dying)
    assert outcome.message.endswith("xxx…")
    assert len(outcome.message) < 400


def test_a_backend_that_dies_while_it_is_imported_is_named_by_its_last_words(dying, monkeypatch):
    monkeypatch.setattr(inspect, "installed_version", lambda entry, python: "1" if entry.name == "torch" else None)
    devices, problems = inspect.inspect_backends({"torch": dying})
    assert devices == {}
    assert problems == {"torch": "the torch worker ended with exit status 7: libfancy.so.3 is missing"}
