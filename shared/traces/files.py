"""A trace on disk: trace.json, written last, and the arrays of each step in an .npz of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from gan_rosetta.shared.errors import RecordError, UsageError
from gan_rosetta.shared.storage.documents import read_document, write_document
from gan_rosetta.shared.storage.files import write_npz
from gan_rosetta.shared.storage.npz import read_npz
from gan_rosetta.shared.storage.opening import read_regular
from gan_rosetta.shared.storage.typed import require_typed

FORMAT = 1
TRACE_FILE = "trace.json"
_REMEDY = "run the program again"
_MOST_BYTES = 1 << 34


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """What a number of a step is. kind: "seen", "output of linear", "gradient" …; occurrence: how often it came before.

    shape, dtype: of its array; is_plain: whether it was a number of Python's, which is of no type.
    """

    kind: str
    name: str
    occurrence: int
    shape: tuple[int, ...]
    dtype: str
    is_plain: bool = False

    @property
    def label(self) -> str:
        """What it is, in words."""
        what = self.name if self.kind == "seen" else f"{self.kind}, {self.name}"
        return f"{what} (again, {self.occurrence + 1})" if self.occurrence else what


Signature = tuple[Quantity, ...]


class TraceWriter:
    """Writes a trace to a folder; raises UsageError for one that holds something else."""

    def __init__(self, folder: Path, /) -> None:
        self._folder = folder
        self._steps: list[Signature] = []
        self._digests: list[str] = []
        if folder.exists() and not folder.is_dir():
            raise UsageError(f"{folder} is no folder; name one that is new, empty, or of another trace")
        names = {path.name for path in folder.iterdir()} if folder.exists() else set()
        others = {name for name in names if name != TRACE_FILE and not _is_step(name)}
        if others:
            raise UsageError(
                f"{folder} holds {min(others)!r}, which is of no trace; name a folder that is new or empty"
            )
        folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            (folder / name).unlink()

    def write_step(self, kept: Sequence[tuple[Quantity, np.ndarray]], /) -> None:
        """Write what a step computed, in order."""
        path = self._folder / _step_file(len(self._steps))
        write_npz(path, {str(n): array for n, (_, array) in enumerate(kept)})
        self._digests.append(hashlib.sha256(path.read_bytes()).hexdigest())
        self._steps.append(tuple(quantity for quantity, _ in kept))

    def close(self, rounding: Mapping[str, int], /) -> None:
        """Write what all steps are of. rounding: what was rounded at random in them."""
        steps = [[asdict(quantity) for quantity in step] for step in self._steps]
        found = {"steps": steps, "digests": self._digests, "rounding": dict(rounding)}
        write_document(self._folder / TRACE_FILE, found, number=FORMAT)


@dataclass(frozen=True, kw_only=True)
class TraceRecord:
    """A trace that was written. steps: what each computed, in order; rounding: what was rounded at random in it.

    digests: the SHA-256 of each step's file.
    """

    folder: Path
    steps: tuple[Signature, ...]
    digests: tuple[str, ...]
    rounding: Mapping[str, int]

    @classmethod
    def read(cls, folder: Path, /) -> Self:
        """Read a trace's table; raises UsageError where there is none, RecordError for one that is broken."""
        path = folder / TRACE_FILE
        try:
            found = read_document(path, number=FORMAT, remedy=_REMEDY)
        except FileNotFoundError:
            raise UsageError(f"{folder} holds no {TRACE_FILE}, which gan_rosetta.trace writes last") from None
        try:
            return cls(
                folder=folder,
                steps=tuple(tuple(_quantity(data) for data in step) for step in found["steps"]),
                digests=tuple(str(digest) for digest in found["digests"]),
                rounding={name: int(count) for name, count in found["rounding"].items()},
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise RecordError(f"{path} is no trace ({error!r}); {_REMEDY}") from None

    def arrays(self, step: int, /) -> list[np.ndarray]:
        """Read what a step computed, in order; raises RecordError where that is not what the table says."""
        path = self.folder / _step_file(step)
        try:
            if hashlib.sha256(read_regular(path, most_bytes=_MOST_BYTES)).hexdigest() != self.digests[step]:
                raise ValueError("its SHA-256 is another")
            found = read_npz(path)
            arrays = [found[str(number)] for number in range(len(self.steps[step]))]
        except (OSError, ValueError, LookupError) as error:
            raise RecordError(f"{path} cannot be read ({error}); {_REMEDY}") from None
        for quantity, array in zip(self.steps[step], arrays, strict=True):
            if (array.shape, str(array.dtype)) != (quantity.shape, quantity.dtype):
                raise RecordError(f"{path} has another {quantity.label} than {TRACE_FILE} says; {_REMEDY}")
        return arrays


def _quantity(data: Mapping[str, Any]) -> Quantity:
    quantity = Quantity(**{**data, "shape": tuple(data["shape"])})
    for name, kind in (("kind", str), ("name", str), ("dtype", str), ("occurrence", int)):
        require_typed(kind, getattr(quantity, name), name=name)
    return quantity


def _step_file(step: int) -> str:
    return f"step-{step:06d}.npz"


def _is_step(name: str) -> bool:
    return name.startswith("step-") and name.endswith(".npz") and name[5:-4].isdecimal()
