"""Folders in which frameworks keep what they compiled: ours, sealed file by file, and removed where one is damaged.

What a framework compiled is run as it lies there. A file that was cut or changed is an error on every later day, or
numbers that nobody computed; it is found by its SHA-256 before it is used, and what is lost is compiled again.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import platformdirs

from gan_rosetta.shared.storage.files import write_json

_SEALS = "seals"
# What is rewritten as it is used, and holds no program.
_LEFT_OUT = (_SEALS, "locks", "cache")

_notes: list[str] = []


def take_notes() -> list[str]:
    """Return lines for the user on what was mended since the last call."""
    notes = list(_notes)
    _notes.clear()
    return notes


def kept_folder(*parts: str) -> Path | None:
    """Return a folder of ours in the user's cache folder, made where it is not there; None where none can be."""
    folder = platformdirs.user_cache_path("gan-rosetta").joinpath(*parts)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK) else None


class CompiledFolder:
    """A folder of compiled programs. what: of whom they are, for the notes.

    Where none can be kept, it is a temporary one that goes with this process.
    """

    def __init__(self, *parts: str, what: str) -> None:
        kept = kept_folder(*parts)
        self._what = what
        self.path = kept if kept is not None else self._temporary()
        self._sealed: dict[str, str] = {}
        self._is_checked = False

    def check(self) -> None:
        """Remove all that is kept where a sealed file is not as it was; once in a process."""
        if self._is_checked:
            return
        self._is_checked = True
        try:
            seals = self._read_seals()
        except (OSError, ValueError, TypeError, AttributeError):
            self.remove("its list of files cannot be read")
            return
        for name, path in self._files():
            if name in seals:
                self._sealed[name] = _digest(path)
                if self._sealed[name] not in seals[name]:
                    self.remove(f"{path.name} is not as it was written")
                    return

    def seal(self) -> None:
        """Note the SHA-256 of each file that has come since; where nothing can be written, nothing is."""
        new = {name: _digest(path) for name, path in self._files() if name not in self._sealed}
        if not new:
            return
        self._sealed |= new
        with suppress(OSError):
            (self.path / _SEALS).mkdir(parents=True, exist_ok=True)
            write_json(self.path / _SEALS / f"{secrets.token_hex(8)}.json", new)

    def remove(self, why: str, /) -> None:
        """Remove all that is kept, and note why; another process finds the whole folder, or none of it."""
        aside = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}.damaged")
        with suppress(OSError):
            self.path.replace(aside)
        shutil.rmtree(aside, ignore_errors=True)
        self._sealed.clear()
        if self.path.exists():  # in a folder that lets nobody rename
            self.path = self._temporary()
        self.path.mkdir(parents=True, exist_ok=True)
        _notes.append(
            f"what {self._what} had compiled before was damaged ({why}); it was removed and is compiled again"
        )

    @property
    def is_empty(self) -> bool:
        """Whether nothing is kept."""
        return next(self._files(), None) is None

    def _temporary(self) -> Path:
        path = Path(tempfile.mkdtemp(prefix="gan-rosetta-compiled-"))
        weakref.finalize(self, shutil.rmtree, path, ignore_errors=True)
        return path

    def _files(self) -> Iterator[tuple[str, Path]]:
        for path in sorted(self.path.rglob("*")):
            name = path.relative_to(self.path).as_posix()
            if name.partition("/")[0] not in _LEFT_OUT and path.suffix not in (".lock", ".tmp") and path.is_file():
                yield name, path

    def _read_seals(self) -> dict[str, set[str]]:
        """Return, by file, the digests that it may have: two processes may have compiled it."""
        seals: dict[str, set[str]] = {}
        for path in (self.path / _SEALS).glob("*.json"):
            for name, digest in json.loads(path.read_text(encoding="utf-8")).items():
                seals.setdefault(name, set()).add(str(digest))
        return seals


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
