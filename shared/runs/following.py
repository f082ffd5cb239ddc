"""Who sees a run while it trains: followers, watchers, and what may keep its position."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from gan_rosetta.shared.interface import Chunk, Losses
from gan_rosetta.shared.runs.checkpoint import Position
from gan_rosetta.shared.runs.moments import Moments
from gan_rosetta.shared.state import State


class Follower(Protocol):
    """Something that sees each chunk after the trainer has trained on it."""

    def follow(self, chunk: Chunk, losses: Losses, /) -> None:
        """Take note of a chunk and the losses that the trainer had on it."""
        ...

    def snapshot(self, label: str, state: State, /) -> None:
        """Take note of the trainer's state at a named moment."""
        ...


class Watcher(Protocol):
    """Something that looks at the trainer at some moments before the end, and changes nothing in it."""

    @property
    def moments(self) -> Moments:
        """When to look, in which chunks end."""
        ...

    def take(self, *, pretraining: int, adversarial: int) -> None:
        """Look at the trainer, after so many steps of each phase."""
        ...


class Checkpointer(Protocol):
    """Something that may keep a run's position after a chunk."""

    def after_chunk(self, position: Callable[[], Position], /) -> None:
        """Keep the position, if it is time; raises RunInterrupted where the run is to stop here."""
        ...
