"""A sweep's plan, as a TOML file has it, and the jobs that it comes to.

gans = ["linear-2d", "mine.toml"]    # of the catalogue, or files beside the plan
runs = ["numpy", "torch:float32"]
seeds = 20                           # how many, from first_seed on
steps = 500

[fields]
"training.discriminator_optimizer.learning_rate.value" = [0.01, 0.05]
"batch_size" = [4, 8]
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gan_rosetta.shared.errors import SpecError, UsageError
from gan_rosetta.shared.gans import CATALOGUE
from gan_rosetta.shared.runs.budget import require_room
from gan_rosetta.shared.runs.names import RunName, folder_name, parse_runs
from gan_rosetta.shared.runs.order import DEFAULT_SEED, Order, require_count
from gan_rosetta.shared.runs.plan import available_cores, make_order, setup_of
from gan_rosetta.shared.runs.request import make_request
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.spec.reader import build
from gan_rosetta.shared.spec.serialise import to_data
from gan_rosetta.shared.spec.toml_file import parse_toml, read_spec_text
from gan_rosetta.shared.sweeps.fields import with_field
from gan_rosetta.shared.workers.registry import find_backend, require_installed

_WANTED = "a sweep's plan"
_DIGITS = 16
JOBS_FOLDER = "jobs"
MOST_JOBS = 100_000


@dataclass(frozen=True, kw_only=True)
class PlanFile:
    """What a plan's file says, besides its fields. steps, pretrain_steps, batch_size: the GANs' own where None."""

    gans: tuple[str, ...]
    runs: tuple[str, ...]
    seeds: int = 1
    first_seed: int = DEFAULT_SEED
    steps: int | None = None
    pretrain_steps: int | None = None
    batch_size: int | None = None
    mnist: str | None = None


@dataclass(frozen=True, kw_only=True)
class SweepJob:
    """One training. settings: the values of the plan's fields, as it gives them."""

    settings: Mapping[str, Any]
    order: Order


@dataclass(frozen=True, kw_only=True)
class SweepPlan:
    """All jobs of a sweep, in the order of its table. fields: the paths that it goes through."""

    fields: tuple[str, ...]
    jobs: tuple[SweepJob, ...]
    num_slots: int = field(default_factory=available_cores)


def read_plan(path: Path, out: Path, /, *, elsewhere: bool = False) -> SweepPlan:
    """Return the plan that a file describes, with its jobs below `out`; raises UsageError, SpecError.

    elsewhere: the jobs run on other machines, so that backends need not be installed here.
    """
    text = read_spec_text(path, wanted=_WANTED)
    return make_plan(parse_toml(text, where=str(path), wanted=_WANTED), out, where=str(path), elsewhere=elsewhere)


def make_plan(data: Mapping[str, Any], out: Path, /, *, where: str = "the plan", elsewhere: bool = False) -> SweepPlan:
    """Return the plan that a table describes, as read_plan does; GANs in files are found beside `where`."""
    told, axes = _read(data, where)
    runs = parse_runs(told.runs)
    total = len(told.gans) * len(runs) * told.seeds
    for values in axes.values():
        total *= len(values)
    if total > MOST_JOBS:
        raise UsageError(f"{where} comes to {total:,} jobs; {MOST_JOBS:,} are the most: leave out some seeds or values")
    jobs = [job for gan in told.gans for job in _jobs_of(gan, told, runs, axes, out, where=where, elsewhere=elsewhere)]
    return SweepPlan(fields=tuple(axes), jobs=tuple(jobs))


def _read(data: Mapping[str, Any], where: str) -> tuple[PlanFile, dict[str, list[Any]]]:
    table = dict(data)
    axes = table.pop("fields", {})
    try:
        told: PlanFile = build(PlanFile, table, name=where)
    except SpecError as error:
        raise SpecError(f"{where}: {str(error).removeprefix('PlanFile: ')}") from None
    if not isinstance(axes, Mapping):
        raise SpecError(f"{where}: fields is no table; expected paths with a list of values each")
    for path, values in axes.items():
        if not isinstance(values, list) or not values:
            raise SpecError(f"{where}: the field {path!r} has no list of values; expected some, such as [0.01, 0.05]")
    for name in ("gans", "runs"):
        if not getattr(told, name):
            raise SpecError(f"{where}: {name} is empty; expected one at least")
    require_count("seeds", told.seeds, minimum=1)
    require_count("first_seed", told.first_seed, minimum=0)
    return told, dict(axes)


def _jobs_of(
    gan: str,
    told: PlanFile,
    runs: Sequence[RunName],
    axes: Mapping[str, list[Any]],
    out: Path,
    *,
    where: str,
    elsewhere: bool,
) -> Iterator[SweepJob]:
    name: str | Path = gan if gan in CATALOGUE or not gan.endswith(".toml") else Path(where).parent / gan
    request = make_request(
        name,
        steps=told.steps,
        pretrain_steps=told.pretrain_steps,
        batch_size=told.batch_size,
        mnist=told.mnist,
        seed=told.first_seed,
    )
    plain = request.resolve()
    setups = [setup_of(request, run, threads=1) for run in runs]
    if not elsewhere:
        for setup in setups:
            require_installed(find_backend(setup.backend), setup.python)
    for values in itertools.product(*axes.values()):
        settings = dict(zip(axes, values, strict=True))
        spec = _set(plain, settings, gan, where)
        require_room(spec, folder=out, num_runs=min(len(setups), available_cores()))
        for setup, index in itertools.product(setups, range(told.seeds)):
            seeded = replace(request, feed=replace(request.feed, seed=told.first_seed + index))
            yield SweepJob(settings=settings, order=_placed(make_order(seeded, spec, setup, out), out))


def _set(spec: GanSpec, settings: Mapping[str, Any], gan: str, where: str) -> GanSpec:
    for path, value in settings.items():
        try:
            spec = with_field(spec, path, value)
        except (UsageError, SpecError) as error:
            raise type(error)(f"{where}, {gan}: {error}") from None
    return spec


def _placed(order: Order, out: Path) -> Order:
    """Return an order whose folder follows from all that decides its numbers: what a plan had before is found again."""
    content = {"spec": to_data(order.spec), **order.numbers}
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:_DIGITS]
    folder = out / JOBS_FOLDER / f"{order.gan}-{folder_name(order.run_name)}-{digest}"
    return replace(order, keeping=replace(order.keeping, folder=str(folder), resume=True))
