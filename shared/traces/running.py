"""Runs a person's own program, as it is, in a process of its own, with its trace in a folder of ours.

Run as `python -m gan_rosetta.shared.traces.running ORDER PROGRAM [ARGUMENT…]`; ORDER says where, and how to round.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gan_rosetta.shared.errors import RunFailed, UsageError
from gan_rosetta.shared.traces import trace
from gan_rosetta.shared.traces.files import TRACE_FILE, TraceRecord
from gan_rosetta.shared.traces.rounding import Rounding
from gan_rosetta.shared.workers.as_main import run_as_main
from gan_rosetta.shared.workers.process import describe_exit


@dataclass(frozen=True, kw_only=True)
class TracedProgram:
    """A program that makes a trace, and what it is given."""

    path: Path
    arguments: tuple[str, ...] = ()

    def run(self, folder: Path, /, *, rounding: dict[str, float] | None = None) -> TraceRecord:
        """Run it and return its trace, in a folder; what it prints goes to standard error.

        rounding: the arguments of Rounding, of a run that rounds at random. Raises UsageError where it makes no trace,
        RunFailed where it fails.
        """
        order = json.dumps({"folder": str(folder.absolute()), "rounding": rounding})
        # -P: modules of the folder that this process is in are none of ours, nor of the program's.
        command = [sys.executable, "-P", "-m", "gan_rosetta.shared.traces.running", order, str(self.path)]
        finished = subprocess.run([*command, *self.arguments], stdout=sys.stderr.fileno(), check=False)
        if finished.returncode != 0:
            raise RunFailed(f"{self.path} ended with {describe_exit(finished.returncode)}")
        if not (folder / TRACE_FILE).exists():
            raise UsageError(f"{self.path} made no trace; it is to begin with trace = gan_rosetta.trace(FOLDER)")
        return TraceRecord.read(folder)


def find_program(path: Path, arguments: Sequence[str], /) -> TracedProgram:
    """Return a program to run; raises UsageError where there is none."""
    if not path.is_file():
        raise UsageError(f"{path} is no file; expected a Python program that makes a trace with gan_rosetta.trace")
    return TracedProgram(path=path, arguments=tuple(arguments))


def _run_here(order: dict[str, Any], program: str, arguments: Sequence[str]) -> None:
    rounding = None if order["rounding"] is None else Rounding(**order["rounding"])
    trace.redirect(Path(order["folder"]), rounding)
    failure = run_as_main(program, arguments)
    if failure:
        print(f"{program}: {failure}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    _run_here(json.loads(sys.argv[1]), sys.argv[2], sys.argv[3:])
