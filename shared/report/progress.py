"""Progress on the terminal while jobs run: one bar a job, one for all; a line a job where there is no terminal."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from shared.harness.launch import JobOutcome
from shared.harness.launch import Progress as JobProgress
from shared.harness.settings import RunSettings


class ProgressDisplay:
    """Shows what the workers report; its methods may be called from any thread."""

    def __init__(self, console: Console, /, *, num_jobs: int) -> None:
        self._console = console
        self._num_jobs = num_jobs
        self._num_done = 0
        self._lock = threading.Lock()
        self._tasks: dict[str, TaskID] = {}
        self._bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._overall = self._bars.add_task("all runs", total=num_jobs)

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def on_progress(self, progress: JobProgress, /) -> None:
        """Show how far a job is."""
        description = f"{_label(progress.settings)}: {progress.phase}"
        with self._lock:
            key = progress.settings.folder
            if key not in self._tasks:
                self._tasks[key] = self._bars.add_task(description, total=progress.total)
            self._bars.update(self._tasks[key], description=description, completed=progress.done, total=progress.total)

    def on_outcome(self, outcome: JobOutcome, /) -> None:
        """Take a job's bar away and count it."""
        with self._lock:
            self._num_done += 1
            task = self._tasks.pop(outcome.settings.folder, None)
            if task is not None:
                self._bars.remove_task(task)
            self._bars.update(self._overall, completed=self._num_done)
            if not self._console.is_terminal and self._num_jobs > 1:
                line = f"[{self._num_done}/{self._num_jobs}] {_label(outcome.settings)}: {outcome.status}"
                self._console.print(line, markup=False, highlight=False, soft_wrap=True)


def _label(settings: RunSettings) -> str:
    return f"{settings.gan} on {settings.backend}"
