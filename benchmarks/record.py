"""A benchmark on disk: one versioned JSON file, immutable, whose units and numbers are checked when it is read."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from gan_rosetta.benchmarks.cells import Cell
from gan_rosetta.shared.errors import RecordError, SpecError
from gan_rosetta.shared.spec.reader import build
from gan_rosetta.shared.spec.serialise import to_data
from gan_rosetta.shared.storage.documents import read_document, write_document
from gan_rosetta.shared.storage.opening import require_place, what_is

FORMAT = 3
# What the numbers of a record count in, by the last words of their names.
UNITS = {
    "seconds": "s",
    "seconds_per_round": "s",
    "bytes": "B",
    "flops": "1",
    "flops_per_second": "1/s",
    "num_steps": "1",
    "chunk_steps": "1",
}
# The parts of a round cannot take longer than the round; timers have some grain.
_SLACK = 1.001
_KIND = "gan-rosetta benchmark"

Status = Literal["measured", "disagrees", "unavailable", "failed"]


@dataclass(frozen=True, kw_only=True)
class Round:
    """One round of a cell.

    tape_seconds: making chunks on the host; stage_seconds: Trainer.stage; train_seconds: Trainer.train; wall_seconds:
    the whole loop, with those three. feeding_seconds: Trainer.stage a step, of chunks no shorter than training's, which
    may be timed aside. peak_bytes, resident_bytes: of the worker's memory so far and at
    the round's end. device_bytes: the most memory used on the GPU so far, None on a processor. load_average: over a
    minute, before the round. is_finite: whether the last losses are numbers.
    """

    num_steps: int
    tape_seconds: float
    stage_seconds: float
    train_seconds: float
    wall_seconds: float
    feeding_seconds: float
    peak_bytes: int
    resident_bytes: int
    device_bytes: int | None
    load_average: float
    is_finite: bool

    def __post_init__(self) -> None:
        _require_numbers(self)
        parts = self.tape_seconds + self.stage_seconds + self.train_seconds
        good = self.num_steps >= 1 and self.train_seconds > 0 and parts <= self.wall_seconds * _SLACK
        if not good:
            raise SpecError(
                f"Round: {self.num_steps} steps whose parts took {parts} s of {self.wall_seconds} s; expected one step "
                "or more, time in train(), and parts that add up to no more than the whole, all in seconds"
            )


@dataclass(frozen=True, kw_only=True)
class Parity:
    """How a cell's first losses were judged, in which type. largest: largest relative difference from the reference."""

    verdict: Literal["AGREE", "DISAGREE", "NOT COMPARABLE"]
    reason: str
    dtype: str
    num_steps: int
    judged_steps: int
    largest: float


@dataclass(frozen=True, kw_only=True)
class Repeat:
    """A cell's first steps, trained again from the same state in the same process.

    same_bits: whether every loss and every tensor of the state came out the same. loss_difference, state_difference:
    largest relative differences, of tensors by their scale. last_losses: of each loss, as the first time left them,
    None where they are no numbers. digest: SHA-256 of the first time's losses and state, by which other processes are
    compared.
    """

    num_steps: int
    same_bits: bool
    loss_difference: float
    state_difference: float
    last_losses: tuple[float, ...]
    digest: str


@dataclass(frozen=True, kw_only=True)
class CellResult:
    """What was found of a cell. rounds: none unless its losses agreed with the reference's.

    reason: why there is no throughput. wave: cells of one wave took turns. framework: its version. chunk_steps: steps a
    call of the trainer. step_flops: operations a step, counted from the spec. repeat: None where it was not asked for.
    """

    cell: Cell
    status: Status
    reason: str
    wave: int
    framework: str
    import_seconds: float | None
    build_seconds: float | None
    first_chunk_seconds: float | None
    compile_seconds: float | None
    chunk_steps: int | None
    step_flops: float
    parity: Parity | None
    warm_up: tuple[Round, ...]
    rounds: tuple[Round, ...]
    repeat: Repeat | None = None

    def __post_init__(self) -> None:
        _require_numbers(self)
        agrees = self.parity is not None and self.parity.verdict == "AGREE"
        if self.rounds and not (self.status == "measured" and agrees):
            raise SpecError(f"{self.cell.label} has rounds, but its losses did not agree; expected no throughput")
        if self.status == "measured" and not self.rounds:
            raise SpecError(f"{self.cell.label} is called measured and has no round; expected one or more")

    @property
    def step_seconds(self) -> tuple[float, ...]:
        """The seconds of train() a step, round by round."""
        return tuple(round_.train_seconds / round_.num_steps for round_ in self.rounds)


@dataclass(frozen=True, kw_only=True)
class PeakResult:
    """Matrix products of (size, size) by (size, size): operations a second, round by round."""

    backend: str
    device: str
    dtype: str
    threads: int
    wave: int
    size: int
    flops_per_second: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What it ran on. load_average_1min: before the first cell."""

    processor: str
    logical_cores: int
    memory_bytes: int
    system: str
    load_average_1min: float


@dataclass(frozen=True, kw_only=True)
class Options:
    """How it was asked for. command: without the files' names. scale: "batch", "width" or ""."""

    command: str
    rounds: int
    seconds_per_round: float
    seed: int
    threads: str
    tf32: bool
    mnist: str
    scale: str


@dataclass(frozen=True, kw_only=True)
class BenchmarkRecord:
    """A whole benchmark. created: ISO 8601. versions: of this package, Python, NumPy and SciPy, as "name version"."""

    created: str
    duration_seconds: float
    options: Options
    machine: Machine
    versions: tuple[str, ...]
    cells: tuple[CellResult, ...]
    peaks: tuple[PeakResult, ...]

    def peak(self, cell: Cell, /) -> float | None:
        """Return the best median matrix-product rate, operations a second, of a cell's device, type and threads."""
        rates = [
            sorted(peak.flops_per_second)[len(peak.flops_per_second) // 2]
            for peak in self.peaks
            if peak.flops_per_second
            and (peak.device, peak.dtype) == (cell.device, cell.dtype)
            and (peak.threads == cell.threads or cell.device != "cpu")
        ]
        return max(rates, default=None)


def write_record(path: Path, record: BenchmarkRecord, /) -> None:
    """Write a record; raises RecordError where the file exists, as records never change, or cannot be written."""
    require_new(path)
    data = {"kind": _KIND, "units": UNITS, "record": without_none(to_data(record))}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_document(path, data, number=FORMAT)
    except OSError as error:
        raise RecordError(f"{path} cannot be written ({error.strerror or error}); name another file") from None


def require_new(path: Path, /) -> None:
    """Raise RecordError where the file exists: records never change."""
    require_place(path, said="--out", makes_folder=True)
    if what_is(path) is not None:
        raise RecordError(f"{path} already exists; name another file with --out, or move that one away")


def read_record(path: Path, /) -> BenchmarkRecord:
    """Read a record; raises RecordError for what is not one, is of another version, or holds other units."""
    try:
        data = read_document(path, number=FORMAT, remedy="expected a record of `gan-rosetta bench`; measure again")
    except FileNotFoundError:
        raise RecordError(f"{path} is not there; expected a record that `gan-rosetta bench --out` wrote") from None
    if data.get("kind") != _KIND:
        raise RecordError(f"{path} holds no benchmark; expected a record that `gan-rosetta bench --out` wrote")
    check_units(path, data.get("units"))
    try:
        record: BenchmarkRecord = build(BenchmarkRecord, data.get("record"), name="the record")
    except SpecError as error:
        where = ".".join(str(part) for part in error.path)
        raise RecordError(f"{path}{f', {where}' if where else ''}: {error}; measure again") from None
    return record


def check_units(path: Path, found: Any, /) -> None:
    """Raise RecordError unless a file counts in this version's units."""
    units = found if isinstance(found, dict) else {}
    for name in sorted({*UNITS, *units}):
        if units.get(name) != UNITS.get(name):
            raise RecordError(
                f"{path} counts {name} in {units.get(name)!r}; expected {UNITS.get(name)!r}: "
                "convert it or measure again"
            )


def without_none(data: Any, /) -> Any:
    """Leave out what is None, which the reader puts back in."""
    if isinstance(data, dict):
        return {key: without_none(value) for key, value in data.items() if value is not None}
    return [without_none(value) for value in data] if isinstance(data, list) else data


def _require_numbers(part: Any) -> None:
    """Raise SpecError unless every number of a dataclass is finite and not negative."""
    for field in fields(part):
        value = getattr(part, field.name)
        if isinstance(value, int | float) and not (math.isfinite(value) and value >= 0):
            raise SpecError(
                f"{type(part).__name__}: {field.name} is {value}; expected a number from 0", path=(field.name,)
            )
