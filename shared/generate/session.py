"""A long run: GANs drawn from a seed, checked on all backends, each one that fails shrunk and kept in a file."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from gan_rosetta.shared.diagnose.session import choose_backends
from gan_rosetta.shared.errors import UsageError, unknown_name
from gan_rosetta.shared.faults import find_fault
from gan_rosetta.shared.generate.check import Finding
from gan_rosetta.shared.generate.coverage import count_vocabulary
from gan_rosetta.shared.generate.pool import Findings, WorkerPool
from gan_rosetta.shared.generate.shrink import shrink
from gan_rosetta.shared.interface import DEVICES
from gan_rosetta.shared.runs.order import require_count, require_seed
from gan_rosetta.shared.runs.plan import available_cores
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.spec.serialise import spec_digest
from gan_rosetta.shared.spec.toml_file import write_spec
from gan_rosetta.shared.workers.registry import find_backend, resolve_execution

_BATCH = 20
_MOST_GANS = 100_000
_MAX_SHRUNK = 5
_DIGEST_LENGTH = 12


@dataclass(frozen=True, kw_only=True)
class GenerationPlan:
    """GANs to draw from a seed, always the same, and the backends to hold to the reference on each.

    fault: one to plant in each backend, None for none. pythons: of backends that do not run on their usual one.
    """

    specs: tuple[GanSpec, ...]
    backends: tuple[str, ...]
    execution: str = "eager"
    device: str = "cpu"
    fault: str | None = None
    pythons: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A GAN on which a backend was off, as drawn or as shrunk, and the file that holds it, None where none was kept."""

    backend: str
    index: int
    finding: Finding
    spec: GanSpec
    path: Path | None
    shrunk: bool


@dataclass(kw_only=True)
class Summary:
    """What a run of a plan came to. vocabulary: how many GANs have each layer, loss, optimizer and source."""

    plan: GenerationPlan
    num_specs: int = 0
    vocabulary: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    seconds: float = 0.0
    seconds_by_worker: Mapping[str, float] = field(default_factory=dict)

    @property
    def has_crashed(self) -> bool:
        """Whether a backend raised an error on a GAN."""
        return any(failure.finding.row is None for failure in self.failures)


def plan_generation(
    count: int,
    /,
    *,
    seed: int,
    backends: Sequence[str] = (),
    execution: str = "eager",
    device: str = "cpu",
    plant: str | None = None,
    pythons: Mapping[str, str] | None = None,
) -> GenerationPlan:
    """Return the GANs drawn, and on what they are to be checked.

    backends: all installed but the reference where there is none. Raises UsageError for what makes no sense, and where
    Hypothesis is not installed; BackendUnavailable for a backend that is not installed.
    """
    require_count("--count", count, minimum=1, maximum=_MOST_GANS)
    require_seed(seed)
    names = choose_backends(backends, pythons)
    if not names:
        raise UsageError("only the reference is installed, so there is nothing to check; see `gan-rosetta list`")
    if device not in DEVICES:
        raise unknown_name("device", device, DEVICES)
    for name in names:
        resolve_execution(find_backend(name), execution)
    return GenerationPlan(
        specs=tuple(draw_specs(count, seed=seed)),
        backends=tuple(names),
        execution=execution,
        device=device,
        fault=None if plant is None else find_fault(plant).name,
        pythons=pythons or {},
    )


def draw_specs(count: int, /, *, seed: int) -> list[GanSpec]:
    """Return different GANs drawn from a seed, always the same; raises UsageError where Hypothesis is not installed."""
    try:
        import hypothesis  # noqa: PLC0415 - an extra; nothing else needs it
    except ImportError:
        raise UsageError(
            "Hypothesis draws the GANs; it is not installed: pip install 'gan-rosetta[generate]'"
        ) from None
    from gan_rosetta.shared.generate.independent import NAME, IndependentChoices  # noqa: PLC0415
    from gan_rosetta.shared.generate.strategies import gan_specs  # noqa: PLC0415

    drawn: dict[GanSpec, None] = {}

    @hypothesis.settings(
        backend=NAME,
        max_examples=count,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(gan_specs())
    def keep(spec: GanSpec) -> None:
        drawn.setdefault(spec)

    IndependentChoices.seed(seed)
    while len(drawn) < count:
        keep()
    return [replace(spec, name=f"generated-{index}") for index, spec in enumerate(list(drawn)[:count])]


def run_generated(plan: GenerationPlan, /, *, say: Callable[[str], object], out: Path | None = None) -> Summary:
    """Check GANs on backends in worker processes; the first few that fail are shrunk.

    say: called with a line at each finding and each part of the work. out: a folder to keep each GAN that fails in.
    """
    specs = plan.specs
    summary = Summary(plan=plan, vocabulary=count_vocabulary(specs))
    found: list[tuple[int, str, Finding]] = []
    started = time.perf_counter()

    def on_batch(batch: Sequence[GanSpec], findings: Findings) -> None:
        for name, entries in findings.items():
            for index, finding in enumerate(entries):
                if finding is None:
                    continue
                say(f"{name}, GAN {summary.num_specs + index}: {finding}")
                if not finding.of_compiler:
                    found.append((summary.num_specs + index, name, finding))
        summary.num_specs += len(batch)
        elapsed = time.perf_counter() - started
        say(
            f"{summary.num_specs} of {len(specs)} GANs, {len(found)} disagreements, {elapsed:.0f} s, "
            f"{summary.num_specs / elapsed:.1f} GANs/s",
        )

    def new_pool(names: Sequence[str]) -> WorkerPool:
        return WorkerPool(
            names,
            execution=plan.execution,
            device=plan.device,
            num_slots=available_cores(),
            faults={} if plan.fault is None else dict.fromkeys(names, plan.fault),
            pythons=plan.pythons,
        )

    pool = new_pool(plan.backends)
    with pool:
        pool.check_all([specs[i : i + _BATCH] for i in range(0, len(specs), _BATCH)], on_batch=on_batch)
    summary.seconds = time.perf_counter() - started
    summary.seconds_by_worker = dict(pool.seconds)
    for number, (index, name, finding) in enumerate(found):
        shrinks = number < _MAX_SHRUNK and name in plan.backends
        summary.failures.append(_keep(specs[index], index, name, finding, out, new_pool=new_pool, shrinks=shrinks))
    return summary


def _keep(
    spec: GanSpec,
    index: int,
    backend: str,
    finding: Finding,
    out: Path | None,
    *,
    new_pool: Callable[[Sequence[str]], WorkerPool],
    shrinks: bool,
) -> Failure:
    if shrinks:
        last: dict[GanSpec, Finding] = {}
        with new_pool([backend]) as pool:

            def fails(specs: Sequence[GanSpec]) -> list[bool]:
                entries = pool.check(specs)[backend]
                found = {s: e for s, e in zip(specs, entries, strict=True) if e is not None and e.is_like(finding)}
                last.update(found)
                return [s in found for s in specs]

            spec = shrink(spec, fails)
        finding = last.get(spec, finding)
    path = None
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        path = out / f"failing-{spec_digest(spec)[:_DIGEST_LENGTH]}.toml"
        write_spec(path, spec)
    return Failure(backend=backend, index=index, finding=finding, spec=spec, path=path, shrunk=shrinks)
