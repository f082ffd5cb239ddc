"""Being asked to stop: Ctrl-C and SIGTERM end a worker's run after the chunk that it is in, not inside it.

So does the death of the process that gave it the run, after which nobody waits for what it does; a job that keeps
nothing of what it has done ends with that process, wherever it is, and one whose chunk does not end, a while later.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_requested = threading.Event()
_parent: int | None = None
_keeps = threading.Event()
_SECONDS_BETWEEN_LOOKS = 1.0
_SECONDS_FOR_A_CHUNK = 900.0


def listen() -> None:
    """From now on take note of SIGINT and SIGTERM instead of dying of them; for a worker's main thread.

    What this process was started to ignore it goes on ignoring, as where a script put the command in the background:
    the command ignores that Ctrl-C too, so that a worker that stopped would be one that failed.
    """
    global _parent  # noqa: PLW0603 - there is one parent a process
    _parent = os.getppid()
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _take_note)
    threading.Thread(target=_leave_with_parent, daemon=True).start()


@contextmanager
def doing(*, keeps_checkpoints: bool) -> Iterator[None]:
    """Do a job, which this process leaves in the middle when its parent is gone, unless it keeps checkpoints."""
    if keeps_checkpoints:
        _keeps.set()
    try:
        yield
    finally:
        _keeps.clear()


def _leave_with_parent() -> None:
    while _parent == os.getppid():
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    alone_since = time.monotonic()
    while _keeps.is_set() and time.monotonic() - alone_since < _SECONDS_FOR_A_CHUNK:
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    os._exit(1)


def is_requested() -> bool:
    """Return whether this process has been asked to stop, or has lost its parent."""
    return _requested.is_set() or _parent not in (None, os.getppid())


def _take_note(number: int, frame: FrameType | None) -> None:
    del number, frame
    _requested.set()
