"""Many replicas of a GAN in one compiled loop: the step under tf.vectorized_map, its state and batch stacked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
import tensorflow as tf

from gan_rosetta.backends.tensorflow.cells import Cell
from gan_rosetta.backends.tensorflow.compiled import CompiledLoop, RunStep, at, capacity_of
from gan_rosetta.backends.tensorflow.device import native_device
from gan_rosetta.backends.tensorflow.step import Player
from gan_rosetta.backends.tensorflow.trainer import TensorflowTrainer
from gan_rosetta.shared.data.replicas import stack_chunks
from gan_rosetta.shared.errors import UnsupportedLayer
from gan_rosetta.shared.interface import Chunk, Losses, losses_of
from gan_rosetta.shared.spec import Conv2d, ConvTranspose2d, GanSpec
from gan_rosetta.shared.state import BALANCE, check_state, state_schema
from gan_rosetta.shared.state.replicas import UpdateCounts


class TensorflowReplicas:
    """Replicas of a GAN on TensorFlow. one: a trainer of cells, which hold the replica's tensors that is traced."""

    worth_it_from: ClassVar[int] = 200_000

    def __init__(self, spec: GanSpec, one: TensorflowTrainer, /, *, num_replicas: int, device: str, dtype: str) -> None:
        self._spec = spec
        self._one = one
        self._num_replicas = num_replicas
        self._device = device
        with tf.device(native_device(device)):
            self._stacked = {
                name: tf.Variable(tf.zeros((num_replicas, *cell.read_value().shape), dtype), trainable=False)
                for name, cell in one.tensors.items()
            }
        self._loop = _LoopOfReplicas(spec, one, stacked=self._stacked, dtype=dtype)
        self._counts = UpdateCounts(spec, num_replicas=num_replicas)
        # On the host while they are read and written one by one, else on the device.
        self._on_host: dict[str, np.ndarray] | None = None

    @classmethod
    def build(cls, spec: GanSpec, /, *, num_replicas: int, device: str, dtype: str) -> Self:
        """Build the networks and optimizers, compiled. Raises UnsupportedLayer for convolutions; UsageError."""
        layers = (*spec.generator.all_layers, *spec.discriminator.all_layers)
        if any(isinstance(layer, Conv2d | ConvTranspose2d) for layer in layers):
            # TensorFlow has no convolution of many images each by a kernel of its own.
            raise UnsupportedLayer("TensorFlow trains no replicas of a GAN with convolutions side by side")
        one = TensorflowTrainer.side_by_side(spec, device=device, dtype=dtype)
        return cls(spec, one, num_replicas=num_replicas, device=device, dtype=dtype)

    def load_state(self, replica: int, state: Mapping[str, np.ndarray], /) -> None:
        """Copy a whole state into one of them, cast to the run's type. Raises StateError."""
        check_state(state, self._spec)
        for name, tensor in self._host_tensors().items():
            tensor[replica] = self._one.to_layout(name, state[name])
        self._counts.load(replica, state)

    def export_state(self, replica: int, /) -> dict[str, np.ndarray]:
        """Return a copy of the whole state of one of them in canonical order and layout."""
        counts, tensors = self._counts.as_tensors(replica), self._host_tensors()
        return {
            name: counts[name] if name in counts else self._one.from_layout(name, tensors[name][replica])
            for name in state_schema(self._spec)
        }

    def train(self, chunks: Mapping[int, Chunk], /) -> dict[int, Losses]:
        """Run a chunk's steps on each replica that has one; the others rest.

        All of them take the steps, and those that rest are given back the state that they had.
        """
        for name, count in self._counts.shared_by(chunks).items():
            self._one.optimizers[name].counter = count
        resting = [replica for replica in range(self._num_replicas) if replica not in chunks]
        kept = {name: tensor[resting] for name, tensor in self._host_tensors().items()} if resting else {}
        self._leave_host()
        stacked = stack_chunks(chunks, self._num_replicas)
        with tf.device(native_device(self._device)):
            blocks = self._one.stage_blocks(stacked, num_leading=3)
            run = self._loop.pretrain if stacked.phase == "pretraining" else self._loop.train
            columns = run(blocks)  # (losses, R, K)
        if resting:
            for name, tensor in self._host_tensors().items():
                tensor[resting] = kept[name]
        self._counts.move(chunks, {name: optimizer.counter for name, optimizer in self._one.optimizers.items()})
        return {replica: losses_of(columns[:, replica], self._spec, stacked.phase) for replica in chunks}

    def _host_tensors(self) -> dict[str, np.ndarray]:
        """Return the stacked tensors on the host, to be read and to be written to."""
        if self._on_host is None:
            self._on_host = {name: variable.numpy().copy() for name, variable in self._stacked.items()}
        return self._on_host

    def _leave_host(self) -> None:
        if self._on_host is not None:
            for name, variable in self._stacked.items():
                variable.assign(self._on_host[name])
            self._on_host = None


class _LoopOfReplicas(CompiledLoop):
    """The loop over steps of all replicas. stacked: their tensors, by canonical name with an axis of theirs first."""

    def __init__(self, spec: GanSpec, one: TensorflowTrainer, /, *, stacked: Mapping[str, Any], dtype: str) -> None:
        self._cells: Mapping[str, Cell] = one.tensors
        self._stacked = stacked
        super().__init__(
            spec, players=one.players(), optimizers=one.optimizers, balance=one.tensors.get(BALANCE), dtype=dtype
        )

    def _player(self, name: str, coefficients: Mapping[str, Any], step: Any) -> Player:
        player = super()._player(name, coefficients, step)
        return replace(player, parameters=[cell.read_value() for cell in player.parameters])

    def _after(self, gradients: Sequence[Any], numbers: Sequence[Any], step: Any) -> list[Any]:
        del gradients, step  # the loop carries tensors, and changes no variable
        return list(numbers)

    def _loop(self, run_step: RunStep, arrays: Mapping[str, Any], /, *, num_columns: int, num_steps: Any) -> Any:
        """Run the steps in order; return what each gave, (num_columns, R, capacity), the padding left at 0."""

        def body(step: Any, losses: Any, state: Mapping[str, Any]) -> tuple[Any, Any, Mapping[str, Any]]:
            def run_one(of_one: tuple[Mapping[str, Any], Mapping[str, Any]]) -> tuple[dict[str, Any], Any]:
                own, batch = of_one
                for name, cell in self._cells.items():
                    cell.assign(own[name])
                found = tf.stack(run_step(step, batch))
                return {name: cell.read_value() for name, cell in self._cells.items()}, found

            fed = (state, at(arrays, step))
            # What it has no rule for, it does one after the other, and would say so on standard error.
            moved, found = tf.vectorized_map(run_one, fed, warn=False)
            return step + 1, losses.write(step, found), moved

        begun = {name: variable.read_value() for name, variable in self._stacked.items()}
        num_replicas = next(iter(begun.values())).shape[0]
        losses = tf.TensorArray(self._dtype, size=capacity_of(arrays), element_shape=(num_replicas, num_columns))
        _, losses, state = tf.while_loop(
            lambda step, *_: step < num_steps, body, (tf.constant(0), losses, begun), parallel_iterations=1
        )
        for name, variable in self._stacked.items():
            variable.assign(state[name])
        return tf.transpose(losses.stack())
