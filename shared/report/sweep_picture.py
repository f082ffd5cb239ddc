"""A sweep as response curves: how good samples are over each field's values, a band of the seeds a run."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gan_rosetta.shared.report.style import INK, SMALL_SIZE, TEXT_SIZE, dress, new_figure, panel_title, run_style
from gan_rosetta.shared.report.sweep_table import short_name
from gan_rosetta.shared.sweeps.session import Swept
from gan_rosetta.shared.sweeps.table import Setting

_MOST_PANELS = 12
_AS_IT_IS = "as it is"


def draw_sweep(swept: Swept, /) -> Figure:
    """Return a panel a GAN and field: quartiles of the first outcome over its values, other fields at their best.

    Where a sweep goes through no field, a panel has the runs side by side.
    """
    gans = list(dict.fromkeys(setting.gan for setting in swept.settings()))
    panels = [(gan, path) for gan in gans for path in swept.fields or ("",)][:_MOST_PANELS]
    title = f"{swept.outcomes[0]} over {len(swept.rows)} trainings: quartiles over seeds"
    figure = new_figure(title, width_inches=9.0, height_inches=1.0 + 2.6 * len(panels))
    all_axes = figure.subplots(len(panels), 1, squeeze=False)[:, 0]
    for axes, (gan, path) in zip(all_axes, panels, strict=True):
        _draw(axes, [setting for setting in swept.settings() if setting.gan == gan], path, swept)
        panel_title(axes, f"{gan}: {short_name(path)}" if path else gan)
    return figure


def _draw(axes: Axes, settings: list[Setting], path: str, swept: Swept) -> None:
    dress(axes)
    outcome = swept.outcomes[0]
    labels = list(dict.fromkeys(_label(setting, path) for setting in settings))
    runs = list(dict.fromkeys(setting.run for setting in settings))
    for index, run in enumerate(runs):
        best = _best([setting for setting in settings if setting.run == run], path, outcome)
        shift = 0.08 * (index - (len(runs) - 1) / 2)
        style = run_style(run)
        axes.errorbar(
            [labels.index(label) + shift for label in best],
            [middle for _, middle, _ in best.values()],
            [[middle - low for low, middle, _ in best.values()], [high - middle for _, middle, high in best.values()]],
            color=style.color,
            linestyle=style.line_style,
            marker=style.marker,
            markersize=4,
            label=run,
        )
    axes.set_xticks(range(len(labels)), labels, fontsize=SMALL_SIZE, color=INK)
    axes.set_ylabel(swept.units[outcome], fontsize=TEXT_SIZE)
    axes.legend(fontsize=SMALL_SIZE, frameon=False)


def _best(settings: list[Setting], path: str, outcome: str) -> dict[str, tuple[float, float, float]]:
    """Return the quartiles with the smallest median at each value of a field."""
    best: dict[str, tuple[float, float, float]] = {}
    for setting in settings:
        found, label = setting.quartiles(outcome), _label(setting, path)
        if found is not None and (label not in best or found[1] < best[label][1]):
            best[label] = found
    return best


def _label(setting: Setting, path: str) -> str:
    value: Any = setting.settings.get(path, _AS_IT_IS)
    return f"{value:g}" if isinstance(value, float) else str(value)
