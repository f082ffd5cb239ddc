"""Does what of a sweep is not done yet, here or on a cluster, and makes its table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gan_rosetta.shared.runs.jobs_on_disk import locked_file
from gan_rosetta.shared.runs.order import Order
from gan_rosetta.shared.seeds.job import read_seeds, seeds_job, seeds_path
from gan_rosetta.shared.sweeps.cluster import run_on_cluster
from gan_rosetta.shared.sweeps.plan import JOBS_FOLDER, SweepPlan
from gan_rosetta.shared.sweeps.table import Row, SweepTable
from gan_rosetta.shared.sweeps.table_file import LOCK_FILE, TABLE_FILE, require_table, write_table
from gan_rosetta.shared.workers.jobs import JobOutcome
from gan_rosetta.shared.workers.launch import run_jobs
from gan_rosetta.shared.workers.watching import Watch


@dataclass(frozen=True, kw_only=True)
class Swept(SweepTable):
    """What came of a sweep that was just done. num_found: how many jobs were done before."""

    num_found: int


def sweep(plan: SweepPlan, out: Path, /, *, watch: Watch, cluster: str | None = None) -> Swept:
    """Do the jobs of a plan that are not done yet, and write the table of all of them into `out`.

    cluster: the address of a scheduler, None for this machine. Raises UsageError and RunFailed as run_on_cluster does,
    RecordError where another command is at it.
    """
    require_table()
    orders = [job.order for job in plan.jobs]
    with locked_file(out / LOCK_FILE, of=out):
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
        swept = Swept(fields=plan.fields, rows=tuple(rows), units=units, num_found=len(orders) - len(todo))
        write_table(out / TABLE_FILE, swept)
    return swept


def _is_done(order: Order) -> bool:
    return seeds_path(order).exists() and len(read_seeds(order).seeds) == order.course.num_seeds


def _rows(plan: SweepPlan, outcomes: Sequence[JobOutcome[Order]]) -> tuple[list[Row], dict[str, str]]:
    failed = {each.settings.folder: each.message or each.status for each in outcomes if each.status != "finished"}
    rows: list[Row] = []
    units: dict[str, str] = {}
    for job in plan.jobs:
        message = failed.get(job.order.folder, "")
        numbers: dict[str, float] = {}
        happened: dict[str, bool] = {}
        if not message:
            found = read_seeds(job.order)
            units |= dict(found.units)
            numbers = {name: float(values[0]) for name, values in found.numbers.items()}
            happened = {name: bool(values[0]) for name, values in found.happened.items()}
        rows.append(
            Row(
                gan=job.order.gan,
                run=job.order.run_name,
                seed=job.order.feed.seed,
                settings=dict(job.settings),
                numbers=numbers,
                happened=happened,
                message=message,
            )
        )
    return rows, units
