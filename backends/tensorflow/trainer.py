"""The TensorFlow trainer: tf.Module networks, gradient tapes, and one Python loop over the steps, or one compiled."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import numpy as np
import tensorflow as tf

from gan_rosetta.backends.tensorflow.averages import averages_of
from gan_rosetta.backends.tensorflow.cells import cell_creator
from gan_rosetta.backends.tensorflow.compiled import Block, CompiledLoop, make_blocks
from gan_rosetta.backends.tensorflow.device import check_device, native_device
from gan_rosetta.backends.tensorflow.layer import Multiply
from gan_rosetta.backends.tensorflow.layers import Observe, build_network, multiply_by_sums
from gan_rosetta.backends.tensorflow.losses import check_losses
from gan_rosetta.backends.tensorflow.optimizers import build_optimizer
from gan_rosetta.backends.tensorflow.step import UNOBSERVED, AdversarialStep, Observer, Player, pretraining_step
from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.interface import (
    DTYPES,
    EXECUTIONS,
    Chunk,
    Losses,
    Phase,
    ProbeKey,
    Trains,
    losses_of,
)
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.spec.feeding import fed_when_asked
from gan_rosetta.shared.state import (
    BALANCE,
    average_name,
    check_state,
    gradient_clipping,
    network_parameters,
    optimizers,
    optimizers_of,
    require_parameters,
    state_schema,
    weight_bound,
)
from gan_rosetta.shared.state.layouts import (
    samples_to_canonical,
    samples_to_native,
    tensor_from_layout,
    tensor_to_layout,
)
from gan_rosetta.shared.state.recorder import Recorder
from gan_rosetta.shared.state.schema import OptimizerName


@dataclass(frozen=True, kw_only=True)
class Staged:
    """A chunk on the device, in TensorFlow's layout: arrays (K, batch, ...), or blocks for the compiled path.

    epochs: that came before each step.
    """

    phase: Phase
    arrays: Mapping[str, Any]
    blocks: tuple[Block, ...]
    trains: tuple[Trains, ...]
    epochs: tuple[int, ...]


class TensorflowTrainer:
    """A GAN on TensorFlow. The compiled path trains the very variables that the eager one does."""

    def __init__(
        self, spec: GanSpec, /, *, device: str, dtype: str, execution: str, multiply: Multiply | None = None
    ) -> None:
        self._spec = spec
        self._device = device
        self._dtype = dtype
        with tf.device(native_device(device)):
            self._networks = {
                name: build_network(name, network, dtype=dtype, multiply=multiply)
                for name, network in spec.networks().items()
            }
            self.tensors: dict[str, Any] = {}  # all but counters, by canonical name
            for network in self._networks.values():
                self.tensors |= network.tensors
            self.optimizers: dict[str, Any] = {}
            for name, (network_name, optimizer) in optimizers(spec).items():
                trained = (tensor.name for tensor in network_parameters(spec, network_name))
                parameters = {parameter: self.tensors[parameter] for parameter in trained}
                self.optimizers[name] = build_optimizer(
                    optimizer, name=name, parameters=parameters, bound=weight_bound(spec, name)
                )
                self.optimizers[name].clipping = gradient_clipping(spec, name)
                self.tensors |= self.optimizers[name].slots
            self._sampler = self._networks["generator"]
            if spec.training.generator_average is not None:
                self._sampler = build_network("generator", spec.generator, dtype=dtype)
                self.tensors |= {average_name(name): tensor for name, tensor in self._sampler.tensors.items()}
                self.optimizers["generator"].averages = averages_of(spec, self.tensors)
            if spec.training.balanced is not None:
                self.tensors[BALANCE] = tf.Variable(tf.zeros((), dtype), trainable=False)
        self._discriminate = partial(self._networks["discriminator"], buffer_moves=0)
        if spec.couples_samples:
            # A boundary is a thousand batches of a D that looks at whole ones, milliseconds each where not a graph.
            self._discriminate = tf.function(self._discriminate)
        self._loop = None
        if execution == "compiled":
            self._loop = CompiledLoop(
                spec,
                players=self.players(),
                optimizers=self.optimizers,
                balance=self.tensors.get(BALANCE),
                dtype=dtype,
            )

    @classmethod
    def side_by_side(cls, spec: GanSpec, /, *, device: str, dtype: str) -> Self:
        """Build one of cells in place of variables, whose step is traced once for many replicas; raises as `build`."""
        _check(spec, device=device, dtype=dtype, execution="eager")
        multiply = multiply_by_sums if device == "cpu" else None
        with tf.variable_creator_scope(cell_creator):
            return cls(spec, device=device, dtype=dtype, execution="eager", multiply=multiply)

    @classmethod
    def build(cls, spec: GanSpec, /, *, device: str, dtype: str, execution: str) -> Self:
        """Build the networks and optimizers. device: "cpu" or "cuda". Raises UnsupportedLayer, UsageError."""
        _check(spec, device=device, dtype=dtype, execution=execution)
        return cls(spec, device=device, dtype=dtype, execution=execution)

    def load_state(self, state: Mapping[str, np.ndarray], /) -> None:
        """Copy a whole state in, cast to the run's type. Raises StateError for missing, extra or misshapen names."""
        check_state(state, self._spec)
        for name, variable in self.tensors.items():
            variable.assign(self.to_layout(name, state[name]))
        for optimizer in self.optimizers.values():
            optimizer.counter = int(state[optimizer.counter_name])

    def export_state(self) -> dict[str, np.ndarray]:
        """Return a copy of the whole state in canonical order and layout."""
        counters = {optimizer.counter_name: optimizer.counter for optimizer in self.optimizers.values()}
        return {
            name: np.array(counters[name], dtype=np.int64)
            if name in counters
            else self.from_layout(name, self.tensors[name].numpy())
            for name in state_schema(self._spec)
        }

    def stage(self, chunk: Chunk, /) -> Staged:
        """Cast a chunk and put it on the device; the transfer is finished when this returns."""
        return self._stage(chunk, compiled=self._loop is not None)

    def train(self, staged: Staged, /) -> Losses:
        """Run a staged chunk's steps. One copy to the host, of the losses, at the end."""
        if self._loop is None:
            columns = self._run(staged, UNOBSERVED)
        else:
            with tf.device(native_device(self._device)):
                run = self._loop.pretrain if staged.phase == "pretraining" else self._loop.train
                columns = run(staged.blocks)
        return losses_of(columns, self._spec, staged.phase)

    def probe(self, chunk: Chunk, /) -> dict[ProbeKey, np.ndarray]:
        """Run a chunk of one step and return everything it computed, in order of execution, then undo it."""
        if chunk.num_steps != 1:
            raise UsageError(f"probe takes a chunk of 1 step, and this one has {chunk.num_steps}; cut it")
        values = {name: variable.numpy().copy() for name, variable in self.tensors.items()}
        counters = {name: optimizer.counter for name, optimizer in self.optimizers.items()}
        recorder = _Recorder(self._spec, tensors=self.tensors, optimizers=self.optimizers)
        try:
            self._run(self._stage(chunk, compiled=False), recorder)
        finally:
            for name, value in values.items():
                self.tensors[name].assign(value)
            for name, counter in counters.items():
                self.optimizers[name].counter = counter
        return recorder.found

    def generate(self, latent: np.ndarray, /) -> np.ndarray:
        """Return G(latent), (batch, ...) in canonical layout. BatchNorm as in training, its buffers left alone."""
        return self._apply("generator", partial(self._sampler, buffer_moves=0), latent)

    def discriminate(self, samples: np.ndarray, /) -> np.ndarray:
        """Return D's output for samples (batch, ...). BatchNorm as in training, its buffers left alone."""
        return self._apply("discriminator", self._discriminate, samples)

    def players(self) -> dict[str, Player]:
        """Return what each optimizer moves, by the optimizer's name."""
        return {name: self._player(name) for name in optimizers(self._spec)}

    def to_layout(self, name: str, array: np.ndarray, /) -> np.ndarray:
        """Return a tensor of the state as TensorFlow has it, of the run's type."""
        return _to_layout(self._spec, name, np.asarray(array).astype(self._dtype, copy=False))

    def from_layout(self, name: str, array: np.ndarray, /) -> np.ndarray:
        """Return a tensor of TensorFlow's layout as the state has it."""
        return _from_layout(self._spec, name, array)

    def stage_blocks(self, chunk: Chunk, /, *, num_leading: int = 2) -> tuple[Block, ...]:
        """Return a chunk for the compiled path, on the current device. num_leading: its axes before a sample's."""
        trains = {"discriminator": chunk.trains_discriminator, "generator": chunk.trains_generator}
        native = {name: samples_to_native(array, num_leading=num_leading) for name, array in chunk.arrays.items()}
        return make_blocks(self._spec, native, trains, epochs=chunk.passes_before, dtype=self._dtype)

    def _stage(self, chunk: Chunk, *, compiled: bool) -> Staged:
        arrays: dict[str, Any] = {}
        blocks: tuple[Block, ...] = ()
        with tf.device(native_device(self._device)):
            if compiled:
                blocks = self.stage_blocks(chunk)
            else:
                arrays = {
                    name: tf.constant(self._to_native(array, num_leading=2)) for name, array in chunk.arrays.items()
                }
        if self._device != "cpu":
            tf.test.experimental.sync_devices()
        return Staged(phase=chunk.phase, arrays=arrays, blocks=blocks, trains=chunk.trains, epochs=chunk.passes_before)

    def _apply(self, name: str, network: Callable[..., Any], inputs: np.ndarray) -> np.ndarray:
        asked = fed_when_asked(self._spec.networks()[name], len(inputs))
        with tf.device(native_device(self._device)):
            fed = {layer: tf.constant(self._to_native(array, num_leading=1)) for layer, array in asked.items()}
            native = tf.constant(self._to_native(inputs, num_leading=1))
            return samples_to_canonical(network(native, fed=fed).numpy())

    def _run(self, staged: Staged, observer: Observer) -> np.ndarray:
        """Run the steps eagerly and return their losses, (number of losses, K)."""
        rows: list[Any] = []
        with tf.device(native_device(self._device)):
            if staged.phase == "pretraining":
                player = self._player("pretraining")
                for batch in _batches(staged):
                    rows.append((pretraining_step(self._spec, player=player, batch=batch, observer=observer),))
            else:
                step = AdversarialStep(
                    self._spec,
                    generator=self._player("generator"),
                    discriminator=self._player("discriminator"),
                    observer=observer,
                    balance=self.tensors.get(BALANCE),
                    joint=lambda: [self._player(name) for name in optimizers_of(self._spec, "joint")],
                )
                for batch, trains, epoch in zip(_batches(staged), staged.trains, staged.epochs, strict=True):
                    for optimizer in self.optimizers.values():
                        optimizer.epoch = epoch
                    rows.append(step.run(batch, trains=trains).told())
            columns: np.ndarray = tf.stack([tf.stack(column) for column in zip(*rows, strict=True)]).numpy()
        return columns.copy()

    def _player(self, name: OptimizerName) -> Player:
        optimizer = self.optimizers[name]
        network_name, _ = optimizers(self._spec)[name]
        return Player(
            network=self._networks[network_name],
            parameters=list(optimizer.parameters.values()),
            update=optimizer.update,
        )

    def _to_native(self, array: np.ndarray, *, num_leading: int) -> np.ndarray:
        # NumPy casts, so that the rounding to float32 is the same in every backend.
        native = samples_to_native(np.asarray(array), num_leading=num_leading)
        return np.array(native, dtype=self._dtype, order="C")


class _Recorder(Recorder, Observer):
    """Keeps what a step computes, by ProbeKey, in the canonical layout."""

    looks = True

    def __init__(self, spec: GanSpec, /, *, tensors: Mapping[str, Any], optimizers: Mapping[str, Any]) -> None:
        super().__init__(spec, to_canonical=partial(_to_canonical, spec))
        self._tensors = tensors
        self._optimizers = optimizers

    def forward(self, phase: str, stream: str, network: str, /) -> Observe:
        return lambda layer, outputs: self.value(phase, "output", stream, f"{network}.{layer}", outputs)

    def gradients(self, phase: str, quantity: str, gradients: Sequence[Any], /) -> None:
        moved_by = [self._optimizers[name] for name in optimizers_of(self._spec, phase)]
        names = [name for optimizer in moved_by for name in optimizer.parameters]
        self.keep_gradients(phase, quantity, dict(zip(names, gradients, strict=True)))

    def updated(self, phase: str, /) -> None:
        counters = {name: optimizer.counter for name, optimizer in self._optimizers.items()}
        self.keep_state(phase, self._tensors, counters=counters)


def _check(spec: GanSpec, *, device: str, dtype: str, execution: str) -> None:
    check_device(device)
    if dtype not in DTYPES:
        raise UsageError(f"dtype is {dtype!r}; expected one of {', '.join(DTYPES)}")
    if execution not in EXECUTIONS:
        raise UsageError(f"execution is {execution!r}; expected one of {', '.join(EXECUTIONS)}")
    check_losses(spec)
    require_parameters(spec, framework="TensorFlow")


def _to_canonical(spec: GanSpec, key: ProbeKey, value: Any) -> np.ndarray:
    array = value.numpy()
    return _from_layout(spec, key.name, array) if key.name in state_schema(spec) else samples_to_canonical(array)


def _to_layout(spec: GanSpec, name: str, array: np.ndarray) -> np.ndarray:
    # Reshape turns images back to channels first, so that what is flattened has the canonical order.
    return tensor_to_layout(spec, name, array, layout="keras", flattens_last=False)


def _from_layout(spec: GanSpec, name: str, array: np.ndarray) -> np.ndarray:
    return tensor_from_layout(spec, name, array, layout="keras", flattens_last=False)


def _batches(staged: Staged) -> list[dict[str, Any]]:
    names = list(staged.arrays)
    columns = (tf.unstack(staged.arrays[name]) for name in names)
    return [dict(zip(names, tensors, strict=True)) for tensors in zip(*columns, strict=True)]
