"""Where a backend's whole run parts from the reference's, as `compare` judges it, for single steps to explain.

A diagnosis looks into a few steps, each from the reference's own state. A mistake that shows later, or only when many
steps come together, is seen by no such look; so a backend of which they find nothing is trained as `compare` trains it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from gan_rosetta.shared.compare.finding import Finding
from gan_rosetta.shared.diagnose.visits import Visit, in_order
from gan_rosetta.shared.runs.comparison import compare_runs
from gan_rosetta.shared.runs.names import RunName
from gan_rosetta.shared.runs.plan import plan_compare
from gan_rosetta.shared.runs.request import Request
from gan_rosetta.shared.runs.run import training_job
from gan_rosetta.shared.workers.jobs import JobOutcome
from gan_rosetta.shared.workers.launch import run_jobs
from gan_rosetta.shared.workers.watching import Watch


def find_partings(
    request: Request,
    runs: Sequence[RunName],
    folder: Path,
    /,
    *,
    watch: Watch,
    pythons: Mapping[str, str],
) -> tuple[dict[str, Finding], list[JobOutcome]]:
    """Return where each run that parts from the reference first does, by its name, and the runs that failed.

    request, pythons: as `compare` takes them. folder: for the runs, inside one that is taken away.
    """
    request = replace(request, course=replace(request.course, num_moments=1))
    plan = plan_compare([], runs, request, folder, threads=None, pythons=pythons)
    jobs = [training_job(job) for job in plan.jobs]
    with watch(len(jobs)) as watcher:
        outcomes = run_jobs(
            jobs, num_slots=plan.num_slots, on_progress=watcher.on_progress, on_outcome=watcher.on_outcome
        )
    failed = [outcome for outcome in outcomes if outcome.status != "finished"]
    finished = [job for job in plan.jobs if job.folder not in {outcome.settings.folder for outcome in failed}]
    if not any(job.course.yardstick for job in finished):
        return {}, failed
    spec = next((job.spec for job in finished if not job.course.yardstick), finished[0].spec)
    comparison = compare_runs([Path(job.folder) for job in finished], spec, {})
    references = {job.run.precision: job.run_name for job in finished if job.course.yardstick}
    own = {(references.get(job.run.precision), job.run_name) for job in finished}
    found = {pair.pair[1]: pair.findings[0] for pair in comparison.pairs if pair.pair in own and pair.findings}
    return found, failed


def visits_of(findings: Iterable[Finding], known: Sequence[Visit], /) -> tuple[Visit, ...]:
    """Return the steps to look into for findings, in order of training, without those that are known."""
    visits = set()
    for finding in findings:
        # What a loss shows may have happened to the parameters in the step before.
        visits |= {Visit(phase=finding.phase, step=step) for step in (finding.step - 1, finding.step) if step >= 0}
    return in_order(visits.difference(known))
