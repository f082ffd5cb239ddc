"""Turns what a user asks for into jobs: checked, ordered, with threads and the reference's share decided."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from backends import BACKENDS, REFERENCE
from shared.compare.tolerance import num_copies
from shared.errors import RecordError, UsageError
from shared.gans import CATALOGUE, find_gan
from shared.harness.checkpoint import Place
from shared.harness.inputs import open_start
from shared.harness.jobs_on_disk import read_jobs
from shared.harness.record import require_free
from shared.harness.registry import find_backend, installed_version, require_installed, resolve_execution
from shared.harness.run import resolve_spec, with_spec_text
from shared.harness.settings import OVERVIEW_BATCH_SIZES, RunSettings
from shared.spec import GanSpec
from shared.spec.cost import step_flops

# What the reference and its copies may spend on one GAN: about a minute on two cores.
_REFERENCE_FLOPS = 3e12
# Below this many operations a step, a second thread costs more than it brings.
_THREADING_FLOPS = 1e8


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Jobs and how many may run at once. left_out, notes: lines for the user, of what is not run and of what is odd."""

    jobs: tuple[RunSettings, ...]
    num_slots: int
    left_out: tuple[str, ...]
    notes: tuple[str, ...] = ()


def plan_train(template: RunSettings, out: Path, /) -> Plan:
    """Return the one job of `train`; raises what a user can cause, before anything is written."""
    entry = find_backend(template.backend)
    template = with_spec_text(template)
    spec = resolve_spec(template)
    require_installed(entry)
    resolve_execution(entry, template.execution)
    folder = out / spec.name / entry.name
    job = replace(template, folder=str(folder))
    notes = open_start(job, spec).notes
    _require_fresh(job, out)
    return Plan(jobs=(job,), num_slots=1, left_out=(), notes=notes)


def plan_compare(
    gans: Sequence[str], backends: Sequence[str], template: RunSettings, out: Path, /, *, threads: int | None
) -> Plan:
    """Return the jobs of `compare`, the costly GANs first; raises what a user can cause, before anything is written.

    gans, backends: empty for all; a spec_file of the template goes before gans. Where all GANs are compared, the
    costliest take a smaller batch, unless the template has one (OVERVIEW_BATCH_SIZES). threads: of each worker, None to
    share out the cores. The reference is always among the backends, since it is what the yardstick is measured on; it
    takes the steps that it can afford.
    """
    template = with_spec_text(template)
    specs = [find_gan(name) for name in dict.fromkeys(gans)] or list(CATALOGUE.values())
    if template.spec_file is not None:
        specs = [resolve_spec(template)]
    entries = [find_backend(name) for name in dict.fromkeys(backends)] or list(BACKENDS.values())
    missing = [entry for entry in entries if installed_version(entry) is None]
    names = [entry.name for entry in entries if entry not in missing and entry.name != REFERENCE]
    if len(specs) > 1 and (template.tape or template.initial_state):
        raise UsageError(f"--tape and --initial-state belong to one GAN, but {len(specs)} are to be compared; name one")
    for entry in entries:
        resolve_execution(entry, template.execution)
    is_overview = not gans and template.spec_file is None and template.batch_size is None
    names = [REFERENCE, *names]
    num_slots = max(1, min(len(names), available_cores()))
    jobs: list[RunSettings] = []
    notes: list[str] = []
    for named in sorted(specs, key=step_flops, reverse=True):
        job = replace(template, gan=named.name, threads=threads or max(1, available_cores() // num_slots))
        if is_overview:
            job = replace(job, batch_size=OVERVIEW_BATCH_SIZES.get(named.name))
        spec = resolve_spec(job)
        start = open_start(job, spec)
        notes += start.notes
        for name in names:
            jobs.append(_for_backend(job, name, spec, out / spec.name / name, place=start.place))
            _require_fresh(jobs[-1], out)
    left_out = tuple(f"{entry.name} is left out: not installed; {entry.install_hint}" for entry in missing)
    return Plan(jobs=tuple(jobs), num_slots=num_slots, left_out=left_out, notes=tuple(notes))


def plan_resume(out: Path, /, *, command: Literal["train", "compare"]) -> Plan:
    """Return the jobs that a command began in a folder, the costly GANs first, each to go on from its checkpoint.

    Raises RecordError where there are none or one cannot be read, or where all are the other command's.
    """
    began = read_jobs(out)
    # Only compare measures the yardstick, on one run of each GAN.
    compared = {job.gan for job in began if job.yardstick}
    jobs = [job for job in began if (job.gan in compared) == (command == "compare")]
    other = "train" if command == "compare" else "compare"
    if not jobs:
        purpose = "there is nothing to compare in it" if command == "compare" else "its runs are to be judged"
        goes_on = f"`gan-rosetta {other} --resume {out}` goes on with it"
        raise RecordError(f"{out} was written by {other}, so {purpose}; {goes_on}")
    notes = tuple(
        f"{job.gan} on {job.backend} is left out: {other} began it, and `gan-rosetta {other} --resume {out}` goes on"
        for job in began
        if job not in jobs
    )
    for job in jobs:
        require_installed(find_backend(job.backend))
    jobs.sort(key=lambda job: step_flops(resolve_spec(job)), reverse=True)
    num_slots = max(1, min(len({job.backend for job in jobs}), available_cores() // max(job.threads for job in jobs)))
    return Plan(jobs=tuple(jobs), num_slots=num_slots, left_out=(), notes=notes)


def _require_fresh(job: RunSettings, out: Path) -> None:
    require_free(Path(job.folder))
    if job.checkpoint_path.exists():
        raise RecordError(
            f"{job.checkpoint_path} is of a run that was interrupted; go on with --resume {out}, or name another folder"
        )


def default_threads(settings: RunSettings, /) -> int:
    """Return the threads for a run that has the machine to itself."""
    return threads_for(resolve_spec(settings))


def threads_for(spec: GanSpec, /) -> int:
    """Return the threads for a GAN that has the machine to itself: one where a second costs more than it brings."""
    return available_cores() if step_flops(spec) > _THREADING_FLOPS else 1


def available_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def affordable_steps(spec: GanSpec, /) -> int:
    """Return how many adversarial steps the reference and its copies can take of a GAN."""
    return max(1, int(_REFERENCE_FLOPS / (step_flops(spec) * (1 + num_copies(spec)))))


def _for_backend(job: RunSettings, name: str, spec: GanSpec, folder: Path, *, place: Place) -> RunSettings:
    if name != REFERENCE:
        return replace(job, backend=name, folder=str(folder))
    # The reference runs on the processor whatever the others run on, and through the stop rule of a GAN like them.
    first = place.done if place.phase == "adversarial" else 0
    steps = min(spec.training.num_steps, first + affordable_steps(spec))
    job = replace(job, backend=name, folder=str(folder), device="cpu", yardstick=True)
    return replace(job, steps=steps, planned_steps=spec.training.num_steps)
