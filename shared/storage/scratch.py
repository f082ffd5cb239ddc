"""Folders for what is kept only while something is worked out, on the disk that TMPDIR names."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gan_rosetta.shared.errors import UsageError

_PREFIX = "gan-rosetta-"
_LEAST_BYTES = 64 << 20


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Give a new folder that goes when it is left; raises UsageError as new_temporary_folder does."""
    folder = new_temporary_folder()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def new_temporary_folder() -> Path:
    """Return a new folder, which the caller removes; raises UsageError where there is no room to work in."""
    try:
        place = Path(tempfile.gettempdir())
        free = shutil.disk_usage(place).free
    except OSError as error:
        raise UsageError(f"there is no folder for temporary files ({error}); set TMPDIR to one") from None
    if free < _LEAST_BYTES:
        raise UsageError(
            f"the folder for temporary files, {place}, has {free >> 10:,} KB free, and {_LEAST_BYTES >> 20} MB are "
            "needed at least; make room, or set TMPDIR to another folder"
        )
    return Path(tempfile.mkdtemp(prefix=_PREFIX))
