"""A backend's side of a diagnosis: the same visits, each quantity beside the reference's."""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from gan_rosetta.shared.compare.tolerance import Tolerance, num_copies
from gan_rosetta.shared.compare.yardstick import LOSS_NAMES
from gan_rosetta.shared.data.tape import Tape, chunks, make_chunk
from gan_rosetta.shared.diagnose.passes import first_other_pass
from gan_rosetta.shared.diagnose.reference import ReferenceVisit, joined, visit_folder
from gan_rosetta.shared.diagnose.replay import ObservedStep, trained_keys
from gan_rosetta.shared.diagnose.rows import Row, compare_quantity, first_offender
from gan_rosetta.shared.diagnose.visits import Visit
from gan_rosetta.shared.faults.planted import PlantedTrainer
from gan_rosetta.shared.interface import Losses, Phase, ProbeKey, Trainer
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.state import State, state_schema

_CHUNK_STEPS = 500


def walk_backend(
    trainer: Trainer | PlantedTrainer,
    spec: GanSpec,
    state: State,
    tape: Tape,
    /,
    *,
    visits: Sequence[Visit],
    folder: Path,
    forced: bool,
    dtype: str,
    report_progress: Callable[[int, int], None],
) -> Walked:
    """Return the rows of all visits, in order of execution, and what was computed where that says why one is off.

    The reference has left its side in the folder. forced: start each visit from the reference's state, so that nothing
    accumulates; else from the backend's own.
    """
    walk = _Walk(trainer, spec, tape, dtype)
    if isinstance(trainer, PlantedTrainer):
        trainer.load_initial_state(state)
    else:
        trainer.load_state(state)
    rows = list(walk.start(state, visits[0]))
    start = {} if first_offender(rows) is None else trainer.export_state()
    steps: list[ObservedStep] = []
    for index, visit in enumerate(visits):
        reference = ReferenceVisit(visit_folder(folder, index))
        if forced:
            trainer.load_state(reference.state(spec))
        else:
            walk.move(visit)
        own, step = walk.look(visit, reference, forced=forced)
        rows += own
        if first_offender(own) is not None:
            steps.append(step)
        elif forced:
            steps.append(replace(step, quantities=_Stored(reference)))
        report_progress(index + 1, len(visits))
    return Walked(rows=rows, start=start, steps=steps)


@dataclass(frozen=True, kw_only=True)
class Walked:
    """The rows of a walk, and what explains them.

    start: the state before the first step, empty where it is what was given. steps: what was computed in those that
    are off, and, where each starts from the reference's state, in the others.
    """

    rows: list[Row]
    start: State
    steps: list[ObservedStep]


class _Stored(Mapping[ProbeKey, np.ndarray]):
    """What a step of the reference computed, read when it is asked for; it stands for what agrees with it."""

    def __init__(self, reference: ReferenceVisit) -> None:
        self._reference = reference
        self._keys = dict.fromkeys(reference.read_keys())

    def __getitem__(self, key: ProbeKey) -> np.ndarray:
        if key not in self._keys:
            raise KeyError(key)
        with self._reference.arrays() as arrays:
            array: np.ndarray = arrays[joined(key)]
        return array

    def items(self) -> ItemsView[ProbeKey, np.ndarray]:
        with self._reference.arrays() as arrays:
            return {key: arrays[joined(key)] for key in self._keys}.items()

    def __iter__(self) -> Iterator[ProbeKey]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)


class _Walk:
    def __init__(self, trainer: Trainer | PlantedTrainer, spec: GanSpec, tape: Tape, dtype: str) -> None:
        self._trainer, self._spec, self._tape = trainer, spec, tape
        self._dtype = dtype
        self._tolerance = Tolerance(num_copies=num_copies(spec), dtype=dtype)
        self._done: dict[Phase, int] = {"pretraining": 0, "adversarial": 0}

    def start(self, state: State, visit: Visit) -> Iterator[Row]:
        """Compare the state before the first step, which must be what was loaded, bit for bit."""
        loaded = self._trainer.export_state()
        for name, tensor in state_schema(self._spec).items():
            expected = state[name] if tensor.role == "counter" else state[name].astype(self._dtype)
            key = ProbeKey("start", tensor.role, "", name)
            yield self._row(visit, key, loaded.get(name), expected, noise=0.0, exact=True)

    def move(self, visit: Visit) -> None:
        """Train on to the step before a visit."""
        if visit.phase == "adversarial" and self._spec.pretraining is not None:
            self._train("pretraining", self._spec.pretraining.num_steps)
        self._train(visit.phase, visit.step)

    def look(self, visit: Visit, reference: ReferenceVisit, *, forced: bool) -> tuple[list[Row], ObservedStep]:
        """Compare everything that the step computes, then the state that `train` makes of it; and return all that."""
        chunk = make_chunk(self._tape, self._spec, visit.phase, first_step=visit.step, num_steps=1)
        before = self._trainer.export_state()
        probe = self._trainer.probe(chunk)
        losses = self._trainer.train(self._trainer.stage(chunk))
        trained = self._trainer.export_state()
        self._trainer.load_state(before)
        after = _trained(losses, trained, self._spec)
        with reference.arrays() as arrays:
            rows = list(self._compare(visit, probe, after, reference, arrays))
        noise = dict(zip(reference.read_keys(), reference.noise().values(), strict=True))
        noise |= {key: noise[source] for key, source in trained_keys(noise, self._spec).items()}
        step = ObservedStep(
            label=visit.label,
            state=before,
            chunk=chunk,
            quantities={**probe, **{key: after[key] for key in trained_keys(probe, self._spec) if key in after}},
            noise=noise if forced else {},
        )
        return rows, step

    def _compare(
        self,
        visit: Visit,
        probe: Mapping[ProbeKey, np.ndarray],
        trained: Mapping[ProbeKey, np.ndarray],
        reference: ReferenceVisit,
        arrays: Any,
    ) -> Iterator[Row]:
        noise, scales = reference.noise(), reference.scales()
        expected = reference.read_keys()
        yield from self._compare_order(visit, probe, expected)
        sources = {key: key for key in expected} | trained_keys(expected, self._spec)
        for key, source in sources.items():
            text = joined(source)
            got = probe.get(key) if key == source else trained.get(key)
            yield self._row(visit, key, got, arrays[text], noise=noise[text], scale=scales.get(text, 0.0))

    def _compare_order(self, visit: Visit, probe: Mapping[ProbeKey, Any], expected: list[ProbeKey]) -> Iterator[Row]:
        """Yield a row where phases or passes come in another order, or more or fewer of them."""
        key = first_other_pass(probe, expected)
        if key is not None:
            yield self._row(visit, key, None, np.zeros(()), noise=0.0, exact=True)

    def _train(self, phase: Phase, stop: int) -> None:
        first = self._done[phase]
        for chunk in chunks(self._tape, self._spec, phase, first_step=first, stop=stop, size=_CHUNK_STEPS):
            self._trainer.train(self._trainer.stage(chunk))
        self._done[phase] = max(first, stop)

    def _row(
        self,
        visit: Visit,
        key: ProbeKey,
        got: np.ndarray | None,
        expected: np.ndarray,
        *,
        noise: float,
        scale: float = 0.0,
        exact: bool = False,
    ) -> Row:
        return compare_quantity(
            got,
            expected,
            noise=noise,
            scale=scale,
            tolerance=self._tolerance,
            exact=exact or key.quantity == "counter",
            visit=visit.label,
            phase=key.phase,
            quantity=key.quantity,
            stream=key.stream,
            name=key.name,
        )


def _trained(losses: Losses, state: State, spec: GanSpec) -> dict[ProbeKey, np.ndarray]:
    """Return what training left of one step, under the keys of phase "train"."""
    values = {name: getattr(losses, name) for name in LOSS_NAMES}
    found = {ProbeKey("train", "loss", "", name): series[0] for name, series in values.items() if series is not None}
    roles = {name: tensor.role for name, tensor in state_schema(spec).items()}
    return found | {ProbeKey("train", roles[name], "", name): array for name, array in state.items()}
