"""The page of a sweep: of each GAN the response curves, the best settings of each run, and all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import plotly.graph_objects as go

from gan_rosetta.shared.errors import RecordError
from gan_rosetta.shared.report.page.collect import require_inside
from gan_rosetta.shared.report.page.sweep_figure import label_of, sweep_figure
from gan_rosetta.shared.report.page.template import render_page
from gan_rosetta.shared.report.style import run_style
from gan_rosetta.shared.report.sweep_table import (
    AS_IT_IS,
    HEADERS,
    best_by_value,
    best_rows,
    failure_line,
    setting_cells,
    short_name,
    value_label,
)
from gan_rosetta.shared.sweeps.table import Setting, SweepTable
from gan_rosetta.shared.sweeps.table_file import LOCK_FILE, TABLE_FILE, read_table

_MOST_FIGURES = 60
_MOST_VALUES = 200
_MOST_SETTINGS = 200
_MOST_FAILURES = 10


@dataclass(frozen=True, kw_only=True)
class _Response:
    """The outcomes over a field of several values. field: "" where there is none; note: what is not drawn."""

    field: str
    note: str
    figures: tuple[tuple[str, go.Figure], ...]


@dataclass(frozen=True, kw_only=True)
class _Section:
    """What the page shows of one GAN. runs: as shown, with their colours; best, settings: cells under HEADERS' last."""

    gan: str
    anchor: str
    count: str
    best_of_all: str
    outcome: str
    runs: tuple[tuple[str, str], ...]
    failures: tuple[str, ...]
    num_more_failures: int
    responses: tuple[_Response, ...]
    best: tuple[tuple[str, ...], ...]
    settings: tuple[tuple[str, ...], ...]
    num_more_settings: int


def find_sweep(folder: Path, /) -> SweepTable | None:
    """Return the table of the sweep in a folder, None where there is no sweep.

    Raises RecordError where it was stopped before it had a table, where that cannot be read, or where it leads out of
    the folder; UsageError where what reads it is not installed.
    """
    path = folder / TABLE_FILE
    if has_table(folder):
        require_inside(folder.resolve(), path)
        return read_table(path)
    if (folder / LOCK_FILE).exists():
        raise RecordError(
            f"{folder} holds a sweep that has no {TABLE_FILE} yet; give the `gan-rosetta sweep` that began it again, "
            "which goes on where it was stopped"
        )
    return None


def has_table(folder: Path, /) -> bool:
    """Tell whether a folder is that of a sweep, whatever its table may be worth."""
    path = folder / TABLE_FILE
    return path.is_symlink() or path.exists()


def sweep_page(table: SweepTable, /) -> str:
    """Return the page of a sweep, as a pure function of its table."""
    settings = table.settings()
    num_figures = sum(len(table.outcomes_of(gan)) for gan in table.gans) * max(1, len(table.fields))
    most_outcomes = None if num_figures <= _MOST_FIGURES else 1
    return render_page(
        "sweep.html",
        sections=[_section(table, settings, gan, index, most_outcomes) for index, gan in enumerate(table.gans)],
        fewer=most_outcomes is not None,
        headers=HEADERS[1:],
        table_file=TABLE_FILE,
    )


def _section(
    table: SweepTable, settings: Sequence[Setting], gan: str, index: int, most_outcomes: int | None
) -> _Section:
    own = [setting for setting in settings if setting.gan == gan]
    outcomes = table.outcomes_of(gan)
    runs = list(dict.fromkeys(setting.run for setting in own))
    failed = [row for row in table.failures if row.gan == gan]
    best = best_rows(table, gan)
    num_rows = sum(len(setting.rows) for setting in own)
    count = f"{num_rows:,} training{'s' * (num_rows != 1)}, {len(failed) or 'none'} of which failed"
    shown = [setting_cells(setting, outcomes[0])[1:] for setting in own[:_MOST_SETTINGS]] if outcomes else []
    paths = [path for path in table.fields if len(_values(own, path)) > 1] or [""]
    return _Section(
        gan=gan,
        anchor=f"gan-{index}",
        count=count,
        best_of_all=_best_of_all(best),
        outcome=f"{outcomes[0]}, in {table.units[outcomes[0]]}" if outcomes else "",
        runs=tuple((label_of(run), run_style(run).color) for run in runs),
        failures=tuple(failure_line(row) for row in failed[:_MOST_FAILURES]),
        num_more_failures=max(0, len(failed) - _MOST_FAILURES),
        responses=tuple(
            _response(own, path, outcomes[0], {name: table.units[name] for name in outcomes[:most_outcomes]})
            for path in paths
            if outcomes
        ),
        best=tuple(row[1:] for row in best),
        settings=tuple(shown),
        num_more_settings=len(own) - len(shown),
    )


def _best_of_all(best: Sequence[tuple[str, ...]]) -> str:
    """Say which setting of which run has the smallest median."""
    if not best:
        return "No training has a number to show."
    _, run, setting, median, *_ = min(best, key=lambda row: float(row[3]))
    return f"{median} with {setting} on {run}"


def _response(settings: Sequence[Setting], path: str, judged: str, units: Mapping[str, str]) -> _Response:
    values = _values(settings, path)
    by_run: dict[str, list[Setting]] = {}
    for setting in settings:
        by_run.setdefault(setting.run, []).append(setting)
    best = {run: best_by_value(own, path, judged) for run, own in by_run.items()}
    kept = values[:: -(-len(values) // _MOST_VALUES)]
    return _Response(
        field=short_name(path),
        note="" if len(kept) == len(values) else f"{len(kept)} of {len(values):,} values are drawn.",
        figures=tuple((outcome, sweep_figure(best, kept, path, outcome, unit)) for outcome, unit in units.items()),
    )


def _values(settings: Sequence[Setting], path: str) -> list[Any]:
    """Return a field's values, each once: numbers as they rise, others in the plan's order."""
    found = {value_label(value): value for value in (setting.settings.get(path, AS_IT_IS) for setting in settings)}
    values = list(found.values())
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return sorted(values)
    return values
