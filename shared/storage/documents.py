"""JSON files that say what they are: the number of their format, and a SHA-256 of all that they hold.

So a file of a newer version is refused as such, and one that was damaged or edited is not taken for what was written.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from gan_rosetta.shared.errors import RecordError
from gan_rosetta.shared.storage.files import write_json
from gan_rosetta.shared.storage.formats import check_format
from gan_rosetta.shared.storage.opening import read_regular

_SEAL = "sha256"
# A record of a million steps with digests of its tape at each is as large.
_MOST_BYTES = 1 << 27
# An empty list, in three bytes of a file, takes 64 of memory.
_MOST_PARTS = 3_000_000


def write_document(path: Path, value: Mapping[str, Any], /, *, number: int) -> None:
    """Write a table as JSON, atomically, with its format's number; raises ValueError for NaN, OSError."""
    data = {"format": number, **value}
    write_json(path, {**data, _SEAL: _seal(data)})


def read_document(path: Path, /, *, number: int, remedy: str) -> dict[str, Any]:
    """Return the table of a file that write_document wrote; raises RecordError, and FileNotFoundError where none is.

    number: the format that is read. remedy: what to do about a file that cannot be.
    """
    try:
        content = read_regular(path, most_bytes=_MOST_BYTES)
        if sum(map(content.count, (b",", b"[", b"{"))) > _MOST_PARTS:
            raise ValueError(f"it has more than {_MOST_PARTS:,} parts")
        data = json.loads(content, parse_constant=_refuse)
    except FileNotFoundError:
        raise
    except (OSError, ValueError, RecursionError) as error:
        raise RecordError(f"{path} cannot be read ({error}); {remedy}") from None
    check_format(path, data, number, remedy=remedy)
    seal = data.pop(_SEAL, None)
    if seal != _seal(data):
        raise RecordError(f"{path} was changed after it was written: its SHA-256 is another; {remedy}")
    result: dict[str, Any] = data
    return result


def _seal(data: Mapping[str, Any]) -> str:
    # As it will be read: with lists for tuples, and keys that are texts.
    plain = json.loads(json.dumps(data))
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
