"""A published program's own loop behind the interface of a Trainer, so that it is fed, judged and timed like any."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np

from gan_rosetta.benchmarks.cells import cell_spec
from gan_rosetta.shared.errors import UnsupportedLayer, UsageError
from gan_rosetta.shared.interface import Chunk, Losses
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.spec.serialise import spec_digest
from gan_rosetta.shared.state import check_state, counter_name

# GAN -> the framework that its program was published for, and the class in in_<framework>.py. That of linear-2d is
# from the book's edition in MXNet.
PROGRAMS: Mapping[str, tuple[str, str]] = {
    "gaussian-1d": ("tensorflow", "Gaussian1d"),
    "linear-2d": ("mxnet", "Linear2d"),
    "sine": ("torch", "Sine"),
    "mnist-conv": ("torch", "MnistConv"),
    "mnist-wgan-gp": ("torch", "MnistWganGp"),
}


class Program(Protocol):
    """What in_<framework>.py has for a GAN. Built of the spec and the type, it makes networks and optimizers."""

    def load(self, state: Mapping[str, np.ndarray], /) -> None:
        """Take over parameters, buffers, slots and counters."""

    def train(self, arrays: Mapping[str, np.ndarray], /, *, first_step: int) -> dict[str, list[float]]:
        """Run the loop as published over arrays (K, batch, ...); return each loss, NaN where D rests."""

    def export(self) -> dict[str, np.ndarray]:
        """Return parameters, buffers and slots by canonical name, in canonical layout."""


@dataclass(frozen=True, kw_only=True)
class Staged:
    """A chunk as the user of a program has it: NumPy arrays (K, batch, ...) of the run's type.

    updates: how many updates the steps make, by the optimizer's counter.
    """

    arrays: Mapping[str, np.ndarray]
    first_step: int
    updates: Mapping[str, int]


class PublishedTrainer:
    """The adversarial steps of a GAN's published program."""

    def __init__(self, spec: GanSpec, program: Program, dtype: str, /) -> None:
        self._spec, self._program, self._dtype = spec, program, np.dtype(dtype)
        self._state: dict[str, np.ndarray] = {}
        self._counters: dict[str, int] = {}

    @classmethod
    def build(cls, spec: GanSpec, /, *, device: str, dtype: str, execution: str) -> Self:
        """Build its networks. Raises UnsupportedLayer for a GAN without a program or in another size, UsageError."""
        if spec.name not in PROGRAMS or spec_digest(spec) != spec_digest(cell_spec(spec.name)):
            raise UnsupportedLayer(
                f"{spec.name!r} in this size has no published program; {', '.join(PROGRAMS)} have, in their own sizes"
            )
        if device != "cpu" or execution != "eager":
            raise UsageError(f"published programs run eagerly on the cpu; asked for {execution!r} on {device!r}")
        framework, name = PROGRAMS[spec.name]
        module: Any = importlib.import_module(f"gan_rosetta.benchmarks.published.in_{framework}")
        return cls(spec, getattr(module, name)(spec, dtype), dtype)

    def load_state(self, state: Mapping[str, np.ndarray], /) -> None:
        """Copy a whole state in, cast to the run's type. Raises StateError for missing, extra or misshapen names."""
        check_state(state, self._spec)
        names = (counter_name("discriminator"), counter_name("generator"))
        self._counters = {name: int(state[name]) for name in names}
        integers = {name: array for name, array in state.items() if np.issubdtype(array.dtype, np.integer)}
        self._state = {name: np.array(integers.get(name, array.astype(self._dtype))) for name, array in state.items()}
        self._program.load(self._state)

    def export_state(self) -> dict[str, np.ndarray]:
        """Return a copy of the whole state in canonical order and layout."""
        counters = {name: np.array(count, dtype=np.int64) for name, count in self._counters.items()}
        found = {**self._program.export(), **counters}
        return {name: found.get(name, array).copy() for name, array in self._state.items()}

    def stage(self, chunk: Chunk, /) -> Staged:
        """Cast a chunk. Raises UsageError for pretraining, which these loops leave out."""
        if chunk.phase != "adversarial":
            raise UsageError(f"published programs take adversarial steps here; this chunk is of {chunk.phase} steps")
        arrays = {name: np.array(array, self._dtype, order="C") for name, array in chunk.arrays.items()}
        trains = {"discriminator": chunk.trains_discriminator, "generator": chunk.trains_generator}
        updates = {counter_name(name): int(np.count_nonzero(steps)) for name, steps in trains.items()}
        return Staged(arrays=arrays, first_step=chunk.first_step, updates=updates)

    def train(self, staged: Staged, /) -> Losses:
        """Run the program's loop over a staged chunk's steps."""
        found = self._program.train(staged.arrays, first_step=staged.first_step)
        for name, count in staged.updates.items():
            self._counters[name] += count
        return Losses(**{name: np.array(values, self._dtype) for name, values in found.items()})

    def probe(self, chunk: Chunk, /) -> dict[Any, np.ndarray]:
        """Not to be had: a published program keeps nothing of what it computes. Raises UsageError."""
        del chunk
        raise UsageError("a published program cannot be probed here; `diagnose` takes the backends")

    def generate(self, latent: np.ndarray, /) -> np.ndarray:
        """Not to be had; raises UsageError."""
        del latent
        raise UsageError("a published program only trains here; its state can be loaded into a backend to generate")

    def discriminate(self, samples: np.ndarray, /) -> np.ndarray:
        """Not to be had; raises UsageError."""
        del samples
        raise UsageError("a published program only trains here; its state can be loaded into a backend to discriminate")
