"""Records what a program of the caller's own computes, for `align`; on its own, so that it costs little to import."""

from __future__ import annotations

from pathlib import Path

from gan_rosetta.shared.traces.trace import MOST_STEPS, Trace
from gan_rosetta.wording import speaks_python


@speaks_python
def trace(folder: str | Path, /, *, steps: int = MOST_STEPS) -> Trace:
    """Begin to record what this program computes, into a folder that is new, empty, or of another trace.

    steps: how many are recorded. Say `trace.step()` as each begins, `trace.watch("model", model, optimizer=optimizer)`
    for networks that are to be seen by hooks, and `trace.see("loss", loss)` for anything else. The trace is whole when
    the program ends, or at `trace.close()`. Raises UsageError for a folder that holds something else.

    >>> from tempfile import mkdtemp
    >>> own = trace(mkdtemp(), steps=1)
    >>> own.step()
    >>> own.see("loss", 0.5)
    0.5
    >>> own.close()
    """
    return Trace(folder, steps=steps)
