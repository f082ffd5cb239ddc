"""A sweep as response curves: how good samples are over each field's values, a band of the seeds a run."""

from __future__ import annotations

import math

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gan_rosetta.shared.report.style import INK, SMALL_SIZE, TEXT_SIZE, dress, new_figure, panel_title, run_style
from gan_rosetta.shared.report.sweep_table import best_by_value, short_name
from gan_rosetta.shared.sweeps.table import Setting, SweepTable

_MOST_PANELS = 12


def draw_sweep(table: SweepTable, /) -> Figure:
    """Return a panel a GAN and field: quartiles of its first outcome over the values, other fields at their best.

    Where a sweep goes through no field, a panel has the runs side by side.
    """
    panels = [(gan, path) for gan in table.gans if table.outcomes_of(gan) for path in table.fields or ("",)][
        :_MOST_PANELS
    ]
    title = f"How good samples are over {len(table.rows)} trainings: quartiles over seeds"
    figure = new_figure(title, width_inches=9.0, height_inches=1.0 + 2.6 * len(panels))
    all_axes = figure.subplots(len(panels), 1, squeeze=False)[:, 0]
    for axes, (gan, path) in zip(all_axes, panels, strict=True):
        outcome = table.outcomes_of(gan)[0]
        _draw(axes, [setting for setting in table.settings() if setting.gan == gan], path, outcome)
        axes.set_ylabel(f"{outcome}\n({table.units[outcome]})", fontsize=TEXT_SIZE)
        panel_title(axes, f"{gan}: {short_name(path)}" if path else gan)
    return figure


def _draw(axes: Axes, settings: list[Setting], path: str, outcome: str) -> None:
    dress(axes)
    labels = list(best_by_value(settings, path, outcome))
    runs = list(dict.fromkeys(setting.run for setting in settings))
    for index, run in enumerate(runs):
        best = best_by_value([setting for setting in settings if setting.run == run], path, outcome)
        quartiles = [_quartiles(best.get(label), outcome) for label in labels]
        shift = 0.08 * (index - (len(runs) - 1) / 2)
        style = run_style(run)
        axes.errorbar(
            [place + shift for place in range(len(labels))],
            [middle for _, middle, _ in quartiles],
            [[middle - low for low, middle, _ in quartiles], [high - middle for _, middle, high in quartiles]],
            color=style.color,
            linestyle=style.line_style,
            marker=style.marker,
            markersize=4,
            label=run,
        )
    axes.set_xticks(range(len(labels)), labels, fontsize=SMALL_SIZE, color=INK)
    axes.legend(fontsize=SMALL_SIZE, frameon=False)


def _quartiles(setting: Setting | None, outcome: str) -> tuple[float, float, float]:
    """Return what is drawn, a gap where no training has a finite outcome."""
    found = None if setting is None else setting.quartiles(outcome)
    return (math.nan, math.nan, math.nan) if found is None else found
