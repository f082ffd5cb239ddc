"""The pool of worker processes: one a backend, Python, number of threads and lane, as many at work as cores."""

from __future__ import annotations

import queue
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from types import TracebackType
from typing import Any, NamedTuple, Self

from gan_rosetta.shared.errors import in_a_line
from gan_rosetta.shared.workers.child import WorkerProcess
from gan_rosetta.shared.workers.jobs import Job, JobOutcome, Order, OrderT, Progress

# A step of the largest GAN takes half a minute of a core.
_SECONDS_TO_STOP = 90

OnProgress = Callable[[Progress], None]


def run_jobs(
    jobs: Iterable[Job[OrderT]],
    /,
    *,
    num_slots: int,
    on_progress: OnProgress,
    on_outcome: Callable[[JobOutcome[OrderT]], None],
) -> list[JobOutcome[OrderT]]:
    """Run all jobs, those of one kind of worker in their order in one worker, at most num_slots jobs at a time.

    Jobs that somebody waits for go first, then the worker with the most left to do. on_progress is called from the
    workers' threads, on_outcome from the caller's, while other jobs go on. Returns the outcomes in order of
    completion. On KeyboardInterrupt no further job starts, those that keep checkpoints stop after the chunk that they
    are in, the others at once, and the interrupt goes on; a second one does not wait for them.
    """
    settled: queue.SimpleQueue[JobOutcome[OrderT]] = queue.SimpleQueue()
    outcomes: list[JobOutcome[OrderT]] = []
    with Pool(num_slots=num_slots, on_progress=on_progress) as pool:
        futures = pool.submit_all(jobs)
        pool.finish()
        for future in futures:
            future.add_done_callback(lambda done: settled.put(done.result()))
        for _ in futures:
            outcomes.append(settled.get())
            on_outcome(outcomes[-1])
    return outcomes


class Pool:
    """Worker processes that start when they are first needed and take jobs one after another; used in a `with`.

    num_slots: how many may be at work at once. on_progress: called from the workers' threads. At the end the workers
    end; where the block raises, jobs are stopped: those that keep checkpoints after the chunk that they are in where it
    was by KeyboardInterrupt, all others at once.
    """

    def __init__(self, *, num_slots: int, on_progress: OnProgress = lambda _progress: None) -> None:
        self._slots = _Slots(num_slots)
        self._on_progress = on_progress
        self._stopping = threading.Event()
        self._lines: dict[_WorkerKey, _Line] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.finish()
            for line in self._lines.values():
                line.join()
            return
        self._stopping.set()
        self.finish()
        try:
            if issubclass(kind, KeyboardInterrupt):
                self._interrupt()
        finally:
            for line in self._lines.values():
                line.worker.kill()

    def submit(self, job: Job[OrderT], /, *, after: Future[Any] | None = None) -> Future[JobOutcome[OrderT]]:
        """Have a job done by the worker of its kind, when `after` is; the future always comes to an outcome."""
        (future,) = self.submit_all([job], after=after)
        return future

    def submit_all(
        self, jobs: Iterable[Job[OrderT]], /, *, after: Future[Any] | None = None
    ) -> list[Future[JobOutcome[OrderT]]]:
        """As submit, of several, which are all known before the first is begun."""
        pending = [_Pending(job, after, Future()) for job in jobs]
        touched = {self._line_of(each.job).add(each): None for each in pending}
        for line in touched:
            line.wake()
        return [each.future for each in pending]

    def finish(self) -> None:
        """No further job comes: each worker ends when it has done its own."""
        for line in self._lines.values():
            line.waiting.put(None)

    def _line_of(self, job: Job[Any]) -> _Line:
        settings: Order = job.settings
        key = _WorkerKey(settings.backend, settings.python, settings.threads, job.lane)
        if key not in self._lines:
            worker = WorkerProcess(key.backend, threads=key.threads, python=key.python)
            self._lines[key] = _Line(worker, self._slots, self._stopping, self._on_progress)
        return self._lines[key]

    def _interrupt(self) -> None:
        for line in self._lines.values():
            line.worker.interrupt()
        deadline = time.monotonic() + _SECONDS_TO_STOP
        for line in self._lines.values():
            line.join(timeout=max(0.0, deadline - time.monotonic()))


class _WorkerKey(NamedTuple):
    """What a worker is started with: jobs that want the same share one."""

    backend: str
    python: str | None
    threads: int
    lane: int = 0


class _Pending(NamedTuple):
    job: Job[Any]
    after: Future[Any] | None
    future: Future[Any]


class _Line:
    """The jobs of one worker, in their order, and the thread that waits for it."""

    def __init__(
        self, worker: WorkerProcess, slots: _Slots, stopping: threading.Event, on_progress: OnProgress
    ) -> None:
        self.worker = worker
        self.waiting: queue.SimpleQueue[_Pending | None] = queue.SimpleQueue()
        self._slots, self._stopping, self._on_progress = slots, stopping, on_progress
        self._num_runs_left = 0
        self._thread: threading.Thread | None = None

    def add(self, pending: _Pending) -> _Line:
        self._num_runs_left += pending.job.num_runs
        self.waiting.put(pending)
        return self

    def wake(self) -> None:
        """Start the thread; where there can be none, each job comes to an outcome that says so."""
        if self._thread is not None:
            return
        thread = threading.Thread(target=self._serve, daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            while not self.waiting.empty():
                pending = self.waiting.get()
                if pending is not None:
                    message = f"its worker cannot be started ({error}); raise the limit on processes and threads"
                    pending.future.set_result(
                        JobOutcome(settings=pending.job.settings, status="crash", message=message)
                    )
        else:
            self._thread = thread

    def join(self, *, timeout: float | None = None) -> None:
        if self._thread is not None:
            self._thread.join(timeout=timeout)

    def _serve(self) -> None:
        while (pending := self.waiting.get()) is not None:
            try:
                outcome = self._outcome_of(pending)
            except BaseException as error:  # whatever it is, whoever waits for the job must hear of it
                outcome = JobOutcome(
                    settings=pending.job.settings,
                    status="crash",
                    message=in_a_line(error),
                    details="".join(traceback.format_exception(error)),
                )
            pending.future.set_result(outcome)
        self.worker.close()

    def _outcome_of(self, pending: _Pending) -> JobOutcome[Any]:
        if pending.after is not None:
            wait([pending.after])
        with self._slots.taken(urgency=lambda: (pending.job.is_awaited, self._num_runs_left)):
            if self._stopping.is_set():
                return JobOutcome(settings=pending.job.settings, status="interrupted", message="was never begun")
            outcome = self.worker.run(pending.job, on_progress=self._on_progress)
        self._num_runs_left -= pending.job.num_runs
        return outcome


class _Slots:
    """So many may run at once; of those that wait the most urgent goes first."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._changed = threading.Condition()
        self._waiting: list[Callable[[], tuple[bool, int]]] = []

    @contextmanager
    def taken(self, *, urgency: Callable[[], tuple[bool, int]]) -> Iterator[None]:
        """Wait for a slot and hold it."""
        with self._changed:
            self._waiting.append(urgency)
            self._changed.wait_for(lambda: self._free > 0 and urgency() == max(each() for each in self._waiting))
            self._waiting.remove(urgency)
            self._free -= 1
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._free += 1
                self._changed.notify_all()
