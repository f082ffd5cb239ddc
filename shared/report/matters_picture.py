"""What matters as a forest plot: each treatment's effect on how good the samples are, with its interval."""

from __future__ import annotations

import math

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gan_rosetta.shared.matters.session import Matter, Matters
from gan_rosetta.shared.report.style import (
    GENERATED,
    GRID,
    INK,
    QUIET,
    SMALL_SIZE,
    TEXT_SIZE,
    WARNING,
    dress,
    new_figure,
    panel_title,
)

_COLORS = {"DIFFERENT": WARNING, "EQUIVALENT": GENERATED, "UNDECIDED": QUIET}
# Beyond so many margins an effect is drawn at the edge, as an arrow.
_WIDEST = 6.0
_INCHES_A_ROW = 0.22


def draw_matters(matters: Matters, /) -> Figure:
    """Return the effects on the first outcome, in margins, so that what would matter is the same for all."""
    height = 1.6 + _INCHES_A_ROW * max(1, len(matters.found))
    seeds = len(matters.untreated.seeds)
    title = f"{matters.gan} in {matters.run}, {seeds} seeds: what each treatment changes"
    figure = new_figure(title, width_inches=9.0, height_inches=height)
    axes: Axes = figure.subplots()
    dress(axes)
    panel_title(axes, f"change of the {matters.outcome}")
    axes.axvspan(-1, 1, color=GRID, zorder=0)
    axes.axvline(0, color=INK, linewidth=0.8, zorder=1)
    rows = list(reversed(matters.found))
    for place, matter in enumerate(rows):
        _draw(axes, place, matter, matters.outcome)
    axes.set_yticks(range(len(rows)), [matter.treatment for matter in rows], fontsize=SMALL_SIZE, color=INK)
    axes.set_xlim(-_WIDEST * 1.05, _WIDEST * 1.05)
    axes.set_xlabel(
        "in halves of the spread between seeds;\nwithin the grey it is too little to matter", fontsize=TEXT_SIZE
    )
    return figure


def _draw(axes: Axes, place: int, matter: Matter, outcome: str) -> None:
    effect = matter.on(outcome)
    color = _COLORS[effect.verdict]
    if not effect.margin or not math.isfinite(effect.difference):
        axes.text(0, place, "no number", fontsize=SMALL_SIZE, color=QUIET, ha="center", va="center")
        return
    low, middle, high = (
        max(-_WIDEST, min(_WIDEST, value / effect.margin)) for value in (effect.low, effect.difference, effect.high)
    )
    axes.plot([low, high], [place, place], color=color, linewidth=1.6, zorder=2)
    beyond = abs(middle) == _WIDEST
    marker = (">" if middle > 0 else "<") if beyond else "o"
    axes.plot([middle], [place], color=color, marker=marker, markersize=4.5, linestyle="none", zorder=3)
