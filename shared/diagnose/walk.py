"""A backend's side of a diagnosis: the same visits, each quantity beside the reference's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gan_rosetta.shared.compare.tolerance import Tolerance, num_copies
from gan_rosetta.shared.compare.yardstick import LOSS_NAMES
from gan_rosetta.shared.data.tape import Tape, chunks, make_chunk
from gan_rosetta.shared.diagnose.reference import ReferenceVisit, joined, visit_folder
from gan_rosetta.shared.diagnose.rows import Row, compare_quantity
from gan_rosetta.shared.diagnose.visits import Visit
from gan_rosetta.shared.faults.planted import PlantedTrainer
from gan_rosetta.shared.interface import Chunk, Phase, ProbeKey, Trainer
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.state import State, state_schema

_CHUNK_STEPS = 500
_AFTER_UPDATE = ("parameter", "slot", "counter", "buffer")


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
) -> list[Row]:
    """Return the rows of all visits, in order of execution. The reference has left its side in the folder.

    forced: start each visit from the reference's state, so that nothing accumulates; else from the backend's own.
    """
    walk = _Walk(trainer, spec, tape, dtype)
    if isinstance(trainer, PlantedTrainer):
        trainer.load_initial_state(state)
    else:
        trainer.load_state(state)
    rows = list(walk.start(state, visits[0]))
    for index, visit in enumerate(visits):
        reference = ReferenceVisit(visit_folder(folder, index))
        if forced:
            trainer.load_state(reference.state(spec))
        else:
            walk.move(visit)
        rows += walk.look(visit, reference)
        report_progress(index + 1, len(visits))
    return rows


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

    def look(self, visit: Visit, reference: ReferenceVisit) -> Iterator[Row]:
        """Compare everything that the step computes, then the state that `train` makes of it."""
        chunk = make_chunk(self._tape, self._spec, visit.phase, first_step=visit.step, num_steps=1)
        probe = self._trainer.probe(chunk)
        noise, scales = reference.noise(), reference.scales()
        with reference.arrays() as arrays:
            expected = reference.read_keys()
            yield from self._compare_order(visit, probe, expected)
            for key in expected:
                text = joined(key)
                yield self._row(
                    visit, key, probe.get(key), arrays[text], noise=noise[text], scale=scales.get(text, 0.0)
                )
            after = {key.name: joined(key) for key in expected if key.quantity in _AFTER_UPDATE}
            yield from self._compare_trained(visit, chunk, reference, arrays, after)

    def _compare_order(self, visit: Visit, probe: Mapping[ProbeKey, Any], expected: list[ProbeKey]) -> Iterator[Row]:
        """Yield a row where phases or passes come in another order, or more or fewer of them."""
        got_passes = _passes(probe)
        expected_passes = _passes(expected)
        for index in range(max(len(got_passes), len(expected_passes))):
            ours = got_passes[index] if index < len(got_passes) else None
            theirs = expected_passes[index] if index < len(expected_passes) else None
            if ours != theirs:
                phase, _ = theirs or ours or ("", "")
                key = ProbeKey(phase, "order", "", f"{_describe(ours)} in place of {_describe(theirs)}")
                yield self._row(visit, key, None, np.zeros(()), noise=0.0, exact=True)
                return

    def _compare_trained(
        self,
        visit: Visit,
        chunk: Chunk,
        reference: ReferenceVisit,
        arrays: Any,
        after: Mapping[str, str],
    ) -> Iterator[Row]:
        noise, scales = reference.noise(), reference.scales()
        before = self._trainer.export_state()
        losses = self._trainer.train(self._trainer.stage(chunk))
        trained = self._trainer.export_state()
        for name in LOSS_NAMES:
            text = joined(ProbeKey(name, "loss", "", "loss"))
            values = getattr(losses, name)
            if text in noise:
                got = None if values is None else values[0]
                key = ProbeKey("train", "loss", "", name)
                yield self._row(visit, key, got, arrays[text], noise=noise[text], scale=scales.get(text, 0.0))
        roles = {name: tensor.role for name, tensor in state_schema(self._spec).items()}
        for name, text in after.items():
            key = ProbeKey("train", roles[name], "", name)
            yield self._row(visit, key, trained.get(name), arrays[text], noise=noise[text])
        self._trainer.load_state(before)

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


def _passes(keys: Mapping[ProbeKey, Any] | list[ProbeKey]) -> list[tuple[str, str]]:
    """Return the forward passes of a step in order: phase, and network with its stream."""
    found: list[tuple[str, str]] = []
    for key in keys:
        if key.quantity == "output":
            entry = (key.phase, f"{key.name.split('.')[0]} on {key.stream}")
            if entry not in found:
                found.append(entry)
    return found


def _describe(entry: tuple[str, str] | None) -> str:
    return "nothing" if entry is None else f"{entry[1]} in the {entry[0]} phase"
