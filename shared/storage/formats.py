"""The numbers of formats: each kind of file states its own, and a file from a newer version is refused as such."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gan_rosetta.shared.errors import RecordError


def check_format(path: Path, data: Any, reads: int, /, *, remedy: str) -> None:
    """Raise RecordError unless the data is a table whose `format` is the one that this version reads.

    remedy: what to do about a file that is older, or none of ours.
    """
    found = data.get("format") if isinstance(data, dict) else None
    if isinstance(found, int) and not isinstance(found, bool) and found > reads:
        raise RecordError(
            f"{path} was written by a newer gan-rosetta (format {found}); this one reads up to format {reads}: "
            "upgrade it"
        )
    if type(found) is not int or found != reads:
        what = f"format {found!r}" if isinstance(data, dict) else f"format {type(data).__name__!r}"
        raise RecordError(f"{path} has {what}; this version reads format {reads}; {remedy}")
