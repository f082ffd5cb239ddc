"""The torch trainer: networks of nn.Modules, torch's autograd and optimizers, one Python loop over the steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from gan_rosetta.backends.torch.averages import averages_of
from gan_rosetta.backends.torch.compiled import CompiledTraining
from gan_rosetta.backends.torch.device import check_device
from gan_rosetta.backends.torch.layers import build_network
from gan_rosetta.backends.torch.losses import check_losses
from gan_rosetta.backends.torch.optimizers import NamedOptimizer
from gan_rosetta.backends.torch.rows import lay_into_row
from gan_rosetta.backends.torch.step import UNOBSERVED, AdversarialStep, Observer, Player, pretraining_step
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
    optimizers,
    optimizers_of,
    require_parameters,
    state_schema,
    weight_bound,
)
from gan_rosetta.shared.state.recorder import Recorder

_TORCH_DTYPES = {"float32": torch.float32, "float64": torch.float64}


@dataclass(frozen=True, kw_only=True)
class Staged:
    """A chunk on the device. arrays: (K, B, ...) each; epochs: that came before each step."""

    phase: Phase
    arrays: Mapping[str, Tensor]
    trains: tuple[Trains, ...]
    epochs: tuple[int, ...]


class TorchTrainer:
    """A GAN on torch. The compiled path trains the very tensors that the eager one does."""

    def __init__(self, spec: GanSpec, /, *, device: str, dtype: str, execution: str) -> None:
        self._spec = spec
        self._device = device
        self._dtype = _TORCH_DTYPES[dtype]
        self._networks = {
            name: build_network(network, device=device, dtype=self._dtype) for name, network in spec.networks().items()
        }
        # A graph that is compiled calls nothing for each tensor, and one that writes into views would copy them.
        calls_each = execution == "eager" and device == "cpu"
        rows = {name: lay_into_row(network) if calls_each else None for name, network in self._networks.items()}
        self._tensors: dict[str, Tensor] = {}  # all but counters, by canonical name
        for name, network in self._networks.items():
            named = [*network.named_parameters(), *network.named_buffers()]
            self._tensors |= {f"{name}.{short}": tensor for short, tensor in named}
        self.optimizers: dict[str, NamedOptimizer] = {}
        for optimizer_name, (network_name, optimizer) in optimizers(spec).items():
            parameters = {
                f"{network_name}.{short}": parameter
                for short, parameter in self._networks[network_name].named_parameters()
            }
            bound = weight_bound(spec, optimizer_name)
            clipping = gradient_clipping(spec, optimizer_name)
            built = NamedOptimizer(
                optimizer,
                name=optimizer_name,
                parameters=parameters,
                bound=bound,
                clipping=clipping,
                row=rows[network_name],
            )
            self.optimizers[optimizer_name] = built
            self._tensors |= built.slots
        self._samplers = dict(self._networks)  # what is asked for outputs
        if spec.training.generator_average is not None:
            shadow = build_network(spec.generator, device=device, dtype=self._dtype).requires_grad_(False)
            self._samplers["generator"] = shadow
            named = [*shadow.named_parameters(), *shadow.named_buffers()]
            self._tensors |= {average_name(f"generator.{short}"): tensor for short, tensor in named}
            self.optimizers["generator"].averages = averages_of(spec, self._tensors)
        if spec.training.balanced is not None:
            self._tensors[BALANCE] = torch.zeros((), device=device, dtype=self._dtype)
        self.compiled: CompiledTraining | None = None
        if execution == "compiled":
            self.compiled = CompiledTraining(
                spec, networks=self._networks, optimizers=self.optimizers, tensors=self._tensors
            )

    def side_by_side(self, num_replicas: int, /) -> tuple[dict[str, Tensor], CompiledTraining]:
        """Return tensors of so many replicas, all 0, by canonical name with an axis first, and what trains them."""
        stacked = {
            name: tensor.detach().new_zeros((num_replicas, *tensor.shape)) for name, tensor in self._tensors.items()
        }
        training = CompiledTraining(
            self._spec, networks=self._networks, optimizers=self.optimizers, tensors=stacked, side_by_side=True
        )
        return stacked, training

    @classmethod
    def build(cls, spec: GanSpec, /, *, device: str, dtype: str, execution: str) -> Self:
        """Build the networks and optimizers. device: "cpu" or "cuda". Raises UnsupportedLayer, UsageError."""
        check_device(device)
        if dtype not in DTYPES:
            raise UsageError(f"dtype is {dtype!r}; expected one of {', '.join(DTYPES)}")
        if execution not in EXECUTIONS:
            raise UsageError(f"execution is {execution!r}; expected one of {', '.join(EXECUTIONS)}")
        check_losses(spec)
        require_parameters(spec, framework="torch")
        return cls(spec, device=device, dtype=dtype, execution=execution)

    def load_state(self, state: Mapping[str, np.ndarray], /) -> None:
        """Copy a whole state in, cast to the run's type. Raises StateError for missing, extra or misshapen names."""
        check_state(state, self._spec)
        with torch.no_grad():
            for name, tensor in self._tensors.items():
                tensor.copy_(self.to_device(state[name]))
        for optimizer in self.optimizers.values():
            optimizer.set_counter(int(state[optimizer.counter_name]))

    def export_state(self) -> dict[str, np.ndarray]:
        """Return a copy of the whole state in canonical order and layout."""
        counters = {optimizer.counter_name: optimizer.counter for optimizer in self.optimizers.values()}
        return {
            name: np.array(counters[name], dtype=np.int64) if name in counters else _to_host(self._tensors[name])
            for name in state_schema(self._spec)
        }

    def stage(self, chunk: Chunk, /) -> Staged:
        """Cast a chunk and put it on the device; the transfer is finished when this returns."""
        arrays = {name: self.to_device(array) for name, array in chunk.arrays.items()}
        self._synchronize()
        return Staged(phase=chunk.phase, arrays=arrays, trains=chunk.trains, epochs=chunk.passes_before)

    def train(self, staged: Staged, /) -> Losses:
        """Run a staged chunk's steps. One copy to the host, of the losses, at the end."""
        columns = self._run(staged, UNOBSERVED)
        self._synchronize()
        return losses_of(columns, self._spec, staged.phase)

    def probe(self, chunk: Chunk, /) -> dict[ProbeKey, np.ndarray]:
        """Run a chunk of one step and return everything it computed, in order of execution, then undo it."""
        if chunk.num_steps != 1:
            raise UsageError(f"probe takes a chunk of 1 step, and this one has {chunk.num_steps}; cut it")
        tensors = {name: tensor.detach().clone() for name, tensor in self._tensors.items()}
        counters = {name: optimizer.counter for name, optimizer in self.optimizers.items()}
        recorder = _Recorder(self._spec, networks=self._networks, tensors=self._tensors, optimizers=self.optimizers)
        try:
            with recorder.watching():
                self._run(self.stage(chunk), recorder)
        finally:
            with torch.no_grad():
                for name, tensor in tensors.items():
                    self._tensors[name].copy_(tensor)
            for name, optimizer in self.optimizers.items():
                optimizer.set_counter(counters[name])
        return recorder.found

    def generate(self, latent: np.ndarray, /) -> np.ndarray:
        """Return G(latent), (batch, ...) in canonical layout. BatchNorm as in training, its buffers left alone."""
        return self._apply("generator", latent)

    def discriminate(self, samples: np.ndarray, /) -> np.ndarray:
        """Return D's output for samples (batch, ...). BatchNorm as in training, its buffers left alone."""
        return self._apply("discriminator", samples)

    def _apply(self, name: str, inputs: np.ndarray) -> np.ndarray:
        network = self._samplers[name].eval()
        try:
            with torch.no_grad():
                asked = fed_when_asked(self._spec.networks()[name], len(inputs))
                fed = {layer: self.to_device(array) for layer, array in asked.items()}
                return _to_host(network(self.to_device(inputs), fed))
        finally:
            network.train()

    def _run(self, staged: Staged, observer: Observer) -> np.ndarray:
        """Run the steps and return their losses, (number of losses, K)."""
        if self.compiled is not None and not observer.looks:
            losses = self.compiled.run(staged.phase, staged.arrays, staged.trains, epochs=staged.epochs)
            return _to_host(losses.transpose(0, 1))
        with torch.autograd.set_multithreading_enabled(False):
            return self._run_eagerly(staged, observer)

    def _run_eagerly(self, staged: Staged, observer: Observer) -> np.ndarray:
        # Gradients by one tensor are added up in the order in which their operations were made, counted by thread. A
        # backward pass on a GPU has a thread of its own, whose count for the penalty's second order depends on how much
        # the process had trained before, and with it the last bit of a critic's gradient.
        rows: list[Tensor] = []
        if staged.phase == "pretraining":
            player = self._player("discriminator", "pretraining")
            rows = [
                pretraining_step(self._spec, player=player, batch=batch, observer=observer).unsqueeze(0)
                for batch in _batches(staged)
            ]
        else:
            step = AdversarialStep(
                self._spec,
                generator=self._player("generator", "generator"),
                discriminator=self._player("discriminator", "discriminator"),
                observer=observer,
                balance=self._tensors.get(BALANCE),
                joint=[self._player(network, name) for name, network in optimizers_of(self._spec, "joint").items()],
            )
            for batch, trains, epoch in zip(_batches(staged), staged.trains, staged.epochs, strict=True):
                for optimizer in self.optimizers.values():
                    optimizer.epoch = epoch
                rows.append(step.run(batch, trains=trains).stacked())
        return _to_host(torch.stack(rows, dim=1))

    def _player(self, network: str, optimizer: str) -> Player:
        chosen = self.optimizers[optimizer]
        return Player(network=self._networks[network], parameters=list(chosen.parameters.values()), optimizer=chosen)

    def to_device(self, array: np.ndarray, /) -> Tensor:
        """Return a copy of an array on the device, of the run's type."""
        # NumPy casts, so that the rounding to float32 is the same in every backend; the copy may then be shared.
        cast = np.array(array, dtype=str(self._dtype).removeprefix("torch."), order="C")
        return torch.from_numpy(cast).to(self._device)

    def _synchronize(self) -> None:
        if self._device == "cuda":
            torch.cuda.synchronize()


class _Recorder(Recorder, Observer):
    """Keeps what a step computes, by ProbeKey."""

    looks = True

    def __init__(
        self,
        spec: GanSpec,
        /,
        *,
        networks: Mapping[str, nn.Module],
        tensors: Mapping[str, Tensor],
        optimizers: Mapping[str, NamedOptimizer],
    ) -> None:
        super().__init__(spec, to_canonical=lambda _key, tensor: _to_host(tensor))
        self._networks = networks
        self._tensors = tensors
        self._optimizers = optimizers
        self._pass = ("", "")

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Record every layer's output for as long as the context lasts."""
        handles = []
        for network_name, network in self._networks.items():
            for layer_name, module in network.named_layers():
                handles.append(module.register_forward_hook(self._hook(f"{network_name}.{layer_name}")))
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def forward(self, phase: str, stream: str, /) -> None:
        self._pass = (phase, stream)

    def gradients(self, phase: str, quantity: str, gradients: Sequence[Tensor], /) -> None:
        moved_by = [self._optimizers[name] for name in optimizers_of(self._spec, phase)]
        names = [name for optimizer in moved_by for name in optimizer.parameters]
        self.keep_gradients(phase, quantity, dict(zip(names, gradients, strict=True)))

    def updated(self, phase: str, /) -> None:
        counters = {name: optimizer.counter for name, optimizer in self._optimizers.items()}
        self.keep_state(phase, self._tensors, counters=counters)

    def _hook(self, name: str) -> Any:
        def record(module: nn.Module, inputs: object, output: Tensor) -> None:
            del module, inputs
            phase, stream = self._pass
            self.value(phase, "output", stream, name, output)

        return record


def _batches(staged: Staged) -> Iterator[dict[str, Tensor]]:
    names = list(staged.arrays)
    for tensors in zip(*(staged.arrays[name].unbind(0) for name in names), strict=True):
        yield dict(zip(names, tensors, strict=True))


def _to_host(tensor: Tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy().copy(order="C")
