"""Picture of the smallest mistakes that are seen: a panel a GAN, a colour a kind of mistake, over the steps judged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullLocator

from gan_rosetta.shared.calibrate.changes import CHANGES
from gan_rosetta.shared.calibrate.power import Power
from gan_rosetta.shared.report.style import INK, SMALL_SIZE, TEXT_SIZE, legend_below, panel_title, small_multiples

_COLORS = {"gradient": "#0072b2", "rate": "#d55e00", "epsilon": "#009e73", "momentum": "#cc79a7"}
_LINES: dict[str, Literal["-", "--"]] = {"float64": "-", "float32": "--"}
_LEAST, _MOST = 1e-16, 1.0


def draw_power(powers: Sequence[Power], /) -> Figure:
    """Return the picture; a change that is not even seen when it is as large as the number itself has no line."""
    names = list(dict.fromkeys(power.gan for power in powers))
    figure, panels = small_multiples(
        "The smallest mistake that is seen, by the steps that are judged",
        num_panels=len(names),
        panel_inches=(3.3, 2.5),
    )
    for axes, name in zip(panels, names, strict=True):
        panel_title(axes, name)
        for power in powers:
            if power.gan == name:
                _draw(axes, power)
        _scale(axes)
    legend_below(figure, _legend(powers), num_columns=4)
    return figure


def _draw(axes: Axes, power: Power) -> None:
    color = _COLORS.get(power.change, INK)
    steps = np.arange(1, len(power.smallest))
    sizes = power.smallest[1:]
    shown = sizes < _MOST
    axes.step(
        steps[shown], sizes[shown], where="post", color=color, linestyle=_LINES[power.dtype], linewidth=1.6, zorder=3
    )
    if shown.sum() == 1:
        axes.plot(steps[shown], sizes[shown], marker="_", color=color, zorder=3)
    visits = [(step + 1, size) for step, size in power.diagnosed.items() if size < _MOST]
    axes.plot(
        [step for step, _ in visits],
        [size for _, size in visits],
        linestyle="none",
        marker="o",
        markersize=4.0,
        markerfacecolor=color if power.dtype == "float64" else "white",
        markeredgecolor=color,
        markeredgewidth=0.9,
        zorder=4,
    )


def _scale(axes: Axes) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_ylim(_LEAST, _MOST)
    low, high = axes.get_xlim()
    axes.set_xlim(min(0.85, low), max(high, 4.0))
    axes.yaxis.set_major_locator(LogLocator(base=10000.0, numticks=6))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_minor_locator(NullLocator())
    axes.set_xlabel("step", fontsize=SMALL_SIZE, color=INK)
    axes.set_ylabel("size of the mistake", fontsize=TEXT_SIZE, color=INK)


def _legend(powers: Sequence[Power]) -> list[Artist]:
    seen = {power.change for power in powers}
    handles: list[Artist] = [
        Line2D([], [], color=_COLORS.get(change.name, INK), linewidth=1.8, label=change.title)
        for change in CHANGES
        if change.name in seen
    ]
    handles += [Line2D([], [], color=INK, linestyle=line, label=dtype) for dtype, line in _LINES.items()]
    for dtype, face in (("float64", INK), ("float32", "white")):
        handles.append(
            Line2D(
                [],
                [],
                linestyle="none",
                marker="o",
                markersize=4.5,
                markeredgecolor=INK,
                markerfacecolor=face,
                label=f"diagnose, {dtype}",
            )
        )
    return handles
