"""Trains a GAN as it is and with each treatment from the same seeds, and says what each does to what comes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gan_rosetta.shared.matters.treatments import Kind, Treatment
from gan_rosetta.shared.runs.jobs_on_disk import locked
from gan_rosetta.shared.runs.order import Order
from gan_rosetta.shared.runs.plan import available_cores
from gan_rosetta.shared.seeds.equivalence import Effect, SeedsVerdict, worst
from gan_rosetta.shared.seeds.job import SeedsOfRun, read_seeds, seeds_job
from gan_rosetta.shared.seeds.session import compare_runs_of_seeds
from gan_rosetta.shared.workers.jobs import JobOutcome
from gan_rosetta.shared.workers.launch import run_jobs
from gan_rosetta.shared.workers.watching import Watch

_UNTREATED = "as it is"


@dataclass(frozen=True, kw_only=True)
class Matter:
    """What a treatment does. effects: on each outcome, of the treated in place of the GAN as it is."""

    treatment: str
    kind: Kind
    effects: tuple[Effect, ...]

    @property
    def verdict(self) -> SeedsVerdict:
        """DIFFERENT where it changes an outcome by more than would matter, EQUIVALENT where it changes none."""
        return worst(self.effects)

    @property
    def largest(self) -> Effect:
        """The effect that is the largest beside its margin, of those that differ where one does."""
        different = [effect for effect in self.effects if effect.verdict == "DIFFERENT"]
        return max(different or self.effects, key=_in_margins)

    def on(self, outcome: str, /) -> Effect:
        """Return the effect on an outcome; raises KeyError."""
        return {effect.outcome: effect for effect in self.effects}[outcome]

    def as_data(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "treatment": self.treatment,
            "kind": self.kind,
            "verdict": self.verdict,
            "effects": [effect.as_data() for effect in self.effects],
        }


@dataclass(frozen=True, kw_only=True)
class Matters:
    """What each treatment of a GAN does over many seeds.

    run: what all are trained in. untreated: what comes out of the GAN as it is. found: a treatment each, those that
    change the most first. failures: what trainings that failed had to say, by treatment.
    """

    gan: str
    run: str
    untreated: SeedsOfRun
    found: tuple[Matter, ...]
    failures: Mapping[str, str]

    @property
    def outcome(self) -> str:
        """The first of the outcomes, by which a GAN's samples are judged."""
        return next(iter(self.untreated.numbers))

    def as_data(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "gan": self.gan,
            "run": self.run,
            "untreated": self.untreated.as_data(),
            "treatments": [matter.as_data() for matter in self.found],
            "failures": dict(self.failures),
        }


def measure_matters(
    base: Order, treatments: Sequence[Treatment], /, *, watch: Watch
) -> tuple[Matters | None, list[JobOutcome[Order]]]:
    """Train all from the untreated one's seeds; return None where that failed. What is there is taken as it is."""
    orders = [base, *(treatment.order for treatment in treatments)]
    with locked(orders), watch(len(orders)) as watcher:
        outcomes = run_jobs(
            [seeds_job(order) for order in orders],
            num_slots=min(available_cores(), len(orders)),
            on_progress=watcher.on_progress,
            on_outcome=watcher.on_outcome,
        )
    by_folder = {outcome.settings.folder: outcome for outcome in outcomes}
    if by_folder[base.folder].status != "finished":
        return None, outcomes
    untreated = replace(read_seeds(base), run=_UNTREATED)
    found, failures = [], {}
    for treatment in treatments:
        outcome = by_folder[treatment.order.folder]
        if outcome.status != "finished":
            failures[treatment.name] = outcome.message
            continue
        treated = replace(read_seeds(treatment.order), run=treatment.name)
        (pair,) = compare_runs_of_seeds([untreated, treated], dtype=base.run.dtype)
        found.append(Matter(treatment=treatment.name, kind=treatment.kind, effects=pair.effects))
    found.sort(key=lambda matter: _in_margins(matter.largest), reverse=True)
    matters = Matters(gan=base.gan, run=base.run_name, untreated=untreated, found=tuple(found), failures=failures)
    return matters, outcomes


def _in_margins(effect: Effect) -> float:
    return abs(effect.difference) / effect.margin if effect.margin and effect.num_seeds > 1 else 0.0
