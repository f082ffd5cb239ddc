"""Reads a folder of runs for its page, checks what it reads, and never reads outside the folder."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gan_rosetta.shared.compare.yardstick import Yardstick
from gan_rosetta.shared.errors import RecordError
from gan_rosetta.shared.gans import CATALOGUE
from gan_rosetta.shared.report.fed import about
from gan_rosetta.shared.runs.comparison import FORMAT, YARDSTICK_FILE, measured_runs, yardstick_of
from gan_rosetta.shared.runs.comparison_types import ComparisonRecord, FindingRecord, PairRecord
from gan_rosetta.shared.runs.jobs_on_disk import SUFFIX as JOB_SUFFIX
from gan_rosetta.shared.runs.names import folder_name
from gan_rosetta.shared.runs.record import MOMENTS_FILE, Run, read_run
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.storage.documents import read_document
from gan_rosetta.shared.storage.typed import require_typed

_FILES = ("record.json", "losses.npz", "samples.npz", MOMENTS_FILE, YARDSTICK_FILE)
# How compare/judged.py ends the name of a place.
_MOMENT = re.compile(r" (at the end|at step \d+|after .+)$")


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
            require_inside(root, folder / name)
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


def require_inside(root: Path, path: Path, /) -> None:
    """Raise RecordError where a path leads out of the folder that a page is made of, which is resolved."""
    if not path.resolve().is_relative_to(root):
        raise RecordError(f"{path} leads out of {root}; a report reads inside its folder only, so copy the run into it")


def _check_run(run: Run) -> GanSpec:
    """Return a run's spec, after what the page shows of it has been read; raises RecordError."""
    for part in ("losses", "samples", "moments"):
        getattr(run, part)
    return run.order.spec


def _read_judgement(root: Path, path: Path) -> Judgement | None:
    """Return what comparison.json says; None where there is none, as after `train`."""
    if not path.exists():
        return None
    require_inside(root, path)
    try:
        data = read_document(path, number=FORMAT, remedy="run compare again")
        require_typed(ComparisonRecord, data, name="comparison")
        pairs = tuple(_pair(entry) for entry in data["pairs"])
    except (OSError, ValueError) as error:
        raise RecordError(f"{path} is not a comparison that can be shown ({error}); run compare again") from None
    return Judgement(verdict=data["verdict"], pairs=pairs, failures=data["failures"])


def _pair(data: PairRecord) -> PairResult:
    first, second = data["runs"]
    return PairResult(
        runs=(first, second),
        verdict=data["verdict"],
        reason=data["reason"],
        partings=tuple(_parting(entry) for entry in data["findings"]),
        notes=tuple(data["notes"]),
        largest=data["largest_relative_loss_difference"],
        checked_steps=data["checked_steps"],
        num_steps=data["num_steps"],
    )


def _parting(data: FindingRecord) -> Parting:
    where = data["where"]
    moment = _MOMENT.search(where)
    return Parting(
        what=where[: moment.start()] if moment else where,
        moment=moment[1] if moment else "",
        difference=data["difference"],
        allowed=data["allowed"],
    )
