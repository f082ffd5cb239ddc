"""A GAN on one framework, alone or many times over; what the reference adds, which rounds at random."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Protocol, Self, runtime_checkable

import numpy as np

from gan_rosetta.shared.interface.chunk import Chunk, Losses, ProbeKey
from gan_rosetta.shared.spec import GanSpec


@runtime_checkable
class ComputesOnce(Protocol):
    """A trainer whose compiler may compute a number more than once, and not the same to the last bit."""

    def compute_once(self) -> None:
        """Keep the compiler from it from now on, at the cost of speed; called before a state is loaded."""
        ...


class Trainer(Protocol):
    """A GAN on one framework. Instances are used from one thread and never draw a random number."""

    @classmethod
    def build(cls, spec: GanSpec, /, *, device: str, dtype: str, execution: str) -> Self:
        """Build the networks and optimizers. device: "cpu" or "cuda". Raises UnsupportedLayer, UsageError."""
        ...

    def load_state(self, state: Mapping[str, np.ndarray], /) -> None:
        """Copy a whole state in, cast to the run's type. Raises StateError for missing, extra or misshapen names."""
        ...

    def export_state(self) -> dict[str, np.ndarray]:
        """Return a copy of the whole state in canonical order and layout; bit for bit what was loaded, if so cast."""
        ...

    def stage(self, chunk: Chunk, /) -> Any:
        """Cast a chunk and put it on the device; the transfer is finished when this returns."""
        ...

    def train(self, staged: Any, /) -> Losses:
        """Run a staged chunk's steps. One copy to the host, of the losses, at the end."""
        ...

    def probe(self, chunk: Chunk, /) -> dict[ProbeKey, np.ndarray]:
        """Run a chunk of one step and return everything it computed, in order of execution, then undo it."""
        ...

    def generate(self, latent: np.ndarray, /) -> np.ndarray:
        """Return G(latent), (batch, ...) in canonical layout. BatchNorm as in training, its buffers left alone.

        Of a GAN that keeps a moving average of G that one makes the samples. Dropout, which has no mask here, drops
        nothing, and the samples are of the classes in turn, 0, 1, ….
        """
        ...

    def discriminate(self, samples: np.ndarray, /) -> np.ndarray:
        """Return D's output for samples (batch, ...). BatchNorm, dropout and classes as in generate."""
        ...


class Replicas(Protocol):
    """A GAN many times over on one framework, each with a state of its own, trained side by side in one call.

    What becomes of one is what a trainer of its own would make of it, but for rounding, whatever the others are.

    worth_it_from: steps of all seeds together; of fewer, building and compiling takes longer than it saves.
    """

    worth_it_from: ClassVar[int]

    @classmethod
    def build(cls, spec: GanSpec, /, *, num_replicas: int, device: str, dtype: str) -> Self:
        """Build the networks and optimizers, compiled where it compiles. Raises UnsupportedLayer, UsageError.

        A GAN that a trainer can be built of may be unsupported here; its seeds are then trained one after the other.
        """
        ...

    def load_state(self, replica: int, state: Mapping[str, np.ndarray], /) -> None:
        """As Trainer.load_state, of one of them, from 0."""
        ...

    def export_state(self, replica: int, /) -> dict[str, np.ndarray]:
        """As Trainer.export_state, of one of them."""
        ...

    def train(self, chunks: Mapping[int, Chunk], /) -> dict[int, Losses]:
        """Run a chunk's steps on each replica that has one; the others rest.

        chunks: by replica, at least one; all of the same steps, turns and shapes.
        """
        ...


class PerturbedReplicas(Replicas, Protocol):
    """Replicas that can round at random."""

    def perturb(self, *, seeds: Sequence[int]) -> None:
        """Round at random from now on, each by its own seed; they follow one another."""
        ...


class PerturbedTrainer(Trainer, Protocol):
    """A Trainer that can round at random."""

    def perturb(self, *, seed: int, coarseness: float = 1.0) -> None:
        """Round at random from now on, so many times as coarsely as the type does."""
        ...

    def perturbed_copies(self, *, seeds: Sequence[int], coarseness: Sequence[float] | None = None) -> PerturbedCopies:
        """Return copies of this trainer as it is now, each of which rounds at random by its own seed; see perturb."""
        ...

    def loss_scales(self) -> Mapping[ProbeKey, float]:
        """Return how large the numbers are that each loss of the last probe is made of, by its key in the probe."""
        ...


class PerturbedCopies(Protocol):
    """Copies of a trainer that round at random, trained side by side; everything in the order of their seeds."""

    def train(self, chunk: Chunk, /) -> list[Losses]:
        """Train each copy on a chunk; returns each one's losses."""
        ...

    def loss_scales(self) -> Mapping[str, np.ndarray]:
        """Return how large the numbers are that each loss of the last chunk is made of, (K,), by name."""
        ...

    def states(self) -> Iterator[dict[str, np.ndarray]]:
        """Yield each one's whole state."""
        ...

    def load_states(self, states: Sequence[Mapping[str, np.ndarray]], /) -> None:
        """Copy a whole state into each; raises StateError."""
        ...

    def generate(self, latent: np.ndarray, /) -> list[np.ndarray]:
        """Return each one's G(latent)."""
        ...

    def discriminate(self, samples: np.ndarray, /) -> list[np.ndarray]:
        """Return each one's D(samples)."""
        ...

    def export_roundings(self) -> list[np.ndarray]:
        """Return where each one's random rounding is."""
        ...

    def restore_roundings(self, exported: Sequence[np.ndarray], /) -> None:
        """Go on with each one's random rounding from there; raises ValueError for what no export returned."""
        ...
