"""The benchmark on the terminal, with rich."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from gan_rosetta.benchmarks.findings import CellFigures, figures, settings
from gan_rosetta.benchmarks.plan import Plan
from gan_rosetta.benchmarks.record import BenchmarkRecord, CellResult
from gan_rosetta.benchmarks.regressions import CellChange
from gan_rosetta.benchmarks.words import bytes_text, count_text, interval_text, seconds_text, share_text

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
_CHANGE_STYLES = {"slower": "bold red", "lost": "bold red", "faster": "green"}


def plan_table(plan: Plan, /) -> Table:
    """Return the planned cells, a row for each setting."""
    table = Table("GAN, size, device, type", "What runs it", title="Planned", title_justify="left")
    rows: dict[str, list[str]] = {}
    for cell in plan.cells:
        rows.setdefault(cell.setting, []).append(cell.label)
    for setting, labels in rows.items():
        table.add_row(setting, ", ".join(labels))
    return table


def result_tables(record: BenchmarkRecord, /) -> list[Table]:
    """Return two tables a setting, speed and what it takes: a row a cell, or why it has no throughput."""
    by_result = {id(found.result): found for found in figures(record)}
    tables = []
    for setting, cells in settings(record).items():
        speed = Table(*COLUMNS[:_NUM_SPEED_COLUMNS], title=setting, title_justify="left")
        cost = Table(COLUMNS[0], *COLUMNS[_NUM_SPEED_COLUMNS:])
        for result in cells:
            found = by_result.get(id(result))
            if found is None:
                speed.add_row(result.cell.label, Text(no_throughput(result), style="yellow"))
                continue
            texts = [result.cell.label, *figure_texts(found)]
            speed.add_row(*texts[:_NUM_SPEED_COLUMNS])
            cost.add_row(texts[0], *texts[_NUM_SPEED_COLUMNS:])
        tables += [speed, cost] if cost.row_count else [speed]
    return tables


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


def change_table(changes: Sequence[CellChange], /) -> Table:
    """Return what became of each cell between two records."""
    table = Table("Cell", "Change", "New by old, seconds a step (95 %)", "Rank test", "Why")
    for change in changes:
        ratio = change.ratio
        style = _CHANGE_STYLES.get(change.change, "")
        name = f"{change.cell.setting}: {change.cell.label}"
        interval = "" if ratio is None else f"{ratio.ratio:.3f} ({ratio.low:.3f} to {ratio.high:.3f})"
        p_value = "" if ratio is None else f"p = {ratio.p_value:.2g}"
        table.add_row(name, Text(change.change, style=style), interval, p_value, change.reason)
    return table
