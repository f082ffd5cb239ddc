"""The losses of all backends over each other, and how far each is from the reference, step by step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator, NullLocator, SymmetricalLogLocator
from numpy.typing import NDArray

from gan_rosetta.backends import REFERENCE
from gan_rosetta.shared.compare.distances import Floats, first_nonfinite
from gan_rosetta.shared.compare.yardstick import Yardstick
from gan_rosetta.shared.report.differences import (
    IDENTICAL,
    LARGEST_DRAWN,
    ROW,
    TITLES,
    WIDE,
    WIDE_POSITIVE,
    Booleans,
    loss_differences,
    measured_steps,
)
from gan_rosetta.shared.report.fed import title_of
from gan_rosetta.shared.report.series import finite_or_gap, has_lone_points, thin
from gan_rosetta.shared.report.style import (
    GRID,
    INK,
    QUIET,
    ROUND_STEPS,
    TEXT_SIZE,
    BackendStyle,
    dress,
    legend_below,
    new_figure,
    note,
    panel_title,
    run_labels,
    run_style,
    whole_steps,
)
from gan_rosetta.shared.runs.record import Run
from gan_rosetta.shared.spec import GanSpec

_LOWEST_DIFFERENCE = 10**-16.4
_ENVELOPE = "#f0c9a0"
_MARGIN = "#f9eadb"
_CHAOS = "#ededed"
_FEW_STEPS = 40
# Lines are thinner where there are more steps: (up to this many, factor).
_WIDTH_FACTORS = ((200, 0.8), (1500, 0.55), (math.inf, 0.4))


@dataclass(frozen=True, kw_only=True)
class _Curve:
    """One run as it is drawn. row: its row among those that differ from the reference by exactly 0."""

    run: Run
    label: str
    style: BackendStyle
    row: int | None


def draw_loss_curves(runs: Sequence[Run], yardstick: Yardstick | None, spec: GanSpec, /) -> Figure:
    """Return losses above and relative differences from the reference below, a column for each loss.

    The reference is the first NumPy run, else the first run; a run alone has no lower row. A cross marks where a loss
    becomes NaN or infinite, or where only one of a pair is. yardstick: None leaves out what rounding alone does.
    Raises ValueError where there is no run.
    """
    if not runs:
        raise ValueError("no run to draw; expected at least one")
    curves = _curves(runs)
    reference = next(curve for curve in curves if curve.row is None)
    names = [name for name in TITLES if any(len(run.losses.get(name, ())) for run in runs)]
    num_rows = 2 if len(curves) > 1 else 1
    figure = new_figure(title_of(runs, spec), width_inches=_width(names), height_inches=0.9 + 2.5 * num_rows)
    grid = figure.subplots(num_rows, len(names), sharex="col", squeeze=False)
    top = _top(curves, reference, names, yardstick)
    for column, name in enumerate(names):
        num_steps = max(len(run.losses[name]) for run in runs)
        trained = measured_steps(name, num_steps, runs[0], spec)
        panels = grid[:, column]
        for axes in panels:
            dress(axes)
        _draw_losses(panels[0], curves, name, trained)
        panel_title(panels[0], TITLES[name])
        if num_rows == 2:
            _draw_differences(panels[1], curves, reference, name, yardstick, trained=trained, top=top)
            _draw_yardstick(panels[1], yardstick, name, num_steps)
        if name != "pretraining" and yardstick is not None:
            for axes in panels:
                _draw_chaos(axes, yardstick.horizon, num_steps)
        whole_steps(panels[-1], num_steps)
    grid[0, 0].set_ylabel("loss", fontsize=TEXT_SIZE, color=INK)
    if num_rows == 2:
        grid[1, 0].set_ylabel(f"relative difference from {reference.label}", fontsize=TEXT_SIZE, color=INK)
    figure.align_ylabels()
    legend_below(figure, _legend(curves, reference, grid, yardstick if num_rows == 2 else None))
    return figure


def _curves(runs: Sequence[Run]) -> list[_Curve]:
    labels = run_labels(runs)
    reference = next((i for i, run in enumerate(runs) if run.backend == REFERENCE), 0)
    rows = iter(range(len(runs)))
    curves = [
        _Curve(run=run, label=label, style=run_style(run.name), row=None if i == reference else next(rows))
        for i, (run, label) in enumerate(zip(runs, labels, strict=True))
    ]
    return sorted(curves, key=lambda curve: curve.style.order)


def _width(names: Sequence[str]) -> float:
    return {1: 6.0, 2: 9.0, 4: 13.0}.get(len(names), 10.5)


def _draw_losses(axes: Axes, curves: Sequence[_Curve], name: str, trained: Booleans) -> None:
    for index, curve in enumerate(curves):
        values = curve.run.losses[name]
        steps = thin(values)
        width = curve.style.width if len(curves) > 1 else min(1.8, curve.style.width)
        _plot(axes, curve, steps, finite_or_gap(values)[steps], num_steps=len(trained), width=width)
        start = first_nonfinite(values, expected=trained[: len(values)])
        if start is not None:
            before = np.flatnonzero(np.isfinite(values[:start]))
            if len(before):
                _mark(axes, curve, start, float(values[before[-1]]))
            else:
                _mark(axes, curve, start, 0.9 - 0.1 * index, in_fractions=True)
    _scale_losses(axes, [curve.run.losses[name] for curve in curves])


def _plot(
    axes: Axes, curve: _Curve, steps: NDArray[np.int64], values: Floats, /, *, num_steps: int, width: float
) -> None:
    shown = np.clip(values, -LARGEST_DRAWN, LARGEST_DRAWN)
    marked = num_steps <= _FEW_STEPS or has_lone_points(shown)
    axes.plot(
        steps,
        shown,
        color=curve.style.color,
        linestyle=curve.style.line_style,
        linewidth=width * next(factor for steps_up_to, factor in _WIDTH_FACTORS if num_steps <= steps_up_to),
        marker=curve.style.marker if marked else "none",
        markersize=(1.5 if num_steps <= _FEW_STEPS else 0.8) * width**0.5 + 2.0,
        markeredgewidth=0.0,
        label=curve.label,
        zorder=2 + curve.style.order,
    )


def _mark(axes: Axes, curve: _Curve, step: int, value: float, *, in_fractions: bool = False) -> None:
    """Put a cross where a curve stops being numbers; in_fractions: the value is a fraction of the panel's height."""
    axes.plot(
        [step],
        [value if in_fractions else float(np.clip(value, -LARGEST_DRAWN, LARGEST_DRAWN))],
        transform=axes.get_xaxis_transform() if in_fractions else axes.transData,
        linestyle="none",
        marker="x",
        markersize=6 + curve.style.width,
        markeredgewidth=1.8,
        color=curve.style.color,
        label=f"_{curve.label} not finite",
        clip_on=False,
        zorder=15,
    )


def _scale_losses(axes: Axes, series: Sequence[Floats]) -> None:
    """Choose the vertical axis: of magnitudes where a few losses would flatten all others."""
    values = np.concatenate(series)
    values = np.clip(values[np.isfinite(values)], -LARGEST_DRAWN, LARGEST_DRAWN)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, steps=ROUND_STEPS))
    if not len(values):
        note(axes, "not finite")
        axes.set_ylim(0, 1)
        axes.yaxis.set_major_locator(NullLocator())
        return
    magnitudes = np.abs(values)
    if values.min() > 0 and values.max() > WIDE_POSITIVE * np.median(values):
        axes.set_yscale("log")
        axes.yaxis.set_minor_locator(NullLocator())
    elif magnitudes.max() > WIDE * np.median(magnitudes) > 0:
        threshold = 10.0 ** np.ceil(np.log10(np.median(magnitudes)))
        axes.set_yscale("symlog", linthresh=threshold)
        locator = SymmetricalLogLocator(base=10, linthresh=threshold)
        locator.set_params(numticks=6)
        axes.yaxis.set_major_locator(locator)
        axes.yaxis.set_minor_locator(NullLocator())


def _top(curves: Sequence[_Curve], reference: _Curve, names: Sequence[str], yardstick: Yardstick | None) -> float:
    """Return the upper end of the lower row, the same for all columns."""
    largest = 1e-14
    for name in names:
        for curve in curves:
            if curve.row is not None:
                trained = np.ones(len(curve.run.losses[name]), dtype=bool)
                pair = curve.run.losses[name], reference.run.losses[name]
                differences = loss_differences(name, *pair, trained, yardstick=yardstick)
                largest = max(largest, float(differences[np.isfinite(differences)].max(initial=0.0)))
        if yardstick is not None:
            allowed = yardstick.allowed_losses(name)
            largest = max(largest, float(allowed[np.isfinite(allowed)].max(initial=0.0)))
    # No relative difference is over 2.
    return float(10 ** min(1.0, np.ceil(np.log10(largest) + 0.3)))


def _draw_differences(
    axes: Axes,
    curves: Sequence[_Curve],
    reference: _Curve,
    name: str,
    yardstick: Yardstick | None,
    /,
    *,
    trained: Booleans,
    top: float,
) -> None:
    num_rows = len(curves) - 1
    for curve in curves:
        if curve.row is None:
            continue
        pair = curve.run.losses[name], reference.run.losses[name]
        differences = loss_differences(name, *pair, trained, yardstick=yardstick)
        apart = np.flatnonzero(differences != 0.0)
        values = finite_or_gap(differences[apart])
        kept = thin(values)
        width = min(1.4, curve.style.width)
        _plot(axes, curve, apart[kept], values[kept], num_steps=len(trained), width=width)
        _draw_identical(axes, curve, np.flatnonzero(differences == 0.0), len(trained))
        parted = np.flatnonzero(np.isinf(differences))
        if len(parted):
            _mark(axes, curve, int(parted[0]), 0.97 - 0.06 * curve.row, in_fractions=True)
    if not any(np.isfinite(np.asarray(entry.get_ydata(), dtype=np.float64)).any() for entry in axes.lines):
        note(axes, "nothing to compare")
    bottom = IDENTICAL * ROW**num_rows
    axes.set_yscale("log")
    axes.set_ylim(bottom, top)
    axes.axhline(_LOWEST_DIFFERENCE, color=QUIET, linewidth=0.6, linestyle=(0, (4, 3)), zorder=1, label="_floor")
    decades = range(-15, round(np.log10(top)) + 1, 3 if top > 1e-9 else 1)
    axes.yaxis.set_major_locator(FixedLocator([IDENTICAL * ROW ** ((num_rows - 1) / 2), *(10.0**d for d in decades)]))
    axes.yaxis.set_major_formatter(FixedFormatter(["identical", *(f"$10^{{{d}}}$" for d in decades)]))
    axes.yaxis.set_minor_locator(NullLocator())


def _draw_identical(axes: Axes, curve: _Curve, steps: NDArray[np.int64], num_steps: int) -> None:
    """Draw the steps of no difference at all as dots in the curve's own row at the bottom."""
    assert curve.row is not None  # noqa: S101 - the reference is not drawn against itself
    bins = np.linspace(0, max(num_steps, 1), 401)
    # More dots than there is room for would only overlap.
    shown = steps if len(steps) <= 400 else steps[np.unique(np.searchsorted(steps, bins).clip(max=len(steps) - 1))]
    axes.plot(
        shown,
        np.full(len(shown), IDENTICAL * ROW**curve.row),
        linestyle="none",
        marker=curve.style.marker if num_steps <= _FEW_STEPS else ".",
        markersize=3.5,
        markeredgewidth=0.0,
        color=curve.style.color,
        label=f"_{curve.label} identical",
        zorder=2 + curve.style.order,
    )


def _draw_yardstick(axes: Axes, yardstick: Yardstick | None, name: str, num_steps: int) -> None:
    """Shade what rounding alone does, and the margin over it that still counts as agreement."""
    if yardstick is None:
        return
    known = num_steps if name == "pretraining" else min(num_steps, yardstick.horizon)
    envelope = yardstick.noise[name][:num_steps]
    bottom, top = axes.get_ylim()
    allowed = yardstick.allowed_losses(name)[:known]
    for values, color, label in ((allowed, _MARGIN, "_margin"), (envelope, _ENVELOPE, "rounding alone")):
        steps = thin(values)
        shown = np.clip(np.nan_to_num(values[steps], nan=top, posinf=top), bottom, top)
        axes.fill_between(steps, bottom, shown, color=color, linewidth=0, zorder=0.5, label=label)


def _draw_chaos(axes: Axes, horizon: int, num_steps: int) -> None:
    if horizon >= num_steps:
        return
    axes.axvspan(horizon, num_steps * 1.1 + 1, color=_CHAOS, linewidth=0, zorder=0.4, label="_chaos")
    axes.axvline(horizon, color=QUIET, linewidth=1.0, linestyle=":", zorder=1.5, label="horizon")


def _legend(
    curves: Sequence[_Curve], reference: _Curve, grid: NDArray[np.object_], yardstick: Yardstick | None
) -> list[Artist]:
    """Return the legend's entries: the runs, and of the marks only those that the panels show."""
    many = len(curves) > 1
    handles: list[Artist] = [
        Line2D(
            [],
            [],
            color=curve.style.color,
            linestyle=curve.style.line_style,
            linewidth=max(1.2, curve.style.width * 0.8) if many else 1.8,
            label=f"{curve.label} (reference)" if many and curve is reference else curve.label,
        )
        for curve in sorted(curves, key=lambda curve: curve is not reference)
    ]
    labels = {artist.get_label() for axes in grid.ravel() for artist in (*axes.lines, *axes.patches)}
    if yardstick is not None:
        margin = f"{yardstick.tolerance.margin:.2g} times that: still agreement"
        handles.append(Patch(facecolor=_ENVELOPE, edgecolor=GRID, label="rounding alone"))
        handles.append(Patch(facecolor=_MARGIN, edgecolor=GRID, label=margin))
    if "horizon" in labels:
        chaos = "chaos: rounding alone explains any difference"
        handles.append(Patch(facecolor=_CHAOS, edgecolor=QUIET, linestyle=":", label=chaos))
    if any(str(label).endswith("not finite") for label in labels):
        handles.append(
            Line2D([], [], color=INK, linestyle="none", marker="x", markersize=7, label="NaN or infinite from here")
        )
    return handles
