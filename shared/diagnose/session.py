"""A whole diagnosis: the reference walks first, then each backend beside what it left."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from backends import BACKENDS, REFERENCE
from shared.compare.verdict import Finding
from shared.diagnose.job import DiagnosisJob, read_rows
from shared.diagnose.parting import find_partings, visits_of
from shared.diagnose.rows import Row, first_offender
from shared.diagnose.visits import Visit, plan_on_tape, with_published_steps
from shared.errors import UsageError
from shared.faults import find_fault
from shared.harness.inputs import open_inputs
from shared.harness.launch import Job, JobOutcome, run_jobs
from shared.harness.plan import available_cores
from shared.harness.registry import find_backend, installed_version, require_installed, resolve_execution
from shared.harness.run import resolve_spec, with_spec_text
from shared.harness.settings import RunSettings
from shared.report.progress import ProgressDisplay


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """What a diagnosis found: the rows of each backend in order of execution, and the jobs that failed.

    unexplained: of backends whose whole run parts from the reference's, although no quantity that was looked into is
    off, where that shows first.
    """

    gan: str
    forced: bool
    planted: Mapping[str, str]
    rows: Mapping[str, list[Row]]
    failures: tuple[JobOutcome, ...]
    unexplained: Mapping[str, Finding] = field(default_factory=dict)

    def offender(self, backend: str, /) -> Row | None:
        """Return the first quantity of a backend that is off, or None."""
        return first_offender(self.rows[backend])

    @property
    def odd_ones(self) -> tuple[str, ...]:
        """The backends that part from the reference."""
        return tuple(name for name in self.rows if self.offender(name) is not None or name in self.unexplained)

    def as_data(self) -> dict[str, Any]:
        """Return the diagnosis as plain data."""
        backends = {}
        for name, rows in self.rows.items():
            offender = first_offender(rows)
            backends[name] = {
                "first_offender": None if offender is None else offender.as_data(),
                "unexplained": str(self.unexplained[name]) if name in self.unexplained else None,
                "rows": [row.as_data() for row in rows],
            }
        return {
            "format": 2,
            "gan": self.gan,
            "mode": "forced" if self.forced else "free",
            "planted": dict(self.planted),
            "wrong": list(self.odd_ones),
            "backends": backends,
            "failures": {f"{o.settings.backend}": o.message for o in self.failures},
        }


def parse_plants(texts: Sequence[str], backends: Sequence[str], /) -> dict[str, str]:
    """Return the fault to plant in each backend from texts: "adam-beta2", for the first backend, or "torch:adam-beta2".

    Raises UsageError for an unknown fault or a backend that is not diagnosed.
    """
    planted: dict[str, str] = {}
    for text in texts:
        backend, _, fault = text.rpartition(":")
        backend = backend or backends[0]
        find_fault(fault)
        if backend not in backends:
            raise UsageError(
                f"--plant {text}: backend {backend!r} is not diagnosed; expected one of {', '.join(backends)}"
            )
        if backend in planted:
            raise UsageError(
                f"--plant {text}: {backend} already has {planted[backend]!r} planted; plant one fault a backend"
            )
        planted[backend] = fault
    return planted


def choose_backends(names: Sequence[str], /) -> list[str]:
    """Return the backends to diagnose: those named, which must be installed, or all installed but the reference."""
    if names:
        for name in names:
            require_installed(find_backend(name))
        return list(dict.fromkeys(names))
    return [name for name, entry in BACKENDS.items() if name != REFERENCE and installed_version(entry) is not None]


def diagnose(
    template: RunSettings,
    backends: Sequence[str],
    planted: Mapping[str, str],
    /,
    *,
    forced: bool,
    num_steps: int | None,
    console: Console,
) -> Diagnosis:
    """Run a diagnosis in worker processes; raises what a user can cause before any of them starts."""
    if not backends:
        raise UsageError("only the reference is installed, so there is nothing to diagnose; see `gan-rosetta list`")
    template = with_spec_text(template)
    looked_into = with_published_steps(template)
    spec = resolve_spec(looked_into)
    for name in backends:
        resolve_execution(find_backend(name), template.execution)
    for fault in planted.values():
        if find_fault(fault).plant(spec) is None:
            raise UsageError(f"fault {fault!r} has nothing to touch in {spec.name!r}; see `gan-rosetta faults`")
    visits = plan_on_tape(spec, open_inputs(looked_into, spec)[1], num_steps=num_steps, forced=forced)
    with tempfile.TemporaryDirectory(prefix="gan-rosetta-") as root:
        base = replace(looked_into, gan=spec.name)
        walk = _Walk(base=base, planted=planted, forced=forced, num_steps=num_steps, console=console)
        rows, failures = walk.look(backends, Path(root) / "first")
        parts: dict[str, Finding] = {}
        clear = [name for name, own in rows.items() if first_offender(own) is None and name not in planted]
        if num_steps is None and clear and not failures:
            parts, failed = find_partings(replace(template, gan=spec.name), clear, Path(root) / "runs", console=console)
            failures += failed
            later = visits_of(parts.values(), visits)
            if later:
                more, failed = walk.look(list(parts), Path(root) / "second", visits=later)
                failures += failed
                rows |= {name: [*rows[name], *own] for name, own in more.items()}
    unexplained = {name: finding for name, finding in parts.items() if first_offender(rows[name]) is None}
    return Diagnosis(
        gan=spec.name, forced=forced, planted=planted, rows=rows, failures=tuple(failures), unexplained=unexplained
    )


@dataclass(frozen=True, kw_only=True)
class _Walk:
    """How backends are walked beside the reference."""

    base: RunSettings
    planted: Mapping[str, str]
    forced: bool
    num_steps: int | None
    console: Console

    def look(
        self, backends: Sequence[str], folder: Path, /, *, visits: tuple[Visit, ...] | None = None
    ) -> tuple[dict[str, list[Row]], list[JobOutcome]]:
        """Return each backend's rows, in order of execution, and the jobs that failed. visits: None chooses."""
        folder.mkdir()
        cores = available_cores()
        slots = min(cores, len(backends))
        walk = self._job(REFERENCE, folder, is_reference=True, threads=cores, visits=visits)
        outcomes = _run([replace(walk, settings=replace(walk.settings, device="cpu"))], 1, self.console)
        if outcomes[0].status != "finished":
            return {}, outcomes
        share = max(1, cores // slots)
        jobs = [self._job(name, folder, is_reference=False, threads=share, visits=visits) for name in backends]
        outcomes = _run(jobs, slots, self.console)
        finished = {outcome.settings.backend for outcome in outcomes if outcome.status == "finished"}
        rows = {name: read_rows(folder / f"{name}.json") for name in backends if name in finished}
        return rows, [outcome for outcome in outcomes if outcome.status != "finished"]

    def _job(
        self, name: str, folder: Path, /, *, is_reference: bool, threads: int, visits: tuple[Visit, ...] | None
    ) -> Job:
        settings = replace(self.base, folder=str(folder), backend=name, threads=threads)
        diagnosis = DiagnosisJob(
            settings=settings,
            is_reference=is_reference,
            forced=self.forced,
            num_steps=self.num_steps,
            fault=None if is_reference else self.planted.get(name),
            visits=visits,
        )
        return Job(settings=settings, request={"diagnosis": diagnosis.as_data()})


def _run(jobs: list[Job], num_slots: int, console: Console) -> list[JobOutcome]:
    with ProgressDisplay(console, num_jobs=len(jobs)) as display:
        return run_jobs(jobs, num_slots=num_slots, on_progress=display.on_progress, on_outcome=display.on_outcome)
