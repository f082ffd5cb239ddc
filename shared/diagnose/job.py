"""One side of a diagnosis, run inside a worker process."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from gan_rosetta.backends import BackendEntry
from gan_rosetta.shared.diagnose.causes import explain
from gan_rosetta.shared.diagnose.explanation import Explanation
from gan_rosetta.shared.diagnose.reference import walk_reference
from gan_rosetta.shared.diagnose.rows import Row, first_offender
from gan_rosetta.shared.diagnose.visits import Visit, plan_on_tape
from gan_rosetta.shared.diagnose.walk import Walked, walk_backend
from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.faults import PlantedTrainer, find_fault
from gan_rosetta.shared.interface import Trainer
from gan_rosetta.shared.runs.checked import build_checked
from gan_rosetta.shared.runs.inputs import open_inputs
from gan_rosetta.shared.runs.names import folder_name
from gan_rosetta.shared.runs.order import Order
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.storage.files import write_json
from gan_rosetta.shared.workers.registry import build_reference, load_device_module, resolve_execution
from gan_rosetta.shared.workers.tasks import ReportProgress


@dataclass(frozen=True, kw_only=True)
class DiagnosisJob:
    """What a worker is to do. order.folder is the diagnosis's; fault: the name of one to plant, or None.

    is_reference: walk as the reference and leave its side; else compare with what it left. forced: each step starts
    from the reference's state. num_steps: visit each of so many first steps; None chooses. visits: these and no others.
    trials: faults to plant one after the other, keeping of each only what was found first; None keeps every row of one
    diagnosis. explains: look for causes of what is off, too.
    """

    order: Order
    is_reference: bool
    forced: bool
    num_steps: int | None
    fault: str | None
    trials: tuple[str, ...] | None = None
    visits: tuple[Visit, ...] | None = None
    explains: bool = True

    def as_data(self) -> dict[str, Any]:
        """Return the job as plain data, for a worker."""
        parts = {part.name: getattr(self, part.name) for part in fields(self)}
        visits = None if self.visits is None else [asdict(visit) for visit in self.visits]
        return {**parts, "order": self.order.as_data(), "visits": visits}

    @classmethod
    def from_data(cls, data: dict[str, Any], /) -> DiagnosisJob:
        """Return the job from what as_data gave."""
        trials = None if data["trials"] is None else tuple(data["trials"])
        visits = None if data["visits"] is None else tuple(Visit(**visit) for visit in data["visits"])
        return cls(**{**data, "order": Order.from_data(data["order"]), "trials": trials, "visits": visits})


def serve(
    data: dict[str, Any], entry: BackendEntry, /, *, report_progress: ReportProgress, kept: dict[str, Any]
) -> dict[str, Any]:
    """Do a DiagnosisJob in a worker."""
    del kept
    run_diagnosis_job(DiagnosisJob.from_data(data), entry, report_progress=report_progress)
    return {}


def run_diagnosis_job(
    job: DiagnosisJob, entry: BackendEntry, /, *, report_progress: Callable[[str, int, int], None]
) -> None:
    """Walk one side and write what it leaves; raises what a user can cause."""
    order, setup = job.order, job.order.run
    spec = order.spec
    state, tape = open_inputs(order.feed, spec)
    visits = job.visits or plan_on_tape(spec, tape, num_steps=job.num_steps, forced=job.forced)
    device_module = load_device_module(entry)
    device_module.check_device(setup.device)
    device_module.set_products(setup.products, device=setup.device)
    execution = resolve_execution(entry, setup.execution)
    folder = Path(order.folder)

    def report(done: int, total: int) -> None:
        report_progress("diagnosis", done, total)

    def build(built: GanSpec) -> Trainer:
        return build_checked(entry, built, device=setup.device, dtype=setup.dtype, execution=execution)

    if job.is_reference:
        walk_reference(
            lambda: build_reference(spec, dtype=setup.dtype),
            spec,
            state,
            tape,
            visits=visits,
            folder=folder / "reference",
            forced=job.forced,
            dtype=setup.dtype,
            report_progress=report,
        )
        return

    def walk(fault: str | None, *, report_progress: Callable[[int, int], None]) -> Walked:
        trainer: Trainer | PlantedTrainer
        if fault is None:
            trainer = build(spec)
        else:
            plant = find_fault(fault).plant(spec)
            if plant is None:
                raise UsageError(f"fault {fault!r} has nothing to touch in {spec.name!r}; see `gan-rosetta faults`")
            trainer = PlantedTrainer(build(plant.spec), plant)
        return walk_backend(
            trainer,
            spec,
            state,
            tape,
            visits=visits,
            folder=folder / "reference",
            forced=job.forced,
            dtype=setup.dtype,
            report_progress=report_progress,
        )

    def why(walked: Walked) -> Explanation | None:
        if not job.explains or first_offender(walked.rows) is None:
            return None
        given = {name: array.astype(walked.start[name].dtype) for name, array in state.items() if name in walked.start}
        return explain(spec, walked.steps, dtype=setup.dtype, given=given, held=walked.start)

    if job.trials is None:
        walked = walk(job.fault, report_progress=report)
        found = LookedInto(rows=walked.rows, explanation=why(walked))
        write_json(rows_path(order), found.as_data())
        return
    trials: dict[str, Any] = {}
    for index, fault in enumerate(job.trials):
        walked = walk(fault or None, report_progress=_report_nothing)
        offender = first_offender(walked.rows)
        trials[fault] = LookedInto(rows=[] if offender is None else [offender], explanation=why(walked)).as_data()
        # A trainer's networks refer to each other, and Python would not look for them before memory is short.
        gc.collect()
        report(index + 1, len(job.trials))
    write_json(rows_path(order), trials)


def rows_path(order: Order, /) -> Path:
    """Return where the rows of a run go."""
    return Path(order.folder) / f"{folder_name(order.run_name)}.json"


def _report_nothing(done: int, total: int, /) -> None:
    pass


@dataclass(frozen=True, kw_only=True)
class LookedInto:
    """What a worker leaves of a run: its rows, of a trial the first that is off alone, and what explains them.

    explanation: None where nothing is off, or no cause was looked for.
    """

    rows: list[Row]
    explanation: Explanation | None

    def as_data(self) -> dict[str, Any]:
        """Return it as plain data."""
        explanation = None if self.explanation is None else self.explanation.as_data()
        return {"rows": [row.as_data() for row in self.rows], "explanation": explanation}

    @classmethod
    def from_data(cls, data: dict[str, Any], /) -> LookedInto:
        """Return what as_data gave."""
        explanation = data["explanation"]
        return cls(
            rows=[row_from_data(row) for row in data["rows"]],
            explanation=None if explanation is None else Explanation.from_data(explanation),
        )


def read_looked_into(path: Path, /) -> LookedInto:
    """Return what a worker left of a run."""
    return LookedInto.from_data(json.loads(path.read_text(encoding="utf-8")))


def read_trials(path: Path, /) -> dict[str, LookedInto]:
    """Return what a worker left of each of its job's trials; "" is the trial without a fault."""
    found = json.loads(path.read_text(encoding="utf-8"))
    return {fault: LookedInto.from_data(data) for fault, data in found.items()}


def row_from_data(data: dict[str, Any], /) -> Row:
    """Return a row from what Row.as_data gave."""
    own = {key: value for key, value in data.items() if key not in ("in_noise", "verdict")}
    numbers = {
        n: None if data[n] is None else float(data[n]) for n in ("difference", "noise", "allowed", "got", "expected")
    }
    return Row(**{**own, **numbers, "index": tuple(data["index"])})
