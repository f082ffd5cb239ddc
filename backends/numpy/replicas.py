"""Many replicas of a GAN in one step: its arrays with one axis more, which copies that round have too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from gan_rosetta.backends.numpy.chunks import as_losses, stage_chunk, train_chunk
from gan_rosetta.backends.numpy.copies import takes_copies
from gan_rosetta.backends.numpy.device import check_device
from gan_rosetta.backends.numpy.rounding import RandomRounding, RoundingOfCopies
from gan_rosetta.backends.numpy.step import Index, Stepper
from gan_rosetta.shared.data.replicas import stack_chunks
from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.interface import DTYPES, Chunk, Losses
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.state import State
from gan_rosetta.shared.state.replicas import UpdateCounts


class NumpyReplicas:
    """Replicas of a GAN in NumPy: side by side where every layer takes the axis, else one after the other.

    Each one's numbers are, bit for bit, those that it has alone.
    """

    worth_it_from: ClassVar[int] = 0

    def __init__(self, spec: GanSpec, dtype: str, *, num_replicas: int) -> None:
        self._spec = spec
        self._dtype = np.dtype(dtype)
        self._num_replicas = num_replicas
        self._together = takes_copies(spec)
        count = 1 if self._together else num_replicas
        axis = (num_replicas,) if self._together else ()
        self._steppers = [Stepper(spec, self._dtype, copies=axis) for _ in range(count)]
        # The axis has one counter for all that train.
        self._counts = UpdateCounts(spec, num_replicas=num_replicas)

    @classmethod
    def build(cls, spec: GanSpec, /, *, num_replicas: int, device: str, dtype: str) -> Self:
        """Build the networks and optimizers; device "cpu". Raises UnsupportedLayer, UsageError."""
        check_device(device)
        if dtype not in DTYPES:
            raise UsageError(f"dtype {dtype!r}: expected one of {', '.join(DTYPES)}")
        return cls(spec, dtype, num_replicas=num_replicas)

    def load_state(self, replica: int, state: Mapping[str, NDArray[Any]], /) -> None:
        """Copy a whole state into one of them, cast to the run's type. Raises StateError."""
        stepper, place = self._place(replica)
        stepper.load_state(state, place)
        self._counts.load(replica, state)

    def export_state(self, replica: int, /) -> State:
        """Return a copy of the whole state of one of them in canonical order and layout."""
        stepper, place = self._place(replica)
        return {**stepper.export_state(place), **self._counts.as_tensors(replica)}

    def train(self, chunks: Mapping[int, Chunk], /) -> dict[int, Losses]:
        """Run a chunk's steps on each replica that has one; the others rest.

        Side by side all of them take the steps, and those that rest are given back the state that they had.
        """
        if self._together:
            return self._train_together(chunks)
        return {replica: self._train_one(replica, chunk) for replica, chunk in chunks.items()}

    def perturb(self, *, seeds: Sequence[int]) -> None:
        """From now on disturb every number that training computes, each one's by its own seed (see rounding.py)."""
        roundings = [RandomRounding(seed=seed, dtype=self._dtype) for seed in seeds]
        own = [RoundingOfCopies(roundings)] if self._together else roundings
        for stepper, rounding in zip(self._steppers, own, strict=True):
            stepper.rounding = rounding

    def _train_one(self, replica: int, chunk: Chunk) -> Losses:
        stepper = self._steppers[replica]
        columns = train_chunk(stepper, stage_chunk(chunk, self._dtype), self._dtype)
        self._keep_counts(stepper, [replica])
        return as_losses(columns, chunk.phase, self._spec)

    def _train_together(self, chunks: Mapping[int, Chunk]) -> dict[int, Losses]:
        (stepper,) = self._steppers
        for name, count in self._counts.shared_by(chunks).items():
            stepper.optimizers[name].counter = count
        resting = [replica for replica in range(self._num_replicas) if replica not in chunks]
        kept = {name: tensor[resting] for name, tensor in stepper.tensors.items()}
        stacked = stack_chunks(chunks, self._num_replicas)
        columns = train_chunk(stepper, stage_chunk(stacked, self._dtype), self._dtype)
        for name, tensor in stepper.tensors.items():
            tensor[resting] = kept[name]
        self._keep_counts(stepper, chunks)
        return {replica: as_losses(columns[..., replica], stacked.phase, self._spec) for replica in chunks}

    def _keep_counts(self, stepper: Stepper, replicas: Iterable[int]) -> None:
        self._counts.move(replicas, {name: optimizer.counter for name, optimizer in stepper.optimizers.items()})

    def _place(self, replica: int) -> tuple[Stepper, Index]:
        """Return whose step a replica takes, and where it is there."""
        return (self._steppers[0], replica) if self._together else (self._steppers[replica], ...)
