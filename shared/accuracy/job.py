"""One backend's side of the atlas, run inside a worker process: its results, or what the others' are held to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gan_rosetta.backends import BackendEntry
from gan_rosetta.shared.accuracy.catalogue import OPERATIONS
from gan_rosetta.shared.accuracy.exact import Extended
from gan_rosetta.shared.accuracy.measure import Measure, Results, measure_backend, measure_reference
from gan_rosetta.shared.errors import in_a_line
from gan_rosetta.shared.interface import Dtype, Execution
from gan_rosetta.shared.storage.files import write_json, write_npz
from gan_rosetta.shared.storage.npz import read_npz
from gan_rosetta.shared.workers.registry import load_trainer
from gan_rosetta.shared.workers.tasks import ReportProgress

# The truth in two numbers: rounded to double, and the rest.
_TRUTH, _REST = "truth", "rest"


@dataclass(frozen=True, kw_only=True)
class AccuracyJob:
    """What a worker is to do. is_reference: measure what the others' results are held to."""

    folder: str
    is_reference: bool
    operations: tuple[str, ...]
    dtypes: tuple[Dtype, ...]
    executions: tuple[Execution, ...]
    device: str = "cpu"

    def as_data(self) -> dict[str, Any]:
        """Return the job as plain data, for a worker."""
        return asdict(self)

    @classmethod
    def from_data(cls, data: dict[str, Any], /) -> AccuracyJob:
        """Return the job from what as_data gave."""
        own: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}
        return cls(**own)


def serve(
    data: dict[str, Any], entry: BackendEntry, /, *, report_progress: ReportProgress, kept: dict[str, Any]
) -> dict[str, Any]:
    """Do an AccuracyJob in a worker."""
    del kept
    run_accuracy_job(AccuracyJob.from_data(data), entry, report_progress=report_progress)
    return {}


def run_accuracy_job(
    job: AccuracyJob, entry: BackendEntry, /, *, report_progress: Callable[[str, int, int], None]
) -> None:
    """Measure every operation in every type and execution and write what was found; a failure costs no other."""
    arrays: dict[str, np.ndarray] = {}
    failures: dict[str, str] = {}
    cells = [
        (operation, dtype, execution)
        for operation in job.operations
        for dtype in job.dtypes
        for execution in (job.executions[:1] if job.is_reference else job.executions)
    ]
    for index, (name, dtype, execution) in enumerate(cells):
        if job.is_reference:
            arrays |= _measure_arrays(name, dtype, measure_reference(OPERATIONS[name], dtype))
        else:
            try:
                results = measure_backend(
                    load_trainer(entry), OPERATIONS[name], device=job.device, dtype=dtype, execution=execution
                )
            except Exception as error:
                failures[f"{name}/{dtype}/{execution}"] = in_a_line(error)
            else:
                arrays |= {f"{name}/{quantity}/{dtype}/{execution}": array for quantity, array in results.items()}
        report_progress("accuracy", index + 1, len(cells))
    side = "reference" if job.is_reference else entry.name
    write_npz(Path(job.folder) / f"{side}.npz", arrays)
    write_json(Path(job.folder) / f"{side}.json", failures)


def _measure_arrays(name: str, dtype: Dtype, measure: Measure) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    for quantity, reference in measure.reference.items():
        key = f"{name}/{quantity}/{dtype}"
        with np.errstate(all="ignore"):
            truth = measure.truth[quantity].astype(np.float64)
            rest = np.where(np.isfinite(truth), measure.truth[quantity] - truth, 0).astype(np.float64)
        found |= {f"{key}/reference": reference, f"{key}/scales": measure.scales[quantity]}
        found[f"{key}/allowed"] = measure.allowed[quantity]
        found |= {f"{key}/{_TRUTH}": truth, f"{key}/{_REST}": rest}
    return found


def read_measures(folder: Path, /) -> dict[tuple[str, Dtype], Measure]:
    """Return what the reference's worker left, by operation and type."""
    parts: dict[tuple[str, Any], dict[str, Results]] = {}
    for key, array in read_npz(folder / "reference.npz").items():
        name, quantity, dtype, part = key.split("/")
        parts.setdefault((name, dtype), {}).setdefault(part, {})[quantity] = array
    return {
        place: Measure(
            reference=found["reference"],
            scales=found["scales"],
            allowed=found["allowed"],
            truth={q: array.astype(Extended) + found[_REST][q] for q, array in found[_TRUTH].items()},
        )
        for place, found in parts.items()
    }


def read_results(folder: Path, backend: str, /) -> dict[tuple[str, Dtype, str], Results]:
    """Return what a backend's worker left, by operation, type and execution."""
    found: dict[tuple[str, Any, str], Results] = {}
    for key, array in read_npz(folder / f"{backend}.npz").items():
        name, quantity, dtype, execution = key.split("/")
        found.setdefault((name, dtype, execution), {})[quantity] = array
    return found
