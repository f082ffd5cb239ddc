"""How the command ends: with a status that says what came of it, and a line where something went wrong."""

from __future__ import annotations

import atexit
import errno
import io
import logging
import os
import sys
import tempfile
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import gan_rosetta
from gan_rosetta.shared.commands.options import FAILURE, INTERRUPTED, WRONG_USAGE, tell
from gan_rosetta.shared.errors import GanRosettaError, RunFailed, in_a_line, machine_problem

# What a shell makes of a program that SIGPIPE ended, as it ends most that write to a `head` that has seen enough.
CLOSED_PIPE = 141
_PACKAGE = str(Path(gan_rosetta.__file__).parent)


class Interrupted(Exception):
    """Ctrl-C, in a command that keeps what is done; the message says how to go on."""


def run_to_the_end(command: Callable[[], object], /) -> NoReturn:
    """Run a command, say in a line what ended it, if anything did, and exit with its status."""
    # Pictures are drawn into files alone; a name of no backend would keep matplotlib from being imported.
    os.environ.pop("MPLBACKEND", None)
    # It tells of a home that it cannot write to, where nobody can do anything about pictures.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # What a terminal cannot show is shown escaped, as on standard error.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        status = _status_of(command)
        sys.stdout.flush()
    except BrokenPipeError:
        status = CLOSED_PIPE
    if status == CLOSED_PIPE:
        # Python flushes once more when it ends, and nobody is there to read it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    if sys.flags.inspect and not sys.flags.interactive:
        # PYTHONINSPECT=1 would show the end as an error, and wait for a person.
        atexit._run_exitfuncs()
        sys.stdout.flush()
        os._exit(status)
    sys.exit(status)


def _status_of(command: Callable[[], object]) -> int:
    try:
        command()
    except GanRosettaError as error:
        return _say(error, FAILURE if isinstance(error, RunFailed) else WRONG_USAGE)
    except Interrupted as interrupted:
        return _say(interrupted, INTERRUPTED)
    except SystemExit as end:
        # Whoever prints ends with 1, which is for those that disagree, where nobody reads any more.
        if isinstance(end.__context__, OSError) and end.__context__.errno == errno.EPIPE:
            return CLOSED_PIPE
        # What typer makes of Ctrl-C, in a command that keeps nothing.
        return _say("interrupted", INTERRUPTED) if end.code == INTERRUPTED else _code(end.code)
    except BrokenPipeError:
        raise
    except Exception as error:
        return _say(_describe_failure(error), FAILURE)
    return 0


def _code(code: object) -> int:
    if code is None or isinstance(code, int):
        return code or 0
    return _say(code, FAILURE)


def _say(what: object, status: int) -> int:
    with suppress(OSError):  # Nobody can be told: the status still says what came of it.
        tell(f"gan-rosetta: {what}")
    return status


def _describe_failure(error: Exception) -> str:
    """Say in one line what failed: the machine, or else we, of which the traceback is kept in a file that is named."""
    if (problem := machine_problem(error)) is not None:
        return f"{problem}; what is done is kept"
    if isinstance(error, MemoryError):
        return "out of memory; what is done is kept, and fewer --threads or a smaller GAN take less"
    frames = traceback.extract_tb(error.__traceback__)
    # The last of ours, which asked for what failed: a line of a library's says little.
    place = next((frame for frame in reversed(frames) if frame.filename.startswith(_PACKAGE)), frames[-1])
    what = in_a_line(error)
    said = f"this is a defect of gan-rosetta: {what} ({Path(place.filename).name}, line {place.lineno})"
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="gan-rosetta-", suffix=".traceback.txt", delete=False, encoding="utf-8"
        ) as file:
            traceback.print_exception(error, file=file)
    except OSError:
        return said
    return f"{said}; the traceback is in {file.name}"
