"""The jitted functions of a GAN: a step for the eager path, a loop over steps for the compiled one.

The loop is lax.fori_loop, and not lax.scan, which has its length compiled in: a chunk's arrays are padded to a fixed
number of steps and the true number is an argument, so that chunks of any length run the same code. Another batch size
compiles once more.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from gan_rosetta.backends.jax.device import loop_options, native_device
from gan_rosetta.backends.jax.state import Gan, State, build_gan
from gan_rosetta.backends.jax.step import EPOCH, Batch, Record, adversarial_step, pretraining_step
from gan_rosetta.shared.data.padding import padded
from gan_rosetta.shared.interface import Chunk, Phase, ProbeKey, Trains
from gan_rosetta.shared.spec import EVERY_STEP, Conv2d, ConvTranspose2d, GanSpec
from gan_rosetta.shared.state import network_parameters

_MAXIMUM_STEPS = 1024
_MAXIMUM_BYTES = 2**24


@dataclass(frozen=True, kw_only=True)
class Block:
    """Steps to be run in one call, padded. arrays: (capacity, batch, ...) each; EPOCH, (capacity,), where it counts.

    flags: (capacity,) each, in which steps a player trains, of those that rest in some. trains: of both, on the host,
    without the padding.
    """

    arrays: Batch
    flags: Mapping[str, Any]
    trains: tuple[Trains, ...]

    @property
    def num_steps(self) -> int:
        """How many there are, without the padding."""
        return len(self.trains)


def make_blocks(spec: GanSpec, chunk: Chunk, /, *, device: str, dtype: str) -> tuple[Block, ...]:
    """Cut a chunk's arrays into padded blocks of that type on the device."""
    arrays = chunk.arrays
    step_bytes = sum(array[0].size * np.dtype(dtype).itemsize for array in arrays.values())
    capacity = _MAXIMUM_STEPS
    while capacity > 1 and capacity * step_bytes > _MAXIMUM_BYTES:
        capacity //= 2
    turns = {"discriminator": chunk.trains_discriminator, "generator": chunk.trains_generator}
    rests = [
        player
        for player, trains in turns.items()
        if spec.training.steps_of(player) != EVERY_STEP or not bool(np.all(trains))
    ]
    blocks = []
    for first in range(0, chunk.num_steps, capacity):
        flags = {
            player: _put(padded(turns[player][first : first + capacity], capacity, dtype="bool"), device=device)
            for player in rests
        }
        cut = {
            name: _put(padded(array[first : first + capacity], capacity, dtype=dtype), device=device)
            for name, array in arrays.items()
        }
        if chunk.epochs is not None:
            cut[EPOCH] = _put(padded(chunk.epochs[first : first + capacity], capacity, dtype="int64"), device=device)
        blocks.append(Block(arrays=cut, flags=flags, trains=chunk.trains[first : first + capacity]))
    return tuple(blocks)


def _put(array: np.ndarray, *, device: str) -> Any:
    """Have JAX take the memory over, which is cheaper than a copy; another device copies it."""
    return jax.device_put(jax.dlpack.from_dlpack(array), native_device(device))


# A kernel that XLA fused computes anew what it takes from another, not always with the same last bit: a maximum is then
# none of the numbers that it is of, and a number less itself has a sign.
_WITHOUT_FUSION: dict[str, Any] = {"xla_disable_hlo_passes": "fusion"}
# Of which the products and sums are too small for a library's call.
_LARGEST_TINY_GAN = 1_000


class Programs:
    """A GAN's functions, each compiled when it is first called with arrays of new shapes.

    fuses: whether XLA may fuse operations, as it does unless it is told otherwise.
    """

    def __init__(self, spec: GanSpec, /, *, device: str, dtype: str, fuses: bool = True) -> None:
        self.gan = build_gan(spec, device=device, dtype=dtype)
        layers = (*spec.generator.all_layers, *spec.discriminator.all_layers)
        convolves = any(isinstance(layer, Conv2d | ConvTranspose2d) for layer in layers)
        # A convolutional step as one function takes LLVM minutes, and what that saves is nothing beside its work.
        options = loop_options(device, of_tiny=_num_parameters(spec) <= _LARGEST_TINY_GAN)
        hasty: dict[str, Any] = {"xla_backend_optimization_level": 0} if device == "cpu" else {}
        if convolves:
            # In float64, which is for comparing and not for speed, LLVM would still take thrice as long as the steps.
            options = hasty if dtype == "float64" else {}
        if not fuses:
            options, hasty = options | _WITHOUT_FUSION, hasty | _WITHOUT_FUSION
        jit = partial(jax.jit, compiler_options=options)
        self.step = jit(partial(_step, self.gan), static_argnames=("phase", "trains"))
        # Called for a few steps, so that what LLVM would save in them is less than it takes.
        self.observe = jax.jit(partial(_observe, self.gan), static_argnames=("phase", "trains"), compiler_options=hasty)
        self.apply = jit(partial(_apply, self.gan), static_argnames="network")
        self._loop = jit(partial(_loop, self.gan), static_argnames="phase", donate_argnames="state")
        self._scan = jit(partial(_scan, self.gan), static_argnames=("phase", "num_steps"), donate_argnames="state")
        many = build_gan(spec, device=device, dtype=dtype, side_by_side=True)
        self.run_replicas = jax.jit(
            partial(_loop_of_replicas, many),
            static_argnames="phase",
            donate_argnames="states",
            compiler_options=options | loop_options(device, of_tiny=True),
        )

    def run(
        self, state: State, blocks: Sequence[Block], /, *, phase: Phase, scans: bool = False
    ) -> tuple[State, np.ndarray]:
        """Run blocks of steps; return the state and the losses, (number of losses, K). The state given is used up.

        scans: by a loop whose length is compiled in, so that blocks of another length compile once more.
        """
        columns = []
        for block in blocks:
            run = self._scan if scans else self._loop
            num_steps = block.num_steps if scans else np.int32(block.num_steps)
            state, losses = run(state=state, arrays=block.arrays, flags=block.flags, num_steps=num_steps, phase=phase)
            columns.append(losses[: block.num_steps])
        return state, np.concatenate([np.array(losses) for losses in columns]).T


def _num_parameters(spec: GanSpec) -> int:
    networks = ("generator", "discriminator")
    shapes = [tensor.shape for name in networks for tensor in network_parameters(spec, name)]
    return sum(math.prod(shape) for shape in shapes)


@lru_cache(maxsize=16)
def programs(spec: GanSpec, /, *, device: str, dtype: str, fuses: bool = True) -> Programs:
    """Return a GAN's functions; trainers of one GAN share what has been compiled."""
    return Programs(spec, device=device, dtype=dtype, fuses=fuses)


def _run_step(
    gan: Gan, state: State, batch: Batch, record: Record, *, phase: Phase, trains: Trains
) -> tuple[State, tuple[Any, ...]]:
    if phase == "pretraining":
        return pretraining_step(gan, state, batch, record)
    return adversarial_step(gan, state, batch, record, trains=trains)


def _step(
    gan: Gan, state: State, arrays: Batch, step: Any, *, phase: Phase, trains: Trains
) -> tuple[State, tuple[Any, ...]]:
    """Return the state after a step of a block's arrays, and its losses."""
    # Taken out of the arrays in here: outside, each costs as much as the step of a small GAN.
    return _run_step(gan, state, _at(arrays, step), Record(gan), phase=phase, trains=trains)


def _observe(
    gan: Gan, state: State, arrays: Batch, step: Any, *, phase: Phase, trains: Trains
) -> Mapping[ProbeKey, Any]:
    """Return all that a step computes, in order of execution, which JAX keeps in an OrderedDict alone."""
    record = Record(gan)
    _run_step(gan, state, _at(arrays, step), record, phase=phase, trains=trains)
    return OrderedDict(record.found)


def _apply(gan: Gan, state: State, inputs: Any, fed: Mapping[str, Any], *, network: str) -> Any:
    """Return a network's output for inputs (B, ...)."""
    sampler = state.average if network == "generator" and state.average is not None else None
    player = sampler or getattr(state, network)
    return gan.networks[network](player.parameters, player.buffers, inputs, fed).outputs


def _loop(
    gan: Gan, *, state: State, arrays: Batch, flags: Mapping[str, Any], num_steps: Any, phase: Phase
) -> tuple[State, Any]:
    """Run the steps in order; return the state and the losses, (capacity, number of losses), the padding left at 0."""
    capacity, dtype = next((len(array), array.dtype) for name, array in arrays.items() if name != EPOCH)

    def body(step: Any, carried: tuple[State, Any]) -> tuple[State, Any]:
        state, losses = carried
        trains = _turns(flags, step)
        state, found = _run_step(gan, state, _at(arrays, step), Record(gan), phase=phase, trains=trains)
        return state, losses.at[step].set(jnp.stack(told(found)))

    empty = jnp.zeros((capacity, _num_losses(gan, phase)), dtype)
    return lax.fori_loop(np.int32(0), num_steps, body, (state, empty))


def _loop_of_replicas(
    gan: Gan,
    *,
    states: State,
    arrays: Batch,
    flags: Mapping[str, Any],
    active: Any,
    num_steps: Any,
    phase: Phase,
) -> tuple[State, Any]:
    """Run the steps in order on each of R replicas; return their states and the losses, (capacity, R, losses).

    states: with a leading axis of the replicas; arrays: (capacity, R, batch, ...). active: (R,) booleans; the others
    are left as they are.
    """
    of_replicas = {name: array for name, array in arrays.items() if name != EPOCH}
    capacity, num_replicas, dtype = next((*array.shape[:2], array.dtype) for array in of_replicas.values())

    def body(step: Any, carried: tuple[State, Any]) -> tuple[State, Any]:
        states, losses = carried
        trains = _turns(flags, step)

        shared = {EPOCH: arrays[EPOCH][step]} if EPOCH in arrays else {}

        def run_one(state: State, batch: Batch) -> tuple[State, tuple[Any, ...]]:
            return _run_step(gan, state, {**batch, **shared}, Record(gan), phase=phase, trains=trains)

        moved, found = jax.vmap(run_one)(states, _at(of_replicas, step))
        return moved, losses.at[step].set(jnp.stack(told(found), axis=1))

    empty = jnp.zeros((capacity, num_replicas, _num_losses(gan, phase)), dtype)
    moved, losses = lax.fori_loop(np.int32(0), num_steps, body, (states, empty))
    left = jax.tree.map(lambda new, old: jnp.where(active.reshape(-1, *(1,) * (new.ndim - 1)), new, old), moved, states)
    return left, losses


def _scan(
    gan: Gan, *, state: State, arrays: Batch, flags: Mapping[str, Any], num_steps: int, phase: Phase
) -> tuple[State, Any]:
    """Run so many steps in order; return the state and the losses, (num_steps, number of losses)."""

    def body(state: State, step: Any) -> tuple[State, Any]:
        trains = _turns(flags, step)
        state, found = _run_step(gan, state, _at(arrays, step), Record(gan), phase=phase, trains=trains)
        return state, jnp.stack(told(found))

    return lax.scan(body, state, jnp.arange(num_steps, dtype=np.int32))


def told(losses: tuple[Any, ...], /) -> list[Any]:
    """Return the losses of a step that there are."""
    return [loss for loss in losses if loss is not None]


def _num_losses(gan: Gan, phase: Phase) -> int:
    return 1 if phase == "pretraining" else 1 + len(gan.spec.training.loss_names)  # and mean D(real)


def _turns(flags: Mapping[str, Any], step: Any) -> Trains:
    return Trains(*(flags[player][step] if player in flags else True for player in Trains._fields))


def _at(arrays: Batch, step: Any) -> Batch:
    return {name: array[step] for name, array in arrays.items()}
