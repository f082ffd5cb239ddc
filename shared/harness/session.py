"""Carries out a plan: runs its jobs with progress shown, then compares and draws what they left."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from backends import REFERENCE
from shared.compare.comparison import GanComparison, compare_runs
from shared.harness.launch import JobOutcome, run_jobs, training_job
from shared.harness.plan import Plan
from shared.harness.record import Run, read_run
from shared.harness.run import resolve_spec
from shared.harness.settings import RunSettings
from shared.report.pictures import draw_pictures
from shared.report.progress import ProgressDisplay


def run_plan(plan: Plan, /, *, console: Console) -> list[JobOutcome]:
    """Run a plan's jobs in worker processes, showing progress; returns how each ended."""
    with ProgressDisplay(console, num_jobs=len(plan.jobs)) as display:
        return run_jobs(
            [training_job(job) for job in plan.jobs],
            num_slots=plan.num_slots,
            on_progress=display.on_progress,
            on_outcome=display.on_outcome,
        )


def train_pictures(folder: Path, job: RunSettings, /) -> Run:
    """Draw the pictures of one run beside its record and return the run."""
    run = read_run(folder)
    draw_pictures(folder, [run], None, resolve_spec(job))
    return run


def compare_plan(plan: Plan, outcomes: list[JobOutcome], out: Path, /) -> list[GanComparison]:
    """Compare, GAN by GAN in the catalogue's order of the plan, the runs that finished, and draw their pictures.

    A GAN whose reference failed has no yardstick and is left out; its failure is among the outcomes.
    """
    finished = {(o.settings.gan, o.settings.backend) for o in outcomes if o.status == "finished"}
    comparisons = []
    for gan in dict.fromkeys(job.gan for job in plan.jobs):
        jobs = [job for job in plan.jobs if job.gan == gan]
        if (gan, REFERENCE) not in finished:
            continue
        spec = resolve_spec(next(job for job in jobs if job.backend != REFERENCE or len(jobs) == 1))
        failures = {o.settings.backend: o.message for o in outcomes if o.settings.gan == gan and o.status != "finished"}
        names = [job.backend for job in jobs if (gan, job.backend) in finished]
        comparison = compare_runs(out / gan, names, spec, failures)
        draw_pictures(out / gan, list(comparison.runs), comparison.yardstick, spec)
        comparisons.append(comparison)
    return comparisons
