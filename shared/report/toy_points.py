"""A ring or a grid of Gaussians, or spirals: real and generated points, and how many modes the generated reach."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from gan_rosetta.shared.compare.distances import Floats
from gan_rosetta.shared.data.toys import num_modes
from gan_rosetta.shared.quality.modes import is_near, modes_found
from gan_rosetta.shared.report.fed import fed_from
from gan_rosetta.shared.report.plane import draw_points, legend_dot, missing_facts, plane_figure
from gan_rosetta.shared.report.style import GENERATED, REAL, legend_below, panel_title, run_labels
from gan_rosetta.shared.runs.record import Run
from gan_rosetta.shared.spec import GanSpec, SpiralReal, ToyReal


def draw_toy(runs: Sequence[Run], spec: GanSpec, /) -> Figure:
    """Return a panel for each run, all of the same scale, with the modes found where those are what was fed.

    Raises ValueError where the GAN's real data is no toy.
    """
    source = spec.real
    if not isinstance(source, ToyReal):
        raise ValueError(f"{spec.name} has real data {source}; expected a ring or a grid of Gaussians, or spirals")
    figure, panels, frame = plane_figure(runs, spec)
    for axes, run, label in zip(panels, runs, run_labels(runs), strict=True):
        draw_points(axes, run)
        generated = np.asarray(run.samples["generated"], dtype=np.float64)
        facts = _facts(generated, source) if fed_from(runs, spec) is None else []
        panel_title(axes, label, ", ".join([*facts, *missing_facts(generated, frame)]))
    legend_below(figure, [legend_dot(REAL, "real points"), legend_dot(GENERATED, "generated points")], num_columns=2)
    return figure


def _facts(generated: Floats, source: ToyReal) -> list[str]:
    points = generated[np.isfinite(generated).all(axis=1)]
    if not len(points):
        return []
    if isinstance(source, SpiralReal):
        return [f"{is_near(source, points).mean():.1%} beside an arm"]
    found = f"{modes_found(source, points)} of {num_modes(source)} modes"
    return [found, f"{is_near(source, points).mean():.1%} beside one"]
