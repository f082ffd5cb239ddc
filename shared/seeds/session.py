"""Trains runs from many seeds, and compares what comes out of those of a comparison, in distribution."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from gan_rosetta.shared.compare.distances import Floats
from gan_rosetta.shared.runs.jobs_on_disk import locked
from gan_rosetta.shared.runs.order import Order
from gan_rosetta.shared.runs.plan import Plan
from gan_rosetta.shared.seeds.equivalence import (
    ERROR_RATE,
    Effect,
    SeedsVerdict,
    compare_numbers,
    compare_rates,
    margins,
    worst,
)
from gan_rosetta.shared.seeds.job import SeedsOfRun, read_seeds, seeds_job
from gan_rosetta.shared.storage.documents import write_document
from gan_rosetta.shared.workers.jobs import JobOutcome
from gan_rosetta.shared.workers.launch import run_jobs
from gan_rosetta.shared.workers.watching import Watch

FORMAT = 1
SEEDS_FILE = "seeds.json"
_SPREAD = "spread over seeds of "


@dataclass(frozen=True, kw_only=True)
class SeedsPair:
    """Two runs over the same seeds. effects: of taking the second for the first, an outcome each."""

    pair: tuple[str, str]
    effects: tuple[Effect, ...]

    @property
    def verdict(self) -> SeedsVerdict:
        """DIFFERENT where one outcome is, EQUIVALENT where each is."""
        return worst(self.effects)

    @property
    def seeds_to_decide(self) -> int | None:
        """About how many seeds would decide all that is undecided; None where none would, or all is decided."""
        needed = [effect.seeds_to_decide for effect in self.effects if effect.verdict == "UNDECIDED"]
        return None if None in needed else max((each for each in needed if each is not None), default=None)

    def as_data(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "pair": list(self.pair),
            "verdict": self.verdict,
            "seeds_to_decide": self.seeds_to_decide,
            "effects": [effect.as_data() for effect in self.effects],
        }


@dataclass(frozen=True, kw_only=True)
class AcrossSeeds:
    """The runs of one GAN over many seeds, each two compared.

    runs: what came of each. pairs: in the order of the runs. failures: what runs had to say that did not finish.
    """

    gan: str
    runs: tuple[SeedsOfRun, ...]
    pairs: tuple[SeedsPair, ...]
    failures: Mapping[str, str]

    @property
    def num_seeds(self) -> int:
        """How many seeds each run was trained from."""
        return len(self.runs[0].seeds) if self.runs else 0

    @property
    def verdict(self) -> SeedsVerdict:
        """The worst of the pairs'; UNDECIDED where there is none."""
        return worst([effect for pair in self.pairs for effect in pair.effects])

    def as_data(self) -> dict[str, Any]:
        """Return it as plain data, as in seeds.json."""
        return {
            "gan": self.gan,
            "verdict": self.verdict,
            "error_rate": ERROR_RATE,
            "seeds": [int(seed) for seed in self.runs[0].seeds] if self.runs else [],
            "pairs": [pair.as_data() for pair in self.pairs],
            "failures": dict(self.failures),
        }


def train_across_seeds(plan: Plan, /, *, watch: Watch) -> tuple[list[JobOutcome[Order]], list[SeedsOfRun]]:
    """Train each run of a plan that has seeds from each of them; return how the jobs ended, and what came of runs."""
    orders, outcomes = _train(plan, watch=watch)
    finished = {outcome.settings.folder for outcome in outcomes if outcome.status == "finished"}
    return outcomes, [read_seeds(order) for order in orders if order.folder in finished]


def compare_across_seeds(plan: Plan, /, *, watch: Watch) -> tuple[list[JobOutcome[Order]], dict[str, AcrossSeeds]]:
    """Train each run of a plan that has seeds from each of them, and compare each two runs of a GAN.

    Returns how the jobs ended, and what was found by GAN, which is also written to seeds.json beside its runs. How much
    is too much follows from a GAN's first run.
    """
    orders, outcomes = _train(plan, watch=watch)
    by_folder = {outcome.settings.folder: outcome for outcome in outcomes}
    gans = dict.fromkeys(order.gan for order in orders)
    found = {gan: _compare_gan([order for order in orders if order.gan == gan], by_folder) for gan in gans}
    return outcomes, found


def _train(plan: Plan, *, watch: Watch) -> tuple[list[Order], list[JobOutcome[Order]]]:
    orders = [_for_seeds(job) for job in plan.jobs if job.course.num_seeds > 1]
    if not orders:
        return [], []
    with locked(orders), watch(len(orders)) as watcher:
        outcomes = run_jobs(
            [seeds_job(order) for order in orders],
            num_slots=plan.num_slots,
            on_progress=watcher.on_progress,
            on_outcome=watcher.on_outcome,
        )
    return orders, outcomes


def _for_seeds(order: Order) -> Order:
    """Return an order for all steps that are planned: the reference may be able to afford fewer beside its copies."""
    spec = order.spec.with_steps(training=order.course.planned_steps) if order.course.planned_steps else order.spec
    return replace(order, spec=spec, course=replace(order.course, yardstick=False, planned_steps=None))


def _compare_gan(orders: Sequence[Order], by_folder: Mapping[str, JobOutcome[Order]]) -> AcrossSeeds:
    outcomes = [by_folder[order.folder] for order in orders]
    finished = {outcome.settings.run_name for outcome in outcomes if outcome.status == "finished"}
    runs = tuple(read_seeds(order) for order in orders if order.run_name in finished)
    found = AcrossSeeds(
        gan=orders[0].gan,
        runs=runs,
        pairs=compare_runs_of_seeds(runs, dtype=orders[0].run.dtype),
        failures={each.settings.run_name: each.message for each in outcomes if each.status != "finished"},
    )
    write_document(Path(orders[0].folder).parent / SEEDS_FILE, found.as_data(), number=FORMAT)
    return found


def compare_runs_of_seeds(runs: Sequence[SeedsOfRun], /, *, dtype: str) -> tuple[SeedsPair, ...]:
    """Compare each two of some runs over the same seeds. dtype: of the first, whose seeds say how much is too much."""
    if not runs:
        return ()
    too_much = margins(_numbers(runs[0]), dtype=dtype)
    return tuple(
        SeedsPair(pair=(first.run, second.run), effects=_effects(first, second, too_much))
        for first, second in combinations(runs, 2)
    )


def _effects(first: SeedsOfRun, second: SeedsOfRun, too_much: Mapping[str, float]) -> tuple[Effect, ...]:
    own, other = _numbers(first), _numbers(second)
    count = len(own) + len(first.happened)
    effects = [
        compare_numbers(
            name,
            own[name],
            other[name],
            unit=first.units[name.removeprefix(_SPREAD)],
            margin=too_much[name],
            num_outcomes=count,
        )
        for name in own
    ]
    effects += [
        compare_rates(name, first.happened[name], second.happened[name], num_outcomes=count) for name in first.happened
    ]
    return tuple(effects)


def _numbers(run: SeedsOfRun) -> dict[str, Floats]:
    """Return each outcome, and how far each seed is from the middle of it: two runs may differ in that alone."""
    found = dict(run.numbers)
    for name, values in run.numbers.items():
        finite = values[np.isfinite(values)]
        middle = float(np.median(finite)) if len(finite) else 0.0
        found[f"{_SPREAD}{name}"] = np.abs(values - middle)
    return found
