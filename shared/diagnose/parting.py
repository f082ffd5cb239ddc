"""Where a backend's whole run parts from the reference's, as `compare` judges it, for single steps to explain.

A diagnosis looks into a few steps, each from the reference's own state. A mistake that shows later, or only when many
steps come together, is seen by no such look; so a backend of which they find nothing is trained as `compare` trains it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from backends import REFERENCE
from shared.compare.comparison import compare_runs
from shared.compare.verdict import Finding
from shared.diagnose.visits import Visit
from shared.harness.launch import JobOutcome, run_jobs, training_job
from shared.harness.plan import plan_compare
from shared.harness.run import resolve_spec
from shared.harness.settings import RunSettings
from shared.report.progress import ProgressDisplay


def find_partings(
    template: RunSettings, backends: Sequence[str], folder: Path, /, *, console: Console
) -> tuple[dict[str, Finding], list[JobOutcome]]:
    """Return where each backend that parts from the reference first does, and the runs that failed.

    template: as `compare` takes it. folder: for the runs, inside one that is taken away.
    """
    gans = [template.gan] if template.spec_file is None else []
    plan = plan_compare(gans, backends, replace(template, num_moments=1), folder, threads=None)
    jobs = [training_job(job) for job in plan.jobs]
    with ProgressDisplay(console, num_jobs=len(jobs)) as display:
        outcomes = run_jobs(
            jobs, num_slots=plan.num_slots, on_progress=display.on_progress, on_outcome=display.on_outcome
        )
    failed = [outcome for outcome in outcomes if outcome.status != "finished"]
    finished = [job for job in plan.jobs if job.folder not in {outcome.settings.folder for outcome in failed}]
    if REFERENCE not in {job.backend for job in finished}:
        return {}, failed
    spec = resolve_spec(next((job for job in finished if job.backend != REFERENCE), finished[0]))
    names = [job.backend for job in finished]
    comparison = compare_runs(Path(finished[0].folder).parent, names, spec, {})
    found = {pair.pair[1]: pair.findings[0] for pair in comparison.pairs if pair.pair[0] == REFERENCE and pair.findings}
    return found, failed


def visits_of(findings: Iterable[Finding], known: Sequence[Visit], /) -> tuple[Visit, ...]:
    """Return the steps to look into for findings, in order of training, without those that are known."""
    visits = set()
    for finding in findings:
        # What a loss shows may have happened to the parameters in the step before.
        visits |= {Visit(phase=finding.phase, step=step) for step in (finding.step - 1, finding.step) if step >= 0}
    order = {"pretraining": 0, "adversarial": 1}
    return tuple(sorted(visits.difference(known), key=lambda visit: (order[visit.phase], visit.step)))
