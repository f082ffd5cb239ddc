"""Files that are either whole or not there: written under another name in the same folder, then renamed."""

from __future__ import annotations

import io
import json
import math
import os
import secrets
import warnings
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import numpy as np
import psutil

_HEADER_READERS: Mapping[tuple[int, int], Any] = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


@contextmanager
def atomic_path(path: Path, /) -> Iterator[Path]:
    """Give a path to write to, in the same folder; it becomes `path` at the end, or is removed where the block raises.

    Whoever reads `path` sees the old file or the new one, never a part, also after a power cut. The folder must exist.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        yield temporary
        _synchronise(temporary)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if os.name == "posix":  # Elsewhere a folder cannot be opened.
        _synchronise(path.parent)


def write_bytes(path: Path, content: bytes, /) -> None:
    """Write bytes to a file, atomically."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def write_json(path: Path, value: Any, /) -> None:
    """Write a value as JSON, atomically, in its own order; raises ValueError for NaN and infinities, not JSON's."""
    text = json.dumps(value, indent=1, allow_nan=False, ensure_ascii=False)
    write_bytes(path, f"{text}\n".encode())


def write_npz(path: Path, arrays: Mapping[str, np.ndarray], /) -> None:
    """Write arrays to an uncompressed .npz, atomically; raises ValueError for arrays of Python objects."""
    for name, array in arrays.items():
        if array.dtype.hasobject:
            raise ValueError(f"array {name!r} has dtype {array.dtype}; expected numbers or text, which need no pickle")
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **cast(dict[str, Any], arrays))


def read_npz(path: Path, /) -> dict[str, np.ndarray]:
    """Return the arrays of an .npz; raises OSError where there is none, ValueError where it is not a whole one.

    Every byte of every array is read, and so checked against the archive's checksums. Nothing is unpickled, and an
    archive that says it holds more than there is memory is refused before any of it is read.
    """
    try:
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            _check_members(members)
            return {member.filename.removesuffix(".npy"): _read_member(archive, member) for member in members}
    except (OSError, ValueError):
        raise
    except Exception as error:
        # What zipfile, zlib and NumPy raise for broken bytes is a long list, and grows.
        raise ValueError(f"not a whole .npz file: {type(error).__name__}: {error}") from None


def _check_members(members: Sequence[zipfile.ZipInfo]) -> None:
    names = [member.filename for member in members]
    for name in names:
        if not name.endswith(".npy"):
            raise ValueError(f"{name!r} is not a NumPy array")
    if len(set(names)) != len(names):
        raise ValueError("not a whole .npz file: two arrays have one name")
    size, available = sum(member.file_size for member in members), psutil.virtual_memory().available
    if size > available:
        raise ValueError(f"its arrays take {size:,} bytes, and this machine has {available:,} free")


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray:
    name = member.filename.removesuffix(".npy")
    try:
        content = archive.read(member)
        if len(content) != member.file_size:
            raise ValueError(f"{len(content):,} bytes; the archive says {member.file_size:,}")
        return _parse_array(content)
    except Exception as error:
        raise ValueError(f"{name}: {str(error) or type(error).__name__}") from None


def _parse_array(content: bytes) -> np.ndarray:
    """Return the array that the bytes of an .npy file hold, all of them."""
    stream = io.BytesIO(content)
    version = np.lib.format.read_magic(stream)  # type: ignore[no-untyped-call]
    if version not in _HEADER_READERS:
        raise ValueError(f"an array of format {version}; expected one of {', '.join(map(str, _HEADER_READERS))}")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # About headers that only Python 2 wrote.
        shape, fortran_order, dtype = _HEADER_READERS[version](stream)
    if dtype.hasobject:
        raise ValueError("an array of Python objects, which are never loaded; expected numbers or text")
    data = memoryview(content)[stream.tell() :]
    if min(shape, default=1) < 0 or math.prod(shape) * dtype.itemsize != len(data):
        raise ValueError(f"{len(data)} bytes for an array of {dtype} {shape}")
    array = np.frombuffer(data, dtype=dtype) if len(data) else np.zeros(0, dtype)
    return array.reshape(shape, order="F" if fortran_order else "C").copy(order="K")


def _synchronise(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
