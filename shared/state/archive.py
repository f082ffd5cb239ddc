"""States in .safetensors files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import safetensors
import safetensors.numpy

from gan_rosetta.shared.data.digest import state_digest
from gan_rosetta.shared.errors import StateError
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.state.check import complete_state, with_what_may_lack
from gan_rosetta.shared.state.initial import State
from gan_rosetta.shared.state.strangers import describe_stranger, how_to_bring_in
from gan_rosetta.shared.storage.files import write_bytes
from gan_rosetta.shared.storage.npz import stand_in
from gan_rosetta.shared.storage.opening import open_regular

METADATA_KEY = "gan_rosetta"
_DTYPES: dict[str, np.dtype[Any]] = {"F64": np.dtype("<f8"), "F32": np.dtype("<f4"), "I64": np.dtype("<i8")}
# What others may write, of which a state may be made.
_STRANGERS_DTYPES: dict[str, np.dtype[Any]] = {
    **_DTYPES,
    **{"F16": np.dtype("<f2"), "BOOL": np.dtype("?")},
    **{f"{kind}{8 * size}": np.dtype(f"<{kind.lower()}{size}") for kind in "IU" for size in (1, 2, 4, 8)},
}
# Some thousands of tensors, and what is said of them.
_MOST_HEADER_BYTES = 1 << 22
_SEAL = "sha256"


def write_state(path: Path, state: Mapping[str, np.ndarray], /, *, metadata: Mapping[str, str]) -> None:
    """Write a state to a file, atomically; raises StateError where that fails. The same state gives the same bytes.

    metadata: see safetensors_bytes.
    """
    content = safetensors_bytes(state, metadata=metadata)
    try:
        write_bytes(path, content)
    except OSError as error:
        raise StateError(f"{path} cannot be written: {error.strerror or error}; name another file") from error


def safetensors_bytes(state: Mapping[str, np.ndarray], /, *, metadata: Mapping[str, str]) -> bytes:
    """Return the bytes of a state's file.

    metadata: stands in the header as JSON under METADATA_KEY, with a SHA-256 of itself and of all tensors. One key,
    since safetensors writes several in any order.
    """
    # Not ascontiguousarray, which would turn the counters' shape () into (1,).
    tensors = {name: np.asarray(array, order="C") for name, array in state.items()}
    sealed = {**metadata, _SEAL: _seal(metadata, tensors)}
    header = {METADATA_KEY: json.dumps(sealed, sort_keys=True, ensure_ascii=False)}
    return safetensors.numpy.save(tensors, metadata=header)


def read_state(path: Path, spec: GanSpec, /) -> State:
    """Read a whole state of the GAN, as read_state_and_metadata does, and leave out what it says of itself."""
    return read_state_and_metadata(path, spec)[0]


def read_state_and_metadata(path: Path, spec: GanSpec, /) -> tuple[State, dict[str, str]]:
    """Read a whole state of the GAN, of any floating type; what complete_state may add is added.

    Returns the state and what it says of itself, which is nothing where somebody else wrote it. One that we wrote may
    hold NaN and infinities, as its run ended. Raises StateError where the file is absent, no safetensors file,
    truncated, changed since it was written, or holds another GAN's state.
    """
    try:
        content = _read_wanted(path, spec)
        tensors = safetensors.numpy.load(content)
    except OSError as error:
        raise StateError(f"{path} cannot be read: {error.strerror or error}; expected a .safetensors file") from error
    except safetensors.SafetensorError as error:
        stranger = describe_stranger(path)
        if stranger is not None:
            raise StateError(f"{path} is {stranger}; {how_to_bring_in(path, spec)}") from error
        raise StateError(f"{path} is not a whole .safetensors file ({error}); write or copy it again") from error
    metadata = _read_metadata(path, content, tensors)
    try:
        # Sorted, since the reader's order differs from call to call, and a message should not.
        state = complete_state(dict(sorted(tensors.items())), spec, must_be_finite=metadata is None)
    except StateError as error:
        raise StateError(f"{path}: {error}") from error
    return state, metadata or {}


def _read_wanted(path: Path, spec: GanSpec) -> bytes:
    """Return the bytes of a file, after its header has been found to be that of a state of the GAN.

    Raises StateError where it is of another one. Where the header cannot be read, only its first bytes are returned,
    of which the reader of tensors says what is wrong.
    """
    with open_regular(path) as file:
        head = _read_head(file)
        try:
            header = json.loads(head[8:])
            header.pop("__metadata__", None)
            lacking = {entry["dtype"] for entry in header.values()} - set(_STRANGERS_DTYPES)
            if lacking:
                found = ", ".join(map(str, sorted(lacking)))
                wanted = "float64 or float32 tensors and int64 counters"
                raise StateError(f"{path} has a type that NumPy lacks ({found}); expected {wanted}; convert it")
            tensors = {
                name: stand_in(_STRANGERS_DTYPES[entry["dtype"]], entry["shape"]) for name, entry in header.items()
            }
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
            return head
        try:
            with_what_may_lack(dict(sorted(tensors.items())), spec)
        except StateError as error:
            raise StateError(f"{path}: {error}") from error
        # One byte more than there should be, which is found to be too many.
        return head + file.read(sum(tensor.nbytes for tensor in tensors.values()) + 1)


def _read_head(file: BinaryIO) -> bytes:
    """Return the length of a .safetensors file's header and the header, as far as one may be long."""
    length = file.read(8)
    return length + file.read(min(int.from_bytes(length, "little"), _MOST_HEADER_BYTES))


def map_tensors(path: Path, /) -> dict[str, np.ndarray]:
    """Return the tensors of a .safetensors file as views of the file, which the system reads where they are looked at.

    A state may be large, and a comparison has one for each backend. Raises OSError where the file is absent, ValueError
    or SafetensorError where it is not a whole one of float64, float32 and int64.
    """
    with open_regular(path) as file:
        head = _read_head(file)
        content = np.asarray(np.memmap(file, dtype=np.uint8, mode="r"))[len(head) :]
    with safetensors.safe_open(path, framework="numpy"):
        pass  # It checks that the header is one and that the places of the tensors fill the file.
    header = json.loads(head[8:])
    header.pop("__metadata__", None)
    unknown = {entry["dtype"] for entry in header.values()} - set(_DTYPES)
    if unknown:
        raise ValueError(f"tensors of {', '.join(sorted(unknown))}; expected {', '.join(_DTYPES)}")
    tensors = {}
    for name, entry in header.items():
        start, stop = entry["data_offsets"]
        tensors[name] = content[start:stop].view(_DTYPES[entry["dtype"]]).reshape(entry["shape"])
    return tensors


def _read_metadata(path: Path, content: bytes, tensors: Mapping[str, np.ndarray]) -> dict[str, str] | None:
    """Return what our own writer put into the header, which must fit the tensors; None in another's file."""
    # The length of the header, then the header, which the reader of the tensors has found to be JSON.
    length = int.from_bytes(content[:8], "little")
    found = json.loads(content[8 : 8 + length]).get("__metadata__", {})
    # Under another key it is ours as well, in a file that has been changed.
    ours = [text for key, text in found.items() if key == METADATA_KEY or f'"{_SEAL}"' in text]
    if not ours:
        return None
    try:
        metadata = json.loads(found[METADATA_KEY])
        seal = metadata.pop(_SEAL)
        good = len(ours) == 1 and seal == _seal(metadata, tensors)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        good = False
    if not good:
        raise StateError(f"{path} was changed after it was written: its SHA-256 is another; copy or write it again")
    return {str(key): str(value) for key, value in metadata.items()}


def _seal(metadata: Mapping[str, str], tensors: Mapping[str, np.ndarray]) -> str:
    text = json.dumps(dict(metadata), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(f"{text}\n{state_digest(tensors)}".encode()).hexdigest()
