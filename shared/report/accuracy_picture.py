"""Pictures of the atlas: errors in ulp over what an operation was fed, a panel a quantity, a colour a framework."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import LogLocator, NullLocator

from gan_rosetta.shared.accuracy.catalogue import GROUPS
from gan_rosetta.shared.accuracy.findings import Row
from gan_rosetta.shared.accuracy.measure import allowed_in_ulp
from gan_rosetta.shared.accuracy.operation import Operation
from gan_rosetta.shared.accuracy.session import Atlas
from gan_rosetta.shared.interface import Dtype
from gan_rosetta.shared.report.style import (
    INK,
    QUIET,
    SMALL_SIZE,
    TEXT_SIZE,
    WARNING,
    backend_style,
    legend_below,
    panel_title,
    small_multiples,
)

_SHADE = "#ececec"
_LEAST, _MOST = 0.03, 3e8
# Beyond these magnitudes nothing happens that a panel could show.
_NEAR, _FAR = 1e-4, 1.5e3
_WIDTHS = {"numpy": 1.0, "torch": 2.6, "tensorflow": 2.2, "mxnet": 1.7, "jax": 1.3}
# How many of an operation's quantities get a panel, where it is not all of them.
_NUM_QUANTITIES = {"losses": 2, "optimizers": 1}
_BAR, _SPREAD = 0.38, 0.3


def draw_group(atlas: Atlas, group: str, /, *, dtype: Dtype) -> Figure | None:
    """Return a group's picture in a type, a panel a quantity; None where nothing of it was measured."""
    rows = [row for row in atlas.rows if row.dtype == dtype]
    panels = [
        (operation, quantity.name)
        for operation in atlas.operations
        if operation.group == group
        for quantity in operation.quantities[: _NUM_QUANTITIES.get(group)]
        if any((row.operation, row.quantity) == (operation.name, quantity.name) for row in rows)
    ]
    if not panels:
        return None
    words = any(not operation.axis for operation, _ in panels)
    figure, axes = small_multiples(
        f"{GROUPS[group]} in {dtype}: errors in units of the last place",
        num_panels=len(panels),
        panel_inches=(3.4, 2.4) if words else (2.6, 2.2),
    )
    for panel, (operation, quantity) in zip(axes, panels, strict=True):
        own = [row for row in rows if (row.operation, row.quantity) == (operation.name, quantity)]
        panel_title(panel, operation.name, ", ".join(part for part in (quantity, _batch(own[0])) if part))
        allowed = allowed_in_ulp(atlas.measures[operation.name, dtype], quantity, dtype=dtype)
        if operation.axis:
            _draw_curves(panel, operation, own, allowed)
        else:
            _draw_words(panel, own, allowed)
    legend_below(figure, _legend(atlas), num_columns=9)
    return figure


def _draw_curves(axes: Axes, operation: Operation, rows: Sequence[Row], allowed: np.ndarray) -> None:
    labels = rows[0].labels
    places = [index for index, label in enumerate(labels) if not isinstance(label, str)]
    x = np.array([labels[index] for index in places], np.float64)
    order = np.argsort(x)
    x, chosen = x[order], np.array(places)[order]
    axes.fill_between(x, _LEAST / 2, _shown(allowed[chosen]), color=_SHADE, linewidth=0, zorder=1)
    for row in rows:
        style = backend_style(row.backend)
        axes.plot(
            x,
            _shown(row.errors[chosen]),
            color=style.color,
            linestyle="--" if row.execution == "compiled" else "-",
            linewidth=_WIDTHS.get(row.backend, 1.2) * 0.6,
            zorder=style.order,
        )
        _draw_rings(axes, row, x, row.errors[chosen], [f"{labels[index]:.6g}" for index in chosen])
    axes.set_yscale("log")
    axes.set_ylim(_LEAST / 2, _MOST)
    axes.yaxis.set_major_locator(LogLocator(base=100.0, numticks=8))
    axes.yaxis.set_minor_locator(NullLocator())
    if x.min() < 0:
        axes.set_xscale("symlog", linthresh=_NEAR)
        reach = min(_FAR, float(np.abs(x).max()))
        axes.set_xlim(-reach, reach)
        axes.set_xticks([sign * size for sign in (-1, 1) for size in (1e-3, 1.0, 1e3) if size <= reach] + [0])
    else:
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(numticks=5))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel(operation.axis, fontsize=SMALL_SIZE, color=INK)


def _draw_words(axes: Axes, rows: Sequence[Row], allowed: np.ndarray) -> None:
    prefix = f"{_batch(rows[0]).removeprefix('batch of ')} "
    chosen = [k for k, label in enumerate(rows[0].labels) if prefix == " " or str(label).startswith(prefix)]
    labels = [str(rows[0].labels[k]) for k in chosen]
    y = np.arange(len(labels))[::-1]
    axes.barh(y, _shown(allowed[chosen]), left=0, height=2 * _BAR, color=_SHADE, linewidth=0, zorder=1)
    offsets = np.linspace(_SPREAD, -_SPREAD, len(rows)) if len(rows) > 1 else [0.0]
    for row, offset in zip(rows, offsets, strict=True):
        style = backend_style(row.backend)
        compiled = row.execution == "compiled"
        axes.plot(
            _shown(row.errors[chosen]),
            y + offset,
            linestyle="none",
            marker=style.marker,
            markersize=4.0,
            markerfacecolor="white" if compiled else style.color,
            markeredgecolor=style.color,
            markeredgewidth=0.8,
            zorder=style.order,
        )
        _draw_rings(axes, row, _shown(row.errors[chosen]), y + offset, labels, are_heights=True)
    axes.set_xscale("log")
    axes.set_xlim(_LEAST / 2, _MOST)
    axes.xaxis.set_major_locator(LogLocator(base=100.0, numticks=8))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_yticks(y, [label.removeprefix(prefix) for label in labels], fontsize=SMALL_SIZE)
    axes.set_xlabel("ulp", fontsize=TEXT_SIZE, color=INK)


def _shown(errors: np.ndarray) -> np.ndarray:
    """Return errors as drawn: 0 at the lower edge, what has no digits left at the upper one."""
    return np.clip(np.nan_to_num(errors, nan=_MOST, posinf=_MOST), _LEAST, _MOST / 2)


def _batch(row: Row) -> str:
    """Return the batch that a panel shows, the largest, where an operation's words begin with several."""
    first = {str(label).split()[0] for label in row.labels if isinstance(label, str)}
    if len(first) < 2 or not all(word.isdigit() for word in first):
        return ""
    return f"batch of {max(map(int, first))}"


def _draw_rings(
    axes: Axes, row: Row, x: np.ndarray, y: np.ndarray, labels: Sequence[str], *, are_heights: bool = False
) -> None:
    """Ring what is not covered: in red, and in grey where it is a known defect. are_heights: y are no errors."""
    defects = {each.label: each.defect for each in row.uncovered}
    for known in (True, False):
        marked = np.array([label in defects and bool(defects[label]) == known for label in labels], bool)
        heights = y[marked] if are_heights else _shown(y[marked])
        axes.plot(x[marked], heights, "o", **_ring(known=known), zorder=20)


def _ring(*, known: bool) -> dict[str, Any]:
    color = QUIET if known else WARNING
    return {"markerfacecolor": "none", "markeredgecolor": color, "markersize": 7.0, "markeredgewidth": 1.0}


def _legend(atlas: Atlas) -> list[Artist]:
    handles: list[Artist] = [
        Line2D([], [], color=backend_style(name).color, linewidth=1.8, marker=backend_style(name).marker, label=name)
        for name in atlas.backends
    ]
    executions = {row.execution for row in atlas.rows}
    if "compiled" in executions:
        handles.append(Line2D([], [], color=INK, linestyle="--", marker="o", markerfacecolor="white", label="compiled"))
    handles.append(Patch(color=_SHADE, label="rounding explains"))
    for known, label in ((True, "known defect"), (False, "not covered")):
        if any((row.defects if known else row.unexplained) for row in atlas.rows):
            handles.append(Line2D([], [], linestyle="none", marker="o", **_ring(known=known), label=label))
    return handles
