"""The benchmark on the terminal, in lines of which no name is cut."""

from __future__ import annotations

from collections.abc import Sequence

from gan_rosetta.benchmarks.findings import CellFigures, figures, settings
from gan_rosetta.benchmarks.plan import Plan
from gan_rosetta.benchmarks.record import BenchmarkRecord, CellResult
from gan_rosetta.benchmarks.regressions import CellChange
from gan_rosetta.benchmarks.words import bytes_text, count_text, interval_text, seconds_text, share_text
from gan_rosetta.shared.report.listing import aligned

COLUMNS = (
    "What ran it",
    "A step (95 %)",
    "Steps/s",
    "Samples/s",
    "GFLOP/s",
    "Of peak",
    "Feeding a step",
    "Host",
    "Memory",
    "Import",
    "Compile",
    "Threads",
)
_NUM_SPEED_COLUMNS = 6
_COSTS = ((COLUMNS[0], *COLUMNS[_NUM_SPEED_COLUMNS:]), slice(_NUM_SPEED_COLUMNS, None))


def plan_lines(plan: Plan, /) -> list[str]:
    """Return the planned cells, a line for each setting: GAN, size, device, type, and what runs it."""
    rows: dict[str, list[str]] = {}
    for cell in plan.cells:
        rows.setdefault(cell.setting, []).append(cell.label)
    return ["Planned:", *(f"  {setting}: {', '.join(labels)}" for setting, labels in rows.items())]


def result_lines(record: BenchmarkRecord, /) -> list[str]:
    """Return a line a cell, or why it has no throughput: for each setting speed, then what it takes."""
    by_result = {id(found.result): found for found in figures(record)}
    lines = []
    for setting, cells in settings(record).items():
        measured = [[cell.cell.label, *figure_texts(by_result[id(cell)])] for cell in cells if id(cell) in by_result]
        lines.append(setting)
        for header, columns in ((COLUMNS[:_NUM_SPEED_COLUMNS], slice(1, _NUM_SPEED_COLUMNS)), _COSTS):
            rows = [(texts[0], *texts[columns]) for texts in measured]
            if rows:
                lines += [f"  {line}" for line in aligned([header, *rows], right=range(1, len(header)))]
        lines += [f"  {cell.cell.label}: {no_throughput(cell)}" for cell in cells if id(cell) not in by_result]
    return lines


def figure_texts(found: CellFigures, /) -> list[str]:
    """Return a measured cell's figures as the columns after the first."""
    result, step = found.result, found.step
    memory = bytes_text(found.peak_bytes)
    if found.device_bytes is not None:
        memory += f", GPU {bytes_text(found.device_bytes)}"
    return [
        f"{seconds_text(step.median)} ({interval_text(step.low, step.high)})",
        count_text(found.steps_per_second),
        count_text(found.samples_per_second),
        f"{found.flops_per_second / 1e9:.3g}",
        share_text(found.peak_share),
        f"{seconds_text(found.feeding_seconds)}, {share_text(found.feeding_share)}",
        share_text(found.host_share),
        memory,
        seconds_text(result.import_seconds),
        seconds_text(result.compile_seconds),
        str(result.cell.threads),
    ]


def no_throughput(result: CellResult, /) -> str:
    """Say why a cell has no throughput."""
    return f"no throughput: {result.reason}"


def change_lines(changes: Sequence[CellChange], /) -> list[str]:
    """Return what became of each cell between two records, a line each."""
    rows = [("cell", "change", "new by old, seconds a step (95 %)", "rank test", "why")]
    for change in changes:
        ratio = change.ratio
        name = f"{change.cell.setting}: {change.cell.label}"
        interval = "" if ratio is None else f"{ratio.ratio:.3f} ({ratio.low:.3f} to {ratio.high:.3f})"
        p_value = "" if ratio is None else f"p = {ratio.p_value:.2g}"
        rows.append((name, change.change, interval, p_value, change.reason))
    return aligned(rows)
