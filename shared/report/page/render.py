"""Puts a folder's records into one HTML page, that of its runs or of its sweep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import plotly.graph_objects as go

from gan_rosetta.shared.compare.yardstick import LOSS_NAMES
from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.quality.measure import measure_quality
from gan_rosetta.shared.quality.number import QualityNumber
from gan_rosetta.shared.report.diagnose_command import diagnose_command
from gan_rosetta.shared.report.differences import TITLES
from gan_rosetta.shared.report.fed import fed_from
from gan_rosetta.shared.report.page.collect import GanRuns, PairResult, collect
from gan_rosetta.shared.report.page.loss_figure import ALLOWED, CHAOS_AREA, ENVELOPE, loss_figure
from gan_rosetta.shared.report.page.sample_figures import SamplesShown, sample_figures
from gan_rosetta.shared.report.page.sweep_page import find_sweep, sweep_page
from gan_rosetta.shared.report.page.template import render_page
from gan_rosetta.shared.report.page.traces import bins_for
from gan_rosetta.shared.report.page.words import (
    machines,
    number,
    reproduce_command,
    throughput_rows,
    verdict_sentence,
    versions,
)
from gan_rosetta.shared.report.style import run_labels, run_style
from gan_rosetta.shared.runs.record import Run
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.storage.files import write_bytes
from gan_rosetta.shared.storage.opening import require_place, what_is

REPORT_FILE = "report.html"
# Of a pair; the first ones say where it began, and comparison.json has them all.
_MOST_PARTINGS = 20


@dataclass(frozen=True, kw_only=True)
class _QualityRow:
    """A quality number of all runs. values: as texts, one a run."""

    about: QualityNumber
    real: str
    values: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class _PartingPair:
    """A pair that disagrees. command: that looks into it, "" where none does; num_more: places that are not shown."""

    pair: PairResult
    command: str
    num_more: int


@dataclass(frozen=True, kw_only=True)
class _Section:
    """What the page shows of one GAN."""

    gan: GanRuns
    anchor: str
    labels: tuple[str, ...]
    colors: tuple[str, ...]
    sentence: str
    command: str
    verdict: str
    partings: tuple[_PartingPair, ...]
    losses: tuple[tuple[str, go.Figure], ...]
    samples: SamplesShown
    quality: tuple[_QualityRow, ...]
    throughput: tuple[list[str], ...]
    margin: str
    has_chaos: bool


def write_report(folder: Path, target: Path | None = None, /) -> Path:
    """Write the page of a folder's runs or sweep, to report.html in it where no target is given, and return its path.

    Raises UsageError where there is no folder or nothing can be written, RecordError where there is nothing to show.
    """
    found = what_is(folder)
    if found != "a folder":
        raise UsageError(
            f"{folder} {f'is {found}' if found else 'is not there'}; expected a folder of runs or a sweep's"
        )
    path = target if target is not None else folder / REPORT_FILE
    require_place(path, said="--out")
    sweep = find_sweep(folder)
    page = (report_page(collect(folder)) if sweep is None else sweep_page(sweep)).encode()
    try:
        write_bytes(path, page)
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written ({error.strerror or error}); name another file with --out"
        ) from None
    return path


def report_page(gans: Sequence[GanRuns], /) -> str:
    """Return the page, as a pure function of what was read."""
    names = [LOSS_NAMES if gan.spec is None else gan.spec.loss_names for gan in gans]
    num_curves = sum(2 * len(own) * len(gan.runs) for own, gan in zip(names, gans, strict=True))
    sections = [_section(gan, index, bins_for(num_curves)) for index, gan in enumerate(gans)]
    every_run = [run for gan in gans for run in gan.runs]
    return render_page(
        "page.html",
        sections=sections,
        machines=machines(every_run),
        versions=versions(every_run),
        envelope=ENVELOPE,
        allowed=ALLOWED,
        chaos_area=CHAOS_AREA,
    )


def _section(gan: GanRuns, index: int, num_bins: int) -> _Section:
    runs, spec = gan.runs, gan.spec
    labels = run_labels(runs)
    names = [name for name in TITLES if any(len(run.losses.get(name, ())) for run in runs)]
    num_steps = max((len(run.losses["generator"]) for run in runs), default=0)
    losses = (
        [(TITLES[name], loss_figure(name, runs, gan.yardstick, spec, num_bins=num_bins)) for name in names]
        if spec is not None
        else []
    )
    return _Section(
        gan=gan,
        anchor=f"gan-{index}",
        labels=tuple(labels),
        colors=tuple(run_style(run.name).color for run in runs),
        sentence=verdict_sentence(gan),
        command=reproduce_command(gan),
        verdict=gan.judgement.verdict if gan.judgement is not None else "",
        partings=tuple(_partings(gan)),
        losses=tuple(losses),
        samples=sample_figures(runs, spec) if spec is not None else SamplesShown(moments=(), shown=()),
        quality=tuple(_quality(runs, spec)) if spec is not None else (),
        throughput=tuple(throughput_rows(runs, labels)),
        margin="" if gan.yardstick is None or len(runs) < 2 else f"{gan.yardstick.tolerance.margin:.2g}",
        has_chaos=gan.yardstick is not None and gan.yardstick.horizon < num_steps,
    )


def _partings(gan: GanRuns) -> list[_PartingPair]:
    pairs = gan.judgement.pairs if gan.judgement is not None else ()
    return [
        _PartingPair(
            pair=replace(pair, partings=pair.partings[:_MOST_PARTINGS]),
            command=diagnose_command(gan.runs, pair.runs),
            num_more=max(0, len(pair.partings) - _MOST_PARTINGS),
        )
        for pair in pairs
        if pair.partings
    ]


def _quality(runs: Sequence[Run], spec: GanSpec) -> list[_QualityRow]:
    is_as_declared = fed_from(runs, spec) is None
    measured = [measure_quality(run.samples, spec, is_as_declared=is_as_declared) for run in runs]
    return [
        _QualityRow(about=row[0], real=number(row[0].real), values=tuple(number(entry.value) for entry in row))
        for row in zip(*measured, strict=True)
    ]
