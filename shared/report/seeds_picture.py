"""Losses over seeds as bands, and of two runs how far they are apart seed by seed."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from gan_rosetta.shared.compare.distances import Floats
from gan_rosetta.shared.report.differences import TITLES
from gan_rosetta.shared.report.series import finite_or_gap, thin
from gan_rosetta.shared.report.style import (
    INK,
    QUIET,
    ROUND_STEPS,
    TEXT_SIZE,
    dress,
    legend_below,
    new_figure,
    note,
    panel_title,
    run_style,
    whole_steps,
)
from gan_rosetta.shared.seeds.job import SeedsOfRun

SEEDS_PICTURE = "seeds.png"
_QUARTILES = (0.25, 0.5, 0.75)
_BAND = 0.2


def draw_seeds(gan: str, runs: Sequence[SeedsOfRun], /) -> Figure:
    """Return the median and the middle half of each loss over seeds, and below each further run less the first.

    Seeds that have no number in a step are left out of it. Raises ValueError where there is no run.
    """
    if not runs:
        raise ValueError("no run to draw; expected at least one")
    names = [name for name in TITLES if name in runs[0].losses and any(run.losses[name].shape[1] for run in runs)]
    num_rows = 2 if len(runs) > 1 else 1
    title = f"{gan} over {len(runs[0].seeds)} seeds: median and middle half"
    figure = new_figure(title, width_inches=9.0, height_inches=0.9 + 2.5 * num_rows)
    grid = figure.subplots(num_rows, len(names), sharex="col", squeeze=False)
    for column, name in enumerate(names):
        for run in runs:
            _draw(grid[0, column], run.losses[name], run.run)
        panel_title(grid[0, column], TITLES[name])
        if num_rows == 2:
            for run in runs[1:]:
                _draw(grid[1, column], _apart(run.losses[name], runs[0].losses[name]), run.run)
            grid[1, column].axhline(0, color=QUIET, linewidth=0.8, zorder=1)
        for axes in grid[:, column]:
            dress(axes)
            axes.yaxis.set_major_locator(MaxNLocator(nbins=5, steps=ROUND_STEPS))
            if not axes.lines:
                note(axes, "no number in any seed")
        whole_steps(grid[-1, column], max(run.losses[name].shape[1] for run in runs))
    grid[0, 0].set_ylabel("loss", fontsize=TEXT_SIZE, color=INK)
    if num_rows == 2:
        grid[1, 0].set_ylabel(f"less that of {runs[0].run},\nseed by seed", fontsize=TEXT_SIZE, color=INK)
    figure.align_ylabels()
    legend_below(figure, _legend(runs))
    return figure


def _apart(losses: Floats, first: Floats) -> Floats:
    """Return by how much a run's losses are above another's, (seeds, steps), in the steps that both have."""
    num_steps = min(losses.shape[1], first.shape[1])
    with np.errstate(invalid="ignore", over="ignore"):
        return np.asarray(losses[:, :num_steps] - first[:, :num_steps], dtype=np.float64)


def _draw(axes: Axes, losses: Floats, run: str) -> None:
    """Draw a run's band, of (seeds, steps)."""
    if not losses.shape[1]:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Of steps in which no seed has a number, which draw as gaps.
        low, median, high = np.nanquantile(finite_or_gap(losses), _QUARTILES, axis=0)
    # Where a player rests no seed has a loss: the line goes on from one turn to the next.
    steps = np.flatnonzero(np.isfinite(median))
    if not len(steps):
        return
    steps = steps[thin(median[steps])]
    style = run_style(run)
    axes.fill_between(steps, low[steps], high[steps], color=style.color, alpha=_BAND, linewidth=0, zorder=style.order)
    axes.plot(steps, median[steps], color=style.color, linestyle=style.line_style, linewidth=1.2, zorder=style.order)


def _legend(runs: Sequence[SeedsOfRun]) -> list[Artist]:
    found: list[Artist] = []
    for run in runs:
        style = run_style(run.run)
        found.append(Line2D([], [], color=style.color, linestyle=style.line_style, label=run.run))
    return [*found, Patch(color=QUIET, alpha=_BAND, label="from the first quartile to the third")]
