"""Many seeds of one run, trained side by side where the backend can and the GAN is small, else one after the other."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import cast

import numpy as np

from gan_rosetta.backends import REFERENCE, BackendEntry
from gan_rosetta.shared.compare.distances import Floats
from gan_rosetta.shared.data.tape import Tape
from gan_rosetta.shared.errors import UnsupportedLayer, UsageError
from gan_rosetta.shared.interface import Chunk, Execution, Losses, PerturbedReplicas, Replicas
from gan_rosetta.shared.runs.checked import build_checked
from gan_rosetta.shared.runs.chunk_sizes import chunk_size, step_bytes
from gan_rosetta.shared.runs.inputs import open_inputs
from gan_rosetta.shared.runs.order import Order
from gan_rosetta.shared.runs.samples import make_samples
from gan_rosetta.shared.runs.training import TrainingResult, run_training, train_together
from gan_rosetta.shared.seeds.outcomes import Outcomes, measure_outcomes
from gan_rosetta.shared.spec.cost import step_flops
from gan_rosetta.shared.state import State
from gan_rosetta.shared.workers.registry import load_replicas

# Above so much a step is busy by itself, and what another seed beside it would share is nothing.
SMALL_STEP_FLOPS = 1e6
_MOST_TOGETHER = 64
# Each that rounds at random has a pool of its own to draw from.
_MOST_ROUNDING_TOGETHER = 32
# Of the arrays of a chunk of all of them, in float64.
_MOST_BYTES = 1.5e8


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What came of one seed. losses: (steps,) by name."""

    outcomes: Outcomes
    losses: Mapping[str, Floats]


class SeedTrainer:
    """Trains an order's run from seeds, so many at once as `num_together`."""

    def __init__(self, order: Order, entry: BackendEntry, /, *, execution: Execution) -> None:
        self._order = order
        if order.course.rounds_at_random and entry.name != REFERENCE:
            raise UsageError(f"{entry.name} cannot round at random; expected {REFERENCE}, the reference")
        build = {"device": order.run.device, "dtype": order.run.dtype}
        self._trainer = build_checked(entry, order.spec, execution=execution, **build)
        compiles = "compiled" in entry.executions
        kind = load_replicas(entry) if execution == "compiled" or not compiles else None
        self.num_together = 1 if kind is None else _num_together(order, worth_it_from=kind.worth_it_from)
        self._replicas: Replicas | None = None
        if kind is not None and (self.num_together > 1 or order.course.rounds_at_random):
            try:
                self._replicas = kind.build(order.spec, num_replicas=self.num_together, **build)
            except UnsupportedLayer:  # side by side; alone it is built already
                self.num_together = 1

    def train(self, seeds: Sequence[int], /, *, report_alive: Callable[[], None]) -> list[Trained]:
        """Return what came of each of some seeds, at most num_together. report_alive: called every so often.

        The seeds that they are trained beside make no difference to a seed, whatever their number.
        """
        course = self._order.course
        if self._replicas is None:
            return [self._train_alone(seed) for seed in seeds]
        if course.rounds_at_random:
            cast(PerturbedReplicas, self._replicas).perturb(seeds=range(seeds[0], seeds[0] + self.num_together))
        lanes = {index: _Lane(self._replicas, index) for index in range(len(seeds))}
        tapes = {}
        for index, seed in enumerate(seeds):
            state, tapes[index] = open_inputs(replace(self._order.feed, seed=seed), self._order.spec)
            lanes[index].load_state(state)
        results = train_together(
            lanes,
            self._order.spec,
            tapes,
            train=self._train_lanes,
            chunk_steps=course.chunk_steps,
            keep_going=course.keep_going,
            report_progress=lambda *_: report_alive(),
        )
        found = []
        for index, seed in enumerate(seeds):
            self._trainer.load_state(lanes[index].export_state())
            found.append(self._measure(seed, tapes[index], results[index]))
        return found

    def _train_lanes(self, chunks: Mapping[int, Chunk]) -> dict[int, Losses]:
        if self._replicas is None:
            raise TypeError("seeds are trained side by side, and there are no replicas")
        losses = self._replicas.train(chunks)
        return {index: self._trainer.check_losses(chunk, losses[index]) for index, chunk in chunks.items()}

    def _train_alone(self, seed: int) -> Trained:
        state, tape = open_inputs(replace(self._order.feed, seed=seed), self._order.spec)
        self._trainer.load_state(state)
        course = self._order.course
        train = partial(run_training, chunk_steps=course.chunk_steps, keep_going=course.keep_going)
        return self._measure(seed, tape, train(self._trainer, self._order.spec, tape))

    def _measure(self, seed: int, tape: Tape, result: TrainingResult) -> Trained:
        """Measure what the trainer has come to."""
        spec = self._order.spec
        outcomes = measure_outcomes(
            self._trainer,
            spec,
            result,
            make_samples(self._trainer, spec, tape, seed=seed),
            is_as_declared=self._order.feed.mnist is None and self._order.feed.images is None,
            steps_per_epoch=tape.steps_per_epoch(),
        )
        return Trained(outcomes=outcomes, losses=result.losses)


@dataclass(frozen=True)
class _Lane:
    """One of many replicas, as a trainer has its state."""

    replicas: Replicas
    index: int

    def load_state(self, state: State, /) -> None:
        self.replicas.load_state(self.index, state)

    def export_state(self) -> dict[str, np.ndarray]:
        return self.replicas.export_state(self.index)


def _num_together(order: Order, *, worth_it_from: int) -> int:
    """Return how many seeds train at once: the same for every part of an order, so that a resumed one has its bits."""
    spec = order.spec
    num_steps = order.course.num_seeds * (spec.training.num_steps + spec.num_pretraining_steps)
    if step_flops(spec) > SMALL_STEP_FLOPS or num_steps < worth_it_from:
        return 1
    by_memory = _MOST_BYTES / ((order.course.chunk_steps or chunk_size(spec)) * step_bytes(spec))
    most = _MOST_ROUNDING_TOGETHER if order.course.rounds_at_random else _MOST_TOGETHER
    most = int(max(1, min(most, by_memory)))
    # Parts of about one size, since those that have no seed take their steps all the same.
    num_parts = math.ceil(order.course.num_seeds / most)
    return math.ceil(order.course.num_seeds / num_parts)
