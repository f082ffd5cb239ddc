"""Reads a folder of runs for its page, checks what it reads, and never reads outside the folder."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from gan_rosetta.shared.compare.yardstick import LOSS_NAMES, Yardstick
from gan_rosetta.shared.errors import GanRosettaError, RecordError
from gan_rosetta.shared.gans import CATALOGUE
from gan_rosetta.shared.report.fed import about
from gan_rosetta.shared.runs.comparison import FORMAT, YARDSTICK_FILE, measured_runs, yardstick_of
from gan_rosetta.shared.runs.jobs_on_disk import SUFFIX as JOB_SUFFIX
from gan_rosetta.shared.runs.names import folder_name
from gan_rosetta.shared.runs.record import MOMENTS_FILE, Run, read_run
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.storage.documents import read_document

_FILES = ("record.json", "losses.npz", "samples.npz", MOMENTS_FILE, YARDSTICK_FILE)
# How compare/verdict.py ends the name of a place.
_MOMENT = re.compile(r" (at the end|at step \d+|after .+)$")
_VERDICTS = ("AGREE", "DISAGREE", "NOT COMPARABLE")


@dataclass(frozen=True, kw_only=True)
class Parting:
    """Where a pair parts. what: a tensor or a loss; moment: when; difference: or "inf"; allowed: by rounding."""

    what: str
    moment: str
    difference: float | str
    allowed: float


@dataclass(frozen=True, kw_only=True)
class PairResult:
    """What comparison.json says of a pair of runs. largest: relative loss difference, or "inf"."""

    runs: tuple[str, str]
    verdict: str
    reason: str
    partings: tuple[Parting, ...]
    notes: tuple[str, ...]
    largest: float | str
    checked_steps: int
    num_steps: int


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What comparison.json says of a GAN. failures: the messages of those that left no run."""

    verdict: str
    pairs: tuple[PairResult, ...]
    failures: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class GanRuns:
    """All that a folder holds of one GAN. spec: None where no run of it finished; missing: of runs that left none."""

    name: str
    spec: GanSpec | None
    runs: tuple[Run, ...]
    yardstick: Yardstick | None
    judgement: Judgement | None
    missing: tuple[str, ...] = field(default=())

    @property
    def about(self) -> str:
        """The GAN in a line, with what it was fed where that is not what its spec says; "" where nothing is known."""
        return "" if self.spec is None else about(self.runs, self.spec)


def collect(folder: Path, /) -> list[GanRuns]:
    """Return the GANs whose runs lie in a folder, the catalogue's first, in its order.

    The folder is that of a command (<gan>/<backend>/record.json), of a GAN or of a run. Raises RecordError where there
    is no run, where a file cannot be read or is not of this version, or where a path leads out of the folder.
    """
    folder = root = folder.resolve()
    places: dict[Path, list[Path]] = {}
    for pattern in ("record.json", "*/record.json", "*/*/record.json"):
        for path in sorted(folder.glob(pattern)):
            if not any(part.startswith(".") for part in path.relative_to(folder).parts):
                places.setdefault(path.parent.parent, []).append(path.parent)
    for path in sorted([*folder.glob(f"*{JOB_SUFFIX}"), *folder.glob(f"*/*{JOB_SUFFIX}")]):
        places.setdefault(path.parent, [])
    if not any(places.values()):
        raise RecordError(f"{folder} holds no finished run; expected <gan>/<backend>/record.json, as compare writes it")
    found = [_collect_gan(root, place, runs) for place, runs in places.items()]
    order = list(CATALOGUE)
    return sorted(found, key=lambda gan: (order.index(gan.name) if gan.name in order else len(order), gan.name))


def _collect_gan(root: Path, place: Path, folders: list[Path]) -> GanRuns:
    runs, specs = [], []
    for folder in folders:
        for name in _FILES:
            _require_inside(root, folder / name)
        run = read_run(folder)
        specs.append(_check_run(run))
        runs.append(run)
    names = sorted({run.gan for run in runs})
    if len(names) > 1:
        raise RecordError(f"{place} holds runs of {', '.join(names)}; expected a folder for each GAN")
    # Above a run or a folder of runs that was named itself, nothing is read.
    readable = place.resolve().is_relative_to(root)
    measured = list(measured_runs(runs).values())
    begun = {path.name.removesuffix(JOB_SUFFIX) for path in place.glob(f"*{JOB_SUFFIX}")} if readable else set()
    judgement = _read_judgement(root, place / "comparison.json") if readable else None
    failed = judgement.failures if judgement is not None else ()
    left = {folder.name for folder in folders} | {folder_name(name) for name in failed}
    return GanRuns(
        name=runs[0].gan if runs else place.name,
        spec=specs[-1] if specs else None,
        runs=tuple(runs),
        yardstick=yardstick_of(measured[0]) if measured else None,
        judgement=judgement,
        missing=tuple(sorted(begun - left)),
    )


def _require_inside(root: Path, path: Path) -> None:
    if not path.resolve().is_relative_to(root):
        raise RecordError(f"{path} leads out of {root}; a report reads inside its folder only, so copy the run into it")


def _check_run(run: Run) -> GanSpec:
    """Return a run's spec; raises RecordError where the record or an array that the page shows is not as expected."""
    try:
        spec = run.order.spec
        problem = next(_problems(run, spec), None)
    except GanRosettaError as error:
        raise RecordError(f"{run.folder} does not hold a run that can be shown: {error}") from None
    except KeyError as error:
        raise RecordError(f"{run.folder} does not hold a run that can be shown: it lacks {error}") from None
    if problem is not None:
        raise RecordError(f"{run.folder} does not hold a run that can be shown: {problem}")
    return spec


def _problems(run: Run, spec: GanSpec) -> Iterator[str]:
    for name in ("gan", "backend", "run"):
        if not isinstance(run.record.get(name, ""), str):
            yield f"{name} in record.json is {run.record[name]!r}; expected a name"
    for name in ("timings", "versions", "machine", "outcome"):
        if not isinstance(run.record[name], dict):
            yield f"{name} in record.json is {type(run.record[name]).__name__}; expected a table"
    for name in LOSS_NAMES:
        yield from _not_numbers(name, run.losses[name], (len(run.losses[name]),) if run.losses[name].ndim else (0,))
    samples = run.samples
    for name in ("generated", "real"):
        yield from _not_numbers(name, samples[name], (*samples[name].shape[:1], *spec.real.sample_shape))
    if spec.discriminator.input_shape == (1,):
        yield from _not_numbers("boundary_y", samples["boundary_y"], samples["boundary_x"].shape)
        num_bins = max(0, samples["histogram_edges"].size - 1)
        for name in ("histogram_real", "histogram_generated"):
            yield from _not_numbers(name, samples[name], (num_bins,))
    if run.moments:
        yield from _problems_of_moments(run.moments, spec)


def _problems_of_moments(moments: Mapping[str, np.ndarray], spec: GanSpec) -> Iterator[str]:
    count = len(moments["adversarial_steps"]) if moments["adversarial_steps"].ndim else 0
    if not count:
        yield "moments.npz has no moment; expected the end at least"
    for name in ("adversarial_steps", "pretraining_steps"):
        yield from _not_numbers(name, moments[name], (count,))
    if spec.discriminator.input_shape == (1,):
        yield from _not_numbers("boundary_y", moments["boundary_y"], (count, moments["boundary_x"].size))
        num_bins = max(0, moments["histogram_edges"].size - 1)
        yield from _not_numbers("histogram_generated", moments["histogram_generated"], (count, num_bins))
    else:
        shown = moments["generated"]
        num_shown = shown.shape[1] if shown.ndim > 1 else 0
        yield from _not_numbers("generated", shown, (count, num_shown, *spec.real.sample_shape))


def _not_numbers(name: str, array: np.ndarray, shape: tuple[int, ...]) -> Iterator[str]:
    if array.dtype.kind not in "fiu" or array.shape != shape:
        yield f"{name} is {array.dtype} {array.shape}; expected numbers {shape}"


def _read_judgement(root: Path, path: Path) -> Judgement | None:
    """Return what comparison.json says; None where there is none, as after `train`."""
    if not path.exists():
        return None
    _require_inside(root, path)
    try:
        data = read_document(path, number=FORMAT, remedy="run compare again")
        if data["verdict"] not in _VERDICTS:
            raise ValueError(f"verdict is {data['verdict']!r}")
        return Judgement(
            verdict=data["verdict"],
            pairs=tuple(_pair(entry) for entry in data["pairs"]),
            failures={str(name): str(message) for name, message in dict(data["failures"]).items()},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RecordError(f"{path} is not a comparison that can be shown ({error!r}); run compare again") from None


def _pair(data: Mapping[str, Any]) -> PairResult:
    first, second = data["runs"]
    if data["verdict"] not in _VERDICTS:
        raise ValueError(f"a pair's verdict is {data['verdict']!r}")
    return PairResult(
        runs=(str(first), str(second)),
        verdict=data["verdict"],
        reason=str(data["reason"]),
        partings=tuple(_parting(entry) for entry in data["findings"]),
        notes=tuple(str(note) for note in data["notes"]),
        largest=_number(data["largest_relative_loss_difference"]),
        checked_steps=int(data["checked_steps"]),
        num_steps=int(data["num_steps"]),
    )


def _parting(data: Mapping[str, Any]) -> Parting:
    where = str(data["where"])
    moment = _MOMENT.search(where)
    return Parting(
        what=where[: moment.start()] if moment else where,
        moment=moment[1] if moment else "",
        difference=_number(data["difference"]),
        allowed=float(data["allowed"]),
    )


def _number(value: Any) -> float | str:
    return "inf" if value == "inf" else float(value)
