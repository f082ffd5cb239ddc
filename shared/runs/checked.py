"""The border to a backend: what its trainer returns is what the interface says, or the run ends and says why."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from gan_rosetta.backends import BackendEntry
from gan_rosetta.shared.errors import StateError, WrongResult
from gan_rosetta.shared.interface import Chunk, Losses, ProbeKey, Trainer
from gan_rosetta.shared.spec import GanSpec, Shape
from gan_rosetta.shared.state import check_state
from gan_rosetta.shared.workers.registry import load_trainer


def build_checked(entry: BackendEntry, spec: GanSpec, /, *, device: str, dtype: str, execution: str) -> CheckedTrainer:
    """Build a backend's trainer of a GAN; each of its results is checked."""
    trainer = load_trainer(entry).build(spec, device=device, dtype=dtype, execution=execution)
    return CheckedTrainer(trainer, spec, name=entry.name, dtype=dtype)


class CheckedTrainer:
    """A trainer each of whose results is checked by number, shape and type; raises WrongResult.

    name: the backend's, for messages. Numbers are not judged here: NaN is a result too.
    """

    def __init__(self, trainer: Trainer, spec: GanSpec, /, *, name: str, dtype: str) -> None:
        self._trainer, self._spec, self._name = trainer, spec, name
        self._dtype = np.dtype(dtype)

    @classmethod
    def build(cls, spec: GanSpec, /, *, device: str, dtype: str, execution: str) -> Self:
        """Not here: a checked trainer is made of one that is built."""
        del spec, device, dtype, execution
        raise TypeError("CheckedTrainer wraps a trainer; build that one")

    def load_state(self, state: Mapping[str, np.ndarray], /) -> None:
        """As Trainer.load_state."""
        self._trainer.load_state(state)

    def export_state(self) -> dict[str, np.ndarray]:
        """As Trainer.export_state."""
        state = self._trainer.export_state()
        if not isinstance(state, Mapping):
            raise self._wrong("export_state", f"{type(state).__name__}; expected a dictionary of arrays by name")
        for name, array in state.items():
            if not isinstance(array, np.ndarray):
                raise self._wrong("export_state", f"{type(array).__name__} for {name}; expected a NumPy array")
            if array.dtype != self._dtype and not np.issubdtype(array.dtype, np.integer):
                raise self._wrong("export_state", f"{array.dtype} numbers for {name}; expected {self._dtype}")
        try:
            check_state(state, self._spec)
        except StateError as error:
            raise self._wrong("export_state", f"something else than the GAN's state: {error}") from None
        return state

    def stage(self, chunk: Chunk, /) -> tuple[Chunk, Any]:
        """As Trainer.stage; the chunk stays beside it, since it says how many losses there must be."""
        return chunk, self._trainer.stage(chunk)

    def train(self, staged: tuple[Chunk, Any], /) -> Losses:
        """As Trainer.train."""
        chunk, own = staged
        return self.check_losses(chunk, self._trainer.train(own))

    def check_losses(self, chunk: Chunk, losses: Any, /) -> Losses:
        """Return what the backend gave for a chunk's losses; raises WrongResult."""
        if not isinstance(losses, Losses):
            raise self._wrong("train", f"{type(losses).__name__}; expected a Losses")
        expected = {"pretraining"} if chunk.phase == "pretraining" else set(self._spec.training.loss_names)
        if chunk.phase == "adversarial" and self._spec.training.stop is not None:
            expected.add("real_score")
        for name in ("pretraining", "discriminator", "generator", "joint", "real_score"):
            values = getattr(losses, name)
            if (values is not None) != (name in expected):
                found = "none" if values is None else "some"
                wanted = "one a step" if name in expected else "none"
                raise self._wrong("train", f"{found} of the losses {name!r} for {chunk.phase} steps; expected {wanted}")
            if values is not None:
                self._check_array(f"train's {name}", values, (chunk.num_steps,))
        return losses

    def probe(self, chunk: Chunk, /) -> dict[ProbeKey, np.ndarray]:
        """As Trainer.probe; what of it is missing or misshapen is for a diagnosis to name, in order of execution."""
        probe = self._trainer.probe(chunk)
        if not isinstance(probe, Mapping):
            raise self._wrong("probe", f"{type(probe).__name__}; expected a dictionary of arrays by ProbeKey")
        for key, array in probe.items():
            if not isinstance(key, ProbeKey):
                raise self._wrong("probe", f"{reprlib.repr(key)} among its keys; expected a ProbeKey")
            if not isinstance(array, np.ndarray | np.generic):
                raise self._wrong("probe", f"{type(array).__name__} for {reprlib.repr(key)}; expected a NumPy array")
            if not np.issubdtype(array.dtype, np.number):
                raise self._wrong("probe", f"{array.dtype} for {reprlib.repr(key)}; expected numbers")
        return dict(probe)

    def generate(self, latent: np.ndarray, /) -> np.ndarray:
        """As Trainer.generate."""
        samples = self._trainer.generate(latent)
        self._check_array("generate", samples, (len(latent), *self._spec.generator.output_shape))
        return samples

    def discriminate(self, samples: np.ndarray, /) -> np.ndarray:
        """As Trainer.discriminate."""
        scores = self._trainer.discriminate(samples)
        self._check_array("discriminate", scores, (len(samples), *self._spec.discriminator.output_shape))
        return scores

    def _check_array(self, what: str, array: Any, shape: Shape) -> None:
        if not isinstance(array, np.ndarray):
            raise self._wrong(what, f"{type(array).__name__}; expected a NumPy array of shape {shape}")
        if array.shape != shape or array.dtype != self._dtype:
            raise self._wrong(what, f"{array.dtype} numbers of shape {array.shape}; expected {self._dtype} of {shape}")

    def _wrong(self, what: str, found: str) -> WrongResult:
        return WrongResult(f"{self._name}: {what} returned {found}; see Trainer in shared/interface/trainer.py")
