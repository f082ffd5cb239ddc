"""The parts of a measurement on a GPU, in the order of what matters most, within a time."""

from __future__ import annotations

import importlib.metadata
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from packaging.requirements import Requirement

from gan_rosetta.backends import BACKENDS, REFERENCE, BackendEntry
from gan_rosetta.benchmarks.gpu.record import GpuRecord, Part, Sight
from gan_rosetta.benchmarks.plan import Selection, plan_benchmark
from gan_rosetta.benchmarks.record import Machine
from gan_rosetta.benchmarks.session import run_benchmark
from gan_rosetta.shared.errors import GanRosettaError, UsageError
from gan_rosetta.shared.gans import PUBLISHED
from gan_rosetta.shared.runs.machine import describe_machine
from gan_rosetta.shared.runs.order import DEFAULT_SEED, Label
from gan_rosetta.shared.runs.request import read_gan
from gan_rosetta.shared.workers.child import WorkerLost, WorkerProcess
from gan_rosetta.shared.workers.jobs import Job, Progress
from gan_rosetta.shared.workers.registry import installed_version

Say = Callable[[str], None]
Keep = Callable[[GpuRecord], None]

# Of this one a step takes the reference half a minute of a core, so it is tried last and by itself.
LARGEST_GAN = "mnist-conv"
SWEPT_GAN = "mnist-wgan-gp"
_QUICK = 0.05
_DISTRIBUTION = "gan-rosetta"
# So many processes compile at once that each does better alone.
_ONE_COMPILER_EACH = {"TORCHINDUCTOR_COMPILE_THREADS": "1"}
_COMPILE_ANEW = {"TORCHINDUCTOR_FORCE_DISABLE_CACHES": "1", "JAX_ENABLE_COMPILATION_CACHE": "false"}


@dataclass(frozen=True, kw_only=True)
class GpuSelection:
    """What a user asks for. Empty tuples choose all, of the GANs the published nine. minutes: later parts are left out.

    device: "cuda", or "cpu" to try the command itself. parts: by name, see PARTS. rounds, seconds: of a cell.
    """

    device: str = "cuda"
    gans: tuple[str, ...] = ()
    backends: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    minutes: float = 9.0
    rounds: int = 4
    seconds: float = 0.15
    seed: int = DEFAULT_SEED
    mnist: str | None = None

    def __post_init__(self) -> None:
        for name in self.parts:
            if name not in PARTS:
                raise UsageError(f"--parts has {name!r}; expected some of {', '.join(PARTS)}")
        if not 0 < self.minutes < 24 * 60:
            raise UsageError(f"--minutes is {self.minutes:g}; expected more than 0 and less than a day")
        for gan in self.gans:
            read_gan(gan)
        # What all parts' selections have, refused before the first.
        Selection(rounds=self.rounds, seconds=self.seconds, seed=self.seed, mnist=self.mnist)


@dataclass(frozen=True, kw_only=True)
class _Stage:
    """What a part measures beyond what all share.

    only: which of the published GANs it takes, those chosen among them. takes_others: and whichever others are named.
    fresh: compile anew. is_alone: too few cells to fill the processor.
    """

    title: str
    options: dict[str, Any]
    only: tuple[str, ...]
    takes_others: bool = False
    fresh: bool = False
    is_alone: bool = False


_SMALLER = tuple(name for name in PUBLISHED if name != LARGEST_GAN)
_STAGES: dict[str, _Stage] = {
    "float32": _Stage(
        title="All GANs but the largest, float32", options={"variants": True}, only=_SMALLER, takes_others=True
    ),
    "float64": _Stage(
        title="All GANs but the largest, float64",
        options={"dtypes": ("float64",), "rounds": 2, "seconds": _QUICK},
        only=_SMALLER,
        takes_others=True,
    ),
    "largest": _Stage(title="The largest GAN, float32", options={"rounds": 3}, only=(LARGEST_GAN,), is_alone=True),
    "anew": _Stage(
        title="Other processes that compile anew",
        options={"rounds": 1, "seconds": _QUICK},
        only=tuple(name for name in _SMALLER if "minibatch" not in name),
        takes_others=True,
        fresh=True,
    ),
    "tf32": _Stage(
        title="TF32 allowed", options={"tf32": True, "rounds": 3, "executions": ("eager",)}, only=(SWEPT_GAN,)
    ),
    "batch": _Stage(title="Growing batches", options={"scale": "batch"}, only=(SWEPT_GAN,)),
    "width": _Stage(title="Growing widths", options={"scale": "width"}, only=(SWEPT_GAN,)),
    "largest-float64": _Stage(
        title="The largest GAN, float64, a batch of 10",
        options={"dtypes": ("float64",), "scale": "batch", "sizes": (10.0,), "rounds": 2},
        only=(LARGEST_GAN,),
        is_alone=True,
    ),
}
PARTS = tuple(_STAGES)
PART_TITLES = {name: stage.title for name, stage in _STAGES.items()}


def run_gpu_benchmark(selection: GpuSelection, /, *, command: str, say: Say, keep: Keep) -> GpuRecord:
    """Measure every part and return the record. keep: takes what there is of it after each part.

    Raises UsageError where no backend sees the device.
    """
    started = time.perf_counter()
    machine = Machine(**describe_machine())  # type: ignore[arg-type]
    sights = tuple(_look(entry, selection.device) for entry in _entries(selection))
    record = GpuRecord(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        command=command,
        device=selection.device,
        duration_seconds=0.0,
        machine=machine,
        sights=sights,
        parts=(),
    )
    able = tuple(sight.backend for sight in sights if not sight.problem)
    for sight in sights:
        say(f"{sight.backend} {sight.version}: {sight.problem or f'{sight.name}, {sight.details}'}")
    if not able:
        raise UsageError(f"no installed backend sees {selection.device!r} here; see `gan-rosetta list`")
    for name in selection.parts or PARTS:
        stage, begun = _STAGES[name], time.perf_counter()
        gans = _gans(stage, selection.gans)
        if not gans:
            continue
        part = Part(name=name, title=stage.title, seconds=0.0, problem="", fresh=stage.fresh, record=None)
        if begun - started > selection.minutes * 60:
            part = replace(part, problem=f"left out, as {selection.minutes:g} minutes were over")
        else:
            part = _measure(part, stage, gans, able, selection, command=command, say=say)
        took = time.perf_counter() - begun
        say(f"{stage.title}: {part.problem or f'{took:.0f} s'}")
        parts = (*record.parts, replace(part, seconds=took))
        record = replace(record, parts=parts, duration_seconds=time.perf_counter() - started)
        keep(record)
    return record


def _gans(stage: _Stage, named: Sequence[str]) -> tuple[str, ...]:
    """Return which GANs a part takes of those that are named, in their order; its own where none is."""
    others = [gan for gan in named if gan not in PUBLISHED] if stage.takes_others else []
    return tuple(gan for gan in named or stage.only if gan in (*stage.only, *others))


def _measure(
    part: Part,
    stage: _Stage,
    gans: tuple[str, ...],
    able: tuple[str, ...],
    selection: GpuSelection,
    *,
    command: str,
    say: Say,
) -> Part:
    common: dict[str, Any] = {
        "gans": gans,
        "backends": able,
        "devices": (selection.device,),
        "rounds": selection.rounds,
        "seconds": selection.seconds,
        "seed": selection.seed,
        "mnist": selection.mnist,
        "repeats": True,
    }
    try:
        plan = plan_benchmark(Selection(**common | stage.options))
        variables = ({} if stage.is_alone else _ONE_COMPILER_EACH) | (_COMPILE_ANEW if stage.fresh else {})
        with _variables(variables):
            return replace(part, record=run_benchmark(plan, command=command, say=say))
    except GanRosettaError as error:
        return replace(part, problem=str(error))


def _entries(selection: GpuSelection) -> list[BackendEntry]:
    """Return the installed backends that may have a GPU: all but the reference, which judges on the processor."""
    return [
        entry
        for entry in BACKENDS.values()
        if installed_version(entry) is not None
        and (entry.name in selection.backends or not (selection.backends or entry.name == REFERENCE))
    ]


def _look(entry: BackendEntry, device: str) -> Sight:
    worker = WorkerProcess(entry.name, threads=1)
    wanted, is_wanted = _wanted(entry)
    sight = Sight(
        backend=entry.name,
        version=installed_version(entry) or "",
        name="",
        memory_bytes=0,
        details="",
        wanted=wanted,
        is_wanted=is_wanted,
        problem="",
    )
    try:
        try:
            ready = worker.start()
        except WorkerLost as lost:
            return replace(sight, problem=str(lost))
        if device not in ready.devices:
            return replace(sight, problem=f"sees no {device}, only {', '.join(ready.devices)}")
        label = Label(gan="device", backend=entry.name)
        job = Job(settings=label, task="benchmark", data={"action": "device", "device": device})
        outcome = worker.run(job, on_progress=_ignore)
        if outcome.status != "finished":
            return replace(sight, problem=outcome.message)
        return replace(sight, version=ready.version, **outcome.result)
    finally:
        worker.close()


def _ignore(progress: Progress, /) -> None:
    pass


def _wanted(entry: BackendEntry) -> tuple[str, bool]:
    """Return which versions of a framework this package asks for, and whether the installed one is among them."""
    try:
        lines = importlib.metadata.requires(_DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError:
        return "", True
    version = installed_version(entry) or ""
    for line in lines:
        requirement = Requirement(line)
        if requirement.name in entry.distributions and requirement.specifier:
            return f"{requirement.name}{requirement.specifier}", requirement.specifier.contains(
                version, prereleases=True
            )
    return "", True


@contextmanager
def _variables(values: dict[str, str]) -> Iterator[None]:
    """Have workers that start meanwhile find these variables, where the user set none of their own."""
    added = {name: value for name, value in values.items() if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            del os.environ[name]
