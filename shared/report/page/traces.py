"""Pieces of the page's figures: a backend's traces, the axes, and how finely long curves are drawn.

Colours that depend on the page's theme are set by page.js: a trace with meta.ink is drawn in the colour of text. Plotly
reads <b> and its like in a figure's texts, so that names of runs are escaped for it as for a page.
"""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from gan_rosetta.shared.compare.distances import Floats
from gan_rosetta.shared.report.series import finite_or_gap, thin
from gan_rosetta.shared.report.style import run_style

# All loss curves of a page together, before they are written in base64.
_CURVE_BYTES = 3_000_000
_BYTES_A_POINT = 12
_POINTS_A_BIN = 4
_FEWEST_BINS, _MOST_BINS = 25, 500
_DASHES = {"-": "solid", "--": "dash", "-.": "dashdot", ":": "dot"}
_INK = "#000000"
LOSS_HEIGHT, SAMPLES_HEIGHT = 440, 320


def bins_for(num_curves: int, /) -> int:
    """Return into how many stretches each of a page's curves is thinned, so that the page stays small."""
    fitting = _CURVE_BYTES // (max(1, num_curves) * _BYTES_A_POINT * _POINTS_A_BIN)
    return int(min(_MOST_BINS, max(_FEWEST_BINS, fitting)))


def common_steps(series: list[Floats], /, *, num_bins: int) -> NDArray[np.int32]:
    """Return the steps, ascending, at which all of the series are drawn: what stands out in any of them is among them.

    So the values at one step can be compared where the pointer is.
    """
    kept = [thin(values, num_bins=max(1, num_bins // max(1, len(series)))) for values in series]
    return np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *kept])).astype(np.int32)


def line(name: str, backend: str, x: np.ndarray, y: np.ndarray, /, **more: Any) -> go.Scatter:
    """Return a curve in a backend's style, a gap where it is not finite. name: the run's label."""
    style = run_style(backend)
    return go.Scatter(
        x=x,
        y=finite_or_gap(y),
        name=escape(name),
        mode="lines+markers" if len(x) <= 40 else "lines",
        line={"color": style.color, "dash": _DASHES[style.line_style], "width": max(1.2, style.width * 0.6)},
        marker={"color": style.color, "size": 4},
        meta=meta(name, backend),
        zorder=style.order,
        **more,
    )


def dots(name: str, backend: str, x: np.ndarray, y: np.ndarray, /, **more: Any) -> go.Scatter:
    """Return points in a backend's colour. name: the run's label."""
    style = run_style(backend)
    size = more.pop("size", 4)
    opacity = more.pop("opacity", 1.0)
    marker = {"color": style.color, "size": size, "opacity": opacity}
    return go.Scatter(x=x, y=y, name=escape(name), mode="markers", marker=marker, meta=meta(name, backend), **more)


def meta(name: str, backend: str, /) -> dict[str, Any]:
    """Return what page.js knows a trace by: whose it is, to hide it, and whether it is drawn in the colour of text."""
    return {"run": name, "ink": run_style(backend).color == _INK}


def new_layout(**more: Any) -> dict[str, Any]:
    """Return the layout that all figures share; colours come from page.js."""
    return {
        "template": "none",
        "showlegend": False,
        "margin": {"l": 56, "r": 12, "t": 30, "b": 40},
        "uirevision": "keep",
        "font": {"size": 12},
        **more,
    }
