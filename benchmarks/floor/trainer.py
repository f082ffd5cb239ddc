"""The C floor behind the interface of a Trainer, so that it is fed, judged and timed like any framework."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np

from gan_rosetta.benchmarks.floor.library import build_library
from gan_rosetta.shared.errors import UnsupportedLayer, UsageError
from gan_rosetta.shared.gans.gaussian_1d import SPEC
from gan_rosetta.shared.interface import Chunk, Losses
from gan_rosetta.shared.spec import ExponentialDecay, GanSpec
from gan_rosetta.shared.spec.serialise import spec_digest
from gan_rosetta.shared.state import check_state, counter_name, state_schema

# The tensors of each network in the order in which they lie in the C program's structures.
_NETWORKS: tuple[Literal["generator", "discriminator"], ...] = ("generator", "discriminator")


@dataclass(frozen=True, kw_only=True)
class Staged:
    """A chunk cast to the run's type: arrays (K, 12) in the order in which the C function takes them."""

    arrays: tuple[np.ndarray, ...]


class FloorTrainer:
    """gaussian-1d's adversarial steps in C. compile_seconds: what building the library took."""

    def __init__(self, dtype: str, /) -> None:
        self._dtype = np.dtype(dtype)
        started = time.perf_counter()
        self._train = build_library(dtype).train
        self.compile_seconds = time.perf_counter() - started
        pointer: Any = ctypes.c_void_p
        pointers: list[Any] = [pointer] * 5
        counts: list[Any] = [ctypes.c_long, ctypes.c_long]
        rates: list[Any] = [ctypes.c_double, ctypes.c_double, ctypes.c_long]
        self._train.argtypes = [pointer, pointer, *counts, *rates, *pointers]
        self._train.restype = None
        schema = state_schema(SPEC)
        self._parameters = {
            name: [tensor.name for tensor in schema.values() if tensor.network == name and tensor.role == "parameter"]
            for name in _NETWORKS
        }
        self._flat = {
            name: np.zeros(sum(int(np.prod(schema[tensor].shape)) for tensor in tensors), self._dtype)
            for name, tensors in self._parameters.items()
        }
        self._other: dict[str, np.ndarray] = {}
        self._counter = 0
        rate = SPEC.training.generator_optimizer.learning_rate
        if not (isinstance(rate, ExponentialDecay) and rate.staircase):
            raise TypeError(f"the C program's rate falls in stairs; the GAN's is {rate}: change gaussian_1d.c with it")
        self._rate = (float(rate.initial), float(rate.factor), int(rate.every))

    @classmethod
    def build(cls, spec: GanSpec, /, *, device: str, dtype: str, execution: str) -> Self:
        """Compile and load it. Raises UnsupportedLayer for another GAN than gaussian-1d, BackendUnavailable."""
        if spec_digest(spec) != spec_digest(SPEC):
            raise UnsupportedLayer(f"the C program is {SPEC.name!r} in its own sizes; {spec.name!r} is another GAN")
        if device != "cpu" or execution != "compiled":
            raise UsageError(f"the C program is compiled and on the cpu; asked for {execution!r} on {device!r}")
        return cls(dtype)

    def load_state(self, state: Mapping[str, np.ndarray], /) -> None:
        """Copy a whole state in, cast to the run's type. Raises StateError for missing, extra or misshapen names."""
        check_state(state, SPEC.with_steps(pretraining=0))
        for network, names in self._parameters.items():
            self._flat[network][:] = np.concatenate([np.ravel(state[name]) for name in names])
        self._other = {name: np.array(array) for name, array in state.items()}
        self._counter = int(state[counter_name("generator")])
        found = int(state[counter_name("discriminator")])
        if found != self._counter:
            raise UsageError(f"the C program has one counter; the state's are {self._counter} and {found}")

    def export_state(self) -> dict[str, np.ndarray]:
        """Return a copy of the whole state in canonical order and layout."""
        result = {name: np.array(array) for name, array in self._other.items()}
        for network, names in self._parameters.items():
            start = 0
            for name in names:
                size = result[name].size
                result[name] = self._flat[network][start : start + size].reshape(result[name].shape).copy()
                start += size
        for name in _NETWORKS:
            result[counter_name(name)] = np.array(self._counter, dtype=np.int64)
        return result

    def stage(self, chunk: Chunk, /) -> Staged:
        """Cast a chunk; a copy, in the run's type. Raises UsageError for pretraining or another batch size."""
        if chunk.phase != "adversarial" or chunk.batch_size != SPEC.batch_size:
            raise UsageError(
                f"the C program takes adversarial steps of {SPEC.batch_size} samples; "
                f"this chunk is of {chunk.phase} steps of {chunk.batch_size}"
            )
        names = ("real", "latent_d", "latent_g")
        return Staged(arrays=tuple(np.array(chunk.arrays[name], self._dtype, order="C") for name in names))

    def train(self, staged: Staged, /) -> Losses:
        """Run a staged chunk's steps."""
        num_steps = len(staged.arrays[0])
        losses = np.empty((2, num_steps), self._dtype)
        initial, factor, every = self._rate
        self._train(
            *(_address(self._flat[name]) for name in _NETWORKS),
            num_steps,
            self._counter,
            initial,
            factor,
            every,
            *(_address(array) for array in staged.arrays),
            _address(losses[0]),
            _address(losses[1]),
        )
        self._counter += num_steps
        return Losses(discriminator=losses[0], generator=losses[1])

    def probe(self, chunk: Chunk, /) -> dict[Any, np.ndarray]:
        """Not to be had: the C program keeps nothing of what it computes. Raises UsageError."""
        del chunk
        raise UsageError("the C program cannot be probed; `diagnose` takes the backends")

    def generate(self, latent: np.ndarray, /) -> np.ndarray:
        """Not to be had; raises UsageError."""
        del latent
        raise UsageError("the C program only trains; its exported state can be loaded into a backend to generate")

    def discriminate(self, samples: np.ndarray, /) -> np.ndarray:
        """Not to be had; raises UsageError."""
        del samples
        raise UsageError("the C program only trains; its exported state can be loaded into a backend to discriminate")


def _address(array: np.ndarray) -> int:
    return int(array.ctypes.data)
