"""Files that are either whole or not there: written under another name in the same folder, then renamed."""

from __future__ import annotations

import glob
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast

import numpy as np
import psutil

from gan_rosetta.shared.storage.opening import require_replaceable

# Whose it is stands in a temporary file's name, so that what a killed process left is known when it is found.
_TEMPORARY = r"\.{name}\.(?P<process>[0-9]+)-[0-9a-f]{{8}}\.tmp"


def temporary_path(path: Path, /) -> Path:
    """Return a path beside another for what is to become it: `.NAME.PROCESS-DIGITS.tmp`."""
    return path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")


def remove_leftovers(path: Path, /) -> None:
    """Remove what processes that are no more left beside a path on their way to write it; where it cannot be, not."""
    pattern = re.compile(_TEMPORARY.format(name=re.escape(path.name)))
    for found in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
        matched = pattern.fullmatch(found.name)
        if matched is None or _is_alive(int(matched["process"])):
            continue
        if found.is_dir() and not found.is_symlink():
            shutil.rmtree(found, ignore_errors=True)
        else:
            with suppress(OSError):
                found.unlink()


def _is_alive(process: int) -> bool:
    """Whether a process is there, and not only its name: in a container nobody may ask what became of a killed one."""
    try:
        return bool(psutil.Process(process).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True


@contextmanager
def atomic_path(path: Path, /) -> Iterator[Path]:
    """Give a path to write to, in the same folder; it becomes `path` at the end, or is removed where the block raises.

    Whoever reads `path` sees the old file or the new one, never a part, also after a power cut. What a killed process
    left of it goes. The folder must exist; raises OSError where something stands there that is no file, such as
    /dev/null.
    """
    require_replaceable(path)
    remove_leftovers(path)
    temporary = temporary_path(path)
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


def _synchronise(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
