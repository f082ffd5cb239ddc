"""Panels of points in the plane, real and generated, all of one scale; what lies far off is counted, not drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from gan_rosetta.shared.compare.distances import Floats
from gan_rosetta.shared.report.fed import title_of
from gan_rosetta.shared.report.style import GENERATED, INK, REAL, TEXT_SIZE, note, small_multiples
from gan_rosetta.shared.runs.record import Run
from gan_rosetta.shared.spec import GanSpec

# Points further out than this many times the real cloud's half width are counted, not drawn.
_REACH = 2.5


@dataclass(frozen=True, kw_only=True)
class Frame:
    """What the panels show of the plane. center, half_widths: (2,) each."""

    center: Floats
    half_widths: Floats


def plane_figure(
    runs: Sequence[Run], spec: GanSpec, inside: Sequence[Floats] = (), /
) -> tuple[Figure, Sequence[Axes], Frame]:
    """Return a figure with a panel for each run and what they show: real points, `inside`, and generated ones near."""
    figure, panels = small_multiples(title_of(runs, spec), num_panels=len(runs), panel_inches=(3.4, 3.3), share=True)
    frame = _frame(runs, inside)
    (x, y), (width, height) = frame.center, frame.half_widths
    for axes in panels:
        axes.set_xlim(x - width, x + width)
        axes.set_ylim(y - height, y + height)
        if axes.xaxis.get_tick_params()["labelbottom"]:
            axes.set_xlabel("x₁", fontsize=TEXT_SIZE, color=INK)
        if axes.yaxis.get_tick_params()["labelleft"]:
            axes.set_ylabel("x₂", fontsize=TEXT_SIZE, color=INK)
    return figure, panels, frame


def draw_points(axes: Axes, run: Run, /) -> None:
    """Draw a run's real and generated points, by their first two coordinates."""
    for kind, color, alpha in (("real", REAL, 0.6), ("generated", GENERATED, 0.35)):
        points = np.asarray(run.samples[kind], dtype=np.float64)
        points = points[np.isfinite(points).all(axis=1)]
        axes.plot(
            points[:, 0],
            points[:, 1],
            linestyle="none",
            marker="o",
            markersize=2.4,
            markeredgewidth=0.0,
            color=color,
            alpha=alpha,
            label=kind,
        )
    if not np.isfinite(run.samples["generated"]).all(axis=1).any():
        note(axes, "G(z) is NaN or infinite")


def missing_facts(samples: Floats, frame: Frame, /) -> list[str]:
    """Return how many points are not to be seen, in words; nothing where all are."""
    rows = np.asarray(samples, dtype=np.float64)
    with np.errstate(all="ignore"):
        outside = np.count_nonzero(np.any(np.abs(rows[:, :2] - frame.center) > frame.half_widths, axis=1))
    broken = np.count_nonzero(~np.isfinite(rows).all(axis=1))
    return [f"{count} {what}" for count, what in ((outside, "outside"), (broken, "not finite")) if count]


def legend_dot(color: str, label: str, /) -> Line2D:
    """Return what stands for points in a legend."""
    return Line2D([], [], linestyle="none", marker="o", markersize=5, markeredgewidth=0, color=color, label=label)


def _frame(runs: Sequence[Run], inside: Sequence[Floats]) -> Frame:
    """Return what holds the real points, those `inside`, and the generated points within reach."""
    points = list(inside)
    points += [point for run in runs for point in np.asarray(run.samples["real"], dtype=np.float64)[:, :2]]
    cloud = np.array(points)
    low, high = cloud.min(axis=0), cloud.max(axis=0)
    half_widths = np.maximum((high - low) / 2, 1e-6)
    center = (low + high) / 2
    generated = np.concatenate([np.asarray(run.samples["generated"], dtype=np.float64)[:, :2] for run in runs])
    with np.errstate(all="ignore"):
        near = np.all(np.abs(generated - center) <= _REACH * half_widths, axis=1)
    if near.any():
        low = np.minimum(low, generated[near].min(axis=0))
        high = np.maximum(high, generated[near].max(axis=0))
    return Frame(center=(low + high) / 2, half_widths=np.maximum(1.06 * (high - low) / 2, 1e-6))
