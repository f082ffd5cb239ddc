"""Turns what a user asks for into jobs: checked, ordered, with threads and the reference's share decided."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from gan_rosetta.backends import BACKENDS, REFERENCE
from gan_rosetta.shared.compare.tolerance import num_copies
from gan_rosetta.shared.errors import RecordError, UsageError
from gan_rosetta.shared.gans import CATALOGUE, find_gan
from gan_rosetta.shared.runs.checkpoint import Place
from gan_rosetta.shared.runs.inputs import open_start
from gan_rosetta.shared.runs.jobs_on_disk import read_jobs
from gan_rosetta.shared.runs.names import RunName, folder_name
from gan_rosetta.shared.runs.record import require_free
from gan_rosetta.shared.runs.run import resolve_spec, with_spec_text
from gan_rosetta.shared.runs.settings import OVERVIEW_BATCH_SIZES, RunSettings
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.spec.cost import step_flops
from gan_rosetta.shared.workers.environments import find_python
from gan_rosetta.shared.workers.registry import find_backend, installed_version, require_installed, resolve_execution

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


def plan_train(
    runs: Sequence[RunName],
    template: RunSettings,
    out: Path,
    /,
    *,
    pythons: Mapping[str, str] | None = None,
    threads: int | None = None,
) -> Plan:
    """Return the jobs of `train`, one a run; raises what a user can cause, before anything is written.

    pythons, threads: as in plan_compare.
    """
    template = with_spec_text(template)
    spec = resolve_spec(template)
    num_slots = max(1, min(len(runs), available_cores()))
    template = replace(template, threads=_chosen(threads, threads_for(spec) if num_slots == 1 else _share(num_slots)))
    notes = open_start(template, spec).notes
    jobs = []
    for run in runs:
        job = settings_of_run(template, run, out / spec.name, pythons or {})
        job = job.with_threads(_chosen(run.threads, template.threads))
        require_installed(find_backend(job.backend), job.python)
        _require_fresh(job, out)
        jobs.append(job)
    if len(jobs) > 1 and (template.export_tape or template.export_initial_state):
        raise UsageError("--export-tape and --export-initial-state go with one run; leave the others out")
    return Plan(jobs=tuple(jobs), num_slots=num_slots, left_out=(), notes=notes)


def plan_compare(
    gans: Sequence[str],
    runs: Sequence[RunName],
    template: RunSettings,
    out: Path,
    /,
    *,
    threads: int | None,
    pythons: Mapping[str, str] | None = None,
) -> Plan:
    """Return the jobs of `compare`, the costly GANs first; raises what a user can cause, before anything is written.

    gans, runs: empty for all, one run a backend; a spec_file of the template goes before gans. Where all GANs are
    compared, the costliest take a smaller batch, unless the template has one (OVERVIEW_BATCH_SIZES). threads: of each
    worker that its run's name gives none, None to share out the cores. pythons: that backends without an environment in
    their run's name are to run on. The reference is always among the runs, once in each type that another has, since it
    is what the yardstick is measured on; it takes the steps that it can afford.
    """
    template = with_spec_text(template)
    specs = [find_gan(name) for name in dict.fromkeys(gans)] or list(CATALOGUE.values())
    if template.spec_file is not None:
        specs = [resolve_spec(template)]
    asked = list(runs) or [RunName(backend=name) for name in BACKENDS]
    base = [settings_of_run(template, run, out, pythons or {}) for run in asked]
    missing = [job for job in base if installed_version(find_backend(job.backend), job.python) is None]
    base = [job for job in base if job not in missing]
    if len(specs) > 1 and (template.tape or template.initial_state):
        raise UsageError(f"--tape and --initial-state belong to one GAN, but {len(specs)} are to be compared; name one")
    own_threads = {str(run): run.threads for run in asked}
    is_overview = not gans and template.spec_file is None and template.batch_size is None
    base = _with_references(base, template)
    num_slots = max(1, min(len(base), available_cores()))
    jobs: list[RunSettings] = []
    notes: list[str] = []
    for named in sorted(specs, key=step_flops, reverse=True):
        batch_size = OVERVIEW_BATCH_SIZES.get(named.name) if is_overview else template.batch_size
        job = replace(template, gan=named.name, batch_size=batch_size)
        spec = resolve_spec(job)
        start = open_start(job, spec)
        notes += start.notes
        for run in base:
            own = replace(run, gan=named.name, batch_size=batch_size, folder=_folder(out / spec.name, run.run_name))
            own = own.with_threads(_chosen(own_threads.get(run.run_name), _chosen(threads, _share(num_slots))))
            jobs.append(_afforded(own, spec, place=start.place) if own.yardstick else own)
            _require_fresh(jobs[-1], out)
    left_out = tuple(
        f"{job.run_name} is left out: not installed; {find_backend(job.backend).install_hint}" for job in missing
    )
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
        f"{job.gan} on {job.run_name} is left out: {other} began it, and `gan-rosetta {other} --resume {out}` goes on"
        for job in began
        if job not in jobs
    )
    for job in jobs:
        require_installed(find_backend(job.backend), job.python)
    jobs.sort(key=lambda job: step_flops(resolve_spec(job)), reverse=True)
    num_slots = max(1, min(len({job.run_name for job in jobs}), available_cores() // max(job.threads for job in jobs)))
    return Plan(jobs=tuple(jobs), num_slots=num_slots, left_out=(), notes=notes)


def _require_fresh(job: RunSettings, out: Path) -> None:
    require_free(Path(job.folder))
    if job.checkpoint_path.exists():
        raise RecordError(
            f"{job.checkpoint_path} is of a run that was interrupted; go on with --resume {out}, or name another folder"
        )


def threads_for(spec: GanSpec, /) -> int:
    """Return the threads for a GAN that has the machine to itself: one where a second costs more than it brings."""
    return available_cores() if step_flops(spec) > _THREADING_FLOPS else 1


def available_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def affordable_steps(spec: GanSpec, /) -> int:
    """Return how many adversarial steps the reference and its copies can take of a GAN."""
    return max(1, int(_REFERENCE_FLOPS / (step_flops(spec) * (1 + num_copies(spec)))))


def settings_of_run(template: RunSettings, run: RunName, folder: Path, pythons: Mapping[str, str], /) -> RunSettings:
    """Return a run's settings, where its name says nothing those of the template; its folder lies in `folder`.

    pythons: as in plan_compare. Raises UsageError for an execution or an environment that there is not.
    """
    execution = run.execution or template.execution
    resolve_execution(find_backend(run.backend), execution)
    python = pythons.get(run.backend)
    if run.environment is not None:
        python = find_python(run.environment, said=f"run {run} is to run on {run.environment}")
    return replace(
        template,
        backend=run.backend,
        run=str(run),
        python=python,
        execution=execution,
        dtype=run.dtype or template.dtype,
        device=run.device or template.device,
        folder=_folder(folder, str(run)),
    )


def _with_references(jobs: Sequence[RunSettings], template: RunSettings) -> list[RunSettings]:
    """Return the jobs with the reference's before them, in each of their types, to measure the yardstick.

    It runs on the processor whatever the others run on.
    """
    references = []
    for dtype in dict.fromkeys([job.dtype for job in jobs] or [template.dtype]):
        own = (job for job in jobs if job.backend == REFERENCE and job.dtype == dtype and job.python is None)
        name = RunName(backend=REFERENCE, dtype=None if dtype == template.dtype else dtype)
        added = replace(template, backend=REFERENCE, run=str(name), dtype=dtype)
        references.append(replace(next(own, added), device="cpu", yardstick=True))
    measured = {job.run_name for job in references}
    return [*references, *(job for job in jobs if job.run_name not in measured)]


def _afforded(job: RunSettings, spec: GanSpec, *, place: Place) -> RunSettings:
    """Return the reference's settings with the steps that it and its copies can take."""
    first = place.done if place.phase == "adversarial" else 0
    steps = min(spec.training.num_steps, first + affordable_steps(spec))
    return replace(job, steps=steps, planned_steps=spec.training.num_steps)


def _folder(parent: Path, run: str) -> str:
    return str(parent / folder_name(run))


def _chosen(asked: int | None, otherwise: int) -> int:
    return otherwise if asked is None else asked


def _share(num_slots: int) -> int:
    return max(1, available_cores() // num_slots)
