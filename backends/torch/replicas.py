"""Many replicas of a GAN in one compiled step: networks and losses under torch.func.vmap, stacked tensors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Self

import numpy as np
import torch

from gan_rosetta.backends.torch.trainer import TorchTrainer
from gan_rosetta.shared.data.replicas import stack_chunks
from gan_rosetta.shared.interface import Chunk, Losses, losses_of
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.state import check_state, state_schema
from gan_rosetta.shared.state.replicas import UpdateCounts


class TorchReplicas:
    """Replicas of a GAN on torch. one: a trainer whose networks and optimizers they share, but for the tensors."""

    worth_it_from: ClassVar[int] = 200_000

    def __init__(self, spec: GanSpec, one: TorchTrainer, /, *, num_replicas: int) -> None:
        self._spec = spec
        self._one = one
        self._num_replicas = num_replicas
        self._tensors, self._training = one.side_by_side(num_replicas)
        self._counts = UpdateCounts(spec, num_replicas=num_replicas)

    @classmethod
    def build(cls, spec: GanSpec, /, *, num_replicas: int, device: str, dtype: str) -> Self:
        """Build the networks and optimizers, compiled. Raises UnsupportedLayer, UsageError."""
        one = TorchTrainer.build(spec, device=device, dtype=dtype, execution="eager")
        return cls(spec, one, num_replicas=num_replicas)

    def load_state(self, replica: int, state: Mapping[str, np.ndarray], /) -> None:
        """Copy a whole state into one of them, cast to the run's type. Raises StateError."""
        check_state(state, self._spec)
        with torch.no_grad():
            for name, tensor in self._tensors.items():
                tensor[replica].copy_(self._one.to_device(state[name]))
        self._counts.load(replica, state)

    def export_state(self, replica: int, /) -> dict[str, np.ndarray]:
        """Return a copy of the whole state of one of them in canonical order and layout."""
        counts = self._counts.as_tensors(replica)
        return {
            name: counts[name] if name in counts else self._tensors[name][replica].cpu().numpy().copy(order="C")
            for name in state_schema(self._spec)
        }

    def train(self, chunks: Mapping[int, Chunk], /) -> dict[int, Losses]:
        """Run a chunk's steps on each replica that has one; the others rest.

        All of them take the steps, and those that rest are given back the state that they had.
        """
        for name, count in self._counts.shared_by(chunks).items():
            self._one.optimizers[name].set_counter(count)
        resting = [replica for replica in range(self._num_replicas) if replica not in chunks]
        kept = {name: tensor[resting] for name, tensor in self._tensors.items()}
        staged = self._one.stage(stack_chunks(chunks, self._num_replicas))
        found = self._training.run(staged.phase, staged.arrays, staged.trains, epochs=staged.epochs)
        for name, tensor in self._tensors.items():
            tensor[resting] = kept[name]
        self._counts.move(chunks, {name: optimizer.counter for name, optimizer in self._one.optimizers.items()})
        columns = found.permute(1, 2, 0).cpu().numpy()  # (losses, R, K)
        return {replica: losses_of(columns[:, replica], self._spec, staged.phase) for replica in chunks}
