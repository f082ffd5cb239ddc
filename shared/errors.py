"""The errors a user can cause. The command line prints each as one line and exits with status 2."""

from __future__ import annotations

import difflib
import errno
from collections.abc import Iterable, Sequence
from typing import TypeVar

_FULL_OR_CLOSED = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO)
_NAMES = (errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTDIR, errno.EISDIR)
_MACHINE_ERRORS = (*_FULL_OR_CLOSED, *_NAMES, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN)
_Name = TypeVar("_Name", bound=str)


class GanRosettaError(Exception):
    """Base of every error whose message is written for a user: what came, what was expected, what to do."""


class SpecError(GanRosettaError):
    """A GAN's description contradicts itself, or its file cannot be read.

    path: the part to blame within what was being built, field names and positions from outside in; a file's reader
    turns it into a line number.
    """

    def __init__(self, message: str, /, *, path: tuple[str | int, ...] = ()) -> None:
        super().__init__(message)
        self.path = path


class StateError(GanRosettaError):
    """A state has a missing, extra, misshapen or non-finite tensor, or its file cannot be read."""


class TapeError(GanRosettaError):
    """A tape lacks an array that the GAN uses, or holds one with the wrong shape or non-finite numbers."""


class DataError(GanRosettaError):
    """A data set's file is absent, truncated or not what its name says."""


class RecordError(GanRosettaError):
    """A run folder cannot be written, already holds a run, or holds one that cannot be read."""


class UsageError(GanRosettaError):
    """An argument has a value that nothing can be done with."""


class RunFailed(GanRosettaError):
    """Runs ended without what was asked of them; the message has a line for each."""


class RunInterrupted(GanRosettaError):
    """A run was asked to stop on its way; what it has done so far is kept where it can be."""


class BackendUnavailable(GanRosettaError):
    """The framework behind a backend is not installed, or fails to import."""


class UnsupportedLayer(GanRosettaError):
    """A backend has no implementation of a layer, a loss or an optimizer that the spec names."""


class WrongResult(Exception):
    """A backend returned something else than the interface says; no user's error, so the run counts as crashed."""


def in_a_line(error: BaseException, /) -> str:
    """Return an error's type and the first line of what it says, if it says anything."""
    try:
        lines = str(error).strip().splitlines()
    except Exception:  # Of a stranger, who wrote how it is shown.
        lines = []
    return ": ".join([type(error).__name__, *lines[:1]])


# Words that people bring from elsewhere, which are not spelt like ours.
_OTHER_WORDS = {"gpu": "cuda", "jit": "compiled", "graph": "compiled", "single": "float32", "double": "float64"}


def unknown_name(kind: str, name: str, known: Iterable[str], /) -> UsageError:
    """Build the error for a name that is not in a list, suggesting the one that is meant or the nearest.

    kind: what is named, such as "GAN" or "backend". Returns the error; the caller raises it.
    """
    choices = list(known)
    lowered = {choice.lower(): choice for choice in choices}
    meant = _OTHER_WORDS.get(name.lower())
    nearest = [meant] if meant in choices else difflib.get_close_matches(name.lower(), lowered, n=1, cutoff=0.4)
    hint = f": did you mean {lowered.get(nearest[0], nearest[0])!r}? Known:" if nearest else "; known:"
    return UsageError(f"unknown {kind} {name!r}{hint} {', '.join(choices)}.")


def require_known(kind: str, names: Iterable[str], known: Sequence[_Name], /) -> tuple[_Name, ...]:
    """Return names of a list, each once, in the order given; raises UsageError, as unknown_name builds it."""
    found: dict[str, _Name] = {name: name for name in known}
    chosen = tuple(dict.fromkeys(names))
    for name in chosen:
        if name not in found:
            raise unknown_name(kind, name, known)
    return tuple(found[name] for name in chosen)


def machine_problem(error: BaseException, /) -> str | None:
    """Say what the machine lacks, as a full disk or too many open files, where that is what an error is of.

    One of ours that was made of such an error is of it too.
    """
    while isinstance(error, GanRosettaError) and error.__cause__ is not None:
        error = error.__cause__
    if not isinstance(error, OSError) or error.errno not in _MACHINE_ERRORS:
        return None
    return f"{error.strerror}{f': {error.filename}' if error.filename else ''}"
