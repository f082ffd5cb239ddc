"""Runs jobs in worker processes, one process a backend, as many at once as there are cores."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import IO, Any, Generic, Literal, NamedTuple, Protocol, TypeVar

from gan_rosetta.shared.workers.environments import python_of
from gan_rosetta.shared.workers.process import environment

_LAST_LINES = 15
_MAX_LAST_LINE_CHARACTERS = 300
_SECONDS_TO_CLOSE = 5
# A step of the largest GAN takes half a minute of a core.
_SECONDS_TO_STOP = 90

# Between two signs of life of a worker; a compiler or a step of the largest GAN may take minutes on a busy machine.
DEFAULT_PATIENCE_SECONDS = 1800.0

JobStatus = Literal["finished", "usage", "unavailable", "crash", "interrupted"]


class Order(Protocol):
    """Whom a job is for, and on what: what this room needs to know of a run's settings."""

    @property
    def gan(self) -> str:
        """What the job is about."""
        ...

    @property
    def run_name(self) -> str:
        """What the run is called among those beside it."""
        ...

    @property
    def folder(self) -> str:
        """Where it writes, which no other job does at the same time."""
        ...

    @property
    def backend(self) -> str:
        """The backend of the worker."""
        ...

    @property
    def python(self) -> str | None:
        """That the worker runs on, None for the backend's usual one."""
        ...

    @property
    def threads(self) -> int:
        """Of the framework."""
        ...

    @property
    def patience_seconds(self) -> float:
        """How long the worker may give no sign of life."""
        ...


OrderT = TypeVar("OrderT", bound=Order)


@dataclass(frozen=True, kw_only=True)
class JobOutcome(Generic[OrderT]):
    """How a job ended. details: a traceback or the worker's last words, for `--verbose`. result: what it answered."""

    settings: OrderT
    status: JobStatus
    message: str = ""
    details: str = ""
    result: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Progress:
    """One sign of life of a job: steps done of the total, in a phase."""

    settings: Order
    phase: str
    done: int
    total: int


@dataclass(frozen=True, kw_only=True)
class Job(Generic[OrderT]):
    """Something for a worker to do. settings say for whom; task, data: what, see tasks.py.

    num_runs: how many trainings it comes to, which decides who goes first. keeps_checkpoints: whether it stops by
    itself, with what it has done kept, when it is asked to; others are killed.
    """

    settings: OrderT
    task: str
    data: Mapping[str, Any]
    num_runs: int = 1
    keeps_checkpoints: bool = False


class WorkerProcess:
    """A worker of one backend. Starts on the first job, and again after it died.

    python: that it runs on, None for the backend's usual one.
    """

    def __init__(self, backend: str, /, *, threads: int, python: str | None = None) -> None:
        self._backend = backend
        self._python = python
        self._threads = threads
        self._process: subprocess.Popen[str] | None = None
        self._errors: IO[bytes] | None = None
        self._job: Job[Any] | None = None
        self._patience_seconds = DEFAULT_PATIENCE_SECONDS
        self._was_silent = False

    def run(self, job: Job[OrderT], /, *, on_progress: Callable[[Progress], None]) -> JobOutcome[OrderT]:
        """Run one job to its end and say how it ended; never raises for what happens in the worker."""
        self._job = job
        settings = job.settings
        self._patience_seconds = settings.patience_seconds
        if self._process is None or self._process.poll() is not None:
            ready = self.start()
            if ready.get("event") != "ready":
                kind: JobStatus = "unavailable" if ready.get("event") == "unavailable" else "crash"
                return self._ended(settings, kind, str(ready.get("message", "")))
        self._send({"task": job.task, "data": job.data})
        while True:
            event = self._receive()
            name = event.get("event")
            if name == "progress":
                on_progress(Progress(settings=settings, phase=event["phase"], done=event["done"], total=event["total"]))
            elif name == "finished":
                return JobOutcome(settings=settings, status="finished", result=event.get("result") or {})
            elif name == "failed":
                return JobOutcome(
                    settings=settings, status=event["kind"], message=event["message"], details=event["details"]
                )
            else:
                return self._ended(settings, "crash", "")

    def close(self) -> None:
        """End the process."""
        process = self._process
        if process is not None:
            with suppress(OSError):
                if process.stdin is not None:
                    process.stdin.close()
            try:
                process.wait(timeout=_SECONDS_TO_CLOSE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()
        if self._errors is not None:
            self._errors.close()
        self._process = self._errors = None

    def interrupt(self) -> None:
        """Ask the process to stop its job with what it has done kept; one that cannot do that is killed."""
        if self._job is None or not self._job.keeps_checkpoints:
            self.kill()
        elif self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """End the process at once, whatever it is doing."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()

    def start(self) -> dict[str, Any]:
        """Start the process and return its first event: ready, with version and devices, or unavailable."""
        self.close()
        self._was_silent = False
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process
        threads = str(self._threads)
        self._process = subprocess.Popen(
            [
                python_of(self._backend, self._python) or sys.executable,
                "-P",
                "-m",
                "gan_rosetta.shared.workers.worker",
                self._backend,
                threads,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=os.environ | environment(threads=self._threads),
            text=True,
            encoding="utf-8",
        )
        return self._receive()

    def _send(self, request: dict[str, Any]) -> None:
        # A worker that died is found out when its answer is read.
        with suppress(OSError):
            if self._process is not None and self._process.stdin is not None:
                self._process.stdin.write(json.dumps(request) + "\n")
                self._process.stdin.flush()

    def _receive(self) -> dict[str, Any]:
        """Return the worker's next event, or nothing where it died or was silent for too long, and so was killed."""
        process = self._process
        if process is None or process.stdout is None:
            return {}
        watch = threading.Timer(self._patience_seconds, self._give_up)
        watch.daemon = True
        watch.start()
        try:
            line = process.stdout.readline()
        finally:
            watch.cancel()
        if not line:
            return {}
        event: dict[str, Any] = json.loads(line)
        return event

    def _give_up(self) -> None:
        self._was_silent = True
        self.kill()

    def how_it_ended(self) -> str:
        """Wait for the end of a process that does not answer, and say in a line how it ended, and its last words."""
        code = self._process.wait() if self._process is not None else None
        if self._was_silent:
            return (
                f"the {self._backend} worker gave no sign of life for {self._patience_seconds:g} s and was ended; "
                "--patience SECONDS waits longer"
            )
        ended = f"the {self._backend} worker ended with {_describe_exit(code)}"
        last = next((line.strip() for line in reversed(self._said()) if line.strip()), "")
        if len(last) > _MAX_LAST_LINE_CHARACTERS:
            last = f"{last[:_MAX_LAST_LINE_CHARACTERS]}…"
        return f"{ended}: {last}" if last else ended

    def _ended(self, settings: OrderT, status: JobStatus, message: str) -> JobOutcome[OrderT]:
        """Describe a worker that said its last word, or died without one."""
        how = self.how_it_ended()
        last_words = "\n".join(self._said()[-_LAST_LINES:])
        said = message if message and not self._was_silent else how
        return JobOutcome(settings=settings, status=status, message=said, details=last_words)

    def _said(self) -> list[str]:
        """Return the lines of the process's standard error."""
        if self._errors is None:
            return []
        self._errors.seek(0)
        return self._errors.read().decode(errors="replace").splitlines()


def run_jobs(
    jobs: Iterable[Job[OrderT]],
    /,
    *,
    num_slots: int,
    on_progress: Callable[[Progress], None],
    on_outcome: Callable[[JobOutcome[OrderT]], None],
) -> list[JobOutcome[OrderT]]:
    """Run all jobs, those of one kind of worker in their order in one worker, at most num_slots jobs at a time.

    The worker with the most left to do goes first. on_progress is called from the workers' threads, on_outcome from
    the caller's, while other jobs go on. Returns the outcomes in order of completion. On KeyboardInterrupt no further
    job starts, those that keep checkpoints stop after the chunk that they are in, the others at once, and the interrupt
    goes on; a second one does not wait for them.
    """
    by_worker: dict[_WorkerKey, list[Job[OrderT]]] = {}
    for job in jobs:
        by_worker.setdefault(_worker_key(job.settings), []).append(job)
    slots = _Slots(num_slots)
    settled: queue.SimpleQueue[JobOutcome[OrderT]] = queue.SimpleQueue()
    stopping = threading.Event()
    workers = {key: WorkerProcess(key.backend, threads=key.threads, python=key.python) for key in by_worker}

    def serve(key: _WorkerKey) -> None:
        left = sum(job.num_runs for job in by_worker[key])
        for job in by_worker[key]:
            with slots.taken(urgency=left):
                if stopping.is_set():
                    break
                outcome = workers[key].run(job, on_progress=on_progress)
            left -= job.num_runs
            settled.put(outcome)
        workers[key].close()

    threads = [threading.Thread(target=serve, args=(key,), daemon=True) for key in by_worker]
    for thread in threads:
        thread.start()
    outcomes: list[JobOutcome[OrderT]] = []
    try:
        for _ in range(sum(map(len, by_worker.values()))):
            outcomes.append(settled.get())
            on_outcome(outcomes[-1])
        for thread in threads:
            thread.join()
    except KeyboardInterrupt:
        stopping.set()
        try:
            for worker in workers.values():
                worker.interrupt()
            deadline = time.monotonic() + _SECONDS_TO_STOP
            for thread in threads:
                thread.join(timeout=max(0.0, deadline - time.monotonic()))
        finally:
            for worker in workers.values():
                worker.kill()
        raise
    return outcomes


class _WorkerKey(NamedTuple):
    """What a worker is started with: jobs that want the same share one."""

    backend: str
    python: str | None
    threads: int


def _worker_key(settings: Order) -> _WorkerKey:
    return _WorkerKey(settings.backend, settings.python, settings.threads)


class _Slots:
    """So many may run at once; of those that wait the most urgent goes first."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._changed = threading.Condition()
        self._waiting: list[int] = []

    @contextmanager
    def taken(self, *, urgency: int) -> Iterator[None]:
        """Wait for a slot and hold it."""
        with self._changed:
            self._waiting.append(urgency)
            self._changed.wait_for(lambda: self._free > 0 and urgency == max(self._waiting))
            self._waiting.remove(urgency)
            self._free -= 1
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._free += 1
                self._changed.notify_all()


def _describe_exit(code: int | None) -> str:
    if code is not None and code < 0:
        return f"signal {signal.Signals(-code).name}"
    return f"exit status {code}"
