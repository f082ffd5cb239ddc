"""What the runs generate: figures to be zoomed into for 1D, 2D and curves; small pictures of digits."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from PIL import Image
from plotly.subplots import make_subplots

from shared.harness.record import Run
from shared.report.digit_grid import compose_grid
from shared.report.page.traces import LOSS_HEIGHT, SAMPLES_HEIGHT, dots, line, new_layout
from shared.report.series import finite_or_gap, thin
from shared.report.style import REAL, run_labels
from shared.spec import DigitsReal, GanSpec, LinearGaussianReal, SineReal

_POINTS_SHOWN = 500
_BOUNDARY_BINS = 100
_REACH = 3.0
_LARGEST_SINGLE = 1e30


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One figure or one picture of samples. run: whose it is, "" for all or for the real samples.

    image: a PNG as a data: address, where there is no figure.
    """

    caption: str
    run: str = ""
    figure: go.Figure | None = None
    image: str = ""


def sample_figures(runs: Sequence[Run], spec: GanSpec, /) -> list[Shown]:
    """Return what shows the samples of the runs, as fits the GAN's real data; empty for data of more than two axes."""
    labels = run_labels(runs)
    if spec.discriminator.input_shape == (1,):
        return [Shown(caption="D(x), and the densities of real and generated samples", figure=_one(runs, labels))]
    if isinstance(spec.real, DigitsReal):
        real = Shown(caption="real digits", image=_picture(runs[0].samples["real"], spec.real))
        return [
            real,
            *(
                Shown(caption=label, run=label, image=_picture(run.samples["generated"], spec.real))
                for run, label in zip(runs, labels, strict=True)
            ),
        ]
    draw = _curves if isinstance(spec.real, SineReal) else _points
    if isinstance(spec.real, LinearGaussianReal) and len(spec.real.offset) != 2:
        return []
    limits = _limits(runs)
    return [
        Shown(caption=label, run=label, figure=draw(run, label, limits))
        for run, label in zip(runs, labels, strict=True)
    ]


def _one(runs: Sequence[Run], labels: Sequence[str]) -> go.Figure:
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.06)
    real = runs[0].samples
    centres = (real["histogram_edges"][1:] + real["histogram_edges"][:-1]) / 2
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
    for run, label in zip(runs, labels, strict=True):
        samples = run.samples
        boundary = finite_or_gap(samples["boundary_y"])
        kept = thin(boundary, num_bins=_BOUNDARY_BINS)
        curve = line(label, run.backend, samples["boundary_x"][kept], boundary[kept], hovertemplate="%{y:.6g}")
        figure.add_trace(curve, row=1, col=1)
        density = line(label, run.backend, centres, samples["histogram_generated"], hovertemplate="%{y:.3g}")
        density.line.shape = "hvh"
        figure.add_trace(density, row=2, col=1)
    figure.update_layout(new_layout(height=LOSS_HEIGHT, hovermode="x unified"))
    figure.update_yaxes(title_text="D(x)", row=1, col=1)
    figure.update_yaxes(title_text="density", rangemode="tozero", row=2, col=1)
    figure.update_xaxes(title_text="x", row=2, col=1)
    return figure


def _points(run: Run, label: str, limits: tuple[float, float]) -> go.Figure:
    figure = go.Figure()
    real, shown = (_single(run.samples[name][:_POINTS_SHOWN]) for name in ("real", "generated"))
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
    figure.add_trace(dots(label, run.backend, shown[:, 0], shown[:, 1], hovertemplate=where, opacity=0.6))
    figure.update_layout(new_layout(height=SAMPLES_HEIGHT, hovermode="closest"))
    figure.update_xaxes(range=list(limits), constrain="domain")
    figure.update_yaxes(range=list(limits), scaleanchor="x", constrain="domain")
    return figure


def _curves(run: Run, label: str, limits: tuple[float, float]) -> go.Figure:
    generated = run.samples["generated"]
    generated = generated.reshape(len(generated), -1)
    positions = np.linspace(0.0, 2 * np.pi, generated.shape[1])
    # All curves as one, with a gap behind each.
    gap = np.full((len(generated), 1), np.nan)
    y = np.concatenate([generated, gap], axis=1).ravel()
    x = np.tile(np.append(positions, np.nan), len(generated))
    figure = go.Figure()
    curves = line(label, run.backend, _single(x), _single(y), hovertemplate="%{y:.4g}")
    curves.line.width, curves.line.dash, curves.opacity = 0.8, "solid", 0.5
    figure.add_trace(curves)
    figure.add_trace(
        go.Scatter(
            x=positions,
            y=np.sin(positions),
            name="sin(x)",
            mode="lines",
            line={"color": "#000000", "dash": "dash", "width": 2},
            hovertemplate="sin: %{y:.4g}",
            meta={"run": "", "ink": True},
        )
    )
    figure.update_layout(new_layout(height=SAMPLES_HEIGHT, hovermode="closest"))
    figure.update_xaxes(title_text="x")
    figure.update_yaxes(range=list(limits))
    return figure


def _single(values: np.ndarray) -> NDArray[np.float32]:
    """Half the bytes, and more digits than a screen has pixels; a gap where a value is not finite."""
    return np.clip(finite_or_gap(values), -_LARGEST_SINGLE, _LARGEST_SINGLE).astype(np.float32)


def _limits(runs: Sequence[Run]) -> tuple[float, float]:
    """Return one range for the axes of all runs: the real samples', and of the generated what is near them."""
    real = np.asarray(runs[0].samples["real"], dtype=np.float64)
    real = real[np.isfinite(real)]
    low, high = (float(real.min()), float(real.max())) if len(real) else (-1.0, 1.0)
    middle = (low + high) / 2
    reach = _REACH * max(high - low, 1e-9) / 2
    for run in runs:
        values = np.asarray(run.samples["generated"], dtype=np.float64)
        near = values[np.isfinite(values) & (np.abs(values - middle) <= reach)]
        low, high = min(low, float(near.min(initial=low))), max(high, float(near.max(initial=high)))
    margin = 0.05 * (high - low) or 1.0
    return low - margin, high + margin


def _picture(images: np.ndarray, source: DigitsReal) -> str:
    picture = Image.fromarray(np.round(compose_grid(images, source) * 255).astype(np.uint8))
    buffer = io.BytesIO()
    picture.save(buffer, format="png", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
