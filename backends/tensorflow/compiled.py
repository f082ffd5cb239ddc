"""The compiled path: one traced function a phase, with the loop over the steps inside it.

A chunk's arrays are padded to a fixed number of steps and the true number is passed as a tensor, so that chunks of any
length run the same compiled code; another batch size compiles once more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from gan_rosetta.backends.tensorflow.step import AdversarialStep, Player, pretraining_step
from gan_rosetta.shared.data.padding import padded
from gan_rosetta.shared.interface import Trains
from gan_rosetta.shared.spec import EVERY_STEP, Conv2d, ConvTranspose2d, GanSpec, GlobalPool, Pool2d
from gan_rosetta.shared.state import optimizers_of

# Of a step's number in its block and its batch, the losses.
RunStep = Callable[[Any, Mapping[str, Any]], list[Any]]

_MAXIMUM_STEPS = 1024
_MAXIMUM_BYTES = 2**24


@dataclass(frozen=True, kw_only=True)
class Block:
    """Steps to be run in one call, padded. arrays: (capacity, batch, ...) each.

    trains: (num_steps,) of each player, on the host; always: whether it is to be taken as all True. epochs: that came
    before each step.
    """

    arrays: Mapping[str, Any]
    trains: Mapping[str, np.ndarray]
    epochs: tuple[int, ...]
    always: Mapping[str, bool]
    capacity: int

    @property
    def num_steps(self) -> int:
        """How many there are, without the padding."""
        return len(self.trains["generator"])


def make_blocks(
    spec: GanSpec,
    arrays: Mapping[str, np.ndarray],
    trains: Mapping[str, np.ndarray],
    /,
    *,
    epochs: tuple[int, ...],
    dtype: str,
) -> tuple[Block, ...]:
    """Cut a chunk's arrays, in TensorFlow's layout, into padded blocks of that type on the current device."""
    step_bytes = sum(array[0].size * np.dtype(dtype).itemsize for array in arrays.values())
    capacity = _MAXIMUM_STEPS
    while capacity > 1 and capacity * step_bytes > _MAXIMUM_BYTES:
        capacity //= 2
    always = {
        player: spec.training.steps_of(player) == EVERY_STEP and bool(np.all(flags)) for player, flags in trains.items()
    }
    return tuple(
        Block(
            arrays={
                name: _to_tensor(array[first : first + capacity], capacity=capacity, dtype=dtype)
                for name, array in arrays.items()
            },
            trains={player: flags[first : first + capacity] for player, flags in trains.items()},
            epochs=epochs[first : first + capacity],
            always=always,
            capacity=capacity,
        )
        for first in range(0, len(trains["generator"]), capacity)
    )


def _to_tensor(array: np.ndarray, *, capacity: int, dtype: str) -> Any:
    """Cast and pad in one pass over memory that TensorFlow then takes over; on another device it is copied there."""
    # Measured: `tf.constant` would copy it into fresh pages, at several times the cost of the cast.
    tensor = tf.experimental.dlpack.from_dlpack(padded(array, capacity, dtype=dtype).__dlpack__())
    return tf.identity(tensor)


class CompiledLoop:
    """Runs blocks of steps on the variables of a GAN's players. optimizers: by the names of the state's schema.

    balance: as in AdversarialStep.
    """

    def __init__(
        self,
        spec: GanSpec,
        /,
        *,
        players: Mapping[str, Player],
        optimizers: Mapping[str, Any],
        balance: Any,
        dtype: str,
    ) -> None:
        self._spec = spec
        self._balance = balance
        self._players = players
        self._optimizers = optimizers
        self._dtype = dtype
        layers = (*spec.generator.all_layers, *spec.discriminator.all_layers)
        convolves = any(isinstance(layer, Conv2d | ConvTranspose2d) for layer in layers)
        # Of equal numbers XLA's maximum pool takes one at random on a GPU, and so is refused on every device.
        pools = any(isinstance(layer, Pool2d | GlobalPool) and layer.mode == "maximum" for layer in layers)
        # Measured: on a CPU XLA's convolutions are slower than TensorFlow's own, and all else is faster.
        compile_ = partial(_compiled, by_xla=not (convolves or pools))
        self._pretrain = compile_(self._pretraining_loop)
        self._train = compile_(self._adversarial_loop)

    def pretrain(self, blocks: Sequence[Block], /) -> np.ndarray:
        """Run pretraining steps; return their losses, (1, K)."""
        results = []
        for block in blocks:
            num_steps = block.num_steps
            moved = {"pretraining": np.ones(num_steps, dtype=bool)}
            results.append(self._pretrain(block.arrays, self._coefficients(block, moved), tf.constant(num_steps)))
            self._count(moved)
        return _to_host(results, blocks)

    def train(self, blocks: Sequence[Block], /) -> np.ndarray:
        """Run adversarial steps; return D's losses, G's, mean D(real) and the joint ones if any, (3 or 4, K)."""
        results = []
        for block in blocks:
            flags = {
                player: _to_tensor(trains, capacity=block.capacity, dtype="bool")
                for player, trains in block.trains.items()
                if not block.always[player]
            }
            always = np.ones(block.num_steps, dtype=bool)
            moved = dict(block.trains) | dict.fromkeys(optimizers_of(self._spec, "joint"), always)
            coefficients = self._coefficients(block, moved)
            results.append(self._train(block.arrays, coefficients, flags, tf.constant(block.num_steps)))
            self._count(moved)
        return _to_host(results, blocks)

    def _coefficients(self, block: Block, moved: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """Return each optimizer's coefficients, (capacity, number of them), computed in float64 on the host."""
        result = {}
        for name, flags in moved.items():
            optimizer = self._optimizers[name]
            counters = optimizer.counter + np.cumsum(flags) - flags
            places = zip(counters.tolist(), block.epochs, strict=True)
            rows = np.array([_numbers(optimizer, counter, epoch) for counter, epoch in places])
            result[name] = _to_tensor(rows, capacity=block.capacity, dtype=self._dtype)
        return result

    def _count(self, moved: Mapping[str, np.ndarray]) -> None:
        for name, flags in moved.items():
            self._optimizers[name].counter += int(np.sum(flags))

    def _pretraining_loop(self, arrays: Mapping[str, Any], coefficients: Mapping[str, Any], num_steps: Any) -> Any:
        def run_step(step: Any, batch: Mapping[str, Any]) -> list[Any]:
            player = self._player("pretraining", coefficients, step)
            return [pretraining_step(self._spec, player=player, batch=batch)]

        return self._loop(run_step, arrays, num_columns=1, num_steps=num_steps)

    def _adversarial_loop(
        self, arrays: Mapping[str, Any], coefficients: Mapping[str, Any], flags: Mapping[str, Any], num_steps: Any
    ) -> Any:
        def run_step(step: Any, batch: Mapping[str, Any]) -> list[Any]:
            adversarial = AdversarialStep(
                self._spec,
                generator=self._player("generator", coefficients, step),
                discriminator=self._player("discriminator", coefficients, step),
                balance=self._balance,
                joint=lambda: [self._player(name, coefficients, step) for name in optimizers_of(self._spec, "joint")],
                stacks=self._spec.discriminator.is_samplewise,
                shares=not flags and self._spec.makes_same_fake_twice,
            )
            turns = Trains(*(flags[player][step] if player in flags else True for player in Trains._fields))
            return adversarial.run(batch, trains=turns).told()

        num_columns = 1 + len(self._spec.training.loss_names)  # and mean D(real)
        return self._loop(run_step, arrays, num_columns=num_columns, num_steps=num_steps)

    def _player(self, name: str, coefficients: Mapping[str, Any], step: Any) -> Player:
        row = tf.unstack(coefficients[name][step])

        def update(gradients: Sequence[Any]) -> None:
            optimizer, numbers = self._optimizers[name], self._after(gradients, row, step)
            share = numbers.pop() if optimizer.averages is not None else None
            optimizer.move(gradients, numbers=numbers)
            if optimizer.averages is not None:
                optimizer.averages.follow(share)

        return replace(self._players[name], update=update)

    def _after(self, gradients: Sequence[Any], numbers: Sequence[Any], step: Any) -> list[Any]:
        """Return the numbers, to be had only once all gradients are there; step is never negative.

        XLA copies a variable that a loop changes unless it knows that the old value was read for the last time before:
        of mnist-wgan-gp that would be 8 MB a step. An optimization barrier does not do; it is gone when copies are
        decided on.
        """
        last = tf.add_n([tf.reshape(gradient, [-1])[0] for gradient in gradients])
        return [tf.where(step < 0, last, number) for number in numbers]

    def _loop(self, run_step: RunStep, arrays: Mapping[str, Any], /, *, num_columns: int, num_steps: Any) -> Any:
        """Run the steps in order; return what each gave, (num_columns, capacity), the padding left at 0."""

        def body(step: Any, losses: Any) -> tuple[Any, Any]:
            return step + 1, losses.write(step, tf.stack(run_step(step, at(arrays, step))))

        losses = tf.TensorArray(self._dtype, size=capacity_of(arrays), element_shape=(num_columns,))
        _, losses = tf.while_loop(
            lambda step, _: step < num_steps, body, (tf.constant(0), losses), parallel_iterations=1
        )
        return tf.transpose(losses.stack())


def _compiled(loop: Callable[..., Any], /, *, by_xla: bool) -> Callable[..., Any]:
    """Return a loop compiled by XLA, or as TensorFlow's graph where XLA is not asked or has no such loop."""
    as_graph = tf.function(loop, autograph=False)
    if not by_xla:
        return as_graph
    whole = tf.function(loop, autograph=False, jit_compile=True)
    runs = [whole]

    def run(*arguments: Any) -> Any:
        try:
            return runs[0](*arguments)
        except tf.errors.UnimplementedError as error:
            # A product that XLA leaves to a library, in a loop that it makes one function of: it looks for none before.
            if "Fusion kind" not in str(error):
                raise
            runs[0] = as_graph
        return as_graph(*arguments)

    return run


def _numbers(optimizer: Any, counter: int, epoch: int) -> tuple[float, ...]:
    """Return the coefficients of an update and, of a network that an average follows, the average's share."""
    found: tuple[float, ...] = optimizer.numbers(counter, epoch=epoch)
    return found if optimizer.averages is None else (*found, optimizer.averages.spec.share(counter))


def capacity_of(arrays: Mapping[str, Any], /) -> int:
    """Return how many steps a block's arrays have, padding and all."""
    return int(next(iter(arrays.values())).shape[0])


def at(arrays: Mapping[str, Any], step: Any, /) -> dict[str, Any]:
    """Return a step's batch of a block's arrays."""
    return {name: array[step] for name, array in arrays.items()}


def _to_host(results: Sequence[Any], blocks: Sequence[Block]) -> np.ndarray:
    columns = [result[..., : block.num_steps] for result, block in zip(results, blocks, strict=True)]
    return np.array(tf.concat(columns, axis=-1).numpy())
