"""Two-dimensional data: real and generated points, with the true and the generated covariance as ellipses.

Where another cloud was fed than the spec says, its own mean and covariance stand for the true ones.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from gan_rosetta.shared.compare.distances import Floats
from gan_rosetta.shared.report.fed import fed_from
from gan_rosetta.shared.report.plane import Frame, draw_points, legend_dot, missing_facts, plane_figure
from gan_rosetta.shared.report.style import GENERATED, INK, REAL, legend_below, panel_title, run_labels
from gan_rosetta.shared.runs.record import Run
from gan_rosetta.shared.spec import GanSpec, LinearGaussianReal

_NUM_DEVIATIONS = 2.0
_NUM_ELLIPSE_POINTS = 241


def draw_two_dimensional(runs: Sequence[Run], spec: GanSpec, /) -> Figure:
    """Return a panel for each run, all of the same scale, with the errors of its samples' mean and covariance.

    The first two coordinates are drawn; the errors are over all. Raises ValueError where the GAN's data is not a
    linear Gaussian of two coordinates or more.
    """
    source = spec.real
    if not isinstance(source, LinearGaussianReal) or len(source.offset) < 2:
        raise ValueError(f"{spec.name} has real data {source}; expected LinearGaussianReal of at least two coordinates")
    mean, covariance, name = _truth(runs, spec, source)
    deviations = np.sqrt(np.diagonal(covariance)[:2])
    figure, panels, frame = plane_figure(runs, spec, [mean[:2] - 2 * deviations, mean[:2] + 2 * deviations])
    for axes, run, label in zip(panels, runs, run_labels(runs), strict=True):
        _draw_run(axes, run, mean, covariance)
        panel_title(axes, label, _facts(run.samples["generated"], mean, covariance, frame))
    legend_below(
        figure,
        [
            legend_dot(REAL, "real points"),
            legend_dot(GENERATED, "generated points"),
            Line2D([], [], color=INK, linestyle="--", linewidth=1.4, label=f"{name}, 2σ"),
            Line2D([], [], color=GENERATED, linewidth=1.6, label="generated covariance, 2σ"),
        ],
        num_columns=4 if len(runs) > 2 else 2,
    )
    return figure


def _truth(runs: Sequence[Run], spec: GanSpec, source: LinearGaussianReal) -> tuple[Floats, Floats, str]:
    """Return the mean (d,) and covariance (d, d) of the real points, and what the covariance is called."""
    matrix = np.array(source.matrix)
    found = None if fed_from(runs, spec) is None else moments(runs[0].samples["real"])
    if found is None:
        return np.array(source.offset), matrix.T @ matrix, "true covariance"
    return (*found, "covariance of the real points")


def covariance_ellipse(mean: Floats, covariance: Floats, /) -> tuple[Floats, float, float, float]:
    """Return centre, width, height and angle in degrees of the 2σ ellipse of a (2,) mean and a (2, 2) covariance."""
    values, vectors = np.linalg.eigh(np.asarray(covariance, dtype=np.float64))
    minor, major = 2 * _NUM_DEVIATIONS * np.sqrt(np.maximum(values, 0.0))
    angle = np.degrees(np.arctan2(vectors[1, 1], vectors[0, 1]))
    return np.asarray(mean, dtype=np.float64), float(major), float(minor), float(angle)


def moments(samples: Floats, /) -> tuple[Floats, Floats] | None:
    """Return mean (d,) and covariance (d, d) of the rows of finite numbers, or None where there are fewer than two."""
    rows = np.asarray(samples, dtype=np.float64)
    rows = rows[np.isfinite(rows).all(axis=1)]
    if len(rows) < 2:
        return None
    with np.errstate(all="ignore"):
        mean, covariance = rows.mean(axis=0), np.cov(rows, rowvar=False)
    return (mean, covariance) if np.isfinite(mean).all() and np.isfinite(covariance).all() else None


def _draw_run(axes: Axes, run: Run, mean: Floats, covariance: Floats) -> None:
    draw_points(axes, run)
    _add_ellipse(axes, mean, covariance, color=INK, line_style="--", label="true covariance")
    found = moments(run.samples["generated"])
    if found is not None:
        _add_ellipse(axes, *found, color=GENERATED, line_style="-", label="generated covariance")
        axes.plot(*found[0][:2], linestyle="none", marker="o", markersize=4.5, color=GENERATED, label="generated mean")
    axes.plot(*mean[:2], linestyle="none", marker="+", markersize=8, color=INK, label="true mean", zorder=6)


def _add_ellipse(axes: Axes, mean: Floats, covariance: Floats, *, color: str, line_style: str, label: str) -> None:
    center, width, height, angle = covariance_ellipse(mean[:2], covariance[:2, :2])
    # A line, not a patch of curves, which matplotlib divides without end where it is far larger than the panel.
    turn, round_ = np.radians(angle), np.linspace(0.0, 2 * np.pi, _NUM_ELLIPSE_POINTS)
    along, across = width / 2 * np.cos(round_), height / 2 * np.sin(round_)
    with np.errstate(all="ignore"):
        x = center[0] + np.cos(turn) * along - np.sin(turn) * across
        y = center[1] + np.sin(turn) * along + np.cos(turn) * across
    axes.plot(x, y, color=color, linestyle=line_style, linewidth=1.5, label=label, zorder=5, marker="")


def _facts(samples: Floats, mean: Floats, covariance: Floats, frame: Frame) -> str:
    found = moments(samples)
    parts = []
    if found is not None:
        mean_error = np.linalg.norm(found[0] - mean)
        covariance_error = np.linalg.norm(found[1] - covariance)
        parts.append(f"mean off by {mean_error:.3g}, covariance by {covariance_error:.3g}")
    return ", ".join([*parts, *missing_facts(samples, frame)])
