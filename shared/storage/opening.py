"""Opens what a person names as a regular file of a size that its kind may have, and nothing else.

A pipe would be waited for, a device read without end, and a file of another kind read whole before its first bytes are
looked at. What is refused is an OSError, whose `strerror` says what was found and what was expected.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from gan_rosetta.shared.errors import UsageError

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
_BLOCK_BYTES = 1 << 16
# A pipe is not waited for, a terminal does not become the program's own, and no program that is started inherits it.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)


@contextmanager
def open_regular(path: Path, /, *, most_bytes: int | None = None) -> Iterator[BinaryIO]:
    """Open a regular file to read bytes from it; raises OSError for anything else, and for one of more bytes.

    most_bytes: None where what is inside says how much of it is read.
    """
    try:
        descriptor = os.open(path, _FLAGS)
    except ValueError as error:  # A zero byte in its name.
        raise OSError(errno.EINVAL, str(error)) from None
    except OSError as error:
        if error.errno == errno.ENXIO:  # A socket, which no flag opens.
            raise OSError(errno.EINVAL, "it is a socket, not a file") from None
        raise
    found = os.fstat(descriptor)
    problem = _problem(found.st_mode)
    if problem is not None:
        os.close(descriptor)
        raise OSError(errno.EINVAL, problem)
    with os.fdopen(descriptor, "rb") as file:
        if most_bytes is not None and found.st_size > most_bytes:
            raise OSError(
                errno.EFBIG, f"it has {found.st_size:,} bytes, and one of its kind has {most_bytes:,} at the most"
            )
        yield file


def read_regular(path: Path, /, *, most_bytes: int) -> bytes:
    """Return all bytes of a regular file; raises OSError as open_regular does, and where it grows past its size."""
    with open_regular(path, most_bytes=most_bytes) as file:
        content = file.read(os.fstat(file.fileno()).st_size)
        while len(content) <= most_bytes and (more := file.read(_BLOCK_BYTES)):
            content += more  # What a system makes up as it is read says that it has none.
    if len(content) > most_bytes:
        raise OSError(errno.EFBIG, f"it has more than {most_bytes:,} bytes, which none of its kind has")
    return content


def require_replaceable(path: Path, /) -> None:
    """Raise OSError where something that is no regular file has the path: what is written there would replace it."""
    try:
        problem = _problem(path.lstat().st_mode)
    except FileNotFoundError:
        return
    if problem is not None:
        raise OSError(errno.EINVAL, problem)


def require_place(path: Path, /, *, said: str, makes_folder: bool = False) -> None:
    """Raise UsageError unless a file can be written at a path, or over the one there.

    said: what names it; makes_folder: whether the folder that it is in is made where there is none.
    """
    try:
        require_replaceable(path)
        is_in_folder = makes_folder or what_is(path.absolute().parent) == "a folder"
        reason = "" if is_in_folder else "there is no such folder"
    except (OSError, ValueError) as error:
        reason = str(getattr(error, "strerror", None) or error)
    if reason:
        raise UsageError(f"{said} {path} cannot be written ({reason}); expected a file's name in a folder that exists")


def require_folder(path: Path, /, *, said: str) -> None:
    """Raise UsageError unless a path is a folder or can be made one. said: what names it."""
    place = next(place for place in (path.absolute(), *path.absolute().parents) if os.path.lexists(place))
    found = what_is(place)
    if found != "a folder":
        raise UsageError(f"{said} {path} cannot be a folder: {place} is {found or 'a link to nothing'}; name another")


def require_new(path: Path, /, *, said: str) -> None:
    """Raise UsageError unless a file can be written where there is none; a link is one, wherever it leads."""
    if os.path.lexists(path):
        raise UsageError(f"{said} {path} already exists; name another file, or move that one away")
    require_place(path, said=said)


def require_readable_name(text: str, /, *, said: str) -> None:
    """Raise UsageError for a name that is not UTF-8, which no record could hold. said: what gives the name."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UsageError(f"{said} is {text!a}, which is not UTF-8 and cannot be recorded; {_remedy()}") from None


def shown(name: str | Path, /) -> str:
    """Return a name as a line can hold it: what does not print, such as a new line, is escaped."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii") for letter in str(name)
    )


def _remedy() -> str:
    coding = sys.getfilesystemencoding()
    # Under LC_ALL=C, without Python's own choice of another, a name in UTF-8 comes as one that is not.
    return "rename it" if coding == "utf-8" else f"this locale reads names as {coding}: set PYTHONUTF8=1, or rename it"


def what_is(path: Path, /) -> str | None:
    """Return what is at a path, such as "a file" or "a folder"; None for nothing, and for a name no file can have."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return None
    return next((what for test, what in _KINDS if test(mode)), "a file")


def _problem(mode: int) -> str | None:
    """Return what is there in place of a regular file, None for one and for a link, which is followed or replaced."""
    return next((f"it is {what}, not a file" for test, what in _KINDS if test(mode)), None)
