"""What workers can be asked to do: each task by its name, and where the function is that does it.

The functions live in the rooms that know what they are for, and are imported in the worker when one is asked for.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, Protocol

from gan_rosetta.backends import BackendEntry
from gan_rosetta.shared.errors import UsageError

ReportProgress = Callable[[str, int, int], None]

_TASKS = {
    "run": "gan_rosetta.shared.runs.run:serve",
    "diagnosis": "gan_rosetta.shared.diagnose.job:serve",
    "defaults": "gan_rosetta.shared.defaults.session:serve",
    "generated": "gan_rosetta.shared.generate.job:serve",
    "accuracy": "gan_rosetta.shared.accuracy.job:serve",
    "seeds": "gan_rosetta.shared.seeds.job:serve",
    "calibration": "gan_rosetta.shared.calibrate.job:serve",
    "benchmark": "gan_rosetta.benchmarks.service:serve",
}


class Serve(Protocol):
    """Does a task in a worker."""

    def __call__(
        self,
        data: dict[str, Any],
        entry: BackendEntry,
        /,
        *,
        report_progress: ReportProgress,
        kept: dict[str, Any],
    ) -> dict[str, Any]:
        """Do what the data says on a backend; returns the result as plain data, and raises what a user can cause.

        report_progress: takes a phase, steps done and their total. kept: what tasks leave for later ones of the worker.
        """
        ...


def find_task(name: str, /) -> Serve:
    """Import and return the function of a task; raises UsageError for a name that there is not."""
    if name not in _TASKS:
        raise UsageError(f"a worker was asked for the task {name!r}; expected one of {', '.join(_TASKS)}")
    module, _, function = _TASKS[name].partition(":")
    serve: Serve = getattr(importlib.import_module(module), function)
    return serve
