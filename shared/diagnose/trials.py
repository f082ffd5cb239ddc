"""Plants every fault in every backend and GAN that it touches, and checks that each is found where it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from gan_rosetta.backends import REFERENCE
from gan_rosetta.shared.diagnose.explanation import Explanation
from gan_rosetta.shared.diagnose.job import DiagnosisJob, read_trials, rows_path
from gan_rosetta.shared.diagnose.rows import Row
from gan_rosetta.shared.diagnose.session import choose_backends
from gan_rosetta.shared.diagnose.visits import plan_second_turns
from gan_rosetta.shared.faults import FAULTS, Location
from gan_rosetta.shared.gans import CATALOGUE
from gan_rosetta.shared.gans.affordable import make_affordable
from gan_rosetta.shared.runs.order import Feed, Keeping, Order, RunSetup
from gan_rosetta.shared.runs.plan import available_cores
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.storage.scratch import temporary_folder
from gan_rosetta.shared.workers.jobs import Job, JobOutcome
from gan_rosetta.shared.workers.launch import run_jobs
from gan_rosetta.shared.workers.watching import Watch

Naming = Literal["alone", "among others", "nothing", "another"]


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One fault in one backend and GAN; fault "" is none.

    found: the first row that was off, None where none was. explanation: None where no cause was looked for.
    """

    gan: str
    backend: str
    fault: str
    expected: Location | None
    found: Row | None
    explanation: Explanation | None = None

    @property
    def naming(self) -> Naming:
        """What was said of the cause: the fault alone, it among several, nothing, or another than the fault."""
        causes = () if self.explanation is None else self.explanation.causes
        if not causes:
            return "nothing"
        if not any(self.fault in cause.names for cause in causes):
            return "another"
        return "alone" if len(causes) == 1 else "among others"

    @property
    def is_right(self) -> bool:
        """Whether the fault was found at its place, or, without a fault, nothing was found."""
        if self.expected is None or self.found is None:
            return self.expected is None and self.found is None
        row = self.found
        return self.expected.matches(row.phase, row.quantity, row.name)


def trial_backends(names: Sequence[str], pythons: Mapping[str, str] | None = None, /) -> list[str]:
    """Return the backends to plant faults in: those named, which must be installed, or all, the reference first."""
    return choose_backends(names, pythons) if names else [REFERENCE, *choose_backends([], pythons)]


def run_trials(
    gans: Sequence[GanSpec],
    backends: Sequence[str],
    /,
    *,
    seed: int,
    watch: Watch,
    explains: bool = False,
    pythons: Mapping[str, str] | None = None,
) -> tuple[list[Trial], list[JobOutcome]]:
    """Return the trials of all faults that touch a GAN, on each backend, and the jobs that failed.

    explains: look for the cause of each, too. pythons: of backends that do not run on their usual one.
    """
    chosen = pythons or {}
    trials: list[Trial] = []
    failures: list[JobOutcome] = []
    with temporary_folder() as root:
        walks, jobs = [], []
        for gan in gans:
            order = _affordable_order(gan, folder=f"{root}/{gan.name}", seed=seed)
            names = ("", *(name for name, fault in FAULTS.items() if fault.plant(order.spec) is not None))
            walks.append(_job(order, is_reference=True, trials=None, explains=False))
            setups = [RunSetup(name=name, backend=name, python=chosen.get(name)) for name in backends]
            own = [replace(order, run=setup) for setup in setups]
            jobs += [_job(each, is_reference=False, trials=names, explains=explains) for each in own]
        for batch in (walks, jobs):
            with watch(len(batch)) as watcher:
                outcomes = run_jobs(
                    batch,
                    num_slots=available_cores(),
                    on_progress=watcher.on_progress,
                    on_outcome=watcher.on_outcome,
                )
            failures += [outcome for outcome in outcomes if outcome.status != "finished"]
            if failures:
                break
        for job in jobs:
            path = rows_path(job.settings)
            if path.exists():
                trials += _read_trials(job.settings, path)
    return trials, failures


def _affordable_order(gan: GanSpec, *, folder: str, seed: int) -> Order:
    """Return the reference's order for a GAN, in a size of which many runs can be afforded."""
    affordable = make_affordable(gan)
    spec = affordable.spec
    if affordable.differs and CATALOGUE.get(gan.name) == gan:
        spec = replace(spec, name=f"{gan.name}-small")
    return Order(
        spec=spec,
        run=RunSetup(name=REFERENCE, backend=REFERENCE),
        feed=Feed(seed=seed),
        keeping=Keeping(folder=folder),
    )


def _job(order: Order, *, is_reference: bool, trials: tuple[str, ...] | None, explains: bool) -> Job[Order]:
    job = DiagnosisJob(
        order=order,
        is_reference=is_reference,
        forced=True,
        num_steps=None,
        visits=plan_second_turns(order.spec),
        fault=None,
        trials=trials,
        explains=explains,
    )
    return Job(settings=order, task="diagnosis", data=job.as_data())


def _read_trials(order: Order, path: Path) -> list[Trial]:
    result = []
    for fault, looked in read_trials(path).items():
        plant = FAULTS[fault].plant(order.spec) if fault else None
        result.append(
            Trial(
                gan=order.gan,
                backend=order.backend,
                fault=fault,
                expected=None if plant is None else plant.expected,
                found=next(iter(looked.rows), None),
                explanation=looked.explanation,
            )
        )
    return result
