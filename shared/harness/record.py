"""A run on disk: a folder with record.json, losses.npz, state.safetensors, and snapshots, samples and moments.npz."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from shared.errors import RecordError
from shared.harness.files import read_npz, write_json, write_npz

FORMAT = 1
MOMENTS_FILE = "moments.npz"


@dataclass(frozen=True)
class Run:
    """A finished run, read lazily from its folder."""

    folder: Path
    record: dict[str, Any]

    @property
    def backend(self) -> str:
        """The backend's name."""
        return str(self.record["backend"])

    @property
    def gan(self) -> str:
        """The GAN's name."""
        return str(self.record["gan"])

    @cached_property
    def losses(self) -> dict[str, np.ndarray]:
        """The losses by name, (steps,) each."""
        return self._arrays("losses.npz")

    @cached_property
    def samples(self) -> dict[str, np.ndarray]:
        """The arrays of shared/harness/samples.py."""
        return self._arrays("samples.npz")

    @cached_property
    def moments(self) -> dict[str, np.ndarray]:
        """The arrays of shared/harness/album.py; empty where the run is of a version that kept none."""
        return self._arrays(MOMENTS_FILE) if (self.folder / MOMENTS_FILE).exists() else {}

    @cached_property
    def snapshots(self) -> dict[str, dict[str, np.ndarray]]:
        """The sketches of the state, by moment and tensor."""
        result: dict[str, dict[str, np.ndarray]] = {}
        for key, array in self._arrays("snapshots.npz").items():
            label, name = key.split("/", 1)
            result.setdefault(label, {})[name] = array
        return result

    def _arrays(self, name: str) -> dict[str, np.ndarray]:
        try:
            return read_npz(self.folder / name)
        except (OSError, ValueError) as error:
            raise RecordError(
                f"{self.folder / name} cannot be read ({error}); run it again into a new folder"
            ) from None


def read_run(folder: Path, /) -> Run:
    """Read a run's record; raises RecordError where there is none or it is not one of ours."""
    path = folder / "record.json"
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RecordError(f"{folder} holds no run: record.json is not there") from None
    except (OSError, ValueError) as error:
        raise RecordError(f"{path} cannot be read ({error}); run it again into a new folder") from None
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        found = record.get("format") if isinstance(record, dict) else type(record).__name__
        raise RecordError(f"{path} has format {found!r}; this version reads format {FORMAT}")
    return Run(folder, record)


def require_free(folder: Path, /) -> None:
    """Raise RecordError where the folder already holds a run, or nothing can be written there."""
    if (folder / "record.json").exists():
        raise RecordError(f"{folder} already holds a run; name another folder with --out, or move that one away")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        trial = folder.parent / f".trial-{uuid.uuid4().hex}"
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
    partial = folder.parent / f".{folder.name}.partial-{uuid.uuid4().hex}"
    try:
        partial.mkdir()
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


def write_record(folder: Path, record: Mapping[str, Any], /) -> None:
    """Write record.json; last, so that a folder with a record is complete."""
    write_json(folder / "record.json", {"format": FORMAT, **record})
