"""The benchmark's pictures: a step's time in each setting, and how it grows with a GAN's size."""

from __future__ import annotations

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter, NullLocator

from gan_rosetta.benchmarks.cells import FLOOR
from gan_rosetta.benchmarks.findings import CellFigures, figures, settings
from gan_rosetta.benchmarks.record import BenchmarkRecord
from gan_rosetta.benchmarks.words import count_text, seconds_text
from gan_rosetta.shared.report.shown import map_texts, shown_in_line
from gan_rosetta.shared.report.style import (
    INK,
    QUIET,
    SMALL_SIZE,
    TEXT_SIZE,
    BackendStyle,
    backend_style,
    dress,
    legend_below,
    new_figure,
    panel_title,
    small_multiples,
)
from gan_rosetta.shared.storage.files import atomic_path

_ROW_INCHES = 0.27
_LINES = {"compiled": "-", "eager": "--"}


def draw_benchmark(record: BenchmarkRecord, folder: Path, /, *, stem: str = "bench") -> list[Path]:
    """Write the record's pictures as <stem>-steps.png or, for a sweep, <stem>-<scale>.png; returns what was written.

    Nothing is written where no cell was measured.
    """
    record = map_texts(record, shown_in_line)
    found = figures(record)
    if not found:
        return []
    scale = record.options.scale
    figure = draw_sweep(record) if scale else draw_steps(record)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{stem}-{scale or 'steps'}.png"
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png")
    return [path]


def draw_steps(record: BenchmarkRecord, /) -> Figure:
    """Return a panel a setting: each cell's time a step as a point with its interval, on a logarithmic axis."""
    by_setting: dict[str, list[CellFigures]] = {name: [] for name in settings(record)}
    for found in figures(record):
        by_setting[found.result.cell.setting].append(found)
    panels = {name: cells for name, cells in by_setting.items() if cells}
    rows = [len(cells) + 2.6 for cells in panels.values()]
    figure = new_figure("Time of a training step", width_inches=8.0, height_inches=_ROW_INCHES * sum(rows) + 0.6)
    grid = figure.subplots(len(panels), 1, squeeze=False, gridspec_kw={"height_ratios": rows})[:, 0]
    for axes, (name, cells) in zip(grid, panels.items(), strict=True):
        dress(axes)
        panel_title(axes, name)
        ordered = sorted(cells, key=lambda cell: cell.step.median)
        for place, cell in enumerate(ordered):
            _draw_point(axes, cell, place)
        axes.set_yticks(range(len(ordered)), [cell.result.cell.label for cell in ordered])
        axes.set_ylim(len(ordered) - 0.4, -0.6)
        axes.set_xscale("log")
        low, high = ordered[0].step.low, max(cell.step.high for cell in ordered)
        axes.set_xlim(low / 1.6, high * 4)
        _time_axis(axes.xaxis)
    return figure


def draw_sweep(record: BenchmarkRecord, /) -> Figure:
    """Return two panels a GAN: a step's time and samples a second against the batch size or the width."""
    scale = record.options.scale
    curves: dict[str, dict[str, list[CellFigures]]] = {}
    for found in figures(record):
        cell = found.result.cell
        curve = f"{cell.label}|{cell.device}, {cell.dtype}"
        curves.setdefault(cell.gan, {}).setdefault(curve, []).append(found)
    figure, panels = small_multiples(
        f"How the cost of a step grows with the {scale}", num_panels=2 * len(curves), panel_inches=(4.6, 3.0)
    )
    handles: dict[str, Line2D] = {}
    for index, (gan, named) in enumerate(curves.items()):
        times, rates = panels[2 * index], panels[2 * index + 1]
        sizes = sorted({_size(found, scale) for cells in named.values() for found in cells})
        for name, cells in named.items():
            handles.setdefault(name.split("|")[0], _draw_curve(times, rates, cells, scale))
        for axes, what in ((times, "a step"), (rates, "samples a second")):
            panel_title(axes, gan, what)
            axes.set_xscale("log", base=2)
            axes.set_yscale("log")
            axes.xaxis.set_major_locator(FixedLocator(sizes))
            axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axes.xaxis.set_minor_locator(NullLocator())
            label = "samples a batch" if scale == "batch" else "width, as a multiple of the published one"
            axes.set_xlabel(label, fontsize=TEXT_SIZE, color=INK)
        _time_axis(times.yaxis)
        _few_ticks(rates.yaxis)
        rates.yaxis.set_major_formatter(FuncFormatter(lambda value, _: count_text(value)))
    for handle, name in zip(handles.values(), handles, strict=True):
        handle.set_label(name)
    legend_below(figure, list(handles.values()), num_columns=4)
    return figure


def _draw_point(axes: Axes, found: CellFigures, place: int) -> None:
    cell, step = found.result.cell, found.step
    style = _style(cell.backend)
    axes.plot([step.low, step.high], [place, place], color=style.color, linewidth=2.2, solid_capstyle="round")
    filled = style.color if cell.execution == "compiled" else "white"
    marker = style.marker if style.marker != "." else "o"
    axes.plot(step.median, place, marker=marker, color=style.color, markerfacecolor=filled, markersize=6, linestyle="")
    text = seconds_text(step.median)
    axes.annotate(
        text,
        xy=(step.high, place),
        xytext=(8, 0),
        textcoords="offset points",
        va="center",
        fontsize=SMALL_SIZE,
        color=INK,
    )


def _draw_curve(times: Axes, rates: Axes, cells: list[CellFigures], scale: str) -> Line2D:
    ordered = sorted(cells, key=lambda found: _size(found, scale))
    sizes = [_size(found, scale) for found in ordered]
    cell = ordered[0].result.cell
    style = _style(cell.backend)
    line_style = _LINES[cell.execution]
    look = {"color": style.color, "marker": style.marker, "markersize": 4.5, "linewidth": 1.4, "linestyle": line_style}
    times.plot(sizes, [found.step.median for found in ordered], **look)  # type: ignore[arg-type]
    times.fill_between(
        sizes,
        [found.step.low for found in ordered],
        [found.step.high for found in ordered],
        color=style.color,
        alpha=0.2,
        linewidth=0,
    )
    rates.plot(sizes, [found.samples_per_second for found in ordered], **look)  # type: ignore[arg-type]
    return Line2D([], [], **look)  # type: ignore[arg-type]


def _size(found: CellFigures, scale: str) -> float:
    cell = found.result.cell
    return float(cell.batch_size if scale == "batch" else cell.width)


def _style(backend: str) -> BackendStyle:
    if backend == FLOOR:
        return BackendStyle(color=QUIET, line_style="-.", marker="D", width=1.2, order=1)
    return backend_style(backend)


def _time_axis(axis: Axis) -> None:
    """Write a logarithmic axis of seconds in words."""
    _few_ticks(axis)
    axis.set_major_formatter(FuncFormatter(lambda value, _: seconds_text(value)))


def _few_ticks(axis: Axis) -> None:
    """Put ticks on an axis's powers of ten, and between them where it spans few."""
    low, high = axis.get_view_interval()
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high < 100 * low else (1.0,), numticks=12))
    axis.set_minor_formatter(NullFormatter())
