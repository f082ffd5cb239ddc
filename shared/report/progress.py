"""Progress on the terminal while jobs run: one bar for all, one for each that is running; nothing elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from gan_rosetta.shared.report.shown import shown_in_line
from gan_rosetta.shared.workers.jobs import JobOutcome
from gan_rosetta.shared.workers.jobs import Progress as JobProgress
from gan_rosetta.shared.workers.watching import Watch

# Speeds are averages over this long: chunks of steps come in jolts.
_SECONDS_OF_SPEED = 60.0
_MOST_LETTERS = 80


def on_terminal(console: Console, /, *, is_quiet: bool = False, writes_lines: bool = False) -> Watch:
    """Return a watch that shows progress on a console; is_quiet, writes_lines: as in ProgressDisplay."""

    def watch(num_jobs: int, shares: Mapping[str, float] | None = None, /) -> ProgressDisplay:
        return ProgressDisplay(console, num_jobs=num_jobs, shares=shares, is_quiet=is_quiet, writes_lines=writes_lines)

    return watch


class ProgressDisplay:
    """Shows what the workers report; its methods may be called from any thread.

    shares: how much of the whole each job is, by its folder, in any unit; equal where not given. is_quiet: show nothing
    on a terminal either. writes_lines: where there is no terminal, a line for each job that has ended.
    """

    def __init__(
        self,
        console: Console,
        /,
        *,
        num_jobs: int,
        shares: Mapping[str, float] | None = None,
        is_quiet: bool = False,
        writes_lines: bool = False,
    ) -> None:
        self._console = console
        self._num_jobs = num_jobs
        self._num_done = 0
        self._shares = shares or {}
        self._writes_lines = writes_lines and not is_quiet
        self._parts: dict[str, float] = {}
        self._phases: dict[str, str] = {}
        self._lock = threading.Lock()
        self._tasks: dict[str, TaskID] = {}
        self._bars = Progress(
            SpinnerColumn(),
            _NameColumn(),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[count]}"),
            _SpeedColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("left"),
            console=console,
            transient=True,
            disable=is_quiet or not console.is_terminal,
            speed_estimate_period=_SECONDS_OF_SPEED,
        )
        total = sum(self._shares.values()) if self._shares else float(num_jobs)
        self._overall = self._bars.add_task("all runs", total=total, count=f"0/{num_jobs} runs", unit="")

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def on_progress(self, progress: JobProgress, /) -> None:
        """Show how far a job is."""
        settings, key = progress.settings, progress.settings.folder
        count = f"{progress.done}/{progress.total}"
        with self._lock:
            if self._phases.get(key) != progress.phase:
                # The steps of another phase take another time.
                self._phases[key] = progress.phase
                self._remove(key)
                self._tasks[key] = self._bars.add_task(
                    f"{settings.run_name}: {settings.gan}, {progress.phase}",
                    total=progress.total,
                    completed=progress.done,
                    count=count,
                    unit=" steps/s",
                )
            self._bars.update(self._tasks[key], completed=progress.done, count=count)
            if progress.phase != "pretraining":
                self._parts[key] = self._share(key) * progress.done / max(1, progress.total)
                self._show_overall()

    def on_outcome(self, outcome: JobOutcome, /) -> None:
        """Take a job's bar away and count it."""
        key = outcome.settings.folder
        with self._lock:
            self._num_done += 1
            self._remove(key)
            self._phases.pop(key, None)
            self._parts[key] = self._share(key)
            self._show_overall()
            if self._writes_lines and not self._console.is_terminal and self._num_jobs > 1:
                label = f"{outcome.settings.gan} on {outcome.settings.run_name}"
                line = f"[{self._num_done}/{self._num_jobs}] {label}: {outcome.status}"
                self._console.print(line, soft_wrap=True)

    def _share(self, key: str) -> float:
        return self._shares.get(key, 0.0) if self._shares else 1.0

    def _show_overall(self) -> None:
        done = sum(self._parts.values()) if self._shares else float(self._num_done)
        self._bars.update(self._overall, completed=done, count=f"{self._num_done}/{self._num_jobs} runs")

    def _remove(self, key: str) -> None:
        task = self._tasks.pop(key, None)
        if task is not None:
            self._bars.remove_task(task)


class _NameColumn(ProgressColumn):
    """What a bar is of; a run's name may have brackets in it."""

    def render(self, task: Task) -> Text:
        return Text(shown_in_line(task.description, most_letters=_MOST_LETTERS))


class _SpeedColumn(ProgressColumn):
    """How many steps a second, where a task counts steps."""

    def render(self, task: Task) -> Text:
        unit, speed = task.fields["unit"], task.speed
        if not unit or speed is None:
            return Text("")
        return Text(f"{speed:,.0f}{unit}" if speed >= 10 else f"{speed:.2g}{unit}", style="progress.data.speed")
