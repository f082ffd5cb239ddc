"""Carries out a plan: runs its jobs with progress shown, then compares and draws what they left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from backends import REFERENCE
from shared.compare.comparison import GanComparison, compare_runs
from shared.harness.inputs import export_inputs
from shared.harness.jobs_on_disk import is_finished, locked, write_jobs
from shared.harness.launch import JobOutcome, run_jobs, training_job
from shared.harness.plan import Plan
from shared.harness.record import Run, read_run
from shared.harness.run import resolve_spec
from shared.report.pictures import draw_pictures
from shared.report.progress import ProgressDisplay


def train_plan(plan: Plan, /, *, console: Console) -> tuple[list[JobOutcome], list[Run]]:
    """Run each job, showing progress, and draw the pictures of the runs that finished, beside their records."""
    for job in plan.jobs:
        if not job.resume:
            export_inputs(job, resolve_spec(job))
    # A run that is resumed writes inside its own folder alone, so its settings name no other file to write.
    jobs = tuple(replace(job, export_tape=None, export_initial_state=None) for job in plan.jobs)
    outcomes = _run(replace(plan, jobs=jobs), console=console, on_outcome=lambda _: None)
    runs = []
    for outcome in outcomes:
        if outcome.status == "finished":
            folder = Path(outcome.settings.folder)
            runs.append(read_run(folder))
            draw_pictures(folder, runs[-1:], None, resolve_spec(outcome.settings))
    return outcomes, runs


def compare_plan(plan: Plan, /, *, console: Console) -> tuple[list[JobOutcome], list[GanComparison]]:
    """Run a plan's jobs, showing progress, and compare and draw each GAN as soon as its last run has ended.

    Returns how each job ended and the comparisons in the plan's order. A GAN whose reference failed has no yardstick
    and is left out; its failure is among the outcomes.
    """
    waiting: dict[str, list[JobOutcome]] = {job.gan: [] for job in plan.jobs}
    expected = Counter(job.gan for job in plan.jobs)
    comparisons: dict[str, GanComparison] = {}

    def settle(outcome: JobOutcome) -> None:
        gan = outcome.settings.gan
        waiting[gan].append(outcome)
        if len(waiting[gan]) == expected[gan]:
            planned = [job.backend for job in plan.jobs if job.gan == gan]
            waiting[gan].sort(key=lambda ended: planned.index(ended.settings.backend))
            comparison = _compare_gan(waiting[gan])
            if comparison is not None:
                comparisons[gan] = comparison

    outcomes = _run(plan, console=console, on_outcome=settle)
    return outcomes, [comparisons[gan] for gan in waiting if gan in comparisons]


def _run(plan: Plan, *, console: Console, on_outcome: Callable[[JobOutcome], None]) -> list[JobOutcome]:
    """Run what is not finished yet; outcomes of the others come first."""
    with locked(plan.jobs), ProgressDisplay(console, num_jobs=len(plan.jobs)) as display:

        def on_settled(outcome: JobOutcome) -> None:
            display.on_outcome(outcome)
            on_outcome(outcome)

        done = [job for job in plan.jobs if job.resume and is_finished(job)]
        for job in done:
            read_run(Path(job.folder)).check_files()
        to_do = [job for job in plan.jobs if job not in done]
        write_jobs(job for job in to_do if not job.resume)
        earlier = [JobOutcome(settings=job, status="finished") for job in done]
        for outcome in earlier:
            on_settled(outcome)
        later = run_jobs(
            [training_job(job) for job in to_do],
            num_slots=plan.num_slots,
            on_progress=display.on_progress,
            on_outcome=on_settled,
        )
        return [*earlier, *later]


def _compare_gan(outcomes: list[JobOutcome]) -> GanComparison | None:
    folder = Path(outcomes[0].settings.folder).parent
    names = [outcome.settings.backend for outcome in outcomes if outcome.status == "finished"]
    if REFERENCE not in names:
        return None
    # The reference may have taken fewer steps than were asked for.
    spec = resolve_spec(next((o.settings for o in outcomes if o.settings.backend != REFERENCE), outcomes[0].settings))
    failures = {outcome.settings.backend: outcome.message for outcome in outcomes if outcome.status != "finished"}
    comparison = compare_runs(folder, names, spec, failures)
    draw_pictures(folder, list(comparison.runs), comparison.yardstick, spec)
    return comparison
