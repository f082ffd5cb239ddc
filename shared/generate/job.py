"""A batch of generated GANs on one backend, run inside a worker process."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gan_rosetta.backends import BackendEntry
from gan_rosetta.shared.errors import RunFailed, in_a_line, machine_problem
from gan_rosetta.shared.generate.check import Finding, find_disagreement, write_reference
from gan_rosetta.shared.spec.toml_file import spec_from_toml
from gan_rosetta.shared.storage.files import write_json
from gan_rosetta.shared.workers.registry import load_device_module
from gan_rosetta.shared.workers.tasks import ReportProgress

SPECS_FILE = "specs.json"


@dataclass(frozen=True, kw_only=True)
class BatchJob:
    """What a worker is to do: hold each GAN whose TOML text is in the folder's specs.json to the reference.

    is_reference: leave the reference's side of each; else compare with what it left. fault: the name of one to plant.
    """

    folder: str
    is_reference: bool
    execution: str
    device: str
    fault: str | None = None

    def as_data(self) -> dict[str, Any]:
        """Return the job as plain data, for a worker."""
        return asdict(self)


def serve(
    data: dict[str, Any], entry: BackendEntry, /, *, report_progress: ReportProgress, kept: dict[str, Any]
) -> dict[str, Any]:
    """Do a BatchJob in a worker."""
    del kept
    run_batch_job(BatchJob(**data), entry, report_progress=report_progress)
    return {}


def run_batch_job(job: BatchJob, entry: BackendEntry, /, *, report_progress: Callable[[str, int, int], None]) -> None:
    """Check a batch of GANs one after the other and write what was found; an error in one leaves the others alone.

    Raises UsageError where the backend does not see the device.
    """
    if not job.is_reference:
        load_device_module(entry).check_device(job.device)
    folder = Path(job.folder)
    texts = json.loads((folder / SPECS_FILE).read_text(encoding="utf-8"))
    name = "reference" if job.is_reference else entry.name
    started = time.perf_counter()
    found: list[dict[str, Any] | None] = []
    for index, text in enumerate(texts):
        finding = _check(job, entry, text, folder / f"spec-{index:04d}")
        found.append(None if finding is None else finding.as_data())
        report_progress("generated", index + 1, len(texts))
    write_json(folder / f"{name}.json", {"found": found, "seconds": time.perf_counter() - started})


def read_batch(folder: Path, name: str, /) -> tuple[list[Finding | None], float]:
    """Return what a worker found of each GAN of a batch, and the seconds that it took."""
    data = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    return [None if finding is None else Finding.from_data(finding) for finding in data["found"]], data["seconds"]


def _check(job: BatchJob, entry: BackendEntry, text: str, folder: Path) -> Finding | None:
    try:
        spec = spec_from_toml(text, where="a generated GAN")
        if not job.is_reference:
            return find_disagreement(
                spec, folder, backend=entry.name, execution=job.execution, device=job.device, fault=job.fault
            )
        write_reference(spec, folder)
    except Exception as error:
        if (problem := machine_problem(error)) is not None:
            raise RunFailed(problem) from None
        return Finding(error=in_a_line(error))
    return None
