"""Many replicas of a GAN in one step: its arrays with one axis more, which copies that round have too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

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
from gan_rosetta.shared.state import State, counter_name


class NumpyReplicas:
    """Replicas of a GAN in NumPy: side by side where every layer takes the axis, else one after the other.

    Each one's numbers are, bit for bit, those that it has alone.
    """

    def __init__(self, spec: GanSpec, dtype: str, *, num_replicas: int) -> None:
        self._spec = spec
        self._dtype = np.dtype(dtype)
        self._num_replicas = num_replicas
        self._together = takes_copies(spec)
        count = 1 if self._together else num_replicas
        axis = (num_replicas,) if self._together else ()
        self._steppers = [Stepper(spec, self._dtype, copies=axis) for _ in range(count)]
        # One's updates are counted by itself: the axis has one counter for all that train.
        self._counters = [dict.fromkeys(self._steppers[0].optimizers, 0) for _ in range(num_replicas)]

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
        self._counters[replica] = {name: optimizer.counter for name, optimizer in stepper.optimizers.items()}

    def export_state(self, replica: int, /) -> State:
        """Return a copy of the whole state of one of them in canonical order and layout."""
        stepper, place = self._place(replica)
        counters = {
            counter_name(name): np.array(counter, np.int64) for name, counter in self._counters[replica].items()
        }
        return {name: counters.get(name, tensor) for name, tensor in stepper.export_state(place).items()}

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
        losses = as_losses(train_chunk(stepper, stage_chunk(chunk, self._dtype), self._dtype), chunk.phase, self._spec)
        self._counters[replica] = {name: optimizer.counter for name, optimizer in stepper.optimizers.items()}
        return losses

    def _train_together(self, chunks: Mapping[int, Chunk]) -> dict[int, Losses]:
        (stepper,) = self._steppers
        anyone, chunk = next(iter(chunks.items()))
        counters = self._counters[anyone]
        if any(self._counters[replica] != counters for replica in chunks):
            raise UsageError("replicas that train side by side have made unequal numbers of updates; train them apart")
        resting = [replica for replica in range(self._num_replicas) if replica not in chunks]
        kept = {name: tensor[resting] for name, tensor in stepper.tensors.items()}
        for name, optimizer in stepper.optimizers.items():
            optimizer.counter = counters[name]
        staged = stage_chunk(stack_chunks(chunks, self._num_replicas), self._dtype)
        columns = train_chunk(stepper, staged, self._dtype)
        for name, tensor in stepper.tensors.items():
            tensor[resting] = kept[name]
        for replica in chunks:
            self._counters[replica] = {name: optimizer.counter for name, optimizer in stepper.optimizers.items()}
        return {replica: as_losses(columns[..., replica], chunk.phase, self._spec) for replica in chunks}

    def _place(self, replica: int) -> tuple[Stepper, Index]:
        """Return whose step a replica takes, and where it is there."""
        return (self._steppers[0], replica) if self._together else (self._steppers[replica], ...)
