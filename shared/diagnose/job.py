"""One side of a diagnosis, run inside a worker process."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from backends import BackendEntry
from shared.compare.yardstick import PerturbedTrainer
from shared.diagnose.reference import walk_reference
from shared.diagnose.rows import Row
from shared.diagnose.visits import plan_visits
from shared.diagnose.walk import walk_backend
from shared.errors import UsageError
from shared.faults import PlantedTrainer, find_fault
from shared.harness.files import write_json
from shared.harness.registry import load_device_module, load_trainer, resolve_execution
from shared.harness.run import open_inputs, resolve_spec
from shared.harness.settings import RunSettings
from shared.interface import Trainer


@dataclass(frozen=True, kw_only=True)
class DiagnosisJob:
    """What a worker is to do. settings.folder is the diagnosis's; fault: the name of one to plant, or None.

    is_reference: walk as the reference and leave its side; else compare with what it left. forced: each step starts
    from the reference's state. num_steps: visit each of so many first steps; None chooses.
    """

    settings: RunSettings
    is_reference: bool
    forced: bool
    num_steps: int | None
    fault: str | None

    def as_data(self) -> dict[str, Any]:
        """Return the job as plain data, for a worker."""
        return asdict(self)

    @classmethod
    def from_data(cls, data: dict[str, Any], /) -> DiagnosisJob:
        """Return the job from what as_data gave."""
        return cls(**{**data, "settings": RunSettings(**data["settings"])})

    @property
    def rows_path(self) -> Path:
        """Where the rows of a backend go."""
        return Path(self.settings.folder) / f"{self.settings.backend}.json"


def run_diagnosis_job(
    job: DiagnosisJob, entry: BackendEntry, /, *, report_progress: Callable[[str, int, int], None]
) -> None:
    """Walk one side and write what it leaves; raises what a user can cause."""
    settings = job.settings
    spec = resolve_spec(settings)
    state, tape = open_inputs(settings, spec)
    visits = plan_visits(spec, num_steps=job.num_steps, forced=job.forced)
    load_device_module(entry).check_device(settings.device)
    execution = resolve_execution(entry, settings.execution)
    trainer_class = load_trainer(entry)
    folder = Path(settings.folder)

    def report(done: int, total: int) -> None:
        report_progress("diagnosis", done, total)

    def build(built: Any) -> Trainer:
        return trainer_class.build(built, device=settings.device, dtype=settings.dtype, execution=execution)

    if job.is_reference:
        walk_reference(
            lambda: cast(PerturbedTrainer, build(spec)),
            spec,
            state,
            tape,
            visits=visits,
            folder=folder / "reference",
            forced=job.forced,
            report_progress=report,
        )
        return
    trainer: Trainer | PlantedTrainer
    if job.fault is None:
        trainer = build(spec)
    else:
        plant = find_fault(job.fault).plant(spec)
        if plant is None:
            raise UsageError(f"fault {job.fault!r} has nothing to touch in {spec.name!r}; see `gan-rosetta faults`")
        trainer = PlantedTrainer(build(plant.spec), plant)
    rows = walk_backend(
        trainer,
        spec,
        state,
        tape,
        visits=visits,
        folder=folder / "reference",
        forced=job.forced,
        dtype=settings.dtype,
        report_progress=report,
    )
    write_json(job.rows_path, [row.as_data() for row in rows])


def read_rows(path: Path, /) -> list[Row]:
    """Return the rows that a worker wrote."""
    rows = []
    for data in json.loads(path.read_text(encoding="utf-8")):
        del data["in_noise"], data["verdict"]
        numbers = {n: None if data[n] is None else float(data[n]) for n in ("difference", "noise", "got", "expected")}
        rows.append(Row(**{**data, **numbers, "index": tuple(data["index"])}))
    return rows
