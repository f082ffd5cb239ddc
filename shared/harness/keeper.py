"""Keeps a run's checkpoint: every so often, and when it is asked to stop."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from shared.errors import RunInterrupted
from shared.harness import interruption
from shared.harness.checkpoint import Checkpoint, Position, write_checkpoint
from shared.interface import Trainer
from shared.spec import GanSpec

# A checkpoint may take no more than about this share of the time.
_LARGEST_SHARE = 0.05


class CheckpointKeeper:
    """Writes checkpoints of one run to one file. snapshots: a live mapping of what has been sketched so far.

    path: None for a run that cannot be taken up again, which then only learns that it is to stop.
    seconds: from one checkpoint to the next, or longer where writing takes long.
    """

    def __init__(
        self,
        path: Path | None,
        /,
        *,
        spec: GanSpec,
        settings: Mapping[str, Any],
        trainer: Trainer,
        snapshots: Mapping[str, Mapping[str, np.ndarray]],
        seconds: float,
    ) -> None:
        self._path = path
        self._spec, self._settings = spec, settings
        self._trainer, self._snapshots = trainer, snapshots
        self._seconds = seconds
        self._next = time.monotonic() + seconds

    def after_chunk(self, position: Callable[[], Position], /) -> None:
        """Write a checkpoint if it is time; raises RunInterrupted, after writing one, where the run is to stop."""
        stops = interruption.is_requested()
        started = time.monotonic()
        if not stops and (self._path is None or started < self._next):
            return
        here = position()
        if self._path is not None:
            checkpoint = Checkpoint(position=here, state=self._trainer.export_state(), snapshots=self._snapshots)
            write_checkpoint(self._path, checkpoint, spec=self._spec, settings=self._settings)
            now = time.monotonic()
            self._next = now + max(self._seconds, (now - started) / _LARGEST_SHARE)
        if stops:
            raise RunInterrupted(f"stopped after {here.phase} step {here.done}, as asked")
