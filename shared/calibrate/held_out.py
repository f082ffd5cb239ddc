"""Copies of the reference that round at random, held out of the yardstick and judged as if they were backends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from gan_rosetta.shared.calibrate.trained import Trained
from gan_rosetta.shared.compare.outputs import Look, Outputs
from gan_rosetta.shared.compare.sketch import sketch_state
from gan_rosetta.shared.compare.yardstick import END, LOSS_NAMES
from gan_rosetta.shared.interface import Chunk, Losses, PerturbedCopies, PerturbedTrainer
from gan_rosetta.shared.state import State

# Seeds of their rounding, far from those of the yardstick's copies.
_FIRST_SEED = 1_000_000


@dataclass(kw_only=True)
class HeldOutCopies:
    """Follows a run of the reference with copies of it, and keeps of each what a verdict takes."""

    copies: PerturbedCopies
    count: int
    _losses: list[dict[str, list[np.ndarray]]] = field(default_factory=list)
    _moments: list[dict[str, dict[str, np.ndarray]]] = field(default_factory=list)

    @classmethod
    def start(cls, build: Callable[[], PerturbedTrainer], state: State, /, *, count: int, seed: int) -> HeldOutCopies:
        """Make so many copies of the reference in its initial state."""
        trainer = build()
        trainer.load_state(state)
        first = _FIRST_SEED + seed * count
        copies = trainer.perturbed_copies(seeds=range(first, first + count))
        return cls(
            copies=copies,
            count=count,
            _losses=[{name: [] for name in LOSS_NAMES} for _ in range(count)],
            _moments=[{} for _ in range(count)],
        )

    def follow(self, chunk: Chunk, losses: Losses, /) -> None:
        """Train the copies on a chunk."""
        del losses
        for own, found in zip(self._losses, self.copies.train(chunk), strict=True):
            for name, parts in own.items():
                values = getattr(found, name)
                if values is not None:
                    parts.append(np.asarray(values, dtype=np.float64))

    def snapshot(self, label: str, state: State, /) -> None:
        """Keep each copy's state; whole at the end, sketched before."""
        del state
        for own, found in zip(self._moments, self.copies.states(), strict=True):
            own.setdefault(label, {}).update(found if label == END else sketch_state(found))

    def look(self, label: str, look: Look, outputs: Outputs, /) -> None:
        """Keep what each copy gives for a look's inputs."""
        del outputs
        for own, found in zip(self._moments, look.of_copies(self.copies), strict=True):
            own.setdefault(label, {}).update(sketch_state(found))

    def finish(self, reference: Trained, /) -> list[Trained]:
        """Return each copy's training; reference: of the run that was followed, whose tape and state they had."""
        empty = np.zeros(0)
        return [
            replace(
                reference,
                name=f"copy {index}",
                losses={name: np.concatenate([empty, *losses[name]]) for name in reference.losses},
                moments=moments,
            )
            for index, (losses, moments) in enumerate(zip(self._losses, self._moments, strict=True))
        ]
