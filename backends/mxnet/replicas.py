"""Many replicas of a GAN in one graph a phase: layers and losses by operators on stacked tensors, updates too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np

from gan_rosetta.backends.mxnet.side_by_side import require_side_by_side
from gan_rosetta.backends.mxnet.trainer import MxnetTrainer
from gan_rosetta.shared.data.replicas import stack_chunks
from gan_rosetta.shared.interface import Chunk, Losses
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.state import check_state, state_schema
from gan_rosetta.shared.state.replicas import UpdateCounts


class MxnetReplicas:
    """Replicas of a GAN on MXNet. together: a trainer whose tensors are all of theirs, with an axis of them first."""

    # Measured: what is shared of a step is half a millisecond or more, and its graphs are made in seconds.
    worth_it_from: ClassVar[int] = 10_000

    def __init__(self, spec: GanSpec, together: MxnetTrainer, /, *, num_replicas: int) -> None:
        self._spec = spec
        self._together = together
        self._num_replicas = num_replicas
        self._counts = UpdateCounts(spec, num_replicas=num_replicas)

    @classmethod
    def build(cls, spec: GanSpec, /, *, num_replicas: int, device: str, dtype: str) -> Self:
        """Build the networks and optimizers, compiled. Raises UnsupportedLayer, UsageError."""
        require_side_by_side(spec)
        build: dict[str, Any] = {"device": device, "dtype": dtype, "execution": "compiled"}
        return cls(spec, MxnetTrainer.build(spec, num_replicas=num_replicas, **build), num_replicas=num_replicas)

    def load_state(self, replica: int, state: Mapping[str, np.ndarray], /) -> None:
        """Copy a whole state into one of them, cast to the run's type. Raises StateError."""
        check_state(state, self._spec)
        for name, tensor in self._together.tensors().items():
            tensor[replica] = self._together.to_device(state[name])
        self._counts.load(replica, state)

    def export_state(self, replica: int, /) -> dict[str, np.ndarray]:
        """Return a copy of the whole state of one of them in canonical order and layout."""
        found = {name: tensor[replica].asnumpy() for name, tensor in self._together.tensors().items()}
        found |= self._counts.as_tensors(replica)
        return {name: found[name].reshape(tensor.shape) for name, tensor in state_schema(self._spec).items()}

    def train(self, chunks: Mapping[int, Chunk], /) -> dict[int, Losses]:
        """Run a chunk's steps on each replica that has one; the others rest.

        All of them take the steps, and those that rest are given back the state that they had.
        """
        players = self._together.players
        for name, count in self._counts.shared_by(chunks).items():
            players[name].counter = count
        resting = [replica for replica in range(self._num_replicas) if replica not in chunks]
        tensors = self._together.tensors()
        kept = {name: tensor.asnumpy()[resting] for name, tensor in tensors.items()} if resting else {}
        found = self._together.train(self._together.stage(stack_chunks(chunks, self._num_replicas)))
        for name, states in kept.items():
            moved = tensors[name].asnumpy()
            moved[resting] = states
            tensors[name][:] = self._together.to_device(moved)
        self._counts.move(chunks, {name: player.counter for name, player in players.items()})
        return {replica: _losses_of(found, replica) for replica in chunks}


def _losses_of(found: Losses, replica: int) -> Losses:
    names = Losses.__dataclass_fields__
    columns = {name: values for name in names if (values := getattr(found, name)) is not None}
    return Losses(**{name: values[:, replica].copy() for name, values in columns.items()})
