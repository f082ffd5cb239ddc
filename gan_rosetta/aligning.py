"""Holds two programs of the caller's own to each other, without a spec: what each traced, and where they part first."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gan_rosetta.asking import shown_as
from gan_rosetta.shared.storage.scratch import temporary_folder
from gan_rosetta.shared.traces import alignment
from gan_rosetta.shared.traces.request import run_alignment
from gan_rosetta.wording import speaks_python


class Alignment(alignment.Alignment):
    """What is said of two programs: verdict, reason, and the first place where they part, if they do."""


@speaks_python
def align(
    first: str | Path,
    second: str | Path,
    /,
    *,
    arguments: Sequence[str] = (),
    folder: str | Path | None = None,
    copies: int | None = None,
) -> Alignment:
    """Run two programs, each of which makes a trace, and return where the second parts from the first.

    first: a Python program, which runs again while it rounds at random, to measure what rounding does to it: `copies`
    times, six where not given. second: a Python program, or the folder of a trace. arguments: what both programs are
    given. folder: where their traces are kept; nowhere when not given. What they print goes to standard error.

    Raises UsageError where one makes no trace, RunFailed where one fails.

    >>> from tempfile import mkdtemp
    >>> source = '''
    ... import gan_rosetta as gr
    ... trace = gr.trace("traced")
    ... weight = 0.25
    ... for _ in range(3):
    ...     trace.step()
    ...     weight = trace.see("weight", weight)
    ...     weight -= RATE * weight**2
    ... '''
    >>> paths = [Path(mkdtemp()) / name for name in ("first.py", "second.py")]
    >>> for path, rate in zip(paths, ("0.1", "0.2")):
    ...     _ = path.write_text(source.replace("RATE", rate))
    >>> align(*paths, copies=3).first.place
    'step 1, weight'
    """
    with temporary_folder() as nowhere:
        kept = nowhere if folder is None else Path(folder)
        found = run_alignment(Path(first), Path(second), kept, arguments=arguments, num_copies=copies)
        return shown_as(Alignment, found)
