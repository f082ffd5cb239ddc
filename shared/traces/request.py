"""What a person asks of two programs, checked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.traces.alignment import NUM_COPIES, Alignment, align_programs
from gan_rosetta.shared.traces.files import TraceRecord
from gan_rosetta.shared.traces.running import find_program

_FEWEST_COPIES, _MOST_COPIES = 3, 64


def run_alignment(
    first: Path, second: Path, folder: Path, /, *, arguments: Sequence[str] = (), num_copies: int | None = None
) -> Alignment:
    """Run two programs with their traces in a folder, and align them.

    second: a program, or the folder of a trace that it left. Raises UsageError for what is neither, and for a number of
    copies that says nothing; RunFailed where a program fails.
    """
    num_copies = NUM_COPIES if num_copies is None else num_copies
    if not _FEWEST_COPIES <= num_copies <= _MOST_COPIES:
        raise UsageError(f"--copies is {num_copies}; expected {_FEWEST_COPIES} to {_MOST_COPIES}")
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--out {folder} is no folder; name one to keep traces in")
    if first.is_dir():
        raise UsageError(
            f"{first} is a folder; expected the first program itself, which runs again to see what rounding does to it"
        )
    program = find_program(first, arguments)
    other = TraceRecord.read(second) if second.is_dir() else find_program(second, arguments)
    return align_programs(program, other, folder, num_copies=num_copies)
