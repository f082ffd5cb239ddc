"""The NumPy trainer: what the harness asks of a backend, for the reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from gan_rosetta.backends.numpy.chunks import Staged, as_losses, stage_chunk, train_chunk
from gan_rosetta.backends.numpy.copies import PerturbedCopies
from gan_rosetta.backends.numpy.device import check_device
from gan_rosetta.backends.numpy.network import Network
from gan_rosetta.backends.numpy.probe import Recorder
from gan_rosetta.backends.numpy.rounding import RandomRounding
from gan_rosetta.backends.numpy.step import Stepper
from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.interface import DTYPES, Chunk, Losses, ProbeKey
from gan_rosetta.shared.spec import GanSpec


class NumpyTrainer:
    """A GAN in NumPy, every derivative by hand; build it with `build`. Any number can live side by side."""

    def __init__(self, spec: GanSpec, dtype: str) -> None:
        self._spec = spec
        self._dtype = np.dtype(dtype)
        self._stepper = Stepper(spec, self._dtype)
        self._scales: dict[tuple[str, str], float] = {}

    @classmethod
    def build(cls, spec: GanSpec, /, *, device: str, dtype: str, execution: str) -> Self:
        """Build the networks and optimizers; device "cpu", execution "eager". Raises UnsupportedLayer, UsageError."""
        check_device(device)
        if execution != "eager":
            raise UsageError(f"execution {execution!r}: numpy has nothing to compile with; use execution 'eager'")
        if dtype not in DTYPES:
            raise UsageError(f"dtype {dtype!r}: expected one of {', '.join(DTYPES)}")
        return cls(spec, dtype)

    def load_state(self, state: Mapping[str, NDArray[Any]], /) -> None:
        """Copy a whole state in, cast to the run's type. Raises StateError for missing, extra or misshapen names."""
        self._stepper.load_state(state)

    def export_state(self) -> dict[str, NDArray[Any]]:
        """Return a copy of the whole state in canonical order and layout."""
        return self._stepper.export_state()

    def stage(self, chunk: Chunk, /) -> Staged:
        """Cast a chunk; a copy, in the run's type."""
        return stage_chunk(chunk, self._dtype)

    def train(self, staged: Staged, /) -> Losses:
        """Run a staged chunk's steps."""
        return as_losses(train_chunk(self._stepper, staged, self._dtype), staged.phase, self._spec)

    def probe(self, chunk: Chunk, /) -> dict[ProbeKey, NDArray[Any]]:
        """Run a chunk of one step and return everything it computed, in order of execution, then undo it."""
        if chunk.num_steps != 1:
            raise UsageError(f"probe was given a chunk of {chunk.num_steps} steps; expected 1")
        staged = self.stage(chunk)
        saved = {name: tensor.copy() for name, tensor in self._stepper.tensors.items()}
        counters = {name: optimizer.counter for name, optimizer in self._stepper.optimizers.items()}
        rounding = self._stepper.rounding
        self._stepper.rounding = None if rounding is None else rounding.branch()
        recorder = Recorder(self._spec, self._stepper.tensors)
        step = {name: array[0] for name, array in staged.arrays.items()}
        self._stepper.set_epoch(staged.epochs[0])
        try:
            with np.errstate(all="ignore"):
                if staged.phase == "pretraining":
                    self._stepper.pretraining_step(step, recorder)
                else:
                    self._stepper.adversarial_step(step, staged.trains[0], recorder)
        finally:
            for name, tensor in self._stepper.tensors.items():
                tensor[...] = saved[name]
            for name, optimizer in self._stepper.optimizers.items():
                optimizer.counter = counters[name]
            self._stepper.rounding = rounding
        self._scales = dict(self._stepper.scales)
        return recorder.found

    def generate(self, latent: NDArray[Any], /) -> NDArray[Any]:
        """Return G(latent), (batch, ...). BatchNorm as in training, its buffers left alone."""
        return self._infer(self._stepper.sampler, latent)

    def discriminate(self, samples: NDArray[Any], /) -> NDArray[Any]:
        """Return D's output for samples (batch, ...). BatchNorm as in training, its buffers left alone."""
        return self._infer(self._stepper.discriminator, samples)

    def loss_scales(self) -> dict[ProbeKey, float]:
        """Return how large the numbers are that each loss of the last probe is made of, by its key in the probe."""
        return {ProbeKey(phase, "loss", "", name): scale for (phase, name), scale in self._scales.items()}

    def perturb(self, *, seed: int, coarseness: float = 1.0) -> None:
        """From now on disturb every number that training computes by a random rounding (see rounding.py)."""
        self._stepper.rounding = RandomRounding(seed=seed, dtype=self._dtype, coarseness=coarseness)

    def perturbed_copies(self, *, seeds: Sequence[int], coarseness: Sequence[float] | None = None) -> PerturbedCopies:
        """Return copies of this trainer as it is now, each of which rounds at random by its own seed; see perturb."""
        times = (1.0,) * len(seeds) if coarseness is None else coarseness
        return PerturbedCopies(self._spec, self._dtype, self.export_state(), seeds=seeds, coarseness=times)

    def _infer(self, network: Network, batch: NDArray[Any]) -> NDArray[Any]:
        with np.errstate(all="ignore"):
            return np.array(network.infer(np.array(batch, self._dtype, order="C")), order="C")
