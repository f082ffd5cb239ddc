"""How long staging and training take."""

from __future__ import annotations

import time

from gan_rosetta.shared.interface import Chunk, Losses, Trainer


class Clock:
    """Times stage and train; the first chunk of each phase, which may compile, apart from the rest."""

    def __init__(self) -> None:
        self.seconds = {"stage": 0.0, "first_chunks": 0.0, "train": 0.0, "timed_steps": 0.0}
        self._seen: set[tuple[str, int]] = set()

    def train(self, trainer: Trainer, chunk: Chunk, /) -> Losses:
        """Stage a chunk, train on it and return its losses."""
        start = time.perf_counter()
        staged = trainer.stage(chunk)
        staged_at = time.perf_counter()
        losses = trainer.train(staged)
        end = time.perf_counter()
        self.seconds["stage"] += staged_at - start
        kind = (chunk.phase, chunk.num_steps)
        if kind in self._seen:
            self.seconds["train"] += end - staged_at
            self.seconds["timed_steps"] += chunk.num_steps
        else:
            self._seen.add(kind)
            self.seconds["first_chunks"] += end - staged_at
        return losses
