"""A loss of all runs over each other, and below how far each is from the reference, to be zoomed into."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from gan_rosetta.backends import REFERENCE
from gan_rosetta.shared.compare.distances import Floats
from gan_rosetta.shared.compare.yardstick import Yardstick
from gan_rosetta.shared.report.differences import (
    IDENTICAL,
    LARGEST_DRAWN,
    ROW,
    WIDE_POSITIVE,
    Booleans,
    loss_differences,
    measured_steps,
)
from gan_rosetta.shared.report.page.traces import LOSS_HEIGHT, common_steps, dots, line, new_layout
from gan_rosetta.shared.report.series import thin
from gan_rosetta.shared.report.style import run_labels
from gan_rosetta.shared.runs.record import Run
from gan_rosetta.shared.spec import GanSpec

ENVELOPE, ALLOWED, CHAOS_AREA = "rgba(230, 140, 40, 0.40)", "rgba(230, 140, 40, 0.16)", "rgba(128, 128, 128, 0.18)"
_LOWEST_TICK, _LOWEST_TOP = -15, 1e-13
_MANY_DECADES = 1e-10
# No relative difference is larger.
LARGEST_DIFFERENCE = 2.0


def loss_figure(
    name: str, runs: Sequence[Run], yardstick: Yardstick | None, spec: GanSpec, /, *, num_bins: int
) -> go.Figure:
    """Return a loss's figure: curves above; below, for several runs, differences from the reference and the envelope.

    name: "pretraining", "discriminator", "generator" or "joint". num_bins: as `thin` takes it.
    """
    labels = run_labels(runs)
    rows = 2 if len(runs) > 1 else 1
    figure = make_subplots(rows=rows, cols=1, shared_xaxes=True, vertical_spacing=0.06)
    num_steps = max(len(run.losses[name]) for run in runs)
    series = [np.clip(run.losses[name], -LARGEST_DRAWN, LARGEST_DRAWN) for run in runs]
    steps = common_steps(series, num_bins=num_bins)
    for run, label, values in zip(runs, labels, series, strict=True):
        known = steps[steps < len(values)]
        figure.add_trace(line(label, run.name, known, values[known], hovertemplate="%{y:.8g}"), row=1, col=1)
    figure.update_layout(new_layout(height=LOSS_HEIGHT if rows == 2 else LOSS_HEIGHT // 2 + 40, hovermode="x unified"))
    figure.update_yaxes(title_text="loss", type=_scale(series), row=1, col=1)
    if rows == 2:
        trained = measured_steps(name, num_steps, runs[0], spec)
        tops = [_add_differences(figure, name, runs, labels, yardstick, trained=trained, num_bins=num_bins)]
        if yardstick is not None:
            tops.append(_add_envelope(figure, yardstick, name, num_steps))
        _scale_differences(figure, labels[_reference(runs)], num_others=len(runs) - 1, top=max(tops))
    if yardstick is not None and name != "pretraining" and yardstick.horizon < num_steps:
        figure.add_vrect(
            x0=yardstick.horizon,
            x1=num_steps - 0.5,
            fillcolor=CHAOS_AREA,
            line_width=0,
            layer="below",
            row="all",
            col=1,
        )
    figure.update_xaxes(range=[-0.5 - 0.01 * num_steps, num_steps - 0.5 + 0.01 * num_steps])
    figure.update_xaxes(title_text="step", row=rows, col=1)
    return figure


def _scale(series: Sequence[Floats]) -> str:
    """A few losses that would flatten all others ask for an axis of magnitudes, where all are positive."""
    values = np.concatenate(series)
    values = values[np.isfinite(values)]
    wide = len(values) and values.min() > 0 and values.max() > WIDE_POSITIVE * np.median(values)
    return "log" if wide else "linear"


def _add_differences(
    figure: go.Figure,
    name: str,
    runs: Sequence[Run],
    labels: Sequence[str],
    yardstick: Yardstick | None,
    /,
    *,
    trained: Booleans,
    num_bins: int,
) -> float:
    """Draw the differences and return the largest, 2 where only one of a pair is finite."""
    reference = _reference(runs)
    others = [index for index in range(len(runs)) if index != reference]
    expected = runs[reference].losses[name]
    found = [loss_differences(name, runs[i].losses[name], expected, trained, yardstick=yardstick) for i in others]
    steps = common_steps(found, num_bins=num_bins)
    top = 0.0
    for row, (index, differences) in enumerate(zip(others, found, strict=True)):
        known = steps[steps < len(differences)]
        values = differences[known]
        label, backend = labels[index], runs[index].name
        apart = np.where(values == 0.0, np.nan, values)
        top = max(top, float(values[np.isfinite(values)].max(initial=0.0)))
        curve = line(label, backend, known, apart, hovertemplate="%{y:.2e} apart", connectgaps=False)
        figure.add_trace(curve, row=2, col=1)
        same = known[values == 0.0]
        if len(same):
            height = np.full(len(same), IDENTICAL * ROW**row)
            figure.add_trace(dots(label, backend, same, height, hovertemplate="identical"), row=2, col=1)
        one_alone = known[np.isinf(values)]
        if len(one_alone):
            height = np.full(len(one_alone), LARGEST_DIFFERENCE)
            text = "NaN or infinite in one of the two alone"
            figure.add_trace(dots(label, backend, one_alone, height, hovertemplate=text, size=7), row=2, col=1)
            top = LARGEST_DIFFERENCE
    return top


def _reference(runs: Sequence[Run]) -> int:
    return next((index for index, run in enumerate(runs) if run.backend == REFERENCE), 0)


def _scale_differences(figure: go.Figure, reference: str, /, *, num_others: int, top: float) -> None:
    decades = range(_LOWEST_TICK, 1, 3 if top > _MANY_DECADES else 1)
    figure.update_yaxes(
        title_text=f"apart from {escape(reference)}",
        title_standoff=6,  # Without it the title lies over the longest of the texts beside the axis.
        type="log",
        range=[np.log10(IDENTICAL) - 0.5 * num_others, np.log10(max(top, _LOWEST_TOP)) + 0.5],
        tickvals=[IDENTICAL, *(10.0**d for d in decades)],
        ticktext=["identical", *(f"1e{d}" for d in decades)],
        row=2,
        col=1,
    )


def _add_envelope(figure: go.Figure, yardstick: Yardstick, name: str, num_steps: int) -> float:
    """Shade what rounding alone does, and the margin over it that still counts as agreement; return their largest."""
    known = num_steps if name == "pretraining" else min(num_steps, yardstick.horizon)
    envelope = yardstick.noise[name][:num_steps]
    allowed = yardstick.allowed_losses(name)[:known]
    top = 0.0
    for values, color in ((allowed, ALLOWED), (envelope, ENVELOPE)):
        if not len(values):
            continue
        steps = thin(values, num_bins=100).astype(np.int32)
        shown = np.clip(np.nan_to_num(values[steps], nan=np.inf), IDENTICAL / 1e3, LARGEST_DIFFERENCE)
        top = max(top, float(shown.max()))
        common = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "meta": {"run": "", "ink": False}}
        bottom = np.full(2, IDENTICAL / 1e3)
        figure.add_trace(go.Scatter(x=steps[[0, -1]], y=bottom, **common), row=2, col=1)
        figure.add_trace(go.Scatter(x=steps, y=shown, fill="tonexty", fillcolor=color, **common), row=2, col=1)
    return top
