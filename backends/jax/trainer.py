"""The JAX trainer: pure functions of one pytree, in a Python loop over jitted steps or in one compiled loop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import jax
import numpy as np

from gan_rosetta.backends.jax.compiled import Block, make_blocks, programs, told
from gan_rosetta.backends.jax.device import check_device, native_device
from gan_rosetta.backends.jax.state import State, state_of_tensors, tensors_of_state, zero_tensors
from gan_rosetta.backends.jax.step import StepLosses
from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.interface import DTYPES, EXECUTIONS, Chunk, Losses, Phase, ProbeKey, losses_of
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.spec.feeding import fed_when_asked
from gan_rosetta.shared.state import ROLES, check_state, state_schema


@dataclass(frozen=True, kw_only=True)
class Staged:
    """A chunk on the device, in blocks of padded steps."""

    phase: Phase
    blocks: tuple[Block, ...]


class JaxTrainer:
    """A GAN on JAX.

    "eager" is a Python loop over a jitted step, which is how JAX's users write training, since without jax.jit every
    operation is dispatched by itself and every gradient traced anew. "compiled" is one jitted function with the loop
    over a chunk's steps inside it, which uses up the state that it is given (donated buffers).
    """

    def __init__(self, spec: GanSpec, /, *, device: str, dtype: str, execution: str) -> None:
        self._spec = spec
        self._device = device
        self._dtype = dtype
        self._compiled = execution == "compiled"
        self.scans = False  # whether the compiled loop has its length compiled in
        self._programs = programs(spec, device=device, dtype=dtype)
        self._state = self._put(zero_tensors(spec, dtype=dtype))

    @classmethod
    def build(cls, spec: GanSpec, /, *, device: str, dtype: str, execution: str) -> Self:
        """Build the networks and optimizers. device: "cpu" or "cuda". Raises UnsupportedLayer, UsageError."""
        check_device(device)
        if dtype not in DTYPES:
            raise UsageError(f"dtype is {dtype!r}; expected one of {', '.join(DTYPES)}")
        if execution not in EXECUTIONS:
            raise UsageError(f"execution is {execution!r}; expected one of {', '.join(EXECUTIONS)}")
        if not jax.config.jax_enable_x64:
            raise UsageError("JAX would make float32 of every float64; call backends.jax.device.configure first")
        return cls(spec, device=device, dtype=dtype, execution=execution)

    def compute_once(self) -> None:
        """Have XLA fuse nothing from now on, so that what several operations take is one number; slower by far."""
        self._programs = programs(self._spec, device=self._device, dtype=self._dtype, fuses=False)

    def load_state(self, state: Mapping[str, np.ndarray], /) -> None:
        """Copy a whole state in, cast to the run's type. Raises StateError for missing, extra or misshapen names."""
        check_state(state, self._spec)
        roles = {name: tensor.role for name, tensor in state_schema(self._spec).items()}
        self._state = self._put(
            {
                name: np.array(state[name], dtype=np.int64 if role == "counter" else self._dtype, order="C")
                for name, role in roles.items()
            }
        )

    def export_state(self) -> dict[str, np.ndarray]:
        """Return a copy of the whole state in canonical order and layout."""
        return {name: np.array(tensor) for name, tensor in tensors_of_state(self._programs.gan, self._state).items()}

    def stage(self, chunk: Chunk, /) -> Staged:
        """Cast a chunk and put it on the device; the transfer is finished when this returns."""
        blocks = make_blocks(self._spec, chunk, device=self._device, dtype=self._dtype)
        jax.block_until_ready([block.arrays for block in blocks])
        return Staged(phase=chunk.phase, blocks=blocks)

    def train(self, staged: Staged, /) -> Losses:
        """Run a staged chunk's steps. One copy to the host, of the losses, at the end."""
        if self._compiled:
            self._state, columns = self._programs.run(self._state, staged.blocks, phase=staged.phase, scans=self.scans)
        else:
            rows = []
            for block in staged.blocks:
                for step, trains in enumerate(block.trains):
                    self._state, row = self._programs.step(
                        self._state, block.arrays, np.int32(step), phase=staged.phase, trains=trains
                    )
                    rows.append(row)
            columns = np.array([told(row) for row in jax.device_get(rows)]).T
        return losses_of(columns, self._spec, staged.phase)

    def probe(self, chunk: Chunk, /) -> dict[ProbeKey, np.ndarray]:
        """Run a chunk of one step and return everything it computed, in order of execution, then undo it.

        XLA may round otherwise in a function that returns everything than in the step that training runs, so what that
        step returns too, the losses and the tensors that it leaves, is taken from it.
        """
        if chunk.num_steps != 1:
            raise UsageError(f"probe takes a chunk of 1 step, and this one has {chunk.num_steps}; cut it")
        (block,) = self.stage(chunk).blocks
        options = {"phase": chunk.phase, "trains": chunk.trains[0]}
        found = dict(self._programs.observe(self._state, block.arrays, np.int32(0), **options))
        state, losses = self._programs.step(self._state, block.arrays, np.int32(0), **options)
        return {key: np.array(value) for key, value in self._as_trained(found, state, losses).items()}

    def generate(self, latent: np.ndarray, /) -> np.ndarray:
        """Return G(latent), (batch, ...) in canonical layout. BatchNorm as in training, its buffers left alone."""
        return self._apply("generator", latent)

    def discriminate(self, samples: np.ndarray, /) -> np.ndarray:
        """Return D's output for samples (batch, ...). BatchNorm as in training, its buffers left alone."""
        return self._apply("discriminator", samples)

    def _as_trained(self, found: dict[ProbeKey, Any], state: State, losses: Any) -> dict[ProbeKey, Any]:
        left = tensors_of_state(self._programs.gan, state)
        last = {key.name: key for key in found if key.quantity in ROLES}
        by_phase = losses._asdict() if isinstance(losses, StepLosses) else {"pretraining": losses[0]}
        result = found.copy()
        for key in found:
            if last.get(key.name) == key:
                result[key] = left[key.name]
            elif (key.quantity, key.name) == ("loss", "loss"):
                result[key] = by_phase[key.phase]
        return result

    def _apply(self, network: str, inputs: np.ndarray) -> np.ndarray:
        native = jax.device_put(np.array(inputs, dtype=self._dtype, order="C"), native_device(self._device))
        asked = fed_when_asked(self._spec.networks()[network], len(inputs))
        fed = {
            layer: jax.device_put(array.astype(self._dtype), native_device(self._device))
            for layer, array in asked.items()
        }
        return np.array(self._programs.apply(self._state, native, fed, network=network))

    def _put(self, tensors: Mapping[str, np.ndarray]) -> State:
        # Not views of NumPy's memory, which donated buffers would be written over, and no buffer twice.
        state = state_of_tensors(self._programs.gan, tensors)
        return jax.device_put(state, native_device(self._device), may_alias=False)
