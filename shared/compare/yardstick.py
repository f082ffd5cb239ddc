"""The yardstick: how far rounding alone moves a run, measured on the reference.

Copies of the NumPy reference train beside it from the same state and tape, each rounding at random in the last place
after every operation (Monte Carlo arithmetic; Parker 1997). Their distance from the reference at a step is what two
correct programs may differ by at that step: small and slowly growing while training is stable, growing by a constant
factor a step where it is chaotic. A copy nudged only at its start would say too little where training contracts: it
forgets its nudge, while a framework rounds anew at every step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from shared.compare.distances import Floats, relative_difference, tensor_difference
from shared.compare.sketch import sketch_state
from shared.harness.files import read_npz, write_npz
from shared.interface import Chunk, Losses, Trainer
from shared.state import State

# Perturbed copies that the reference is measured with; fewer leave too much to luck in tensors of a few entries.
NUM_COPIES = 3
# Past this difference two correct runs have nothing more to say about each other, step by step.
CHAOS = 1e-3
LOSS_NAMES = ("pretraining", "discriminator", "generator")


class PerturbedTrainer(Trainer, Protocol):
    """A Trainer that can round at random."""

    def perturb(self, *, seed: int) -> None:
        """Round at random from now on."""
        ...

    def perturbed_copies(self, *, seeds: Sequence[int]) -> PerturbedCopies:
        """Return copies of this trainer as it is now, each of which rounds at random by its own seed."""
        ...


class PerturbedCopies(Protocol):
    """Copies of a trainer that round at random, trained side by side; everything in the order of their seeds."""

    def train(self, chunk: Chunk, /) -> list[Losses]:
        """Train each copy on a chunk; returns each one's losses."""
        ...

    def states(self) -> Iterator[State]:
        """Yield each one's whole state."""
        ...

    def load_states(self, states: Sequence[State], /) -> None:
        """Copy a whole state into each; raises StateError."""
        ...

    def generate(self, latent: np.ndarray, /) -> list[np.ndarray]:
        """Return each one's G(latent)."""
        ...

    def export_roundings(self) -> list[np.ndarray]:
        """Return where each one's random rounding is."""
        ...

    def restore_roundings(self, exported: Sequence[np.ndarray], /) -> None:
        """Go on with each one's random rounding from there; raises ValueError for what no export returned."""
        ...


@dataclass(frozen=True, kw_only=True)
class Yardstick:
    """What rounding alone does.

    losses: for each loss the largest relative difference of any copy up to each step, (steps,); only as far as the
    copies were followed, which ends where one is past CHAOS. tensors: for each moment the relative difference of each
    tensor. samples: of the generated samples at the end, None where the copies were past CHAOS by then.
    """

    losses: dict[str, Floats]
    tensors: dict[str, dict[str, float]]
    samples: float | None

    @property
    def horizon(self) -> int:
        """The number of adversarial steps over which runs can be compared."""
        over = np.flatnonzero(np.maximum(self.losses["discriminator"], self.losses["generator"]) > CHAOS)
        return int(over[0]) if len(over) else len(self.losses["generator"])


@dataclass(kw_only=True)
class YardstickFollower:
    """Follows a run of the reference with perturbed copies of it."""

    copies: PerturbedCopies
    count: int
    _parts: dict[str, list[Floats]] = field(default_factory=lambda: {name: [] for name in LOSS_NAMES})
    _worst: dict[str, float] = field(default_factory=lambda: dict.fromkeys(LOSS_NAMES, 0.0))
    _tensors: dict[str, dict[str, float]] = field(default_factory=dict)
    _lost: bool = False

    @classmethod
    def start(
        cls, build: Callable[[], PerturbedTrainer], state: State, /, *, seed: int, count: int
    ) -> YardstickFollower:
        """Make copies of the reference in its initial state, each of which rounds in its own way."""
        trainer = build()
        trainer.load_state(state)
        seeds = range(seed * count, (seed + 1) * count)
        return cls(copies=trainer.perturbed_copies(seeds=seeds), count=count)

    def follow(self, chunk: Chunk, losses: Losses, /) -> None:
        """Train the copies on a chunk and note how far their losses are from the reference's."""
        if self._lost:
            return
        copies_losses = self.copies.train(chunk)
        for name in LOSS_NAMES:
            values = getattr(losses, name)
            if values is None:
                continue
            differences = [relative_difference(getattr(other, name), values) for other in copies_losses]
            running = np.maximum.accumulate(np.concatenate([[self._worst[name]], np.max(differences, axis=0)]))[1:]
            self._parts[name].append(running)
            self._worst[name] = float(running[-1])
        # Following goes on to the chunk's end, so the horizon lies inside what is kept.
        self._lost = max(self._worst["discriminator"], self._worst["generator"]) > CHAOS

    def snapshot(self, label: str, state: State, /) -> None:
        """Note how far the copies' tensors are from the reference's; whole tensors at the end, sketches before."""
        if self._lost:
            return
        shrink = (lambda whole: whole) if label == "end" else sketch_state
        reference = shrink(state)
        noise = dict.fromkeys(reference, 0.0)
        for copy in self.copies.states():
            other = shrink(copy)
            for name, array in reference.items():
                noise[name] = max(noise[name], tensor_difference(other[name], array))
        self._tensors[label] = noise

    def finish(self, latent: np.ndarray, samples: np.ndarray, /) -> Yardstick:
        """Return what was measured; latent and samples are those of the reference at its end."""
        noise = None
        if not self._lost:
            noise = max(tensor_difference(generated, samples) for generated in self.copies.generate(latent))
        return Yardstick(losses=self._joined_losses(), tensors=self._tensors, samples=noise)

    def export(self) -> dict[str, np.ndarray]:
        """Return what has been measured so far and each copy's state and rounding, for `resume` to go on from."""
        arrays = _measured_arrays(self._joined_losses(), self._tensors)
        arrays["lost"] = np.array(self._lost)
        # Copies that are past CHAOS are not asked again.
        if not self._lost:
            both = zip(self.copies.export_roundings(), self.copies.states(), strict=True)
            for index, (rounding, state) in enumerate(both):
                arrays[f"copies/{index}/rounding"] = rounding
                arrays |= {f"copies/{index}/state/{name}": array for name, array in state.items()}
        return arrays

    def resume(self, arrays: Mapping[str, np.ndarray], /) -> None:
        """Go on from an export; raises ValueError, KeyError or StateError where it is not one of as many copies."""
        losses, self._tensors = _measured(arrays)
        self._parts = {name: [values] for name, values in losses.items()}
        self._worst = {name: float(values[-1]) if len(values) else 0.0 for name, values in losses.items()}
        self._lost = bool(arrays["lost"])
        if self._lost:
            return
        prefixes = [f"copies/{index}/state/" for index in range(self.count)]
        self.copies.load_states(
            [{key.removeprefix(p): array for key, array in arrays.items() if key.startswith(p)} for p in prefixes]
        )
        self.copies.restore_roundings([arrays[f"copies/{index}/rounding"] for index in range(self.count)])

    def _joined_losses(self) -> dict[str, Floats]:
        return {name: np.concatenate([np.zeros(0), *parts]) for name, parts in self._parts.items()}


def write_yardstick(path: Path, yardstick: Yardstick, /) -> None:
    """Write a yardstick to an .npz file, atomically."""
    arrays = _measured_arrays(yardstick.losses, yardstick.tensors)
    if yardstick.samples is not None:
        arrays["samples"] = np.array(yardstick.samples)
    write_npz(path, arrays)


def read_yardstick(path: Path, /) -> Yardstick:
    """Read a yardstick from an .npz file; raises OSError, ValueError or KeyError where it does not hold one."""
    arrays = read_npz(path)
    losses, tensors = _measured(arrays)
    return Yardstick(losses=losses, tensors=tensors, samples=float(arrays["samples"]) if "samples" in arrays else None)


def _measured_arrays(losses: Mapping[str, Floats], tensors: Mapping[str, Mapping[str, float]]) -> dict[str, np.ndarray]:
    arrays: dict[str, np.ndarray] = {f"losses/{name}": array for name, array in losses.items()}
    for label, noise in tensors.items():
        arrays[f"tensors/{label}/names"] = np.array(list(noise))
        arrays[f"tensors/{label}/values"] = np.array(list(noise.values()))
    return arrays


def _measured(arrays: Mapping[str, np.ndarray]) -> tuple[dict[str, Floats], dict[str, dict[str, float]]]:
    labels = [key.split("/")[1] for key in arrays if key.startswith("tensors/") and key.endswith("/names")]
    losses = {name: arrays[f"losses/{name}"] for name in LOSS_NAMES}
    tensors = {}
    for label in labels:
        names, values = (arrays[f"tensors/{label}/{part}"].tolist() for part in ("names", "values"))
        tensors[label] = dict(zip(names, values, strict=True))
    return losses, tensors
