"""One-dimensional data: the decision boundary over the histograms of real and generated samples."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from gan_rosetta.shared.compare.distances import Floats
from gan_rosetta.shared.report.fed import title_of
from gan_rosetta.shared.report.looks import MAGNITUDE_SHOWN, boundary_limits
from gan_rosetta.shared.report.series import finite_or_gap, thin
from gan_rosetta.shared.report.style import (
    GENERATED,
    INK,
    REAL,
    SMALL_SIZE,
    TEXT_SIZE,
    dress,
    legend_below,
    note,
    panel_title,
    run_labels,
    small_multiples,
)
from gan_rosetta.shared.runs.record import Run
from gan_rosetta.shared.spec import GanSpec

# A share of the real samples beyond the histogram that is worth a word: a long tail is not.
_MANY = 0.01


def draw_one_dimensional(runs: Sequence[Run], spec: GanSpec, /) -> Figure:
    """Return a panel for each run: D(x) on the left scale, densities of real and generated samples on the right one."""
    figure, panels = small_multiples(title_of(runs, spec), num_panels=len(runs), panel_inches=(4.6, 2.5), share=True)
    low, high = boundary_limits([run.samples["boundary_y"] for run in runs], spec)
    densest = max(float(run.samples[f"histogram_{kind}"].max()) for run in runs for kind in ("real", "generated"))
    for axes, run, label in zip(panels, runs, run_labels(runs), strict=True):
        densities = axes.twinx()
        dress(densities)
        axes.grid(visible=False)  # It would lie over the histograms.
        densities.grid(visible=False)
        densities.spines["left"].set_visible(False)
        densities.spines["right"].set_visible(True)
        top = max(1e-9, 1.08 * densest)
        densities.set_ylim(top * low / high if low < 0 < high else 0.0, top)  # Both scales have their 0 in one place.
        densities.set_ylabel("density", fontsize=SMALL_SIZE, color=INK)
        _draw_run(axes, densities, run)
        # The boundary lies over the histograms.
        axes.set_zorder(densities.get_zorder() + 1)
        axes.patch.set_visible(False)
        edges = run.samples["histogram_edges"]
        axes.set_xlim(edges[0], edges[-1])
        axes.set_ylim(low, high)
        if axes.xaxis.get_tick_params()["labelbottom"]:
            axes.set_xlabel("x", fontsize=TEXT_SIZE, color=INK)
        if axes.yaxis.get_tick_params()["labelleft"]:
            axes.set_ylabel("D(x)", fontsize=TEXT_SIZE, color=INK)
        panel_title(axes, label, _facts(run.samples["generated"], run.samples["real"], edges))
    legend_below(
        figure,
        [
            Line2D([], [], color=INK, linewidth=1.6, label="decision boundary D(x)"),
            Patch(color=REAL, linewidth=0, label="real samples"),
            Patch(facecolor=_pale(), edgecolor=GENERATED, label="generated samples"),
        ],
    )
    return figure


def _draw_run(axes: Axes, densities: Axes, run: Run) -> None:
    samples = run.samples
    edges = samples["histogram_edges"]
    densities.stairs(samples["histogram_real"], edges, fill=True, color=REAL, linewidth=0, label="real")
    generated = samples["histogram_generated"]
    if generated.any():
        densities.stairs(
            generated, edges, fill=True, facecolor=_pale(), edgecolor=GENERATED, linewidth=0.9, label="generated"
        )
    boundary = finite_or_gap(samples["boundary_y"])
    kept = thin(boundary)
    axes.plot(
        samples["boundary_x"][kept],
        np.clip(boundary[kept], -MAGNITUDE_SHOWN, MAGNITUDE_SHOWN),
        color=INK,
        linewidth=1.6,
        label="boundary",
    )
    silent = [
        what
        for what, values in (("D(x)", samples["boundary_y"]), ("G(z)", samples["generated"]))
        if not np.isfinite(values).any()
    ]
    if silent:
        verb = "is" if len(silent) == 1 else "are"
        note(axes, f"{' and '.join(silent)} {verb} NaN or infinite")


def _pale() -> tuple[str, float]:
    return (GENERATED, 0.35)


def _facts(generated: Floats, real: Floats, edges: Floats) -> str:
    """Return mean and standard deviation of the samples, and how many are not in the picture, real ones too."""
    values = np.asarray(generated, dtype=np.float64).ravel()
    finite = values[np.isfinite(values)]
    parts = []
    if len(finite):
        parts.append(f"generated: mean {finite.mean():.3g}, standard deviation {finite.std():.3g}")
        outside = _num_outside(finite, edges) / len(values)
        if outside:
            parts.append(f"{outside:.1%} outside")
    if len(finite) < len(values):
        parts.append(f"{1 - len(finite) / len(values):.1%} not finite")
    hidden = _num_outside(real, edges) / max(1, real.size)
    if hidden >= _MANY:
        parts.append(f"{hidden:.1%} of the real samples outside")
    return ", ".join(parts)


def _num_outside(values: Floats, edges: Floats) -> int:
    return int(np.count_nonzero((values < edges[0]) | (values > edges[-1])))
