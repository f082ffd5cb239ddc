"""The MXNet trainer: Gluon blocks and one Python loop over the steps; autograd, or where compiled static graphs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from gan_rosetta.backends.mxnet.averages import Averages
from gan_rosetta.backends.mxnet.device import context
from gan_rosetta.backends.mxnet.framework import mx
from gan_rosetta.backends.mxnet.layers import Pass, build_network
from gan_rosetta.backends.mxnet.losses import check_losses
from gan_rosetta.backends.mxnet.phases import Trace
from gan_rosetta.backends.mxnet.rows import lay_into_rows, row_of
from gan_rosetta.backends.mxnet.step import Blocks, Observer, Player, StepRunner
from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.interface import DTYPES, EXECUTIONS, Chunk, Losses, Phase, ProbeKey, Trains
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.spec.feeding import fed_when_asked
from gan_rosetta.shared.state import (
    BALANCE,
    check_state,
    counter_name,
    gradient_clipping,
    network_parameters,
    optimizers,
    optimizers_of,
    require_parameters,
    slot_name,
    state_schema,
    weight_bound,
)
from gan_rosetta.shared.state.recorder import Recorder


@dataclass(frozen=True, kw_only=True)
class Staged:
    """A chunk on the device. arrays: (K, B, ...) each, by name; epochs: that came before each step."""

    phase: Phase
    arrays: Mapping[str, Any]
    trains: tuple[Trains, ...]
    epochs: tuple[int, ...]


class MxnetTrainer:
    """A GAN on MXNet. Eager and compiled runs train the same arrays with the same blocks.

    num_replicas: of how many replicas it has the tensors, with an axis of them first; 0 for one GAN without the axis.
    """

    def __init__(self, spec: GanSpec, /, *, device: str, dtype: str, execution: str, num_replicas: int = 0) -> None:
        self._spec = spec
        self._axes = (num_replicas,) if num_replicas else ()
        self._dtype = dtype
        self._context = context(device)
        self._compiled = execution == "compiled"
        self._networks = {
            name: build_network(network, context=self._context, dtype=dtype, axes=self._axes)
            for name, network in spec.networks().items()
        }
        device_and_type = {"context": self._context, "dtype": dtype}
        laid = {
            name: lay_into_rows(network.ordered_parameters(), axes=self._axes, **device_and_type)
            for name, network in self._networks.items()
        }
        schema = state_schema(spec)
        self._buffers: dict[str, list[Any]] = {
            name: [self._zeros(t.shape) for t in schema.values() if t.role == "buffer" and t.network == name]
            for name in self._networks
        }
        self.players: dict[str, Player] = {}
        for name, (network, optimizer) in optimizers(spec).items():
            names = [parameter.name for parameter in network_parameters(spec, network)]
            shapes = [(*self._axes, *schema[parameter].shape) for parameter in names]
            rows = {slot: row_of(shapes, **device_and_type) for slot in optimizer.slots}
            together = laid[network]
            slots = {
                slot_name(name, parameter, slot): rows[slot].parts[place]
                for place, parameter in enumerate(names)
                for slot in optimizer.slots
            }
            self.players[name] = Player(
                optimizer,
                parameters=dict(zip(names, self._networks[network].ordered_parameters(), strict=True)),
                slots=slots,
                rows=None if together is None else [row.flat for row in (*together, *rows.values())],
                compiled=self._compiled,
                bound=weight_bound(spec, name),
                clipping=gradient_clipping(spec, name),
            )
        self._samplers = dict(self._networks)  # what is asked for outputs
        self._averages: Averages | None = None
        if spec.training.generator_average is not None:
            shadow = build_network(spec.generator, context=self._context, dtype=dtype, axes=self._axes)
            self._samplers["generator"] = shadow
            parameters = shadow.ordered_parameters()
            self._averages = Averages(
                spec,
                weights=[parameter.data() for parameter in parameters],
                buffers=[buffer.copy() for buffer in self._buffers["generator"]],
            )
        self._balance = None if spec.training.balanced is None else self._zeros(() if self._axes else (1,))
        self._eager_blocks = Blocks(spec, self._networks, compiled=False)
        self._passes = {name: Pass(network) for name, network in self._samplers.items()}
        if spec.couples_samples:
            # A boundary is a thousand batches of a D that looks at whole ones, milliseconds each where not a graph.
            self._passes["discriminator"].hybridize()
            self._networks["discriminator"].hybridize(active=False)
        self._compiled_blocks: dict[tuple[tuple[int, ...], ...], Blocks] = {}  # by the shapes of a chunk's arrays
        self._places: list[Any] = []  # 0, 1, ... on the device, (1,) each

    @classmethod
    def build(cls, spec: GanSpec, /, *, device: str, dtype: str, execution: str, num_replicas: int = 0) -> Self:
        """Build the networks and optimizers. device: "cpu" or "cuda". Raises UnsupportedLayer, UsageError."""
        if dtype not in DTYPES:
            raise UsageError(f"dtype is {dtype!r}; expected one of {', '.join(DTYPES)}")
        if execution not in EXECUTIONS:
            raise UsageError(f"execution is {execution!r}; expected one of {', '.join(EXECUTIONS)}")
        check_losses(spec)
        require_parameters(spec, framework="MXNet")
        return cls(spec, device=device, dtype=dtype, execution=execution, num_replicas=num_replicas)

    def load_state(self, state: Mapping[str, np.ndarray], /) -> None:
        """Copy a whole state in, cast to the run's type. Raises StateError for missing, extra or misshapen names."""
        check_state(state, self._spec)
        for network in self._networks:
            self._buffers[network] = [self.to_device(state[name]) for name in self._buffer_names(network)]
        for name, tensor in self.tensors().items():
            self.to_device(state[name]).copyto(tensor)
        for name, player in self.players.items():
            player.counter = int(state[counter_name(name)])
        mx.nd.waitall()

    def export_state(self) -> dict[str, np.ndarray]:
        """Return a copy of the whole state in canonical order and layout."""
        found: dict[str, np.ndarray] = {}
        for network in self._networks:
            for name, buffer in zip(self._buffer_names(network), self._buffers[network], strict=True):
                found[name] = buffer.asnumpy()
        found |= {name: tensor.asnumpy() for name, tensor in self.tensors().items()}
        if self._balance is not None:
            found[BALANCE] = found[BALANCE].reshape(())
        for name, player in self.players.items():
            found[counter_name(name)] = np.array(player.counter, dtype=np.int64)
        return {name: found[name] for name in state_schema(self._spec)}

    def stage(self, chunk: Chunk, /) -> Staged:
        """Cast a chunk and put it on the device; the transfer is finished when this returns."""
        # The copy that is cast becomes the tensor; another device copies it.
        cast = {name: np.array(array, dtype=self._dtype, order="C") for name, array in chunk.arrays.items()}
        arrays = {name: mx.nd.from_numpy(array).as_in_context(self._context) for name, array in cast.items()}
        mx.nd.waitall()
        return Staged(
            phase=chunk.phase,
            arrays=arrays,
            trains=chunk.trains,
            epochs=chunk.passes_before,
        )

    def train(self, staged: Staged, /) -> Losses:
        """Run a staged chunk's steps. One copy to the host, of the losses, at the end."""
        losses = self._run(staged, self._blocks(staged), Observer())
        mx.nd.waitall()
        return losses

    def probe(self, chunk: Chunk, /) -> dict[ProbeKey, np.ndarray]:
        """Run a chunk of one step and return everything it computed, in order of execution, then undo it."""
        if chunk.num_steps != 1:
            raise UsageError(f"probe takes a chunk of 1 step, and this one has {chunk.num_steps}; cut it")
        buffers = dict(self._buffers)
        counters = {name: player.counter for name, player in self.players.items()}
        tensors = list(self.tensors().values())
        copies = [tensor.copy() for tensor in tensors]
        recorder = _Recorder(
            self._spec,
            players=self.players,
            buffers=self._buffers,
            averages=self._averages,
            balance=self._balance,
        )
        try:
            self._run(self.stage(chunk), self._eager_blocks, recorder)
        finally:
            self._buffers.update(buffers)
            for name, player in self.players.items():
                player.counter = counters[name]
            for tensor, copy in zip(tensors, copies, strict=True):
                copy.copyto(tensor)
            mx.nd.waitall()
        return recorder.found

    def tensors(self) -> dict[str, Any]:
        """Return all but buffers and counters by canonical name: arrays that stay the same; the balance is (1,)."""
        found = {name: tensor for player in self.players.values() for name, tensor in player.tensors().items()}
        found |= {} if self._balance is None else {BALANCE: self._balance}
        return found if self._averages is None else found | self._averages.tensors()

    def generate(self, latent: np.ndarray, /) -> np.ndarray:
        """Return G(latent), (batch, ...) in canonical layout. BatchNorm as in training, its buffers left alone."""
        return self._apply("generator", latent)

    def discriminate(self, samples: np.ndarray, /) -> np.ndarray:
        """Return D's output for samples (batch, ...). BatchNorm as in training, its buffers left alone."""
        return self._apply("discriminator", samples)

    def _apply(self, name: str, inputs: np.ndarray) -> np.ndarray:
        fed = fed_when_asked(self._spec.networks()[name], len(inputs)).values()
        with mx.autograd.train_mode():
            averages = self._averages if name == "generator" else None
            buffers = self._buffers[name] if averages is None else averages.buffers
            output, *_ = self._passes[name](self.to_device(inputs), *map(self.to_device, fed), *buffers)
        return output.asnumpy()

    def _blocks(self, staged: Staged) -> Blocks:
        if not self._compiled:
            return self._eager_blocks
        key = tuple(array.shape for array in staged.arrays.values())
        if key not in self._compiled_blocks:
            self._compiled_blocks[key] = Blocks(
                self._spec, self._networks, compiled=True, context=self._context, side_by_side=bool(self._axes)
            )
        return self._compiled_blocks[key]

    def _run(self, staged: Staged, blocks: Blocks, observer: Observer) -> Losses:
        runner = StepRunner(
            self._spec,
            blocks,
            players=self.players,
            buffers=self._buffers,
            averages=self._averages,
            balance=self._balance,
            observer=observer,
        )
        trains = staged.trains
        batches = self._batches(staged, blocks)
        if staged.phase == "pretraining":
            for batch, scalars in zip(batches, self._scalars("pretraining", staged.epochs), strict=True):
                runner.pretrain(batch, scalars)
            return Losses(pretraining=self._to_host(runner.losses.pretraining))
        turns = {name: [getattr(flags, name) for flags in trains] for name in Trains._fields}
        always = dict.fromkeys(optimizers_of(self._spec, "joint"), [True] * len(trains))
        moves = {
            name: [epoch for epoch, own in zip(staged.epochs, flags, strict=True) if own]
            for name, flags in (turns | always).items()
        }
        rows = {name: iter(self._scalars(name, epochs)) for name, epochs in moves.items()}
        for batch, flags in zip(batches, trains, strict=True):
            scalars = {name: next(own) for name, own in rows.items() if getattr(flags, name, True)}
            runner.train(batch, scalars, trains=flags)
        real_score = runner.losses.real_score
        is_joint = self._spec.training.joint_optimizer is not None
        return Losses(
            discriminator=self._spread(runner.losses.discriminator, turns["discriminator"]),
            generator=self._spread(runner.losses.generator, turns["generator"]),
            joint=self._to_host(runner.losses.joint) if is_joint else None,
            real_score=self._spread(real_score, turns["discriminator"])
            if self._spec.training.stop is not None
            else None,
        )

    def _batches(self, staged: Staged, blocks: Blocks) -> Iterator[Mapping[str, Any]]:
        """Yield what each step is given: its arrays, or the chunk's, of which the graphs are told the step's place."""
        if blocks.execution == "compiled":
            for place in self._first_places(len(staged.trains)):
                place.copyto(blocks.step)
                yield staged.arrays
            return
        columns = (_rows(array) for array in staged.arrays.values())
        for row in zip(*columns, strict=True):
            yield dict(zip(staged.arrays, row, strict=True))

    def _first_places(self, count: int) -> list[Any]:
        """Return the places of a chunk's steps, made once."""
        self._places += [self._to_device_index(place) for place in range(len(self._places), count)]
        return self._places[:count]

    def _scalars(self, name: str, epochs: Sequence[int]) -> list[Any]:
        """Return the scalars of an optimizer's updates, each so many epochs behind it."""
        return _rows(self.to_device(self.players[name].scalars(epochs))) if epochs else []

    def _spread(self, values: list[Any], trains: list[bool]) -> np.ndarray:
        """Copy a player's losses to the host, NaN where it did not train."""
        result = np.full((len(trains), *self._axes), np.nan, dtype=self._dtype)
        if values:
            result[trains] = self._to_host(values)
        return result

    def _to_host(self, losses: list[Any]) -> np.ndarray:
        found: np.ndarray = mx.nd.concat(*losses, dim=0).asnumpy()
        return found.reshape(-1, *self._axes)

    def _buffer_names(self, network: str) -> list[str]:
        return [t.name for t in state_schema(self._spec).values() if t.role == "buffer" and t.network == network]

    def _zeros(self, shape: tuple[int, ...]) -> Any:
        return mx.nd.zeros((*self._axes, *shape), ctx=self._context, dtype=self._dtype)

    def _to_device_index(self, place: int) -> Any:
        return mx.nd.ndarray.array(np.array([place], dtype=np.int32), ctx=self._context, dtype="int32")

    def to_device(self, array: np.ndarray, /) -> Any:
        """Return a copy of an array on the device, of the run's type."""
        # NumPy casts, so that the rounding to float32 is the same in every backend. The inner module's `array` takes
        # no detour over scipy.sparse, whose deprecation it would trip.
        cast = np.ascontiguousarray(array, dtype=self._dtype)
        return mx.nd.ndarray.array(cast, ctx=self._context, dtype=self._dtype)


class _Recorder(Recorder, Observer):
    """Keeps what a step computes, by ProbeKey."""

    looks = True

    def __init__(
        self,
        spec: GanSpec,
        /,
        *,
        players: Mapping[str, Player],
        buffers: Mapping[str, list[Any]],
        averages: Averages | None,
        balance: Any,
    ) -> None:
        super().__init__(spec, to_canonical=_to_canonical)
        self._balance = balance
        self._averages = averages
        self._players = players
        self._buffers = buffers
        self._buffer_names = [name for name, tensor in state_schema(spec).items() if tensor.role == "buffer"]

    def traced(self, phase: str, trace: Trace, /) -> None:
        for (stream, network), outputs in trace.passes.items():
            for placed, output in zip(self._spec.networks()[network].placed, outputs, strict=True):
                self.value(phase, "output", stream, f"{network}.{placed.name}", output)
        if trace.penalty is not None:
            self.value(phase, "input_gradient", "mixed", "discriminator", trace.input_gradient)
            self.value(phase, "loss", "", "penalty", trace.penalty)
        if trace.loss is not None:
            self.value(phase, "loss", "", "loss", trace.loss)

    def gradients(self, phase: str, quantity: str, /) -> None:
        players = [self._players[name] for name in optimizers_of(self._spec, phase)]
        found = {name: own for player in players for name, own in zip(player.weights, player.gradients, strict=True)}
        self.keep_gradients(phase, quantity, found)

    def updated(self, phase: str, /) -> None:
        players = [self._players[name] for name in optimizers_of(self._spec, phase)]
        own = {name: tensor for player in players for name, tensor in player.tensors().items()}
        buffers = zip(self._buffer_names, [*self._buffers["generator"], *self._buffers["discriminator"]], strict=True)
        averages = {} if self._averages is None else self._averages.tensors()
        tensors = {**own, **dict(buffers), **averages, BALANCE: self._balance}
        self.keep_state(phase, tensors, counters={name: player.counter for name, player in self._players.items()})


def _to_canonical(key: ProbeKey, value: Any) -> np.ndarray:
    array = value.asnumpy()
    return array.reshape(()) if key.quantity in ("loss", "balance") else array


def _rows(array: Any) -> list[Any]:
    """Return views of an array's entries along its first axis."""
    # `list(array)` gives the same, and takes 3 times as long through the general indexing.
    return [array._at(place) for place in range(len(array))]
