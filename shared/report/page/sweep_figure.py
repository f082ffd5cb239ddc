"""An outcome over a field's values: a line of medians a run, and a band of quartiles over seeds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import plotly.graph_objects as go

from gan_rosetta.shared.report.page.traces import SAMPLES_HEIGHT, line, meta, new_layout
from gan_rosetta.shared.report.shown import shown_in_line
from gan_rosetta.shared.report.style import run_style
from gan_rosetta.shared.report.sweep_table import short_name, told_settings, value_label
from gan_rosetta.shared.sweeps.table import Setting

_BAND_OPACITY = 0.2
_INK_BAND = "rgba(128, 128, 128, 0.25)"
# From so many times the smallest on, an axis counts in powers of ten.
_LOG_VALUES, _LOG_OUTCOMES = 10.0, 100.0
_MOST_TICKS = 8
_MOST_LETTERS = 60


@dataclass(frozen=True, kw_only=True)
class _Point:
    """What is drawn at a value, NaN where no training has a finite outcome. text: what the pointer shows."""

    x: float | str
    low: float
    middle: float
    high: float
    text: str


def sweep_figure(
    best: Mapping[str, Mapping[str, Setting | None]], values: Sequence[Any], path: str, outcome: str, unit: str, /
) -> go.Figure:
    """Return the figure of an outcome. best: of each run the settings by a value as it is shown; values: in order.

    path: "" for no field, where runs stand side by side instead.
    """
    is_number = bool(path) and all(_is_number(value) for value in values)
    curves = {
        run: [
            _point(settings.get(value_label(value)), _place(value if path else run, is_number=is_number), outcome)
            for value in values
        ]
        for run, settings in best.items()
    }
    axis = (
        _value_axis(values, short_name(path), is_number=is_number)
        if path
        else _value_axis([*best], "", is_number=False)
    )
    figure = go.Figure()
    for run, points in curves.items():
        _draw(figure, run, points)
    numbers = [number for points in curves.values() for point in points for number in (point.low, point.high)]
    figure.update_layout(
        new_layout(
            height=SAMPLES_HEIGHT,
            xaxis=axis,
            yaxis={"title": {"text": _plain(unit)}, **_scale(numbers, _LOG_OUTCOMES)},
            hovermode="closest",
        )
    )
    return figure


def label_of(run: str, /) -> str:
    """Return a run's name as the page shows it."""
    return shown_in_line(run, most_letters=_MOST_LETTERS)


def _draw(figure: go.Figure, run: str, points: Sequence[_Point]) -> None:
    label, style = label_of(run), run_style(run)
    red, green, blue = (int(style.color[start : start + 2], 16) for start in (1, 3, 5))
    about = meta(label, run)
    for stretch in _stretches(points):
        if len(stretch) > 1 and any(point.low < point.high for point in stretch):
            figure.add_trace(
                go.Scatter(
                    x=[point.x for point in (*stretch, *stretch[::-1])],
                    y=[*(point.low for point in stretch), *(point.high for point in stretch[::-1])],
                    mode="lines",
                    line={"width": 0},
                    fill="toself",
                    fillcolor=_INK_BAND if about["ink"] else f"rgba({red}, {green}, {blue}, {_BAND_OPACITY})",
                    hoverinfo="skip",
                    meta=about,
                )
            )
    # A value with none beside it has no band.
    alone = {id(stretch[0]) for stretch in _stretches(points) if len(stretch) == 1}
    curve = line(
        label,
        run,
        np.array([point.x for point in points]),
        np.array([point.middle for point in points]),
        hovertext=[point.text for point in points],
        hoverinfo="text",
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [point.high - point.middle if id(point) in alone else None for point in points],
            "arrayminus": [point.middle - point.low if id(point) in alone else None for point in points],
            "thickness": 1,
            "width": 0,
        },
    )
    curve.mode = "lines+markers"
    figure.add_trace(curve)


def _stretches(points: Sequence[_Point]) -> list[list[_Point]]:
    """Return the points that have numbers, together as they are beside each other."""
    found: list[list[_Point]] = [[]]
    for point in points:
        if math.isfinite(point.middle):
            found[-1].append(point)
        elif found[-1]:
            found.append([])
    return [stretch for stretch in found if stretch]


def _place(value: Any, *, is_number: bool) -> float | str:
    return float(value) if is_number else _plain(value_label(value))


def _point(setting: Setting | None, x: float | str, outcome: str) -> _Point:
    quartiles = None if setting is None else setting.quartiles(outcome)
    if setting is None or quartiles is None:
        return _Point(x=x, low=math.nan, middle=math.nan, high=math.nan, text="")
    low, middle, high = quartiles
    finite = sum(math.isfinite(row.numbers.get(outcome, math.nan)) for row in setting.rows)
    told = [
        told_settings(setting.settings),
        f"{middle:.4g} ({low:.3g} to {high:.3g})",
        f"{finite} of {len(setting.rows)} seeds",
    ]
    return _Point(x=x, low=low, middle=middle, high=high, text="<br>".join(map(_plain, [setting.run, *told])))


def _value_axis(values: Sequence[Any], name: str, *, is_number: bool) -> dict[str, Any]:
    title = {"title": {"text": _plain(name)}}
    labels = [_plain(value_label(value)) for value in values]
    if not is_number:
        return {**title, "type": "category", "categoryorder": "array", "categoryarray": labels}
    numbers = [float(value) for value in values]
    ticks = {"tickvals": numbers, "ticktext": labels} if len(values) <= _MOST_TICKS else {}
    return {**title, **_scale(numbers, _LOG_VALUES), **ticks}


def _scale(numbers: Sequence[float], least_ratio: float) -> dict[str, Any]:
    finite = [number for number in numbers if math.isfinite(number)]
    is_log = bool(finite) and min(finite) > 0 and max(finite) / min(finite) >= least_ratio
    return {"type": "log", "exponentformat": "power"} if is_log else {"type": "linear"}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _plain(text: str) -> str:
    """Return a text in which Plotly finds no markup."""
    return escape(shown_in_line(text, most_letters=_MOST_LETTERS))
