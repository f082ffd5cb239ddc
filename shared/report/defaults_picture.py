"""A GAN's losses with each framework's defaults, all at once, over those of the GAN itself, on one axis."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, NullLocator

from gan_rosetta.backends import REFERENCE
from gan_rosetta.shared.compare.distances import Floats
from gan_rosetta.shared.defaults.measurement import ALL, GanMeasurement
from gan_rosetta.shared.faults.defaults import FRAMEWORKS
from gan_rosetta.shared.report.differences import TITLES
from gan_rosetta.shared.report.series import finite_or_gap
from gan_rosetta.shared.report.style import (
    INK,
    ROUND_STEPS,
    TEXT_SIZE,
    backend_style,
    dress,
    legend_below,
    new_figure,
    panel_title,
    whole_steps,
)

_WIDE = 30.0
_FEW_STEPS = 40
# Lines are thinner where there are more steps: (up to this many, points).
_WIDTHS = ((200, 1.6), (1500, 1.0), (math.inf, 0.7))


def draw_defaults(result: GanMeasurement, /) -> Figure:
    """Return a step's losses side by side: the GAN as it is described in black, and with each framework's defaults."""
    about = f" ({result.differs})" if result.differs else ""
    names = [name for name in TITLES if name in result.losses and name != "pretraining"]
    figure = new_figure(f"{result.gan}: {result.title}{about}", width_inches=4.5 * len(names), height_inches=3.6)
    panels: list[Axes] = list(figure.subplots(1, len(names)))
    for axes, name in zip(panels, names, strict=True):
        dress(axes)
        panel_title(axes, TITLES[name])
        shown = [_draw(axes, result.losses[name], REFERENCE)]
        for measurement in result.measurements:
            if measurement.subject == ALL and not measurement.same:
                shown.append(_draw(axes, measurement.losses[name], measurement.framework))
        _scale(axes, np.concatenate(shown))
        whole_steps(axes, result.num_steps)
    panels[0].set_ylabel("loss", fontsize=TEXT_SIZE, color=INK)
    legend_below(figure, _legend(result))
    return figure


def _draw(axes: Axes, losses: Floats, name: str) -> Floats:
    style = backend_style(name)
    values = finite_or_gap(losses)
    steps = np.flatnonzero(~np.isnan(losses))
    axes.plot(
        steps,
        values[steps],
        color=style.color,
        linestyle=style.line_style,
        linewidth=next(width for up_to, width in _WIDTHS if len(losses) <= up_to),
        marker=style.marker if len(losses) <= _FEW_STEPS else "none",
        markersize=3.5,
        markeredgewidth=0.0,
        zorder=style.order,
    )
    return values[np.isfinite(values)]


def _scale(axes: Axes, values: Floats) -> None:
    """Choose an axis of magnitudes where a few losses would flatten all others."""
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, steps=ROUND_STEPS))
    if not len(values):
        return
    middle = float(np.median(np.abs(values)))
    if float(np.abs(values).max()) > _WIDE * middle > 0:
        if values.min() > 0:
            axes.set_yscale("log")
        else:
            axes.set_yscale("symlog", linthresh=float(10.0 ** np.ceil(np.log10(middle))))
        axes.yaxis.set_minor_locator(NullLocator())


def _legend(result: GanMeasurement) -> list[Artist]:
    labels = {REFERENCE: "as described"}
    for measurement in result.measurements:
        if measurement.subject == ALL:
            same = " (the same)" if measurement.same else ""
            labels[measurement.framework] = f"defaults of {FRAMEWORKS[measurement.framework]}{same}"
    return [
        Line2D([], [], color=backend_style(name).color, linestyle=backend_style(name).line_style, label=label)
        for name, label in labels.items()
    ]
