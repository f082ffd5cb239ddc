"""A run's panel of a film: drawn once, then shown at one moment after another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from gan_rosetta.shared.report.digit_grid import compose_grid
from gan_rosetta.shared.report.fed import name_of_real_curves, real_curves
from gan_rosetta.shared.report.looks import Look, boundary_limits, highest_density, value_limits
from gan_rosetta.shared.report.series import finite_or_gap
from gan_rosetta.shared.report.style import GENERATED, INK, REAL, SMALL_SIZE, TEXT_SIZE, dress
from gan_rosetta.shared.runs.record import Run
from gan_rosetta.shared.spec import DigitsReal, GanSpec, LinearGaussianReal, SineReal, ToyReal

_POINTS_SHOWN = 500


class Panel(Protocol):
    """Something drawn on axes that can show any look at its run."""

    def show(self, look: Look, /) -> None:
        """Show the run at a moment."""
        ...


def panel_of(axes: Axes, run: Run, spec: GanSpec, looks: Sequence[Look], /) -> Panel:
    """Draw a run's panel. looks: all that will be shown in the film, of all runs, which decide the scales.

    Raises TypeError for data that no panel shows.
    """
    if spec.discriminator.input_shape == (1,):
        return _OneDimensional(axes, run, spec, looks)
    if isinstance(spec.real, LinearGaussianReal | ToyReal):
        return _Points(axes, run, looks)
    if isinstance(spec.real, SineReal):
        return _Curves(axes, run, spec, looks)
    if isinstance(spec.real, DigitsReal):
        return _Digits(axes, spec.real, looks)
    raise TypeError(f"no film of {type(spec.real).__name__}; add a panel in shared/report/film_panels.py")


def legend_of(runs: Sequence[Run], spec: GanSpec, /) -> list[Line2D | Patch]:
    """Return what explains a film's panels; nothing where they show pictures."""
    real, generated = Patch(color=REAL, label="real samples"), Patch(color=GENERATED, label="generated samples")
    if spec.discriminator.input_shape == (1,):
        return [Line2D([], [], color=INK, linewidth=1.6, label="decision boundary D(x)"), real, generated]
    if isinstance(spec.real, SineReal):
        true = Line2D([], [], color=INK, linestyle="--", linewidth=1.8, label=name_of_real_curves(runs, spec))
        return [true, Line2D([], [], color=GENERATED, linewidth=1.0, label="generated curves")]
    return [] if isinstance(spec.real, DigitsReal) else [real, generated]


class _OneDimensional:
    def __init__(self, axes: Axes, run: Run, spec: GanSpec, looks: Sequence[Look], /) -> None:
        real, edges = run.samples["histogram_real"], run.samples["histogram_edges"]
        low, high = boundary_limits([look.boundary_y for look in looks], spec)
        top = highest_density(looks, real)
        densities = axes.twinx()
        dress(densities)
        axes.grid(visible=False)  # It would lie over the histograms.
        densities.grid(visible=False)
        densities.spines["left"].set_visible(False)
        densities.set_yticks([])
        densities.set_ylim(top * low / high if low < 0 < high else 0.0, top)
        densities.stairs(real, edges, fill=True, color=REAL, linewidth=0)
        self._density = densities.stairs(np.zeros_like(real), edges, fill=True, color=GENERATED, alpha=0.45)
        axes.set_zorder(densities.get_zorder() + 1)
        axes.patch.set_visible(False)
        axes.set_xlim(edges[0], edges[-1])
        axes.set_ylim(low, high)
        axes.set_ylabel("D(x)", fontsize=SMALL_SIZE, color=INK)
        (self._boundary,) = axes.plot([], [], color=INK, linewidth=1.6)

    def show(self, look: Look, /) -> None:
        self._density.set_data(finite_or_gap(look.density), look.edges)
        self._boundary.set_data(look.boundary_x, finite_or_gap(look.boundary_y))


class _Points:
    def __init__(self, axes: Axes, run: Run, looks: Sequence[Look], /) -> None:
        limits = value_limits(looks, run.samples["real"])
        real = finite_or_gap(run.samples["real"][:_POINTS_SHOWN])
        axes.plot(real[:, 0], real[:, 1], color=REAL, marker=".", markersize=4, linestyle="none")
        (self._points,) = axes.plot([], [], color=GENERATED, marker=".", markersize=4, linestyle="none", alpha=0.6)
        axes.set_xlim(limits)
        axes.set_ylim(limits)
        axes.set_aspect("equal")

    def show(self, look: Look, /) -> None:
        points = finite_or_gap(look.generated[:_POINTS_SHOWN])
        self._points.set_data(points[:, 0], points[:, 1])


class _Curves:
    def __init__(self, axes: Axes, run: Run, spec: GanSpec, looks: Sequence[Look], /) -> None:
        self._positions = np.linspace(0.0, 2 * np.pi, run.samples["real"][0].size)
        (self._curves,) = axes.plot([], [], color=GENERATED, linewidth=0.7, alpha=0.4)
        real = real_curves([run], spec)
        axes.plot(self._positions, real.T, color=INK, linestyle="--", linewidth=1.8 if len(real) == 1 else 0.9)
        axes.set_xlim(0, 2 * np.pi)
        axes.set_ylim(value_limits(looks, run.samples["real"]))
        axes.set_xlabel("x", fontsize=TEXT_SIZE, color=INK)

    def show(self, look: Look, /) -> None:
        curves = finite_or_gap(look.generated).reshape(len(look.generated), -1)
        gap = np.full((len(curves), 1), np.nan)
        x = np.tile(np.append(self._positions, np.nan), len(curves))
        self._curves.set_data(x, np.concatenate([curves, gap], axis=1).ravel())


class _Digits:
    def __init__(self, axes: Axes, source: DigitsReal, looks: Sequence[Look], /) -> None:
        self._source = source
        self._image = axes.imshow(compose_grid(looks[0].generated, source), interpolation="antialiased")
        axes.set_axis_off()

    def show(self, look: Look, /) -> None:
        self._image.set_data(compose_grid(look.generated, self._source))
