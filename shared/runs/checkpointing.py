"""Keeps a run's checkpoint: every so often, and when it is asked to stop."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from gan_rosetta.shared.errors import RunInterrupted
from gan_rosetta.shared.runs.checkpoint import Checkpoint, Position, write_checkpoint
from gan_rosetta.shared.workers import interruption

# A checkpoint may take no more than about this share of the time.
_LARGEST_SHARE = 0.05


class CheckpointWriter:
    """Writes checkpoints of one run to one file.

    seconds: from one checkpoint to the next, or longer where writing takes long. make: returns the checkpoint at a
    position, with all that the run has besides its position.
    """

    def __init__(self, path: Path, /, *, seconds: float, make: Callable[[Position], Checkpoint]) -> None:
        self._path = path
        self._seconds = seconds
        self._make = make
        self._next = time.monotonic() + seconds

    def after_chunk(self, position: Callable[[], Position], /) -> None:
        """Write a checkpoint if it is time; raises RunInterrupted, after writing one, where the run is to stop."""
        stops = interruption.is_requested()
        started = time.monotonic()
        if not stops and started < self._next:
            return
        here = position()
        write_checkpoint(self._path, self._make(here))
        now = time.monotonic()
        self._next = now + max(self._seconds, (now - started) / _LARGEST_SHARE)
        if stops:
            raise RunInterrupted(f"stopped after {here.place}, as asked")
