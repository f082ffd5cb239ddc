"""Picture of right pairs beside the limit: how many come how near, and in which regime."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from gan_rosetta.shared.calibrate.counting import leading
from gan_rosetta.shared.calibrate.pairs import JudgedPair
from gan_rosetta.shared.report.style import (
    GENERATED,
    GRID,
    INK,
    QUIET,
    SMALL_SIZE,
    TEXT_SIZE,
    WARNING,
    dress,
    legend_below,
    new_figure,
    panel_title,
)

_COLORS = {"float64": GENERATED, "float32": "#e69f00"}
_COPIES = QUIET
_LEAST, _MOST = 0.004, 4.0
_SHARES = (1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 0.0003, 0.0001)
_TICKS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
_ROW_INCHES, _HEAD_INCHES = 0.17, 1.5
_OFFSETS = {"float64": 0.16, "float32": -0.16}


def draw_calibration(pairs: Sequence[JudgedPair], /) -> Figure:
    """Return the picture: left, the share of pairs that come as near as that; right, every pair by its regime."""
    judged = [pair for pair in pairs if pair.verdict != "NOT COMPARABLE"]
    names = list(dict.fromkeys(pair.cell.regime for pair in pairs))
    figure = new_figure(
        "Right pairs beside the limit: the largest difference of a pair, over what is allowed there",
        width_inches=10.0,
        height_inches=max(4.5, _HEAD_INCHES + _ROW_INCHES * len(names)),
    )
    grid = figure.add_gridspec(1, 2, width_ratios=(1.0, 1.25))
    curves, rows = figure.add_subplot(grid[0]), figure.add_subplot(grid[1])
    _draw_curves(curves, judged)
    _draw_regimes(rows, leading(pairs), names)
    legend_below(figure, _legend(judged), num_columns=7)
    return figure


def _draw_curves(axes: Axes, pairs: Sequence[JudgedPair]) -> None:
    dress(axes)
    panel_title(axes, "How many come how near")
    most = 1
    for dtype, execution, kind in dict.fromkeys((p.cell.dtype, p.cell.execution, p.cell.kind) for p in pairs):
        own = [p for p in pairs if (p.cell.dtype, p.cell.execution, p.cell.kind) == (dtype, execution, kind)]
        shares = np.sort([_shown(pair.share) for pair in own])
        most = max(most, len(own))
        axes.step(
            shares,
            1.0 - np.arange(len(shares)) / len(shares),
            where="pre",
            color=_COLORS.get(dtype, INK),
            linestyle=_line(execution, kind),
            linewidth=1.0 if kind == "copies" else 1.8,
            alpha=0.75 if kind == "copies" else 1.0,
        )
    _limit(axes)
    axes.set_yscale("log")
    axes.set_ylim(0.7 / most, 1.3)
    ticks = [share for share in _SHARES if share > 0.7 / most]
    axes.yaxis.set_major_locator(FixedLocator(ticks))
    axes.yaxis.set_major_formatter(FixedFormatter([f"{100 * tick:g} %" for tick in ticks]))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_ylabel("pairs that come at least as near", fontsize=TEXT_SIZE, color=INK)


def _draw_regimes(axes: Axes, pairs: Sequence[JudgedPair], names: Sequence[str]) -> None:
    dress(axes)
    panel_title(axes, f"Every pair of {pairs[0].cell.kind}, by regime")
    places = {name: len(names) - 1 - index for index, name in enumerate(names)}
    judged = [pair for pair in pairs if pair.verdict != "NOT COMPARABLE"]
    for name in set(names) - {pair.cell.regime for pair in judged}:
        text = "not comparable, every pair"
        axes.text(1.2 * _LEAST, places[name], text, fontsize=SMALL_SIZE, color=QUIET, va="center")
    for pair in judged:
        is_alarm = pair.verdict == "DISAGREE"
        compiled = pair.cell.execution == "compiled"
        color = WARNING if is_alarm else _COLORS.get(pair.cell.dtype, INK)
        axes.plot(
            _shown(pair.share if not is_alarm else max(pair.share, 1.0)),
            places[pair.cell.regime] + _OFFSETS.get(pair.cell.dtype, 0.0) + _jitter(pair),
            marker="x" if is_alarm else "o",
            markersize=4.0 if is_alarm else 2.4,
            markerfacecolor="none" if compiled else color,
            markeredgecolor=color,
            markeredgewidth=0.9 if is_alarm else 0.4,
            linestyle="none",
            alpha=1.0 if is_alarm else 0.55,
            zorder=5 if is_alarm else 3,
        )
    _limit(axes)
    axes.set_yticks(list(places.values()), list(places), fontsize=SMALL_SIZE)
    axes.set_ylim(-0.8, len(names) - 0.2)
    axes.grid(visible=True, axis="y", color=GRID, linewidth=0.6)


def _limit(axes: Axes) -> None:
    """Draw the limit at 1, and scale the axis of shares."""
    axes.set_xscale("log")
    axes.set_xlim(_LEAST, _MOST)
    axes.axvline(1.0, color=WARNING, linewidth=1.2, zorder=4)
    axes.axvspan(1.0, _MOST, color=WARNING, alpha=0.06, linewidth=0, zorder=0)
    axes.xaxis.set_major_locator(FixedLocator(_TICKS))
    axes.xaxis.set_major_formatter(FixedFormatter([f"{tick:g}" for tick in _TICKS]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("largest difference / allowed", fontsize=TEXT_SIZE, color=INK)


def _shown(share: float) -> float:
    return min(max(share if math.isfinite(share) else _MOST, 1.1 * _LEAST), 0.92 * _MOST)


def _jitter(pair: JudgedPair) -> float:
    """Return a shift that depends on the pair alone, so that the same figures give the same picture."""
    return 0.018 * ((7 * pair.seed + 3 * len(pair.pair[0]) + 5 * len(pair.pair[1])) % 9 - 4)


def _line(execution: str, kind: str) -> Literal["-", "--", ":"]:
    return ":" if kind == "copies" else "--" if execution == "compiled" else "-"


def _legend(pairs: Sequence[JudgedPair]) -> list[Artist]:
    handles: list[Artist] = []
    for dtype, execution, kind in sorted(
        {(p.cell.dtype, p.cell.execution, p.cell.kind) for p in pairs},
        key=lambda key: (key[2], key[1] != "eager", key[0] != "float64"),
    ):
        label = f"copies, {dtype}" if kind == "copies" else f"{dtype}, {execution}"
        handles.append(
            Line2D([], [], color=_COLORS.get(dtype, INK), linestyle=_line(execution, kind), linewidth=1.8, label=label)
        )
    if any(pair.verdict == "DISAGREE" for pair in leading(pairs)):
        handles.append(Line2D([], [], linestyle="none", marker="x", color=WARNING, markersize=5, label="a false alarm"))
    return handles
