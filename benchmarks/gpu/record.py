"""What was measured on a GPU, on disk: what sees it, and a benchmark a part, written after each part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gan_rosetta.benchmarks.record import (
    UNITS,
    BenchmarkRecord,
    CellResult,
    Machine,
    PeakResult,
    check_units,
    without_none,
)
from gan_rosetta.shared.errors import RecordError, SpecError
from gan_rosetta.shared.spec.reader import build
from gan_rosetta.shared.spec.serialise import to_data
from gan_rosetta.shared.storage.documents import read_document, write_document

FORMAT = 1
_KIND = "gan-rosetta GPU benchmark"


@dataclass(frozen=True, kw_only=True)
class Sight:
    """What a backend sees. version: of its framework. name, memory_bytes, details: of the device, "" and 0 where none.

    wanted: the versions that this package asks for, "" where it asks for none; is_wanted: whether this is one of them.
    problem: why it cannot train there, "" where it can.
    """

    backend: str
    version: str
    name: str
    memory_bytes: int
    details: str
    wanted: str
    is_wanted: bool
    problem: str


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part of the measurement. problem: why there is no record. fresh: whether all was compiled anew."""

    name: str
    title: str
    seconds: float
    problem: str
    fresh: bool
    record: BenchmarkRecord | None


@dataclass(frozen=True, kw_only=True)
class GpuRecord:
    """A whole measurement. created: ISO 8601. parts: in order, those that were not reached with their problem."""

    created: str
    command: str
    device: str
    duration_seconds: float
    machine: Machine
    sights: tuple[Sight, ...]
    parts: tuple[Part, ...]

    def cells(self) -> Iterator[tuple[Part, CellResult]]:
        """Yield every cell that was tried, with the part that it is of."""
        for part in self.parts:
            for cell in part.record.cells if part.record is not None else ():
                yield part, cell

    def products(self) -> Iterator[tuple[bool, PeakResult]]:
        """Yield every matrix product that was timed, with whether TF32 was allowed."""
        for part in self.parts:
            if part.record is not None:
                for peak in part.record.peaks:
                    yield part.record.options.tf32, peak


def write_gpu_record(path: Path, record: GpuRecord, /) -> None:
    """Write a record over what an earlier part left; raises RecordError where that cannot be done."""
    data = {"kind": _KIND, "units": UNITS, "record": without_none(to_data(record))}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_document(path, data, number=FORMAT)
    except OSError as error:
        raise RecordError(f"{path} cannot be written ({error.strerror or error}); name another file") from None


def read_gpu_record(path: Path, /) -> GpuRecord:
    """Read a record; raises RecordError for what is not one, is of another version, or holds other units."""
    try:
        data = read_document(path, number=FORMAT, remedy="expected a record of `gan-rosetta bench gpu`; measure again")
    except FileNotFoundError:
        raise RecordError(f"{path} is not there; expected a record that `gan-rosetta bench gpu` wrote") from None
    if data.get("kind") != _KIND:
        raise RecordError(f"{path} holds no measurement of a GPU; expected a record of `gan-rosetta bench gpu`")
    check_units(path, data.get("units"))
    try:
        record: GpuRecord = build(GpuRecord, data.get("record"), name="the record")
    except SpecError as error:
        where = ".".join(str(part) for part in error.path)
        raise RecordError(f"{path}{f', {where}' if where else ''}: {error}; measure again") from None
    return record
