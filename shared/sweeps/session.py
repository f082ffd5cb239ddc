"""Does what of a sweep is not done yet, here or on a cluster, and makes its table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gan_rosetta.shared.runs.jobs_on_disk import locked_file
from gan_rosetta.shared.runs.order import Order
from gan_rosetta.shared.seeds.job import read_seeds, seeds_job, seeds_path
from gan_rosetta.shared.sweeps.cluster import run_on_cluster
from gan_rosetta.shared.sweeps.plan import JOBS_FOLDER, SweepPlan
from gan_rosetta.shared.sweeps.table import TABLE_FILE, Row, Setting, require_table, settings_of, write_table
from gan_rosetta.shared.workers.jobs import JobOutcome
from gan_rosetta.shared.workers.launch import run_jobs
from gan_rosetta.shared.workers.watching import Watch

_LOCK_FILE = ".sweep.lock"


@dataclass(frozen=True, kw_only=True)
class Swept:
    """What came of a sweep. fields: that it went through; rows: a job each, in the plan's order. units: of outcomes.

    num_found: how many jobs were done before.
    """

    fields: tuple[str, ...]
    rows: tuple[Row, ...]
    units: dict[str, str]
    num_found: int

    @property
    def failures(self) -> tuple[Row, ...]:
        """The jobs that left nothing."""
        return tuple(row for row in self.rows if row.message)

    @property
    def outcomes(self) -> tuple[str, ...]:
        """The outcomes by name: first how good samples are."""
        return tuple(dict.fromkeys(name for row in self.rows for name in row.numbers))

    def settings(self) -> list[Setting]:
        """Return the rows together that differ in nothing but the seed."""
        return settings_of(self.rows)

    def as_data(self) -> dict[str, Any]:
        """Return it as plain data: a row a job, with None for what is no finite number."""
        rows = [{name: _in_json(value) for name, value in row.as_data().items()} for row in self.rows]
        return {"fields": list(self.fields), "units": self.units, "rows": rows}


def _in_json(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def sweep(plan: SweepPlan, out: Path, /, *, watch: Watch, cluster: str | None = None) -> Swept:
    """Do the jobs of a plan that are not done yet, and write the table of all of them into `out`.

    cluster: the address of a scheduler, None for this machine. Raises UsageError and RunFailed as run_on_cluster does,
    RecordError where another command is at it.
    """
    require_table()
    orders = [job.order for job in plan.jobs]
    with locked_file(out / _LOCK_FILE, of=out):
        (out / JOBS_FOLDER).mkdir(exist_ok=True)
        todo = [order for order in orders if not _is_done(order)]
        with watch(len(todo)) as watcher:
            if cluster is not None and todo:
                outcomes = run_on_cluster(todo, cluster, on_outcome=watcher.on_outcome)
            else:
                outcomes = run_jobs(
                    [replace(seeds_job(order), lane=place % plan.num_slots) for place, order in enumerate(todo)],
                    num_slots=plan.num_slots,
                    on_progress=watcher.on_progress,
                    on_outcome=watcher.on_outcome,
                )
        rows, units = _rows(plan, outcomes)
        write_table(out / TABLE_FILE, rows)
    return Swept(fields=plan.fields, rows=tuple(rows), units=units, num_found=len(orders) - len(todo))


def _is_done(order: Order) -> bool:
    return seeds_path(order).exists() and len(read_seeds(order).seeds) == order.course.num_seeds


def _rows(plan: SweepPlan, outcomes: Sequence[JobOutcome[Order]]) -> tuple[list[Row], dict[str, str]]:
    failed = {each.settings.folder: each.message or each.status for each in outcomes if each.status != "finished"}
    rows: list[Row] = []
    units: dict[str, str] = {}
    for job in plan.jobs:
        message = failed.get(job.order.folder, "")
        if message:
            rows.append(Row(job=job, numbers={}, happened={}, message=message))
            continue
        found = read_seeds(job.order)
        units |= dict(found.units)
        numbers = {name: float(values[0]) for name, values in found.numbers.items()}
        rows.append(Row(job=job, numbers=numbers, happened={k: bool(v[0]) for k, v in found.happened.items()}))
    return rows, units
