"""A whole diagnosis: the reference walks first, then each backend beside what it left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gan_rosetta.backends import REFERENCE
from gan_rosetta.shared.compare.finding import Finding
from gan_rosetta.shared.diagnose.explanation import Explanation
from gan_rosetta.shared.diagnose.job import DiagnosisJob, LookedInto, read_looked_into, rows_path
from gan_rosetta.shared.diagnose.parting import find_partings, visits_of
from gan_rosetta.shared.diagnose.rows import Row, first_offender
from gan_rosetta.shared.diagnose.visits import Visit, in_order, plan_on_tape, with_published_steps
from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.faults import find_fault
from gan_rosetta.shared.runs.inputs import open_inputs
from gan_rosetta.shared.runs.names import RunName, folder_name
from gan_rosetta.shared.runs.order import Order, RunSetup, require_count
from gan_rosetta.shared.runs.plan import available_cores, make_order, setup_of
from gan_rosetta.shared.runs.request import Request
from gan_rosetta.shared.storage.scratch import temporary_folder
from gan_rosetta.shared.workers import registry
from gan_rosetta.shared.workers.jobs import Job, JobOutcome
from gan_rosetta.shared.workers.launch import run_jobs
from gan_rosetta.shared.workers.watching import Watch

# Everything that a step computes is kept of each step that is looked into.
_MOST_STEPS = 10_000
_AS_REFERENCE: Mapping[str, Any] = {"name": REFERENCE, "backend": REFERENCE, "python": None, "device": "cpu"}


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """What a diagnosis found: the rows of each run in order of execution, and the jobs that failed.

    unexplained: of runs whose whole run parts from the reference's, although no quantity that was looked into is
    off, where that shows first. explanations: of runs of which a quantity is off, why.
    """

    gan: str
    forced: bool
    planted: Mapping[str, str]
    rows: Mapping[str, list[Row]]
    failures: tuple[JobOutcome, ...]
    unexplained: Mapping[str, Finding] = field(default_factory=dict)
    explanations: Mapping[str, Explanation] = field(default_factory=dict)

    def cause(self, run: str, /) -> Explanation | None:
        """Return why a run is off, as far as it could be told, or None where nothing of it is off."""
        return self.explanations.get(run)

    def offender(self, run: str, /) -> Row | None:
        """Return the first quantity of a run that is off, or None."""
        return first_offender(self.rows[run])

    @property
    def odd_ones(self) -> tuple[str, ...]:
        """The runs that part from the reference."""
        return tuple(name for name in self.rows if self.offender(name) is not None or name in self.unexplained)

    def as_data(self) -> dict[str, Any]:
        """Return the diagnosis as plain data."""
        runs = {}
        for name, rows in self.rows.items():
            offender = first_offender(rows)
            runs[name] = {
                "first_offender": None if offender is None else offender.as_data(),
                "cause": self.explanations[name].as_data() if name in self.explanations else None,
                "unexplained": str(self.unexplained[name]) if name in self.unexplained else None,
                "rows": [row.as_data() for row in rows],
            }
        return {
            "format": 4,
            "gan": self.gan,
            "mode": "forced" if self.forced else "free",
            "planted": dict(self.planted),
            "wrong": list(self.odd_ones),
            "runs": runs,
            "failures": {o.settings.run_name: o.message for o in self.failures},
        }


def parse_plants(texts: Sequence[str], runs: Sequence[str], /) -> dict[str, str]:
    """Return the fault to plant in each run from texts: "adam-beta2", for the first run, or "torch:adam-beta2".

    Raises UsageError for an unknown fault or a run that is not diagnosed.
    """
    planted: dict[str, str] = {}
    for text in texts:
        run, _, fault = text.rpartition(":")
        run = run or runs[0]
        find_fault(fault)
        if run not in runs:
            raise UsageError(f"--plant {text}: {run!r} is not diagnosed; expected one of {', '.join(runs)}")
        if run in planted:
            raise UsageError(f"--plant {text}: {run} already has {planted[run]!r} planted; plant one fault a run")
        planted[run] = fault
    return planted


def choose_backends(names: Sequence[str], pythons: Mapping[str, str] | None = None, /) -> list[str]:
    """Return the backends to look into: those named, which must be installed, or all installed but the reference.

    pythons: of backends that do not run on their usual one.
    """
    found = [entry.name for entry in registry.choose_backends(names, pythons)]
    return [name for name in found if names or name != REFERENCE]


def diagnose(
    request: Request,
    runs: Sequence[RunName],
    planted: Mapping[str, str],
    /,
    *,
    forced: bool,
    num_steps: int | None,
    watch: Watch,
    pythons: Mapping[str, str] | None = None,
) -> Diagnosis:
    """Run a diagnosis in worker processes; raises what a user can cause before any of them starts.

    planted: faults by the names of runs. pythons: of backends whose runs name no environment.
    """
    require_count("--steps", num_steps, minimum=1, maximum=_MOST_STEPS)
    if not runs:
        raise UsageError("only the reference is installed, so there is nothing to diagnose; see `gan-rosetta list`")
    spec = with_published_steps(request).resolve()
    setups = {str(run): setup_of(request, run, pythons=pythons) for run in runs}
    orders = {name: make_order(request, spec, setup, Path()) for name, setup in setups.items()}
    for own in setups.values():
        registry.require_installed(registry.find_backend(own.backend), own.python)
    for fault in planted.values():
        if find_fault(fault).plant(spec) is None:
            raise UsageError(f"fault {fault!r} has nothing to touch in {spec.name!r}; see `gan-rosetta faults`")
    visits = plan_on_tape(spec, open_inputs(request.feed, spec)[1], num_steps=num_steps, forced=forced)
    with temporary_folder() as root:
        walk = _Walk(orders=orders, planted=planted, forced=forced, num_steps=num_steps, watch=watch)
        found, failures = walk.look(list(orders), root / "first")
        rows = {name: own.rows for name, own in found.items()}
        parts: dict[str, Finding] = {}
        clear = [name for name, own in rows.items() if first_offender(own) is None and name not in planted]
        if num_steps is None and clear and not failures:
            parts, failed = find_partings(
                request,
                [run for run in runs if str(run) in clear],
                root / "runs",
                watch=watch,
                pythons=pythons or {},
            )
            failures += failed
            later = visits_of(parts.values(), visits)
            if later:
                more, failed = walk.look(list(parts), root / "second", visits=in_order((*visits, *later)))
                failures += failed
                found |= more
                rows |= {name: own.rows for name, own in more.items()}
    unexplained = {name: finding for name, finding in parts.items() if first_offender(rows[name]) is None}
    return Diagnosis(
        gan=spec.name,
        forced=forced,
        planted=planted,
        rows=rows,
        failures=tuple(failures),
        unexplained=unexplained,
        explanations={name: own.explanation for name, own in found.items() if own.explanation is not None},
    )


@dataclass(frozen=True, kw_only=True)
class _Walk:
    """How runs are walked beside the reference. orders: of each run, by its name."""

    orders: Mapping[str, Order]
    planted: Mapping[str, str]
    forced: bool
    num_steps: int | None
    watch: Watch

    def look(
        self, names: Sequence[str], folder: Path, /, *, visits: tuple[Visit, ...] | None = None
    ) -> tuple[dict[str, LookedInto], list[JobOutcome]]:
        """Return what was seen of each run, and the jobs that failed. visits: None chooses.

        The reference walks first, in each of the runs' types.
        """
        cores = available_cores()
        slots = min(cores, len(names))
        walks = [
            self._job(
                self.orders[name],
                replace(self.orders[name].run, **_AS_REFERENCE, threads=cores),
                folder,
                is_reference=True,
                visits=visits,
            )
            for name in {self.orders[name].run.precision: name for name in reversed(names)}.values()
        ]
        outcomes = _run(walks, 1, self.watch)
        if any(outcome.status != "finished" for outcome in outcomes):
            return {}, [outcome for outcome in outcomes if outcome.status != "finished"]
        share = max(1, cores // slots)
        jobs = {
            name: self._job(
                self.orders[name],
                replace(self.orders[name].run, threads=share),
                folder,
                is_reference=False,
                visits=visits,
            )
            for name in names
        }
        outcomes = _run(list(jobs.values()), slots, self.watch)
        finished = {outcome.settings.run_name for outcome in outcomes if outcome.status == "finished"}
        found = {name: read_looked_into(rows_path(job.settings)) for name, job in jobs.items() if name in finished}
        return found, [outcome for outcome in outcomes if outcome.status != "finished"]

    def _job(
        self,
        order: Order,
        setup: RunSetup,
        folder: Path,
        /,
        *,
        is_reference: bool,
        visits: tuple[Visit, ...] | None,
    ) -> Job:
        own = folder / folder_name(setup.precision)
        own.mkdir(parents=True, exist_ok=True)
        order = replace(order, run=setup, keeping=replace(order.keeping, folder=str(own)))
        diagnosis = DiagnosisJob(
            order=order,
            is_reference=is_reference,
            forced=self.forced,
            num_steps=self.num_steps,
            fault=None if is_reference else self.planted.get(order.run_name),
            visits=visits,
        )
        return Job(settings=order, task="diagnosis", data=diagnosis.as_data())


def _run(jobs: list[Job], num_slots: int, watch: Watch) -> list[JobOutcome]:
    with watch(len(jobs)) as watcher:
        return run_jobs(jobs, num_slots=num_slots, on_progress=watcher.on_progress, on_outcome=watcher.on_outcome)
