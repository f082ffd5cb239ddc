"""Carries out a plan: runs its jobs, then compares what they left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Set
from pathlib import Path

from gan_rosetta.shared.compare.tolerance import num_copies
from gan_rosetta.shared.gans import CATALOGUE
from gan_rosetta.shared.runs.comparison import GanComparison, compare_runs
from gan_rosetta.shared.runs.inputs import export_inputs
from gan_rosetta.shared.runs.jobs_on_disk import absent_folders, forget_jobs, is_finished, locked, write_jobs
from gan_rosetta.shared.runs.order import Order
from gan_rosetta.shared.runs.plan import Plan
from gan_rosetta.shared.runs.record import Run, read_run
from gan_rosetta.shared.runs.run import training_job
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.spec.cost import step_flops
from gan_rosetta.shared.workers.jobs import JobOutcome, Progress
from gan_rosetta.shared.workers.launch import run_jobs
from gan_rosetta.shared.workers.watching import Watch

# What a job costs on one core of an ordinary machine, roughly: frameworks differ, and only shares are made of it.
_SECONDS_A_JOB, _SECONDS_A_STEP, _FLOPS_A_SECOND = 0.5, 1e-3, 2e10
_PRETRAINING_STEP = 0.3
OnRun = Callable[[Run, GanSpec], None]
OnComparison = Callable[[GanComparison], None]


def train_plan(
    plan: Plan, /, *, watch: Watch, on_run: OnRun
) -> tuple[list[JobOutcome[Order]], list[tuple[Run, GanSpec]]]:
    """Run each job. Returns how each ended, and the runs that finished, each with its GAN.

    on_run: called with each of those as soon as it has finished.
    """
    for job in plan.jobs:
        export_inputs(plan.exports, job.feed, job.spec)
    runs: list[tuple[Run, GanSpec]] = []

    def settle(outcome: JobOutcome) -> None:
        if outcome.status == "finished":
            runs.append((read_run(Path(outcome.settings.folder)), outcome.settings.spec))
            on_run(*runs[-1])

    return _run(plan, watch=watch, on_outcome=settle), runs


def compare_plan(
    plan: Plan, /, *, watch: Watch, on_run: OnRun, on_comparison: OnComparison
) -> tuple[list[JobOutcome[Order]], list[GanComparison]]:
    """Run a plan's jobs, and compare each GAN as soon as its last run has ended.

    on_run: called with each run that has finished and its GAN, as soon as it has; on_comparison likewise. Returns how
    each job ended and the comparisons in the catalogue's order, other GANs last. A GAN whose reference failed has no
    yardstick and is left out; its failure is among the outcomes.
    """
    waiting: dict[str, list[JobOutcome[Order]]] = {job.gan: [] for job in plan.jobs}
    expected = Counter(job.gan for job in plan.jobs)
    comparisons: dict[str, GanComparison] = {}

    def settle(outcome: JobOutcome) -> None:
        gan = outcome.settings.gan
        if outcome.status == "finished":
            on_run(read_run(Path(outcome.settings.folder)), outcome.settings.spec)
        waiting[gan].append(outcome)
        if len(waiting[gan]) == expected[gan]:
            planned = [job.run_name for job in plan.jobs if job.gan == gan]
            waiting[gan].sort(key=lambda ended: planned.index(ended.settings.run_name))
            comparison = _compare_gan(waiting[gan])
            if comparison is not None:
                comparisons[gan] = comparison
                on_comparison(comparison)

    outcomes = _run(plan, watch=watch, on_outcome=settle)
    places = {name: place for place, name in enumerate(CATALOGUE)}
    return outcomes, sorted(comparisons.values(), key=lambda found: places.get(found.spec.name, len(places)))


def _share(job: Order) -> float:
    """About how many seconds a job takes, for the share of the whole that it is."""
    spec = job.spec
    pretraining = spec.num_pretraining_steps
    steps = spec.training.num_steps + _PRETRAINING_STEP * pretraining
    return _num_runs(job) * (_SECONDS_A_JOB + steps * (_SECONDS_A_STEP + step_flops(spec) / _FLOPS_A_SECOND))


def _num_runs(job: Order) -> int:
    return 1 + num_copies(job.spec) if job.course.yardstick else 1


def _run(plan: Plan, *, watch: Watch, on_outcome: Callable[[JobOutcome[Order]], None]) -> list[JobOutcome[Order]]:
    """Run what is not finished yet; outcomes of the others come first."""
    shares = {job.folder: _share(job) for job in plan.jobs}
    absent = absent_folders(plan.jobs)
    trained: set[str] = set()
    refused: list[Order] = []
    try:
        with locked(plan.jobs), watch(len(plan.jobs), shares) as watcher:

            def on_progress(progress: Progress) -> None:
                trained.add(progress.settings.folder)
                watcher.on_progress(progress)

            def on_settled(outcome: JobOutcome[Order]) -> None:
                if _is_refused(outcome, trained):
                    refused.append(outcome.settings)
                watcher.on_outcome(outcome)
                on_outcome(outcome)

            done = [job for job in plan.jobs if job.keeping.resume and is_finished(job)]
            for job in done:
                read_run(Path(job.folder)).check_files()
            to_do = [job for job in plan.jobs if job not in done]
            write_jobs(job for job in to_do if not job.keeping.resume)
            earlier = [JobOutcome(settings=job, status="finished") for job in done]
            for outcome in earlier:
                on_settled(outcome)
            # The first GAN's runs on all workers before any other, so that a verdict comes soon.
            later = run_jobs(
                [training_job(job, num_runs=_num_runs(job), is_awaited=job.gan == to_do[0].gan) for job in to_do],
                num_slots=plan.num_slots,
                on_progress=on_progress,
                on_outcome=on_settled,
            )
            return [*earlier, *later]
    finally:
        forget_jobs(refused, made=absent)


def _is_refused(outcome: JobOutcome[Order], trained: Set[str]) -> bool:
    """Whether a run was turned down before its first step, so that there is nothing of it to go on with.

    trained: folders of the runs that took a step, as each says of its first one, before it writes anything. What ends
    a run later, such as a full disk, leaves it to be taken up again.
    """
    order = outcome.settings
    return outcome.status == "usage" and order.folder not in trained and not order.keeping.resume


def _compare_gan(outcomes: list[JobOutcome[Order]]) -> GanComparison | None:
    finished = [outcome.settings for outcome in outcomes if outcome.status == "finished"]
    if not any(order.course.yardstick for order in finished):
        return None
    # The reference may have taken fewer steps than were asked for.
    spec = next((o.settings.spec for o in outcomes if not o.settings.course.yardstick), outcomes[0].settings.spec)
    failures = {outcome.settings.run_name: outcome.message for outcome in outcomes if outcome.status != "finished"}
    return compare_runs([Path(order.folder) for order in finished], spec, failures)
