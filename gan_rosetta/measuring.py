"""Measures what steps cost, and makes a page of runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from gan_rosetta.asking import pythons_of
from gan_rosetta.benchmarks.plan import DEFAULT_ROUNDS, DEFAULT_SECONDS, Selection, plan_benchmark
from gan_rosetta.benchmarks.record import BenchmarkRecord
from gan_rosetta.benchmarks.session import run_benchmark
from gan_rosetta.shared.runs.order import DEFAULT_SEED
from gan_rosetta.wording import speaks_python


@speaks_python
def bench(
    *,
    gans: Sequence[str] = (),
    runs: Sequence[str] = (),
    backends: Sequence[str] = (),
    executions: Sequence[str] = (),
    devices: Sequence[str] = ("cpu",),
    dtypes: Sequence[str] = ("float32",),
    rounds: int = DEFAULT_ROUNDS,
    seconds: float = DEFAULT_SECONDS,
    threads: int | None = None,
    tf32: bool = False,
    scale: str | None = None,
    sizes: Sequence[float] | None = None,
    seed: int = DEFAULT_SEED,
    mnist: str | None = None,
    pythons: Mapping[str, str | Path] | None = None,
    on_stage: Callable[[str], None] | None = None,
) -> BenchmarkRecord:
    """Measure what a training step costs, after judging each cell's first losses.

    gans, backends, executions: four GANs on all installed backends, in all executions, where not given. runs: names of
    runs in place of backends and executions, such as "torch:compiled:float64". rounds: repeats of each cell, of so many
    seconds. scale: "batch" or "width" measures each GAN in several sizes. on_stage: called
    with a line at each stage. Raises UsageError.
    """
    selection = Selection(
        gans=tuple(gans),
        runs=tuple(runs),
        backends=tuple(backends),
        executions=tuple(executions),
        devices=tuple(devices),
        dtypes=tuple(dtypes),
        rounds=rounds,
        seconds=seconds,
        threads=threads,
        tf32=tf32,
        scale=scale,
        sizes=None if sizes is None else tuple(sizes),
        seed=seed,
        mnist=mnist,
        pythons=pythons_of(pythons),
    )
    say = on_stage or (lambda _line: None)
    return run_benchmark(plan_benchmark(selection), command="gan_rosetta.bench(...)", say=say)


@speaks_python
def report(folder: str | Path, /, *, out: str | Path | None = None) -> Path:
    """Make one HTML page of a folder of runs, and return its path.

    out: the file to write, report.html in the folder where not given. Raises RecordError for what cannot be read.
    """
    from gan_rosetta.shared.report.page.render import write_report  # noqa: PLC0415 - only who asks for a page waits for it

    return write_report(Path(folder), None if out is None else Path(out))
