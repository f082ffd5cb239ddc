"""The defaults of all frameworks in GANs, each GAN in a worker process of the reference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from gan_rosetta.backends import REFERENCE, BackendEntry
from gan_rosetta.shared.defaults.measure import measure_defaults
from gan_rosetta.shared.defaults.measurement import GanMeasurement, read_measurement, write_measurement
from gan_rosetta.shared.gans.affordable import make_affordable
from gan_rosetta.shared.runs.order import Feed, Keeping, Order, RunSetup
from gan_rosetta.shared.runs.plan import available_cores
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.spec.cost import step_flops
from gan_rosetta.shared.storage.scratch import temporary_folder
from gan_rosetta.shared.workers.jobs import Job, JobOutcome
from gan_rosetta.shared.workers.launch import run_jobs
from gan_rosetta.shared.workers.tasks import ReportProgress
from gan_rosetta.shared.workers.watching import Watch


def run_defaults(
    specs: Sequence[GanSpec], feed: Feed, /, *, watch: Watch
) -> tuple[list[GanMeasurement], list[JobOutcome]]:
    """Return what was measured of each GAN, in the order given, and the jobs that failed."""
    with temporary_folder() as root:
        jobs = []
        # The costliest first, so that none is left over at the end.
        for spec in sorted(specs, key=step_flops, reverse=True):
            order = Order(
                spec=spec,
                run=RunSetup(name=REFERENCE, backend=REFERENCE),
                feed=feed,
                keeping=Keeping(folder=f"{root}/{spec.name}"),
            )
            jobs.append(Job(settings=order, task="defaults", data=order.as_data()))
        with watch(len(jobs)) as watcher:
            outcomes = run_jobs(
                jobs,
                num_slots=min(available_cores(), len(jobs)),
                on_progress=watcher.on_progress,
                on_outcome=watcher.on_outcome,
            )
        failures = [outcome for outcome in outcomes if outcome.status != "finished"]
        failed = {outcome.settings.gan for outcome in failures}
        results = [read_measurement(root / spec.name) for spec in specs if spec.name not in failed]
    return results, failures


def serve(
    data: dict[str, Any], entry: BackendEntry, /, *, report_progress: ReportProgress, kept: dict[str, Any]
) -> dict[str, Any]:
    """Measure one GAN's defaults in a worker."""
    del entry, kept
    run_defaults_job(Order.from_data(data), report_progress=report_progress)
    return {}


def run_defaults_job(order: Order, /, *, report_progress: Callable[[str, int, int], None]) -> None:
    """Measure one GAN, in this process, and write what was found into the order's folder."""

    def report(done: int, total: int) -> None:
        report_progress("defaults", done, total)

    result = measure_defaults(
        make_affordable(order.spec),
        seed=order.feed.seed,
        digits=order.feed.image_source,
        report_progress=report,
    )
    write_measurement(Path(order.folder), result)
