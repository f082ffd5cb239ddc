"""Perturbed copies of a GAN, trained side by side: what the yardstick is measured with.

A step of a small GAN is some hundred calls of NumPy on a few dozen numbers each, and takes as long as the calls. So
where every layer takes an axis of copies, the copies share the calls: each array of the step has that axis first. A
copy's numbers are, bit for bit, those that it has alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gan_rosetta.backends.numpy.chunks import Staged, as_losses, stage_chunk, train_chunk
from gan_rosetta.backends.numpy.kinks import Kinks
from gan_rosetta.backends.numpy.layers import LAYERS
from gan_rosetta.backends.numpy.network import Copies, Network
from gan_rosetta.backends.numpy.rounding import RandomRounding, RoundingOfCopies
from gan_rosetta.backends.numpy.step import Stepper
from gan_rosetta.shared.interface import Chunk, Losses
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.state import State


class PerturbedCopies:
    """Copies of a GAN, from one state, each of which rounds at random by its own seed."""

    def __init__(
        self,
        spec: GanSpec,
        dtype: np.dtype[Any],
        state: State,
        /,
        *,
        seeds: Sequence[int],
        coarseness: Sequence[float],
    ) -> None:
        self._spec = spec
        self._dtype = dtype
        self._scales: dict[str, list[float]] = {}
        pairs = zip(seeds, coarseness, strict=True)
        self._roundings = [RandomRounding(seed=seed, dtype=dtype, coarseness=times) for seed, times in pairs]
        together = takes_copies(spec)
        self._axis: Copies = (len(seeds),) if together else ()
        self._steppers = [Stepper(spec, dtype, copies=self._axis) for _ in (seeds[:1] if together else seeds)]
        self._places = [(0, index) if together else (index, ...) for index in range(len(seeds))]
        self._shared = [RoundingOfCopies(self._roundings)] if together else self._roundings
        self._kinks = Kinks(coarseness)
        everyone = [range(len(seeds))] if together else [(index,) for index in range(len(seeds))]
        for rounding, indices in zip(self._shared, everyone, strict=True):
            rounding.visitor = self._kinks.visitor(indices, side_by_side=together)
        for stepper, own in zip(self._steppers, self._shared, strict=True):
            stepper.rounding = own
        self.load_states([state] * len(seeds))

    def train(self, chunk: Chunk, /) -> list[Losses]:
        """Train each copy on a chunk; returns each one's losses, and keeps what loss_scales returns."""
        names = ("pretraining",) if chunk.phase == "pretraining" else self._spec.training.loss_names
        self._scales = {name: [] for name in names}
        staged = stage_chunk(chunk, self._dtype)
        if self._axis:
            staged = replace(staged, arrays={name: self._spread(array) for name, array in staged.arrays.items()})
        self._kinks.begin()
        found = {index: self._train_one(index, staged) for index in ((0,) if self._axis else self._kinks.order)}
        columns = list(np.moveaxis(found[0], -1, 0)) if self._axis else [found[index] for index in sorted(found)]
        return [as_losses(own, chunk.phase, self._spec) for own in columns]

    def _train_one(self, index: int, staged: Staged) -> NDArray[Any]:
        visitor = self._shared[index].visitor
        if visitor is not None:
            visitor.begin()
        return train_chunk(self._steppers[index], staged, self._dtype, on_step=None if index else self._keep_scales)

    def loss_scales(self) -> dict[str, NDArray[np.float64]]:
        """Return how large the numbers are that each loss of the last chunk is made of, (K,), by the names of Losses.

        The first copy's; NaN where D did not train.
        """
        return {name: np.array(values) for name, values in self._scales.items()}

    def states(self) -> Iterator[State]:
        """Yield a copy of each one's whole state, in canonical order and layout."""
        for stepper, place in self._places:
            yield self._steppers[stepper].export_state(place)

    def load_states(self, states: Sequence[State], /) -> None:
        """Copy a whole state into each; raises StateError for missing, extra or misshapen names."""
        for (stepper, place), state in zip(self._places, states, strict=True):
            self._steppers[stepper].load_state(state, place)

    def generate(self, latent: NDArray[Any], /) -> list[NDArray[Any]]:
        """Return each one's G(latent), (batch, ...), as a trainer's generate does, but rounding at random."""
        return self._infer(lambda stepper: stepper.sampler, latent)

    def discriminate(self, samples: NDArray[Any], /) -> list[NDArray[Any]]:
        """Return each one's D(samples), as a trainer's discriminate does, but rounding at random."""
        return self._infer(lambda stepper: stepper.discriminator, samples)

    def _infer(self, network: Callable[[Stepper], Network], samples: NDArray[Any]) -> list[NDArray[Any]]:
        batch = np.array(samples, self._dtype, order="C")
        if self._axis:
            batch = np.broadcast_to(batch, (*self._axis, *batch.shape))
        own = [rounding.aside() for rounding in self._shared]
        with np.errstate(all="ignore"):
            pairs = zip(self._steppers, own, strict=True)
            found = [np.array(network(stepper).infer(batch, rounding=one), order="C") for stepper, one in pairs]
        return [found[stepper][place] for stepper, place in self._places]

    def _keep_scales(self) -> None:
        for name, values in self._scales.items():
            values.append(self._steppers[0].scales.get((name, "loss"), math.nan))

    def export_roundings(self) -> list[NDArray[np.uint64]]:
        """Return where each one's random rounding is, (20,)."""
        return [rounding.export() for rounding in self._roundings]

    def restore_roundings(self, exported: Sequence[NDArray[np.uint64]], /) -> None:
        """Go on with each one's random rounding from there; raises ValueError for what no export returned."""
        for rounding, one in zip(self._roundings, exported, strict=True):
            rounding.restore(one)

    def _spread(self, array: NDArray[Any]) -> NDArray[Any]:
        """Return a chunk's array (K, batch, ...) as (K, n, batch, ...), a view: every copy is fed the same."""
        return np.broadcast_to(array[:, np.newaxis], (len(array), *self._axis, *array.shape[1:]))


def takes_copies(spec: GanSpec) -> bool:
    """Return whether a step of the GAN can be taken with an axis of copies.

    A penalty's goes through tangents, which have none; its GANs are of large products, beside which calls cost little.
    So do those of spectral norms, whose vectors have no such axis either.
    """
    placed = (*spec.generator.placed, *spec.discriminator.placed)
    if spec.training.discriminator_loss.score == "critic" or spec.penalty is not None:
        return False
    return all(
        LAYERS[type(each.layer)].takes_copies and getattr(each.layer, "spectral_norm", None) is None for each in placed
    )
