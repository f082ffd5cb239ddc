"""How often `compare --seeds` is wrong: the reference against itself rounding at random, and against planted faults.

The copies, which round at random, are other right programs: none of them is to be called DIFFERENT. A fault is to be
seen, and the more seeds there are the sooner.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from gan_rosetta.backends import REFERENCE
from gan_rosetta.shared.calibrate.counting import Rate
from gan_rosetta.shared.matters.treatments import Treatment, plan_treatments
from gan_rosetta.shared.runs.jobs_on_disk import locked
from gan_rosetta.shared.runs.names import parse_runs
from gan_rosetta.shared.runs.order import Order, require_count
from gan_rosetta.shared.runs.plan import Plan, available_cores, plan_train
from gan_rosetta.shared.runs.request import make_request
from gan_rosetta.shared.seeds.equivalence import ERROR_RATE, SeedsVerdict, spread_between_seeds
from gan_rosetta.shared.seeds.job import SeedsOfRun, read_seeds, seeds_job
from gan_rosetta.shared.seeds.session import compare_runs_of_seeds
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.workers.jobs import JobOutcome
from gan_rosetta.shared.workers.launch import run_jobs
from gan_rosetta.shared.workers.watching import Watch

# Of a fault's seeds, so many tests of as few as a test of the copies has; then half as many of twice as many, ….
_TESTS_OF_A_FAULT = 8


@dataclass(frozen=True, kw_only=True)
class Verdicts:
    """What tests over disjoint seeds came to, so many seeds each."""

    seeds: int
    verdicts: tuple[SeedsVerdict, ...]

    def share(self, verdict: SeedsVerdict, /) -> Rate:
        """Return how many of them said that."""
        return Rate(count=self.verdicts.count(verdict), total=len(self.verdicts))

    def as_data(self) -> dict[str, Any]:
        """Return it as plain data."""
        words: tuple[SeedsVerdict, ...] = ("EQUIVALENT", "UNDECIDED", "DIFFERENT")
        return {"seeds": self.seeds, **{word: self.verdicts.count(word) for word in words}}


@dataclass(frozen=True, kw_only=True)
class FaultPower:
    """How a planted fault is seen. tests: by the number of seeds, rising."""

    fault: str
    tests: tuple[Verdicts, ...]

    def as_data(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {"fault": self.fault, "tests": [test.as_data() for test in self.tests]}


@dataclass(frozen=True, kw_only=True)
class SeedsCalibration:
    """How the equivalence test errs on a GAN.

    copies: tests of the reference against itself rounding at random. parted: by outcome, how far rounding takes a seed
    from itself (root mean square) beside the spread between seeds, so whether the copies are other programs at all.
    powers: planted faults.
    """

    gan: str
    run: str
    num_steps: int
    copies: Verdicts
    parted: dict[str, float]
    powers: tuple[FaultPower, ...]

    @property
    def keeps_promise(self) -> bool:
        """Whether copies are called DIFFERENT as seldom as is stated, as far as chance can tell."""
        return not self.copies.share("DIFFERENT").exceeds(ERROR_RATE)

    def as_data(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "gan": self.gan,
            "run": self.run,
            "steps": self.num_steps,
            "error_rate": ERROR_RATE,
            "copies": self.copies.as_data(),
            "parted": self.parted,
            "powers": [power.as_data() for power in self.powers],
        }


@dataclass(frozen=True, kw_only=True)
class SeedsCalibrationPlan:
    """What to do. reference, copies: from num_tests times num_seeds seeds; faults: each from fewer of them."""

    reference: Order
    copies: Order
    faults: tuple[Treatment, ...]
    num_tests: int
    num_seeds: int

    @property
    def orders(self) -> list[Order]:
        """All that is to be trained."""
        return [self.copies, self.reference, *(fault.order for fault in self.faults)]


def plan_equivalence(
    gan: str | Path | GanSpec, folder: Path, /, *, num_tests: int, num_seeds: int, num_steps: int, dtype: str
) -> SeedsCalibrationPlan:
    """Return what to train of a GAN in the reference, so many adversarial steps of each seed; raises UsageError."""
    request = make_request(gan, steps=num_steps)
    plan = plan_train(parse_runs([f"{REFERENCE}:{dtype}"]), request, folder, num_seeds=num_seeds)
    return plan_seeds_calibration(plan, num_tests=num_tests, num_seeds=num_seeds)


def plan_seeds_calibration(plan: Plan, /, *, num_tests: int, num_seeds: int) -> SeedsCalibrationPlan:
    """Return what to train, from a plan of one run of a GAN in the reference; raises UsageError for what is too few."""
    require_count("--tests", num_tests, minimum=_TESTS_OF_A_FAULT)
    # Fewer than 36 never decide; see equivalence.py.
    require_count("--seeds", num_seeds, minimum=36)
    base, faults = plan_treatments(plan, kinds=["fault"])
    reference = _from_seeds(base, num_tests * num_seeds)
    copies = replace(
        reference,
        course=replace(reference.course, rounds_at_random=True),
        keeping=replace(reference.keeping, folder=f"{reference.folder}-rounding"),
    )
    few = _TESTS_OF_A_FAULT * num_seeds
    return SeedsCalibrationPlan(
        reference=reference,
        copies=copies,
        faults=tuple(replace(fault, order=_from_seeds(fault.order, few)) for fault in faults),
        num_tests=num_tests,
        num_seeds=num_seeds,
    )


def calibrate_over_seeds(
    plan: SeedsCalibrationPlan, /, *, watch: Watch
) -> tuple[SeedsCalibration | None, list[JobOutcome[Order]]]:
    """Train all that a plan says and test it; None where anything failed. What is there is not trained again."""
    with locked(plan.orders), watch(len(plan.orders)) as watcher:
        outcomes = run_jobs(
            [seeds_job(order) for order in plan.orders],
            num_slots=min(available_cores(), len(plan.orders)),
            on_progress=watcher.on_progress,
            on_outcome=watcher.on_outcome,
        )
    if any(outcome.status != "finished" for outcome in outcomes):
        return None, outcomes
    reference, copies = read_seeds(plan.reference), read_seeds(plan.copies)
    found = SeedsCalibration(
        gan=plan.reference.gan,
        run=plan.reference.run_name,
        num_steps=plan.reference.spec.training.num_steps,
        copies=_test(reference, copies, plan.num_seeds, dtype=plan.reference.run.dtype),
        parted=_parted(reference, copies),
        powers=tuple(_power(fault, reference, plan) for fault in plan.faults),
    )
    return found, outcomes


def _from_seeds(order: Order, count: int) -> Order:
    return replace(order, course=replace(order.course, num_seeds=count))


def _power(fault: Treatment, reference: SeedsOfRun, plan: SeedsCalibrationPlan) -> FaultPower:
    faulty = read_seeds(fault.order)
    few = reference.part(slice(len(faulty.seeds)))
    sizes = [plan.num_seeds * 2**doubled for doubled in range(_TESTS_OF_A_FAULT.bit_length())]
    dtype = plan.reference.run.dtype
    return FaultPower(fault=fault.name, tests=tuple(_test(few, faulty, size, dtype=dtype) for size in sizes))


def _test(first: SeedsOfRun, second: SeedsOfRun, num_seeds: int, *, dtype: str) -> Verdicts:
    """Compare two runs over seed after seed, so many at a time."""
    starts = range(0, len(first.seeds) - num_seeds + 1, num_seeds)
    second = replace(second, run=f"{second.run}, changed")
    return Verdicts(
        seeds=num_seeds,
        verdicts=tuple(_verdict(first, second, slice(start, start + num_seeds), dtype=dtype) for start in starts),
    )


def _verdict(first: SeedsOfRun, second: SeedsOfRun, chosen: slice, *, dtype: str) -> SeedsVerdict:
    runs: Sequence[SeedsOfRun] = [first.part(chosen), second.part(chosen)]
    (pair,) = compare_runs_of_seeds(runs, dtype=dtype)
    return pair.verdict


def _parted(reference: SeedsOfRun, copies: SeedsOfRun) -> dict[str, float]:
    found = {}
    for name, values in reference.numbers.items():
        differences = (copies.numbers[name] - values)[np.isfinite(values) & np.isfinite(copies.numbers[name])]
        spread = spread_between_seeds(values)
        if spread and len(differences):
            found[name] = float(np.sqrt(np.mean(differences**2))) / spread
    return found
