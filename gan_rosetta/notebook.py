"""How results show themselves in a notebook: the verdict, a table, curves."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from gan_rosetta.shared.runs.comparison import GanComparison
from gan_rosetta.shared.runs.record import Run
from gan_rosetta.shared.spec import GanSpec

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gan_rosetta.shared.accuracy.session import Atlas
    from gan_rosetta.shared.calibrate.session import Calibration
    from gan_rosetta.shared.cases.judgement import Judgement
    from gan_rosetta.shared.compare.verdict import Verdict
    from gan_rosetta.shared.defaults.measurement import GanMeasurement
    from gan_rosetta.shared.diagnose.session import Diagnosis
    from gan_rosetta.shared.matters.session import Matters
    from gan_rosetta.shared.sweeps.session import Swept


def comparison_html(comparison: GanComparison, /) -> str:
    """Return a comparison: its verdict, each pair's, and the curves of all runs."""
    from gan_rosetta.shared.report.loss_curves import draw_loss_curves  # noqa: PLC0415 - matplotlib is slow to import

    rows: list[Sequence[str]] = [(" and ".join(pair.pair), pair.verdict, pair.reason) for pair in comparison.pairs]
    rows += [(name, "failed", message) for name, message in comparison.failures.items()]
    picture = _picture(draw_loss_curves(list(comparison.runs), comparison.yardstick, comparison.spec))
    title = f"<p><b>{_shown(comparison.spec.name)}: {_shown(comparison.verdict)}</b></p>"
    return title + _table(("Runs", "Verdict", "Why"), rows) + picture


def run_html(run: Run, spec: GanSpec, /) -> str:
    """Return a run: its last losses and its curves."""
    from gan_rosetta.shared.report.loss_curves import draw_loss_curves  # noqa: PLC0415 - matplotlib is slow to import

    rows = [(name, str(len(values)), f"{values[-1]:.8g}") for name, values in run.losses.items() if len(values)]
    title = f"<p><b>{_shown(run.gan)} on {_shown(run.name)}</b></p>"
    return title + _table(("Loss", "Steps", "Last"), rows) + _picture(draw_loss_curves([run], None, spec))


def diagnosis_html(diagnosis: Diagnosis, /) -> str:
    """Return a diagnosis: a sentence a run."""
    from gan_rosetta.shared.report.diagnosis_table import diagnosis_sentences  # noqa: PLC0415 - needs rich

    return "".join(f"<p>{_shown(sentence.plain)}</p>" for sentence in diagnosis_sentences(diagnosis))


def judgement_html(judgement: Judgement, /) -> str:
    """Return a judgement: its verdict, place and cause, and how far each loss was judged."""
    rows = [
        (loss.name, str(loss.num_recorded), str(loss.num_judged), f"{loss.largest:.1e}") for loss in judgement.losses
    ]
    title = f"<p><b>{_shown(judgement.gan)}: {_shown(judgement.verdict)}</b></p><p>{_shown(judgement.reason)}</p>"
    if judgement.cause is not None:
        title += f"<p>{_shown(judgement.cause.sentence)}</p>"
    notes = "".join(f"<p>{_shown(note)}</p>" for note in judgement.notes)
    return title + _table(("Loss", "Recorded", "Judged", "Largest difference"), rows) + notes


def lines_html(title: str, verdict: Verdict, lines: Iterable[str], /) -> str:
    """Return a verdict under a title, and lines whose columns are aligned."""
    text = "\n".join(map(_shown, lines))
    return f"{_title(title, verdict)}<pre>{text}</pre>"


def atlas_html(atlas: Atlas, verdict: Verdict, /) -> str:
    """Return an atlas of accuracy: its verdict, how much is covered, and the errors by group of operations."""
    from gan_rosetta.shared.accuracy.catalogue import GROUPS  # noqa: PLC0415 - as below, only who shows it waits for it
    from gan_rosetta.shared.report.accuracy_table import conclusion, group_lines  # noqa: PLC0415 - needs rich

    headers = ("Operation", "Quantity", "Type", *atlas.backends)
    tables = [
        f"<p>{_shown(title)}: largest error in ulp, eager / compiled</p>{_table(headers, rows)}"
        for group, title in GROUPS.items()
        if (rows := group_lines(atlas, group))
    ]
    return _title("Accuracy", verdict) + f"<p>{_shown(conclusion(atlas))}</p>" + "".join(tables)


def calibration_html(calibration: Calibration, verdict: Verdict, /) -> str:
    """Return a calibration: its verdict, in lines what came of it, and the counts by regime."""
    from gan_rosetta.shared.report import calibration_table as tables  # noqa: PLC0415 - needs rich

    parts = [lines_html("Calibration", verdict, tables.summary_lines(calibration))]
    if calibration.pairs:
        parts.append(_table(tables.COUNT_HEADERS, tables.count_rows(calibration.pairs)))
        parts.append(_table(tables.COUNT_HEADERS, tables.regime_rows(calibration.pairs)))
    if calibration.powers:
        parts.append(_table(tables.POWER_HEADERS, tables.power_rows(calibration.powers)))
    return "".join(parts)


def defaults_html(measured: GanMeasurement, /) -> str:
    """Return what defaults change in a GAN: a row a default."""
    from gan_rosetta.shared.report.defaults_table import cells, headers  # noqa: PLC0415 - needs rich

    differs = f" ({measured.differs})" if measured.differs else ""
    rows = [(each.framework, *cells(measured, each)) for each in measured.measurements]
    title = f"<p><b>{_shown(measured.gan)}: the frameworks' defaults{_shown(differs)}</b></p>"
    return title + _table(("Framework", *headers(measured)), rows)


def matters_html(matters: Matters, /) -> str:
    """Return what each treatment of a GAN changes: a row a treatment."""
    from gan_rosetta.shared.report.matters_table import HEADERS, matters_lines, matters_rows  # noqa: PLC0415 - needs rich

    title = f"<p><b>{_shown(matters_lines(matters)[0])}</b></p>"
    return title + _table(HEADERS, matters_rows(matters))


def sweep_html(swept: Swept, /) -> str:
    """Return the best settings of a sweep: a row a setting."""
    from gan_rosetta.shared.report.sweep_table import HEADERS, sweep_lines, sweep_rows  # noqa: PLC0415 - needs rich

    title = f"<p><b>{_shown(sweep_lines(swept)[0])}</b></p>"
    return title + _table(HEADERS, sweep_rows(swept) if swept.outcomes else ())


def _title(title: str, verdict: Verdict) -> str:
    return f"<p><b>{_shown(title)}: {_shown(verdict)}</b></p>"


def _shown(text: str) -> str:
    from gan_rosetta.shared.report.shown import as_html  # noqa: PLC0415 - needs rich

    return as_html(text)


def _table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{_shown(header)}</th>" for header in headers)
    body = "".join(f"<tr>{''.join(f'<td>{_shown(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _picture(figure: Figure) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return f'<img alt="losses" src="data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}">'
