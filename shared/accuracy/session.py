"""The atlas, measured: each backend in a worker process of its own, then held to what the reference's worker left."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gan_rosetta.backends import REFERENCE, BackendEntry
from gan_rosetta.shared.accuracy.catalogue import OPERATIONS, find_operations
from gan_rosetta.shared.accuracy.findings import Row, judge_results
from gan_rosetta.shared.accuracy.job import AccuracyJob, read_measures, read_results
from gan_rosetta.shared.accuracy.measure import Measure
from gan_rosetta.shared.accuracy.operation import Operation
from gan_rosetta.shared.errors import require_known
from gan_rosetta.shared.interface import DTYPES, EXECUTIONS, Dtype, Execution
from gan_rosetta.shared.runs.order import Label
from gan_rosetta.shared.runs.plan import available_cores
from gan_rosetta.shared.storage.scratch import temporary_folder
from gan_rosetta.shared.workers.jobs import Job, JobOutcome
from gan_rosetta.shared.workers.launch import run_jobs
from gan_rosetta.shared.workers.registry import choose_backends
from gan_rosetta.shared.workers.watching import Watch

_LABEL = "accuracy"


@dataclass(frozen=True, kw_only=True)
class Atlas:
    """What was measured. failures: by "backend operation dtype execution" what an operation raised."""

    operations: tuple[Operation, ...]
    rows: tuple[Row, ...]
    measures: dict[tuple[str, Dtype], Measure]
    failures: dict[str, str]

    @property
    def backends(self) -> tuple[str, ...]:
        """The backends of the rows, in order."""
        return tuple(dict.fromkeys(row.backend for row in self.rows))

    @property
    def is_covered(self) -> bool:
        """Whether rounding or a known defect explains every result."""
        return not any(row.unexplained for row in self.rows)

    def as_data(self) -> dict[str, Any]:
        """Return what was measured as plain data."""
        return {"failures": self.failures, "rows": [row.as_data() for row in self.rows]}


@dataclass(frozen=True, kw_only=True)
class AtlasPlan:
    """What to measure: each operation on each backend in each type and in each execution that the backend has."""

    operations: tuple[Operation, ...]
    backends: tuple[BackendEntry, ...]
    dtypes: tuple[Dtype, ...]
    executions: tuple[Execution, ...]


def plan_atlas(
    operations: Sequence[str],
    /,
    *,
    backends: Sequence[str] = (),
    dtypes: Sequence[str] = DTYPES,
    executions: Sequence[str] = EXECUTIONS,
) -> AtlasPlan:
    """Return what is to be measured.

    operations: names of operations or groups, all where there is none; backends: all installed ones where there is
    none. Raises UsageError for names that there are not, BackendUnavailable for a backend that is not installed.
    """
    return AtlasPlan(
        operations=tuple(find_operations(operations)),
        backends=tuple(choose_backends(backends)),
        dtypes=require_known("dtype", dtypes, DTYPES),
        executions=require_known("execution", executions, EXECUTIONS),
    )


def measure_atlas(plan: AtlasPlan, /, *, watch: Watch) -> tuple[Atlas, list[JobOutcome]]:
    """Return what was measured, and the jobs that failed."""
    operations, entries = plan.operations, plan.backends
    names = tuple(operation.name for operation in operations)
    with temporary_folder() as folder:

        def job(backend: str, own: Sequence[Execution], *, is_reference: bool) -> Job:
            request = AccuracyJob(
                folder=str(folder),
                is_reference=is_reference,
                operations=names,
                dtypes=plan.dtypes,
                executions=tuple(own),
            )
            side = "reference" if is_reference else backend
            label = Label(gan=_LABEL, backend=backend, folder=f"{folder}/{side}")
            return Job(settings=label, task="accuracy", data=request.as_data())

        jobs = [job(REFERENCE, ("eager",), is_reference=True)]
        for entry in entries:
            own = [execution for execution in plan.executions if execution in entry.executions]
            if own:
                jobs.append(job(entry.name, own, is_reference=False))
        with watch(len(jobs)) as watcher:
            outcomes = run_jobs(
                jobs,
                num_slots=min(available_cores(), len(jobs)),
                on_progress=watcher.on_progress,
                on_outcome=watcher.on_outcome,
            )
        failed = [outcome for outcome in outcomes if outcome.status != "finished"]
        sides = [entry.name for entry in entries if (folder / f"{entry.name}.npz").exists()]
        if not (folder / "reference.npz").exists():
            return Atlas(operations=operations, rows=(), measures={}, failures={}), failed
        return _judge(folder, operations, sides), failed


def _judge(folder: Path, operations: Sequence[Operation], backends: Sequence[str]) -> Atlas:
    measures = read_measures(folder)
    rows: list[Row] = []
    failures: dict[str, str] = {}
    for backend in backends:
        for (name, dtype, execution), results in read_results(folder, backend).items():
            rows += judge_results(
                OPERATIONS[name],
                results,
                measures[name, dtype],
                backend=backend,
                dtype=dtype,
                execution=execution,
            )
        found = json.loads((folder / f"{backend}.json").read_text(encoding="utf-8"))
        failures |= {f"{backend} {place.replace('/', ' ')}": message for place, message in found.items()}
    return Atlas(operations=tuple(operations), rows=tuple(rows), measures=measures, failures=failures)
