"""What the runs generate over training: figures to be zoomed into for 1D, 2D and curves; small pictures of digits.

A figure has a frame for each moment, whose data page.js puts into its traces where the slider stands; the figure itself
is of the last.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from markupsafe import Markup
from numpy.typing import NDArray
from PIL import Image
from plotly.subplots import make_subplots

from gan_rosetta.shared.report.digit_grid import compose_grid
from gan_rosetta.shared.report.fed import fed_from, real_curves
from gan_rosetta.shared.report.looks import (
    Look,
    Moment,
    all_moments,
    boundary_limits,
    highest_density,
    look_at,
    looks_of,
    moment_text,
    value_limits,
)
from gan_rosetta.shared.report.page.traces import LOSS_HEIGHT, SAMPLES_HEIGHT, dots, line, new_layout
from gan_rosetta.shared.report.series import finite_or_gap, thin
from gan_rosetta.shared.report.style import REAL, run_labels
from gan_rosetta.shared.runs.record import Run
from gan_rosetta.shared.spec import DigitsReal, GanSpec, LinearGaussianReal, SineReal

Singles = NDArray[np.float32]
_POINTS_SHOWN = 300
_CURVES_SHOWN = 48
_BOUNDARY_BINS = 100
_LARGEST_SINGLE = 1e30
# WebP is half the size of PNG for noise, and looks the same.
_QUALITY = 80


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One figure or one picture of samples. run: whose it is, "" for all or for the real samples.

    images: a data: address for each moment, or one for all, where there is no figure; size: their pixels,
    across and down.
    """

    caption: str
    run: str = ""
    figure: go.Figure | None = None
    images: tuple[str, ...] = ()
    size: tuple[int, int] = (0, 0)


@dataclass(frozen=True, kw_only=True)
class SamplesShown:
    """All that shows a GAN's samples. moments: in words, one a frame or picture."""

    moments: tuple[str, ...]
    shown: tuple[Shown, ...]


def sample_figures(runs: Sequence[Run], spec: GanSpec, /) -> SamplesShown:
    """Return what shows the samples of the runs, as fits its real data; nothing for points of three axes or more."""
    looks = [looks_of(run) for run in runs]
    moments = all_moments(looks)
    by_run = [[look_at(of_run, moment) for moment in moments] for of_run in looks]
    return SamplesShown(
        moments=tuple(moment_text(moment, moments[-1]) for moment in moments),
        shown=tuple(_shown(runs, by_run, moments, spec)),
    )


def _shown(
    runs: Sequence[Run], looks: Sequence[Sequence[Look]], moments: Sequence[Moment], spec: GanSpec
) -> list[Shown]:
    labels = run_labels(runs)
    if not runs or not moments:
        return []
    if spec.discriminator.input_shape == (1,):
        return [Shown(caption="D(x), and the densities of real and generated samples", figure=_one(runs, looks, spec))]
    source = spec.real
    if isinstance(source, DigitsReal):
        num_shown = len(looks[0][0].generated)
        caption = "real digits" if fed_from(runs, spec) is None else "images that were fed"
        real = _picture(runs[0].samples["real"][:num_shown], source)
        height, width, _ = compose_grid(looks[0][0].generated, source).shape
        return [
            Shown(caption=caption, images=(real,), size=(width, height)),
            *(
                Shown(
                    caption=label,
                    run=label,
                    images=tuple(_picture(look.generated, source) for look in of_run),
                    size=(width, height),
                )
                for label, of_run in zip(labels, looks, strict=True)
            ),
        ]
    if isinstance(source, LinearGaussianReal) and len(source.offset) != 2:
        return []
    limits = value_limits([look for of_run in looks for look in of_run], runs[0].samples["real"])

    def draw(run: Run, label: str, of_run: Sequence[Look]) -> go.Figure:
        if isinstance(source, SineReal):
            return _curves(run, label, of_run, limits, real=real_curves(runs, spec))
        return _points(run, label, of_run, limits)

    return [
        Shown(caption=label, run=label, figure=draw(run, label, of_run))
        for run, label, of_run in zip(runs, labels, looks, strict=True)
    ]


def _one(runs: Sequence[Run], looks: Sequence[Sequence[Look]], spec: GanSpec) -> go.Figure:
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.06)
    real = runs[0].samples
    edges = real["histogram_edges"]
    centres = (edges[1:] + edges[:-1]) / 2
    shade = go.Scatter(
        x=centres,
        y=real["histogram_real"],
        name="real",
        mode="lines",
        line={"shape": "hvh", "width": 0},
        fill="tozeroy",
        fillcolor="rgba(128, 128, 128, 0.4)",
        hovertemplate="%{y:.3g}",
        meta={"run": "", "ink": False},
    )
    figure.add_trace(shade, row=2, col=1)
    for run, label, of_run in zip(runs, run_labels(runs), looks, strict=True):
        curve = line(label, run.name, *_boundary(of_run[-1]), hovertemplate="%{y:.6g}")
        curve.mode = "lines"
        figure.add_trace(curve, row=1, col=1)
        density = line(label, run.name, centres, _single(of_run[-1].density), hovertemplate="%{y:.3g}")
        density.line.shape = "hvh"
        figure.add_trace(density, row=2, col=1)

    def frame(index: int) -> list[go.Scatter]:
        traces = [go.Scatter()]
        for of_run in looks:
            x, y = _boundary(of_run[index])
            traces += [go.Scatter(x=x, y=y), go.Scatter(y=_single(of_run[index].density))]
        return traces

    figure.frames = _frames(len(looks[0]), frame)
    everything = [look for of_run in looks for look in of_run]
    figure.update_layout(new_layout(height=LOSS_HEIGHT, hovermode="x unified"))
    limits = boundary_limits([look.boundary_y for look in everything], spec)
    figure.update_yaxes(title_text="D(x)", range=list(limits), row=1, col=1)
    top = highest_density(everything, real["histogram_real"])
    figure.update_yaxes(title_text="density", range=[0, top], row=2, col=1)
    figure.update_xaxes(range=[float(edges[0]), float(edges[-1])])
    figure.update_xaxes(title_text="x", row=2, col=1)
    return figure


def _points(run: Run, label: str, looks: Sequence[Look], limits: tuple[float, float]) -> go.Figure:
    figure = go.Figure()
    real = _single(run.samples["real"][:_POINTS_SHOWN])
    marker = {"color": REAL, "size": 4, "opacity": 0.6}
    where = "(%{x:.4g}, %{y:.4g})"
    figure.add_trace(
        go.Scatter(
            x=real[:, 0],
            y=real[:, 1],
            name="real",
            mode="markers",
            marker=marker,
            hovertemplate=where,
            meta={"run": "", "ink": False},
        )
    )

    def places(look: Look) -> tuple[Singles, Singles]:
        shown = _single(look.generated[:_POINTS_SHOWN])
        return shown[:, 0], shown[:, 1]

    figure.add_trace(dots(label, run.name, *places(looks[-1]), hovertemplate=where, opacity=0.6))

    def frame(index: int) -> list[go.Scatter]:
        x, y = places(looks[index])
        return [go.Scatter(), go.Scatter(x=x, y=y)]

    figure.frames = _frames(len(looks), frame)
    figure.update_layout(new_layout(height=SAMPLES_HEIGHT, hovermode="closest"))
    figure.update_xaxes(range=list(limits), constrain="domain")
    figure.update_yaxes(range=list(limits), scaleanchor="x", constrain="domain")
    return figure


def _curves(run: Run, label: str, looks: Sequence[Look], limits: tuple[float, float], *, real: np.ndarray) -> go.Figure:
    num_points = looks[-1].generated[0].size if len(looks[-1].generated) else 0
    num_curves = min(_CURVES_SHOWN, *(len(look.generated) for look in looks))
    positions = np.linspace(0.0, 2 * np.pi, num_points)

    def joined(curves: np.ndarray) -> Singles:
        # All curves as one, with a gap behind each.
        return _single(np.concatenate([curves, np.full((len(curves), 1), np.nan)], axis=1).ravel())

    def across(count: int) -> Singles:
        return _single(np.tile(np.append(positions, np.nan), count))

    def heights(look: Look) -> Singles:
        return joined(np.asarray(look.generated[:num_curves], dtype=np.float64).reshape(num_curves, -1))

    figure = go.Figure()
    curves = line(label, run.name, across(num_curves), heights(looks[-1]), hovertemplate="%{y:.4g}")
    curves.line.width, curves.line.dash, curves.opacity, curves.mode = 0.8, "solid", 0.5, "lines"
    figure.add_trace(curves)
    figure.add_trace(
        go.Scatter(
            x=across(len(real)),
            y=joined(real),
            name="real",
            mode="lines",
            line={"color": "#000000", "dash": "dash", "width": 2 if len(real) == 1 else 1},
            hovertemplate="real: %{y:.4g}",
            meta={"run": "", "ink": True},
        )
    )
    figure.frames = _frames(len(looks), lambda index: [go.Scatter(y=heights(looks[index])), go.Scatter()])
    figure.update_layout(new_layout(height=SAMPLES_HEIGHT, hovermode="closest"))
    figure.update_xaxes(title_text="x")
    figure.update_yaxes(range=list(limits))
    return figure


def _frames(count: int, data: Callable[[int], list[go.Scatter]]) -> list[go.Frame]:
    return [go.Frame(data=data(index)) for index in range(count)] if count > 1 else []


def _boundary(look: Look) -> tuple[Singles, Singles]:
    values = finite_or_gap(look.boundary_y)
    kept = thin(values, num_bins=_BOUNDARY_BINS)
    return _single(look.boundary_x[kept]), _single(values[kept])


def _single(values: np.ndarray) -> Singles:
    """Half the bytes, and more digits than a screen has pixels; a gap where a value is not finite."""
    return np.clip(finite_or_gap(values), -_LARGEST_SINGLE, _LARGEST_SINGLE).astype(np.float32)


def _picture(images: np.ndarray, source: DigitsReal) -> str:
    picture = Image.fromarray(np.round(compose_grid(images, source) * 255).astype(np.uint8))
    buffer = io.BytesIO()
    picture.save(buffer, format="webp", quality=_QUALITY, method=4)
    # Ours, and so no text to be cut where it is shown.
    return Markup(f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}")  # noqa: S704
