"""Curves as data: what the generator draws over the real curves, which are the sine unless others were fed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from gan_rosetta.shared.compare.distances import Floats
from gan_rosetta.shared.report.fed import fed_from, name_of_real_curves, real_curves, title_of
from gan_rosetta.shared.report.series import finite_or_gap
from gan_rosetta.shared.report.style import (
    GENERATED,
    INK,
    TEXT_SIZE,
    legend_below,
    note,
    panel_title,
    run_labels,
    small_multiples,
)
from gan_rosetta.shared.runs.record import Run
from gan_rosetta.shared.spec import GanSpec

_REACH = 2.5


def draw_curves(runs: Sequence[Run], spec: GanSpec, /) -> Figure:
    """Return a panel for each run, all of the same scale: its generated curves, thin, over the real ones on [0, 2π]."""
    (num_points,) = spec.real.sample_shape
    positions = np.linspace(0.0, 2 * np.pi, num_points)
    truth = real_curves(runs, spec)
    name = "sin(x)" if fed_from(runs, spec) is None else "the nearest fed curve"
    figure, panels = small_multiples(title_of(runs, spec), num_panels=len(runs), panel_inches=(4.6, 2.4), share=True)
    limit = _limit(runs, truth)
    for axes, run, label in zip(panels, runs, run_labels(runs), strict=True):
        _draw_run(axes, run, positions, truth)
        axes.set_xlim(0, 2 * np.pi)
        axes.set_xticks([0, np.pi / 2, np.pi, 3 * np.pi / 2, 2 * np.pi], ["0", "π/2", "π", "3π/2", "2π"])
        axes.set_ylim(-limit, limit)
        if axes.xaxis.get_tick_params()["labelbottom"]:
            axes.set_xlabel("x", fontsize=TEXT_SIZE, color=INK)
        panel_title(axes, label, _facts(run.samples["generated"], truth, name))
    legend_below(
        figure,
        [
            Line2D([], [], color=INK, linestyle="--", linewidth=1.8, label=name_of_real_curves(runs, spec)),
            Line2D([], [], color=GENERATED, linewidth=1.0, label="generated curves"),
        ],
    )
    return figure


def _draw_run(axes: Axes, run: Run, positions: Floats, truth: Floats) -> None:
    generated = run.samples["generated"].reshape(-1, len(positions))
    shown = finite_or_gap(generated)
    if np.isnan(shown).all():
        note(axes, "G(z) is NaN or infinite")
    axes.plot(positions, shown.T, color=GENERATED, linewidth=0.7, alpha=0.4, label="generated")
    width = 1.8 if len(truth) == 1 else 0.9
    axes.plot(positions, truth.T, color=INK, linestyle="--", linewidth=width, label="sin(x)")


def _limit(runs: Sequence[Run], truth: Floats) -> float:
    """Return how far the vertical axis goes either way: all finite values within reach of the real ones."""
    scale = max(1.0, float(np.abs(truth).max(initial=0.0)))
    values = np.abs(np.concatenate([np.asarray(run.samples["generated"], dtype=np.float64).ravel() for run in runs]))
    near = values[np.isfinite(values) & (values <= _REACH * scale)]
    beyond = np.isfinite(values) & (values > _REACH * scale)
    return 1.05 * (_REACH * scale if beyond.any() else max(1.1 * scale, float(near.max(initial=0.0))))


def _facts(generated: Floats, truth: Floats, name: str) -> str:
    """Return how far (n, ...) curves are from the nearest of the real ones, (m, points), of which `name` says which."""
    curves = np.asarray(generated, dtype=np.float64).reshape(-1, truth.shape[1])
    whole = curves[np.isfinite(curves).all(axis=1)]
    parts = []
    if len(whole) and len(truth):
        with np.errstate(over="ignore"):
            squares = np.stack([np.mean((whole - curve) ** 2, axis=1) for curve in truth])
            error = np.sqrt(np.mean(squares.min(axis=0)))
        parts.append(f"root-mean-square distance from {name}: {error:.3g}")
    if len(whole) < len(curves):
        parts.append(f"{len(curves) - len(whole)} of {len(curves)} not finite")
    return ", ".join(parts)
