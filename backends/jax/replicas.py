"""Many replicas of a GAN in one compiled loop: the step under jax.vmap, its state and batch with one axis more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import jax
import numpy as np

from gan_rosetta.backends.jax.compiled import make_blocks, programs
from gan_rosetta.backends.jax.device import check_device, native_device
from gan_rosetta.backends.jax.state import State, state_of_tensors, tensors_of_state, zero_tensors
from gan_rosetta.shared.data.replicas import stack_chunks
from gan_rosetta.shared.interface import Chunk, Losses, losses_of
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.state import check_state, state_schema


class JaxReplicas:
    """Replicas of a GAN on JAX.

    Their states are on the device, stacked, while they train, and on the host, each by itself, when they are asked for.
    """

    worth_it_from: ClassVar[int] = 200_000

    def __init__(self, spec: GanSpec, /, *, num_replicas: int, device: str, dtype: str) -> None:
        self._spec = spec
        self._device = device
        self._dtype = dtype
        self._programs = programs(spec, device=device, dtype=dtype)
        zeros = state_of_tensors(self._programs.gan, zero_tensors(spec, dtype=dtype))
        self._apart: list[State] | None = [zeros] * num_replicas
        self._stacked: State | None = None

    @classmethod
    def build(cls, spec: GanSpec, /, *, num_replicas: int, device: str, dtype: str) -> Self:
        """Build the networks and optimizers, compiled. Raises UnsupportedLayer, UsageError."""
        check_device(device)
        return cls(spec, num_replicas=num_replicas, device=device, dtype=dtype)

    def load_state(self, replica: int, state: Mapping[str, np.ndarray], /) -> None:
        """Copy a whole state into one of them, cast to the run's type. Raises StateError."""
        check_state(state, self._spec)
        cast = {
            name: np.array(state[name], dtype=np.int64 if tensor.role == "counter" else self._dtype, order="C")
            for name, tensor in state_schema(self._spec).items()
        }
        self._states()[replica] = state_of_tensors(self._programs.gan, cast)

    def export_state(self, replica: int, /) -> dict[str, np.ndarray]:
        """Return a copy of the whole state of one of them in canonical order and layout."""
        tensors = tensors_of_state(self._programs.gan, self._states()[replica])
        return {name: np.array(tensor) for name, tensor in tensors.items()}

    def train(self, chunks: Mapping[int, Chunk], /) -> dict[int, Losses]:
        """Run a chunk's steps on each replica that has one; the others rest."""
        states = self._take_states()
        num_replicas = len(jax.tree.leaves(states)[0])
        active = np.array([replica in chunks for replica in range(num_replicas)])
        anyone = next(iter(chunks.values()))
        rows: list[Any] = []
        for block in make_blocks(
            self._spec, stack_chunks(chunks, num_replicas), device=self._device, dtype=self._dtype
        ):
            states, losses = self._programs.run_replicas(
                states=states,
                arrays=block.arrays,
                flags=block.flags,
                active=active,
                num_steps=np.int32(block.num_steps),
                phase=anyone.phase,
            )
            rows.append(losses[: block.num_steps])
        self._stacked = states
        found = np.concatenate([np.array(row) for row in rows])  # (K, R, losses)
        return {replica: losses_of(found[:, replica].T, self._spec, anyone.phase) for replica in chunks}

    def _states(self) -> list[State]:
        """Return each one's state, on the host, to be read and to be written to."""
        if self._apart is None:
            stacked = jax.device_get(self._stacked)
            count = len(jax.tree.leaves(stacked)[0])
            self._apart = [jax.tree.map(lambda tensors: tensors[index], stacked) for index in range(count)]  # noqa: B023
            self._stacked = None
        return self._apart

    def _take_states(self) -> State:
        """Return them stacked on the device, to be used up."""
        if self._stacked is None:
            stacked = jax.tree.map(lambda *tensors: np.stack(tensors), *(self._apart or []))
            self._stacked = jax.device_put(stacked, native_device(self._device), may_alias=False)
        states, self._stacked, self._apart = self._stacked, None, None
        return states
