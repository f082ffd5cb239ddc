"""Runs a GAN on the reference with each default of each framework, beside the GAN itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from gan_rosetta.shared.compare.distances import Floats, first_over
from gan_rosetta.shared.compare.yardstick import Yardstick, YardstickFollower
from gan_rosetta.shared.data.image_source import ImageSource
from gan_rosetta.shared.data.reach import check_reach
from gan_rosetta.shared.data.tape import SeededTape, Tape
from gan_rosetta.shared.defaults.measurement import ALL, GanMeasurement, Measurement, losses_apart
from gan_rosetta.shared.diagnose.reference import walk_reference
from gan_rosetta.shared.diagnose.rows import Row, first_offender
from gan_rosetta.shared.diagnose.visits import Visit
from gan_rosetta.shared.diagnose.walk import walk_backend
from gan_rosetta.shared.faults import Location, Plant, PlantedTrainer
from gan_rosetta.shared.faults.defaults import FRAMEWORKS, apply_all, framework_defaults
from gan_rosetta.shared.faults.subjects import SUBJECTS
from gan_rosetta.shared.gans.affordable import AffordableGan
from gan_rosetta.shared.runs.training import run_training
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.state import State, initial_state
from gan_rosetta.shared.storage.scratch import temporary_folder
from gan_rosetta.shared.workers.registry import build_reference

# A default is found where it is; nothing is expected of it beforehand.
_ANYWHERE = Location(phase="", quantities=())


def measure_defaults(
    gan: AffordableGan, /, *, seed: int, digits: ImageSource, report_progress: Callable[[int, int], None]
) -> GanMeasurement:
    """Return what every default of every framework that touches the GAN does to it.

    Everything runs on the reference, in float64, on the tape and from the state of the seed; for initial values the
    state is drawn anew, from the same random numbers. report_progress: called with (runs done, runs in all).
    """
    changes = _changes(gan.spec)
    distinct = list(dict.fromkeys(spec for *_, spec in changes if spec != gan.spec))
    with temporary_folder() as folder:
        reference = _Reference(gan.spec, seed=seed, digits=digits, folder=folder)
        found: dict[GanSpec, tuple[dict[str, Floats], Row | None]] = {}
        for index, changed in enumerate(distinct):
            losses = reference.run(changed)
            found[changed] = losses, reference.first_difference(changed, losses)
            report_progress(index + 1, len(distinct))
    nothing: tuple[dict[str, Floats], Row | None] = {}, None
    measurements = []
    for framework, subject, own, value, changed in changes:
        losses, first = found.get(changed, nothing)
        measurements.append(
            Measurement(
                framework=framework,
                subject=subject,
                own=own,
                value=value,
                same=changed == gan.spec,
                first=first,
                losses=losses,
            )
        )
    return GanMeasurement(
        gan=gan.spec.name,
        title=gan.spec.title,
        differs=gan.differs,
        losses=reference.losses,
        yardstick=reference.yardstick,
        measurements=tuple(measurements),
    )


def _changes(spec: GanSpec) -> list[tuple[str, str, str, str, GanSpec]]:
    """Return (framework, subject, the GAN's own, the framework's, changed spec), of each framework "all" last."""
    result = []
    for framework in FRAMEWORKS:
        touching = [default for default in framework_defaults(framework) if default.touches(spec)]
        for default in touching:
            own = "; ".join(SUBJECTS[default.subject].values(spec))
            result.append((framework, default.subject, own, default.text, default.apply(spec)))
        result.append((framework, ALL, "", f"{len(touching)} defaults", apply_all(framework, spec)))
    return result


class _Reference:
    """The GAN itself: its losses, how far rounding takes them, and the quantities of the steps looked into."""

    def __init__(self, spec: GanSpec, *, seed: int, digits: ImageSource, folder: Path) -> None:
        self._spec, self._seed, self._folder = spec, seed, folder
        self._tape: Tape = SeededTape(spec, seed=seed, digits=digits)
        check_reach(self._tape, spec)
        self._state = initial_state(spec, seed=seed)
        self._walked: dict[tuple[Visit, ...], Path] = {}
        follower = YardstickFollower.start(
            lambda: build_reference(spec, dtype="float64"), spec, self._state, dtype="float64", seed=seed
        )
        trainer = build_reference(spec, dtype="float64")
        trainer.load_state(self._state)
        self.losses = run_training(trainer, spec, self._tape, keep_going=True, followers=(follower,)).losses
        self.yardstick: Yardstick = follower.finish()

    def run(self, changed: GanSpec) -> dict[str, Floats]:
        """Return the losses of a changed GAN, on the same tape."""
        trainer = build_reference(changed, dtype="float64")
        trainer.load_state(initial_state(changed, seed=self._seed))
        return run_training(trainer, changed, self._tape, keep_going=True).losses

    def first_difference(self, changed: GanSpec, losses: Mapping[str, Floats]) -> Row | None:
        """Return the first quantity that a change moves beyond rounding, each step from the GAN's own state.

        Looked for in the initial state, in the first step of each phase and, where nothing is off there, around the
        first step in which a loss is further off than rounding explains, or, without one, is not the same bit for bit.
        """
        visits = [Visit(phase="adversarial", step=0)]
        if self._spec.pretraining is not None and self._spec.pretraining.num_steps:
            visits.insert(0, Visit(phase="pretraining", step=0))
        row = self._offender(changed, visits)
        if row is not None:
            return row
        step = first_over(losses_apart(losses, self.losses, self.yardstick), 0.0)
        step = first_unequal(losses, self.losses) if step is None else step
        if step is None:
            return None
        # What a loss shows may have happened to the parameters in the step before.
        return self._offender(changed, [Visit(phase="adversarial", step=s) for s in (step - 1, step) if s > 0])

    def _offender(self, changed: GanSpec, visits: Sequence[Visit]) -> Row | None:
        key = tuple(visits)
        if not key:
            return None
        if key not in self._walked:
            self._walked[key] = self._folder / f"walk-{len(self._walked)}"
            walk_reference(
                lambda: build_reference(self._spec, dtype="float64"),
                self._spec,
                self._state,
                self._tape,
                visits=visits,
                folder=self._walked[key],
                forced=True,
                dtype="float64",
                report_progress=_report_nothing,
            )
        plant = Plant(spec=changed, expected=_ANYWHERE, start=lambda _state: self._start_of(changed))
        rows = walk_backend(
            PlantedTrainer(build_reference(changed, dtype="float64"), plant),
            self._spec,
            self._state,
            self._tape,
            visits=visits,
            folder=self._walked[key],
            forced=True,
            dtype="float64",
            report_progress=_report_nothing,
        ).rows
        return first_offender(rows)

    def _start_of(self, changed: GanSpec) -> State:
        return initial_state(changed, seed=self._seed)


def first_unequal(losses: Mapping[str, Floats], expected: Mapping[str, Floats], /) -> int | None:
    """Return the first adversarial step with a loss that is not the same, bit for bit, or None; NaN equals NaN."""
    steps = [
        int(np.flatnonzero(different)[0])
        for different in (
            ~((losses[name] == expected[name]) | (np.isnan(losses[name]) & np.isnan(expected[name])))
            for name in expected
            if name != "pretraining"
        )
        if different.any()
    ]
    return min(steps, default=None)


def _report_nothing(done: int, total: int, /) -> None:
    pass
