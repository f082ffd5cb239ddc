"""Records made up for tests."""

from __future__ import annotations

from dataclasses import replace

from gan_rosetta.benchmarks.cells import Cell
from gan_rosetta.benchmarks.record import BenchmarkRecord, CellResult, Machine, Options, Parity, PeakResult, Round

AGREE = Parity(
    verdict="AGREE",
    reason="no further apart than rounding",
    dtype="float32",
    num_steps=100,
    judged_steps=100,
    largest=1e-7,
)
CELL = Cell(gan="linear-2d", backend="torch", execution="eager", device="cpu", dtype="float32", threads=1, batch_size=4)


def make_round(step_seconds, *, num_steps=100):
    return Round(
        num_steps=num_steps,
        tape_seconds=0.01 * step_seconds * num_steps,
        stage_seconds=0.02 * step_seconds * num_steps,
        train_seconds=step_seconds * num_steps,
        wall_seconds=1.05 * step_seconds * num_steps,
        feeding_seconds=0.02 * step_seconds,
        peak_bytes=2_000_000,
        resident_bytes=1_000_000,
        device_bytes=None,
        load_average=0.1,
        is_finite=True,
    )


def make_result(step_seconds, *, cell=CELL, wave=0):
    return CellResult(
        cell=cell,
        status="measured",
        reason="",
        wave=wave,
        framework="2.0",
        import_seconds=1.0,
        build_seconds=0.1,
        first_chunk_seconds=0.5,
        compile_seconds=0.4,
        chunk_steps=10,
        step_flops=1000.0,
        parity=AGREE,
        warm_up=(make_round(2e-3),),
        rounds=tuple(make_round(seconds) for seconds in step_seconds),
    )


def make_record(*cells, **options):
    settings = Options(
        command="gan-rosetta bench",
        rounds=7,
        seconds_per_round=0.2,
        seed=14,
        threads="auto",
        tf32=False,
        mnist="packaged",
        scale="",
    )
    peak = PeakResult(
        backend="numpy",
        device="cpu",
        dtype="float32",
        threads=1,
        wave=0,
        size=1024,
        flops_per_second=(4e9, 5e9, 6e9),
    )
    return BenchmarkRecord(
        created="2026-01-01T00:00:00+00:00",
        duration_seconds=10.0,
        options=replace(settings, **options),
        machine=Machine(
            processor="A", logical_cores=2, memory_bytes=8_000_000_000, system="Linux", load_average_1min=0.0
        ),
        versions=("python 3.11", "numpy 1.26.4"),
        cells=cells,
        peaks=(peak,),
    )
