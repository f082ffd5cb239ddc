"""Measures what steps cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from gan_rosetta.asking import pythons_of
from gan_rosetta.benchmarks.gpu.record import GpuRecord, write_gpu_record
from gan_rosetta.benchmarks.gpu.stages import GpuSelection, run_gpu_benchmark
from gan_rosetta.benchmarks.plan import DEFAULT_ROUNDS, DEFAULT_SECONDS, Selection, plan_benchmark
from gan_rosetta.benchmarks.record import BenchmarkRecord, read_record, require_new, write_record
from gan_rosetta.benchmarks.regressions import CellChange, compare_records
from gan_rosetta.benchmarks.session import run_benchmark
from gan_rosetta.shared.runs.order import DEFAULT_SEED
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.wording import speaks_python


@speaks_python
def bench(
    *,
    gans: Sequence[str | Path | GanSpec] = (),
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
    out: str | Path | None = None,
    on_stage: Callable[[str], None] | None = None,
) -> BenchmarkRecord:
    """Measure what a training step costs, after judging each cell's first losses.

    gans: names of the catalogue, TOML files or GanSpecs; gans, backends, executions: four GANs on all installed
    backends, in all executions, where not given. runs: names of runs in place of backends and executions, such as
    "torch:compiled:float64". rounds: repeats of each cell, of so many seconds. scale: "batch" or "width" measures each
    GAN in several sizes. out: a new file to write the record to. on_stage: called with a line at each stage.

    Raises UsageError and its like for what cannot be asked, RecordError where the file exists.
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
    plan = plan_benchmark(selection)
    if out is not None:
        require_new(Path(out))
    record = run_benchmark(plan, command="gan_rosetta.bench(...)", say=say)
    if out is not None:
        write_record(Path(out), record)
    return record


@speaks_python
def bench_gpu(
    *,
    device: str = "cuda",
    gans: Sequence[str] = (),
    backends: Sequence[str] = (),
    parts: Sequence[str] = (),
    minutes: float = 9.0,
    rounds: int = 4,
    seconds: float = 0.15,
    seed: int = DEFAULT_SEED,
    mnist: str | None = None,
    out: str | Path | None = None,
    on_stage: Callable[[str], None] | None = None,
) -> GpuRecord:
    """Measure what one GPU is worth: what sees it, parity, repetition, throughput, growth and launches.

    device: "cpu" tries it without one. gans: the published nine where not given; backends: all that see the
    device. parts: what to measure, in order; those that would begin after so many minutes are left out. rounds,
    seconds: as in `bench`. out: a file to write after each part. on_stage: called with a line at each stage.

    Raises UsageError where no backend sees the device, RecordError where the file exists.
    """
    selection = GpuSelection(
        device=device,
        gans=tuple(gans),
        backends=tuple(backends),
        parts=tuple(parts),
        minutes=minutes,
        rounds=rounds,
        seconds=seconds,
        seed=seed,
        mnist=mnist,
    )
    target = None if out is None else Path(out)
    if target is not None:
        require_new(target)

    def keep(record: GpuRecord) -> None:
        if target is not None:
            write_gpu_record(target, record)

    say = on_stage or (lambda _line: None)
    return run_gpu_benchmark(selection, command="gan_rosetta.bench_gpu(...)", say=say, keep=keep)


@speaks_python
def compare_benchmarks(old: str | Path | BenchmarkRecord, new: str | Path | BenchmarkRecord, /) -> list[CellChange]:
    """Return what became of each cell of an old benchmark in a new one of the same machine.

    old, new: records, or the files that hold them. `is_regression` says whether a cell became slower. Raises
    RecordError for what is no record, or where the two cannot be compared.
    """
    first, second = (found if isinstance(found, BenchmarkRecord) else read_record(Path(found)) for found in (old, new))
    return compare_records(first, second)
