"""A run on disk: a folder with record.json, losses.npz, state.safetensors, and snapshots, samples and moments.npz."""

from __future__ import annotations

import hashlib
import io
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
import safetensors

from gan_rosetta.shared.errors import GanRosettaError, RecordError, StateError
from gan_rosetta.shared.runs.order import Order
from gan_rosetta.shared.runs.record_types import (
    RunRecord,
    RunSaid,
    require_epochs,
    require_losses,
    require_moments,
    require_samples,
    require_sketches,
)
from gan_rosetta.shared.state import check_state
from gan_rosetta.shared.state.archive import map_tensors
from gan_rosetta.shared.storage.documents import read_document, write_document
from gan_rosetta.shared.storage.files import temporary_path, write_npz
from gan_rosetta.shared.storage.npz import read_npz
from gan_rosetta.shared.storage.opening import open_regular, what_is
from gan_rosetta.shared.storage.typed import require_typed

FORMAT = 4
MOMENTS_FILE = "moments.npz"
STATE_FILE = "state.safetensors"
_RECORD_FILE = "record.json"
_REMEDY = "move that folder away and run it again, which --resume does too"


@dataclass(frozen=True)
class Run:
    """A finished run, read lazily from its folder."""

    folder: Path
    record: RunRecord

    @property
    def backend(self) -> str:
        """The backend's name."""
        return str(self.record["backend"])

    @property
    def name(self) -> str:
        """What the run is called among those beside it (names.py): the backend's name, unless more was said."""
        return str(self.record.get("run") or self.backend)

    @property
    def gan(self) -> str:
        """The GAN's name."""
        return str(self.record["gan"])

    @cached_property
    def order(self) -> Order:
        """What was run; raises RecordError where the record does not say it."""
        try:
            order = order_of_record(self.record)
            require_epochs(self.record["outcome"], order.spec)
            return order
        except (GanRosettaError, ValueError) as error:
            path = self.folder / _RECORD_FILE
            raise RecordError(f"{path} does not say what was run ({error}); {_REMEDY}") from None

    @cached_property
    def losses(self) -> dict[str, np.ndarray]:
        """The losses by name, (steps,) each."""
        outcome = self.record["outcome"]
        return self._arrays("losses.npz", lambda arrays: require_losses(arrays, outcome, self.order.spec))

    @cached_property
    def samples(self) -> dict[str, np.ndarray]:
        """The arrays of shared/runs/samples.py."""
        return self._arrays("samples.npz", lambda arrays: require_samples(arrays, self.order.spec))

    @cached_property
    def moments(self) -> dict[str, np.ndarray]:
        """The arrays of shared/runs/looks.py; empty where the run is of a version that kept none."""
        if MOMENTS_FILE not in self.record["files"]:
            return {}
        return self._arrays(MOMENTS_FILE, lambda arrays: require_moments(arrays, self.order.spec))

    @cached_property
    def snapshots(self) -> dict[str, dict[str, np.ndarray]]:
        """The sketches of the state, by moment and tensor."""
        result: dict[str, dict[str, np.ndarray]] = {}
        for key, array in self._arrays("snapshots.npz", require_sketches).items():
            label, _, name = key.partition("/")
            result.setdefault(label, {})[name] = array
        return result

    @cached_property
    def state(self) -> dict[str, np.ndarray]:
        """The whole state at the end, by tensor; views of the file."""
        path = self.file(STATE_FILE)
        try:
            tensors = map_tensors(path)
            check_state(tensors, self.order.spec)
            return tensors
        except (OSError, ValueError, StateError, safetensors.SafetensorError) as error:
            raise RecordError(f"{path} cannot be read ({error}); {_REMEDY}") from None

    def file(self, name: str, /) -> Path:
        """Return the path of one of the run's files; raises RecordError unless it is as it was when the run ended."""
        path = self.folder / name
        if name not in self.record["files"]:
            raise RecordError(f"{path} is not among the files that record.json lists; {_REMEDY}")
        try:
            found = file_digest(path)
        except FileNotFoundError:
            raise RecordError(f"{path} is missing, although record.json lists it; {_REMEDY}") from None
        except OSError as error:
            raise RecordError(f"{path} cannot be read ({error.strerror or error}); {_REMEDY}") from None
        if found != self.record["files"][name]:
            raise RecordError(f"{path} was changed after the run ended: its SHA-256 is another; {_REMEDY}")
        return path

    def check_files(self) -> None:
        """Raise RecordError unless every file of the run is as it was when the run ended."""
        for name in self.record["files"]:
            self.file(name)

    def _arrays(self, name: str, require: Callable[[dict[str, np.ndarray]], None]) -> dict[str, np.ndarray]:
        path = self.file(name)
        try:
            arrays = read_npz(path)
            require(arrays)
            return arrays
        except (OSError, ValueError) as error:
            raise RecordError(f"{path} cannot be read ({error}); {_REMEDY}") from None


def read_run(folder: Path, /) -> Run:
    """Read a run's record; raises RecordError where there is none or it is not one of ours."""
    path = folder / "record.json"
    try:
        record = read_document(path, number=FORMAT, remedy=_REMEDY)
    except FileNotFoundError:
        raise RecordError(f"{folder} holds no run: record.json is not there") from None
    try:
        require_typed(RunRecord, record, name="record")
        if not all(name == Path(name).name for name in record["files"]):
            raise ValueError("it does not list the run's files by name")
    except ValueError as error:
        raise RecordError(f"{path} is not a run's record ({error}); {_REMEDY}") from None
    return Run(folder, cast(RunRecord, record))


def settings_of(order: Order, /) -> dict[str, Any]:
    """Return an order as a record's `settings`, which has the GAN beside them."""
    return {name: value for name, value in order.as_data().items() if name != "spec"}


def order_of_record(record: Mapping[str, Any], /) -> Order:
    """Return the order that a record tells, in its `spec` and its `settings`; raises SpecError, UsageError."""
    settings = record.get("settings")
    return Order.from_data({**settings, "spec": record.get("spec")} if isinstance(settings, dict) else settings)


def require_free(folder: Path, /) -> None:
    """Raise RecordError where the folder already holds a run, or nothing can be written there; leaves nothing there."""
    if what_is(folder / _RECORD_FILE) is not None:
        raise RecordError(f"{folder} already holds a run; name another folder with --out, or move that one away")
    try:
        above = next(parent for parent in folder.absolute().parents if parent.exists())
        trial = above / f".trial-{uuid.uuid4().hex}"
        trial.touch()
        trial.unlink()
    except OSError as error:
        raise RecordError(f"cannot write to {folder.parent} ({error.strerror or error}); name another --out") from None


@contextmanager
def new_run_folder(folder: Path, /) -> Iterator[Path]:
    """Give a temporary folder beside `folder` to write a run into, and move it there, whole, at the end.

    Raises RecordError where the folder already holds a run or cannot be written. Leaves nothing behind on failure.
    """
    require_free(folder)
    partial = temporary_path(folder)
    try:
        partial.mkdir(parents=True)
        yield partial
        require_free(folder)
        partial.replace(folder)
    except OSError as error:
        raise RecordError(f"cannot write the run to {folder} ({error.strerror or error})") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def write_snapshots(path: Path, snapshots: Mapping[str, Mapping[str, np.ndarray]], /) -> None:
    """Write sketches of a state, by moment and tensor, to an .npz file."""
    write_npz(path, {f"{label}/{name}": array for label, states in snapshots.items() for name, array in states.items()})


def write_record(folder: Path, record: RunSaid, /) -> None:
    """Write record.json, which lists the folder's other files; last, so that a folder with a record is complete."""
    files = {path.name: file_digest(path) for path in sorted(folder.iterdir()) if path.name != _RECORD_FILE}
    write_document(folder / _RECORD_FILE, {**record, "files": files}, number=FORMAT)


def file_digest(path: Path, /) -> str:
    """Return a file's SHA-256, in hexadecimal digits."""
    with open_regular(path) as file:
        return hashlib.file_digest(cast(io.BufferedReader, file), "sha256").hexdigest()
