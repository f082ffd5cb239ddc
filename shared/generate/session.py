"""A long run: GANs drawn from a seed, checked on all backends, each one that fails shrunk and kept in a file."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from rich.console import Console

from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.generate.check import Finding
from gan_rosetta.shared.generate.coverage import count_vocabulary
from gan_rosetta.shared.generate.pool import Findings, WorkerPool
from gan_rosetta.shared.generate.shrink import shrink
from gan_rosetta.shared.runs.plan import available_cores
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.spec.serialise import spec_digest
from gan_rosetta.shared.spec.toml_file import write_spec

_BATCH = 20
_MAX_SHRUNK = 5
_DIGEST_LENGTH = 12


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A GAN on which a backend was off, as drawn or as shrunk, and the file that holds it."""

    backend: str
    index: int
    finding: Finding
    path: Path
    shrunk: bool


@dataclass(kw_only=True)
class Summary:
    """What a run came to. vocabulary: how many GANs have each layer, loss, optimizer and source."""

    num_specs: int = 0
    vocabulary: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    seconds: float = 0.0
    seconds_by_worker: Mapping[str, float] = field(default_factory=dict)


def draw_specs(count: int, /, *, seed: int) -> list[GanSpec]:
    """Return different GANs drawn from a seed, always the same; raises UsageError where Hypothesis is not installed."""
    try:
        import hypothesis  # noqa: PLC0415 - an extra; nothing else needs it
    except ImportError:
        raise UsageError(
            "Hypothesis draws the GANs; it is not installed: pip install 'gan-rosetta[generate]'"
        ) from None
    from gan_rosetta.shared.generate.strategies import gan_specs  # noqa: PLC0415

    drawn: dict[GanSpec, None] = {}
    for part in range(10):
        wanted = count - len(drawn)
        if wanted <= 0:
            break

        @hypothesis.seed(seed * 1000 + part)
        @hypothesis.settings(
            # A few more, since the simplest GAN is always the first.
            max_examples=wanted + 5,
            database=None,
            deadline=None,
            phases=[hypothesis.Phase.generate],
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        @hypothesis.given(gan_specs())
        def keep(spec: GanSpec) -> None:
            drawn.setdefault(spec)

        keep()
    return [replace(spec, name=f"generated-{index}") for index, spec in enumerate(list(drawn)[:count])]


def run_generated(
    specs: Sequence[GanSpec],
    backends: Sequence[str],
    out: Path,
    /,
    *,
    execution: str,
    console: Console,
    faults: Mapping[str, str] | None = None,
    pythons: Mapping[str, str] | None = None,
) -> Summary:
    """Check GANs on backends in worker processes; keep each that fails in the folder, the first few shrunk.

    faults, pythons: as a WorkerPool takes them.
    """
    summary = Summary(vocabulary=count_vocabulary(specs))
    found: list[tuple[int, str, Finding]] = []
    started = time.perf_counter()

    def on_batch(batch: Sequence[GanSpec], findings: Findings) -> None:
        for name, entries in findings.items():
            for index, finding in enumerate(entries):
                if finding is not None:
                    found.append((summary.num_specs + index, name, finding))
                    console.print(f"{name}, GAN {found[-1][0]}: {finding}")
        summary.num_specs += len(batch)
        elapsed = time.perf_counter() - started
        console.print(
            f"{summary.num_specs} of {len(specs)} GANs, {len(found)} disagreements, {elapsed:.0f} s, "
            f"{summary.num_specs / elapsed:.1f} GANs/s",
        )

    def new_pool(names: Sequence[str]) -> WorkerPool:
        return WorkerPool(names, execution=execution, num_slots=available_cores(), faults=faults, pythons=pythons)

    pool = new_pool(backends)
    with pool:
        pool.check_all([specs[i : i + _BATCH] for i in range(0, len(specs), _BATCH)], on_batch=on_batch)
    summary.seconds = time.perf_counter() - started
    summary.seconds_by_worker = dict(pool.seconds)
    for number, (index, name, finding) in enumerate(found):
        shrinks = number < _MAX_SHRUNK and name in backends
        summary.failures.append(_keep(specs[index], index, name, finding, out, new_pool=new_pool, shrinks=shrinks))
    return summary


def _keep(
    spec: GanSpec,
    index: int,
    backend: str,
    finding: Finding,
    out: Path,
    *,
    new_pool: Callable[[Sequence[str]], WorkerPool],
    shrinks: bool,
) -> Failure:
    if shrinks:
        last: dict[GanSpec, Finding] = {}
        with new_pool([backend]) as pool:

            def fails(specs: Sequence[GanSpec]) -> list[bool]:
                entries = pool.check(specs)[backend]
                last.update({s: entry for s, entry in zip(specs, entries, strict=True) if entry is not None})
                return [entry is not None for entry in entries]

            spec = shrink(spec, fails)
        finding = last.get(spec, finding)
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"failing-{spec_digest(spec)[:_DIGEST_LENGTH]}.toml"
    write_spec(path, spec)
    return Failure(backend=backend, index=index, finding=finding, path=path, shrunk=shrinks)
