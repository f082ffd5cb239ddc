"""The atlas, measured: each backend in a worker process of its own, then held to what the reference's worker left."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gan_rosetta.backends import REFERENCE
from gan_rosetta.shared.accuracy.catalogue import OPERATIONS
from gan_rosetta.shared.accuracy.findings import Row, judge_results
from gan_rosetta.shared.accuracy.job import AccuracyJob, read_measures, read_results
from gan_rosetta.shared.accuracy.measure import Measure
from gan_rosetta.shared.accuracy.operation import Operation
from gan_rosetta.shared.interface import Dtype, Execution
from gan_rosetta.shared.runs.order import Label
from gan_rosetta.shared.runs.plan import available_cores
from gan_rosetta.shared.workers.jobs import Job, JobOutcome
from gan_rosetta.shared.workers.launch import run_jobs
from gan_rosetta.shared.workers.registry import find_backend
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


def measure_atlas(
    operations: Sequence[Operation],
    /,
    *,
    backends: Sequence[str],
    dtypes: Sequence[Dtype],
    executions: Sequence[Execution],
    watch: Watch,
) -> tuple[Atlas, list[JobOutcome]]:
    """Return what was measured, and the jobs that failed; raises UsageError for a backend that there is not."""
    entries = [find_backend(name) for name in dict.fromkeys(backends)]
    names = tuple(operation.name for operation in operations)
    with tempfile.TemporaryDirectory(prefix="gan-rosetta-") as folder:

        def job(backend: str, own: Sequence[Execution], *, is_reference: bool) -> Job:
            request = AccuracyJob(
                folder=folder, is_reference=is_reference, operations=names, dtypes=tuple(dtypes), executions=tuple(own)
            )
            side = "reference" if is_reference else backend
            label = Label(gan=_LABEL, backend=backend, folder=f"{folder}/{side}")
            return Job(settings=label, task="accuracy", data=request.as_data())

        jobs = [job(REFERENCE, ("eager",), is_reference=True)]
        for entry in entries:
            own = [execution for execution in executions if execution in entry.executions]
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
        sides = [entry.name for entry in entries if (Path(folder) / f"{entry.name}.npz").exists()]
        if not (Path(folder) / "reference.npz").exists():
            return Atlas(operations=tuple(operations), rows=(), measures={}, failures={}), failed
        return _judge(Path(folder), operations, sides), failed


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
