"""Turns what a person asks for into orders, a run each: checked, in turn, threads and the reference's share decided."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from gan_rosetta.backends import BACKENDS, REFERENCE
from gan_rosetta.shared.compare.tolerance import num_copies
from gan_rosetta.shared.errors import RecordError, UsageError
from gan_rosetta.shared.gans import PUBLISHED, find_gan
from gan_rosetta.shared.interface import precision_name
from gan_rosetta.shared.runs.budget import require_room, require_room_for_seeds
from gan_rosetta.shared.runs.checkpoint import Place
from gan_rosetta.shared.runs.inputs import open_start
from gan_rosetta.shared.runs.jobs_on_disk import is_finished, read_jobs
from gan_rosetta.shared.runs.names import RunName, folder_name
from gan_rosetta.shared.runs.order import LARGEST_COUNT, Feed, Keeping, Order, RunSetup, require_count
from gan_rosetta.shared.runs.record import require_free
from gan_rosetta.shared.runs.request import Exports, Request, require_takes_images
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.spec.cost import step_flops
from gan_rosetta.shared.workers.environments import find_problem, find_python
from gan_rosetta.shared.workers.registry import find_backend, installed_version, require_installed, resolve_execution

# In a comparison of the whole catalogue a GAN whose single step costs most of a minute takes a part of its batch: the
# mathematics is the same, layer by layer.
OVERVIEW_BATCH_SIZES = {"mnist-conv": 10}
# What the reference and its copies may spend on one GAN: about a minute on two cores.
_REFERENCE_FLOPS = 3e12
# Below this many operations a step, a second thread costs more than it brings.
_THREADING_FLOPS = 1e8


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Orders and how many of them may run at once.

    left_out, notes: lines for the user, of what is not run and of what is odd. exports: files to write first.
    """

    jobs: tuple[Order, ...]
    num_slots: int
    left_out: tuple[str, ...]
    notes: tuple[str, ...] = ()
    exports: Exports = field(default_factory=Exports)


def plan_train(
    runs: Sequence[RunName],
    request: Request,
    out: Path,
    /,
    *,
    pythons: Mapping[str, str] | None = None,
    threads: int | None = None,
    num_seeds: int = 1,
) -> Plan:
    """Return the plan of `train`, a job for each run; raises what a user can cause, before anything is written.

    pythons, threads, num_seeds: as in plan_compare.
    """
    _require_seeds(num_seeds, request.feed)
    spec = request.resolve()
    num_slots = max(1, min(len(runs), available_cores()))
    threads = _chosen(threads, threads_for(spec) if num_slots == 1 else _share(num_slots))
    require_room(spec, folder=out, num_runs=num_slots)
    require_room_for_seeds(spec, num_seeds)
    notes = open_start(request.feed, spec).notes
    jobs = []
    for run in runs:
        job = make_order(request, spec, setup_of(request, run, threads=threads, pythons=pythons), out / spec.name)
        job = replace(job, course=replace(job.course, num_seeds=num_seeds))
        require_installed(find_backend(job.backend), job.python)
        _require_fresh(job, out)
        jobs.append(job)
    if len(jobs) > 1 and request.exports != Exports():
        raise UsageError("--export-tape and --export-initial-state go with one run; leave the others out")
    return Plan(jobs=tuple(jobs), num_slots=num_slots, left_out=(), notes=notes, exports=request.exports)


def plan_compare(
    gans: Sequence[str],
    runs: Sequence[RunName],
    request: Request,
    out: Path,
    /,
    *,
    threads: int | None,
    pythons: Mapping[str, str] | None = None,
    num_seeds: int = 1,
) -> Plan:
    """Return the plan of `compare`, the cheapest GAN first; raises what a user can cause, before anything is written.

    gans, runs: empty for the nine published ones, one run a backend; the request's own GAN goes before gans. Where all
    of those are compared, the costliest take a smaller batch, unless the request has one (OVERVIEW_BATCH_SIZES).
    threads: of each worker that its run's name gives none, None to share out the cores. pythons: that backends without
    an environment in their run's name are to run on. The reference is always among the runs, once in each type that
    another has, since it is what the yardstick is measured on; it takes the steps that it can afford. num_seeds: that
    each run which was asked for is trained from besides.
    """
    _require_seeds(num_seeds, request.feed)
    specs = _specs(gans, request)
    if request.feed.images is not None:
        require_takes_images(specs)
    asked = list(runs) or [RunName(backend=name) for name in BACKENDS]
    # How many run at once, and so what each may have, is known only once it is known what is there.
    setups = [setup_of(request, run, threads=1, pythons=pythons) for run in asked]
    missing = [setup for setup in setups if installed_version(find_backend(setup.backend), setup.python) is None]
    setups = [setup for setup in setups if setup not in missing]
    if len(specs) > 1 and (request.feed.tape or request.feed.initial_state):
        raise UsageError(f"--tape and --initial-state belong to one GAN, but {len(specs)} are to be compared; name one")
    references = _references(setups, request)
    measured = {setup.name for setup in references}
    setups = [*references, *(setup for setup in setups if setup.name not in measured)]
    num_slots = max(1, min(len(setups), available_cores()))
    own = {str(run): run.threads for run in asked}
    share = _chosen(threads, _share(num_slots))
    setups = [replace(setup, threads=_chosen(own.get(setup.name), share)) for setup in setups]
    jobs: list[Order] = []
    notes: list[str] = []
    for spec in specs:
        require_room(spec, folder=out, num_runs=num_slots, num_copies=num_copies(spec))
        require_room_for_seeds(spec, num_seeds)
        start = open_start(request.feed, spec)
        notes += start.notes
        for setup in setups:
            job = make_order(request, spec, setup, out / spec.name)
            if setup.name in own:
                job = replace(job, course=replace(job.course, num_seeds=num_seeds))
            jobs.append(_as_yardstick(job, place=start.place) if setup.name in measured else job)
            _require_fresh(jobs[-1], out)
    left_out = tuple(f"{setup.name} is left out: {_why_missing(setup)}" for setup in missing)
    return Plan(jobs=tuple(jobs), num_slots=num_slots, left_out=left_out, notes=tuple(notes))


def _why_missing(setup: RunSetup) -> str:
    return find_problem(setup.python) or f"not installed; {find_backend(setup.backend).install_hint}"


def _specs(gans: Sequence[str], request: Request) -> list[GanSpec]:
    """Return the GANs to compare as they are to be trained, in turn."""
    if request.spec is not None:
        return [request.resolve()]
    named = [find_gan(name) for name in dict.fromkeys(gans)] or list(PUBLISHED.values())
    is_overview = {*PUBLISHED} <= {spec.name for spec in named} and request.batch_size is None
    specs = []
    for spec in sorted(named, key=_in_turn(named)):
        batch_size = OVERVIEW_BATCH_SIZES.get(spec.name) if is_overview else request.batch_size
        specs.append(replace(request, batch_size=batch_size).resolve(spec))
    return specs


def _in_turn(specs: Sequence[GanSpec]) -> Callable[[GanSpec], tuple[bool, float]]:
    """Return what sorts GANs: the cheapest first, so that a verdict comes soon, and then the costly ones before others.

    None of those is left over at the end, when the other cores have nothing to do.
    """
    cheapest = min(map(step_flops, specs))
    return lambda spec: (step_flops(spec) != cheapest, -step_flops(spec))


def plan_resume(out: Path, /, *, command: Literal["train", "compare"]) -> Plan:
    """Return the jobs that a command began in a folder, GANs in turn, each to go on from its checkpoint.

    Raises RecordError where there are none or one cannot be read, or where all are the other command's.
    """
    began = read_jobs(out)
    # Only compare measures the yardstick, on one run of each GAN.
    compared = {job.gan for job in began if job.course.yardstick}
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
    turn = _in_turn([job.spec for job in jobs])
    jobs.sort(key=lambda job: turn(job.spec))
    num_slots = max(1, min(len({job.run_name for job in jobs}), available_cores() // max(job.threads for job in jobs)))
    _require_room_to_go_on([job for job in jobs if not is_finished(job)], out, num_slots=num_slots)
    return Plan(jobs=tuple(jobs), num_slots=num_slots, left_out=(), notes=notes)


def _require_room_to_go_on(jobs: Sequence[Order], out: Path, *, num_slots: int) -> None:
    """Raise UsageError where what was begun, on another machine or by a stranger, has no room here."""
    for gan in dict.fromkeys(job.gan for job in jobs):
        own = [job for job in jobs if job.gan == gan]
        longest = max((job.spec for job in own), key=lambda spec: spec.training.num_steps)
        copies = num_copies(longest) if any(job.course.yardstick for job in own) else 0
        require_room(
            longest,
            folder=out,
            num_copies=copies,
            num_runs=min(num_slots, len(own)),
            said=f"going on in {out} with the run",
            has_options=False,
        )


def _require_seeds(num_seeds: int, feed: Feed) -> None:
    """Raise UsageError where runs cannot be trained from so many seeds."""
    require_count("--seeds", num_seeds, minimum=1)
    last = feed.seed + num_seeds - 1
    if last > LARGEST_COUNT:
        raise UsageError(
            f"--seeds {num_seeds} from --seed {feed.seed} goes up to {last:,}, and the last seed that there is is "
            f"{LARGEST_COUNT:,}; begin with an earlier --seed"
        )
    given = {"--initial-state": feed.initial_state, "--tape": feed.tape, "--first-step": feed.first_step}
    fixed = [option for option, value in given.items() if value is not None]
    if num_seeds > 1 and fixed:
        raise UsageError(
            f"--seeds {num_seeds} draws a state and a tape from each seed, and {fixed[0]} gives one for all; leave one "
            "of the two out"
        )


def _require_fresh(job: Order, out: Path) -> None:
    require_free(Path(job.folder))
    path = job.keeping.checkpoint_path
    if path.exists():
        raise RecordError(f"{path} is of a run that was interrupted; go on with --resume {out}, or name another folder")


def threads_for(spec: GanSpec, /) -> int:
    """Return the threads for a GAN that has the machine to itself: one where a second costs more than it brings."""
    return available_cores() if step_flops(spec) > _THREADING_FLOPS else 1


def available_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def affordable_steps(spec: GanSpec, /) -> int:
    """Return how many adversarial steps the reference and its copies can take of a GAN."""
    return max(1, int(_REFERENCE_FLOPS / (step_flops(spec) * (1 + num_copies(spec)))))


def setup_of(
    request: Request, run: RunName, /, *, threads: int = 1, pythons: Mapping[str, str] | None = None
) -> RunSetup:
    """Return how a run trains; where its name says nothing, as the request and `threads` do.

    pythons: as in plan_compare. Raises UsageError for an execution or an environment that there is not.
    """
    execution = run.execution or request.execution
    resolve_execution(find_backend(run.backend), execution)
    python = (pythons or {}).get(run.backend)
    if run.environment is not None:
        python = find_python(run.environment, said=f"run {run} is to run on {run.environment}")
    return RunSetup(
        name=str(run),
        backend=run.backend,
        python=python,
        dtype=run.dtype or request.dtype,
        execution=execution,
        products=run.products or "full",
        device=run.device or request.device,
        threads=_chosen(run.threads, threads),
    )


def make_order(request: Request, spec: GanSpec, setup: RunSetup, folder: Path, /) -> Order:
    """Return the order of one run of a resolved GAN, with a folder of its own in `folder`."""
    return Order(
        spec=spec,
        source=request.source,
        run=setup,
        feed=request.feed,
        course=request.course,
        keeping=Keeping(folder=str(folder / folder_name(setup.name)), checkpoint_seconds=request.checkpoint_seconds),
        patience_seconds=request.patience_seconds,
    )


def _references(setups: Sequence[RunSetup], request: Request) -> list[RunSetup]:
    """Return how the reference runs to measure the yardstick, in each precision of the others, or as was asked for.

    It runs on the processor whatever the others run on.
    """
    references = []
    kinds = dict.fromkeys([(setup.dtype, setup.products) for setup in setups] or [(request.dtype, "full")])
    # Runs of fewer digits are judged beside the full ones, so that their cost in digits is known.
    kinds = dict.fromkeys([*kinds, *((dtype, "full") for dtype, _ in kinds)])
    for dtype, products in kinds:
        precision = precision_name(dtype, products)
        own = (it for it in setups if it.backend == REFERENCE and it.precision == precision and it.python is None)
        short = None if products == "full" else products
        name = RunName(
            backend=REFERENCE, dtype=None if dtype == request.dtype and short is None else dtype, products=short
        )
        added = RunSetup(name=str(name), backend=REFERENCE, dtype=dtype, products=products, execution=request.execution)
        references.append(replace(next(own, added), device="cpu"))
    return references


def _as_yardstick(job: Order, *, place: Place) -> Order:
    """Return the reference's order, to measure the yardstick, with the steps that it and its copies can take."""
    first = place.done if place.phase == "adversarial" else 0
    planned = job.spec.training.num_steps
    steps = min(planned, first + affordable_steps(job.spec))
    course = replace(job.course, yardstick=True, planned_steps=planned)
    return replace(job, spec=job.spec.with_steps(training=steps), course=course)


def _chosen(asked: int | None, otherwise: int) -> int:
    return otherwise if asked is None else asked


def _share(num_slots: int) -> int:
    return max(1, available_cores() // num_slots)
