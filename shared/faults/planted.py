"""A Trainer with a fault in it: any backend's, built from a changed spec, holding or fed changed numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from gan_rosetta.shared.faults.dropout_faults import drawn_mask
from gan_rosetta.shared.faults.fault import Plant
from gan_rosetta.shared.interface import Chunk, Losses, ProbeKey, Trainer
from gan_rosetta.shared.spec.feeding import labels, mask_draws
from gan_rosetta.shared.state.schema import state_schema


class PlantedTrainer:
    """Wraps a trainer built from plant.spec. To the harness it is a backend whose code has the fault."""

    def __init__(self, trainer: Trainer | PlantedTrainer, plant: Plant, /) -> None:
        self._trainer = trainer
        self._plant = plant
        schema = state_schema(plant.spec)
        self._tensors = {name for name, tensor in schema.items() if tensor.tensor == plant.tensor}
        self._names = _names_seen(plant)

    def load_state(self, state: Mapping[str, np.ndarray], /) -> None:
        """Load a state, the planted tensor and its slots in the form that the faulty backend holds them in."""
        load = self._plant.load
        mapped = {n: load(a) if load and n in self._tensors else a for n, a in state.items()}
        self._trainer.load_state(mapped)

    def load_initial_state(self, state: Mapping[str, np.ndarray], /) -> None:
        """Load the state that a run starts from, which the fault may change."""
        start = self._plant.start
        self.load_state(start(state) if start else state)

    def export_state(self) -> dict[str, np.ndarray]:
        """Return the state as the faulty backend would report it."""
        return {name: self._reported(name, array) for name, array in self._trainer.export_state().items()}

    def stage(self, chunk: Chunk, /) -> Any:
        """Stage a chunk, changed if the fault is in what is fed."""
        return self._trainer.stage(self._fed(chunk))

    def train(self, staged: Any, /) -> Losses:
        """Train as the faulty backend does."""
        return self._trainer.train(staged)

    def probe(self, chunk: Chunk, /) -> dict[ProbeKey, np.ndarray]:
        """Probe the faulty backend; gradients of the planted tensor in the form of its report."""
        probe = self._trainer.probe(self._fed(chunk))
        return {self._seen(key): self._reported(key.name, array) for key, array in probe.items()}

    def generate(self, latent: np.ndarray, /) -> np.ndarray:
        """Generate as the faulty backend does."""
        return self._trainer.generate(latent)

    def discriminate(self, samples: np.ndarray, /) -> np.ndarray:
        """Discriminate as the faulty backend does."""
        return self._trainer.discriminate(samples)

    def _reported(self, name: str, array: np.ndarray) -> np.ndarray:
        unload = self._plant.unload
        return unload(array) if unload and name in self._tensors else array

    def _seen(self, key: ProbeKey) -> ProbeKey:
        return key._replace(name=self._names.get(key.name, key.name)) if key.quantity == "output" else key

    def _fed(self, chunk: Chunk) -> Chunk:
        fed = self._plant.chunk(chunk) if self._plant.chunk else chunk
        return self._with_own(fed)

    def _with_own(self, chunk: Chunk) -> Chunk:
        """Return the chunk with what the faulty backend alone is fed: masks drawn anew, and for G the classes of D."""
        arrays, is_pretraining = dict(chunk.arrays), chunk.phase == "pretraining"
        needed = mask_draws(self._plant.spec, pretraining=is_pretraining)
        arrays |= {mask.name: drawn_mask(mask, chunk) for mask in needed if mask.name not in arrays}
        if not is_pretraining:
            arrays |= {label: arrays["label_d"] for label in labels(self._plant.spec) if label not in arrays}
        return replace(chunk, arrays=arrays) if len(arrays) > len(chunk.arrays) else chunk


def _names_seen(plant: Plant) -> dict[str, str]:
    """Return, by the names of layers in the faulty backend, those under which their outputs are reported."""
    if plant.seen_as is None:
        return {}
    own, seen = plant.spec.networks(), plant.seen_as.networks()
    return {
        f"{network}.{placed.name}": f"{network}.{reported.name}"
        for network in own
        for placed, reported in zip(own[network].placed, seen[network].placed, strict=True)
    }
