"""The defaults of all frameworks in GANs, each GAN in a worker process of the reference."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from gan_rosetta.backends import REFERENCE, BackendEntry
from gan_rosetta.shared.data.digits import DigitSource
from gan_rosetta.shared.defaults.measure import measure_defaults
from gan_rosetta.shared.defaults.measurement import GanMeasurement, read_measurement, write_measurement
from gan_rosetta.shared.gans import find_gan
from gan_rosetta.shared.gans.affordable import make_affordable
from gan_rosetta.shared.runs.plan import available_cores
from gan_rosetta.shared.runs.run import resolve_spec, with_spec_text
from gan_rosetta.shared.runs.settings import RunSettings
from gan_rosetta.shared.spec.cost import step_flops
from gan_rosetta.shared.workers.jobs import Job, JobOutcome
from gan_rosetta.shared.workers.launch import run_jobs
from gan_rosetta.shared.workers.tasks import ReportProgress
from gan_rosetta.shared.workers.watching import Watch


def run_defaults(
    gans: Sequence[str], /, *, spec_file: Path | None = None, seed: int, mnist: str | None, watch: Watch
) -> tuple[list[GanMeasurement], list[JobOutcome]]:
    """Return what was measured of each GAN, in the order given, and the jobs that failed.

    gans: names of the catalogue; spec_file: a TOML file that describes another, in place of them. Raises UsageError,
    and SpecError for a file that describes no GAN.
    """
    path = None if spec_file is None else str(spec_file)
    given = with_spec_text(RunSettings(gan="", backend=REFERENCE, folder="", seed=seed, mnist=mnist, spec_file=path))
    specs = [find_gan(name) for name in dict.fromkeys(gans)] if spec_file is None else [resolve_spec(given)]
    with tempfile.TemporaryDirectory(prefix="gan-rosetta-") as root:
        jobs = []
        # The costliest first, so that none is left over at the end.
        for spec in sorted(specs, key=step_flops, reverse=True):
            settings = replace(given, gan=spec.name, folder=f"{root}/{spec.name}")
            jobs.append(Job(settings=settings, task="defaults", data=settings.as_data()))
        with watch(len(jobs)) as watcher:
            outcomes = run_jobs(
                jobs,
                num_slots=min(available_cores(), len(jobs)),
                on_progress=watcher.on_progress,
                on_outcome=watcher.on_outcome,
            )
        failures = [outcome for outcome in outcomes if outcome.status != "finished"]
        failed = {outcome.settings.gan for outcome in failures}
        results = [read_measurement(Path(root) / spec.name) for spec in specs if spec.name not in failed]
    return results, failures


def serve(
    data: dict[str, Any], entry: BackendEntry, /, *, report_progress: ReportProgress, kept: dict[str, Any]
) -> dict[str, Any]:
    """Measure one GAN's defaults in a worker."""
    del entry, kept
    run_defaults_job(RunSettings(**data), report_progress=report_progress)
    return {}


def run_defaults_job(settings: RunSettings, /, *, report_progress: Callable[[str, int, int], None]) -> None:
    """Measure one GAN, in this process, and write what was found into the settings' folder."""

    def report(done: int, total: int) -> None:
        report_progress("defaults", done, total)

    result = measure_defaults(
        make_affordable(find_gan(settings.gan) if settings.spec_file is None else resolve_spec(settings)),
        seed=settings.seed,
        digits=DigitSource.parse(settings.mnist),
        report_progress=report,
    )
    write_measurement(Path(settings.folder), result)
