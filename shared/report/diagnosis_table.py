"""A diagnosis on the terminal: a sentence a backend, and the rows around the first one that is off."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.text import Text

from gan_rosetta.shared.cases.judgement import Judgement
from gan_rosetta.shared.diagnose.rows import Row, told_rows
from gan_rosetta.shared.diagnose.session import Diagnosis
from gan_rosetta.shared.diagnose.trials import Trial
from gan_rosetta.shared.faults import FAULTS
from gan_rosetta.shared.gans import CATALOGUE
from gan_rosetta.shared.report.listing import aligned
from gan_rosetta.shared.report.shown import as_markdown

_ROWS_BEFORE = 12
_ROWS_AFTER = 6
_FIRST, _OFF, _UNKNOWN = "→", "✗", "?"


def diagnosis_sentences(diagnosis: Diagnosis, /) -> list[Text]:
    """Return a sentence a run: where it first parts from the reference, or that it does not; below it, why."""
    lines = []
    for name, rows in diagnosis.rows.items():
        offender = diagnosis.offender(name)
        if offender is None and name in diagnosis.unexplained:
            text = f"{name} parts from the reference in a whole run: {diagnosis.unexplained[name]}"
            detail = "; no step that was looked into is off by itself, so that many steps make it"
            lines.append(Text.assemble((text, "bold red"), detail))
        elif offender is None:
            told = [row for row in told_rows(rows) if row.is_comparable and row.noise]
            worst = max(told, key=lambda row: row.in_noise)
            visits = len(dict.fromkeys(row.visit for row in rows))
            text = f"{name}: {len(rows)} quantities in {visits} steps, none beyond rounding"
            detail = f" (largest {worst.in_noise:.1f} times the noise floor: {worst.place})"
            if (lost := next((row for row in rows if row.is_lost_in_both), None)) is not None:
                detail += f"; the loss of {lost.visit} is NaN in both, of what comes after it nothing can be said"
            lines.append(Text.assemble((text, "green"), detail))
        else:
            text = f"{name} is wrong, first in {offender.place}: "
            lines.append(Text.assemble((text, "bold red"), offender.amount))
        explanation = diagnosis.cause(name)
        if explanation is not None:
            lines.append(Text(explanation.sentence))
    return lines


def diagnosis_lines(name: str, rows: list[Row], offender: Row | None, /) -> list[Text]:
    """Return the quantities of the offending step around the offender, or each step's worst one where there is none.

    A line each, in order of execution. Names stand last and whole: a terminal that is too narrow breaks them itself.
    """
    shown = list(_shown(rows, offender))
    lines = [
        Text(f"{name}, in order of execution:", style="bold"),
        Text(f"({_FIRST} first that is off, {_OFF} different mathematics, {_UNKNOWN} not comparable, else rounding)"),
    ]
    header, *numbers = aligned([("got", "expected", "floors"), *map(_numbers, shown)], right=(0, 1, 2))
    lines.append(Text(f"  {header}  quantity"))
    place = ""
    for row, entries in zip(shown, numbers, strict=True):
        if place != (place := f"{row.visit}, {row.phase} phase"):
            lines.append(Text(f"{place}:"))
        style = "bold red" if row is offender else "red" if row.is_off else "dim" if not row.is_comparable else ""
        mark = _FIRST if row is offender else _OFF if row.is_off else " " if row.is_comparable else _UNKNOWN
        stream = f" on {row.stream}" if row.stream else ""
        lines.append(Text(f"{mark} {entries}  {row.quantity} {row.name}{stream}", style=style))
    return lines


def judgement_lines(judgement: Judgement, /) -> list[str]:
    """Return what is said of a program: verdict, cause, the quantities of the step that is off, and notes."""
    rows = list(judgement.rows)
    offender = next((row for row in rows if row.is_off), None)
    looked = diagnosis_lines("the program", rows, offender) if offender is not None else []
    why = [] if judgement.cause is None else [judgement.cause.sentence]
    return [judgement.sentence, *why, *map(str, looked), *(f"  {note}" for note in judgement.notes)]


def fault_lines() -> list[Text]:
    """Return the catalogue of faults: of each its name, what it does, and the GANs that it touches."""
    lines = []
    for fault in FAULTS.values():
        touched = [spec.name for spec in CATALOGUE.values() if fault.plant(spec) is not None]
        gans = "all GANs" if len(touched) == len(CATALOGUE) else ", ".join(touched) or "GANs of your own"
        lines += [Text.assemble((fault.name, "bold"), f": {fault.summary}"), Text(f"  in {gans}", style="dim")]
    return lines


def trial_lines(trials: Sequence[Trial], /) -> list[str]:
    """Return faults by backends: in how many GANs each was found at its place, of how many that it touches.

    Below them those that were not, and where each was found.
    """
    backends = list(dict.fromkeys(trial.backend for trial in trials))
    rows = [
        (fault or "none planted, none alarmed", *(_share(trials, fault, name) for name in backends))
        for fault in dict.fromkeys(trial.fault for trial in trials)
    ]
    wrong = [trial for trial in trials if not trial.is_right]
    return [
        "Faults found at their place, of the GANs that they touch:",
        *aligned([("fault", *backends), *rows], right=range(1, len(backends) + 1)),
        f"{len(trials) - len(wrong)} of {len(trials)} cells right",
        *(f"{trial.gan} on {trial.backend}, {trial.fault or 'no fault'}: {_found(trial)}" for trial in wrong),
    ]


def trial_markdown(trials: Sequence[Trial], /) -> str:
    """Return the same table in Markdown, and below it where each fault was found."""
    backends = list(dict.fromkeys(trial.backend for trial in trials))
    lines = ["# Planted faults, and where they were found", ""]
    lines += [
        "Made by `gan-rosetta faults --check --markdown FILE`. Each cell: GANs in which the fault was found at its"
    ]
    lines += [
        "place, of GANs that it touches. A place is a phase, a quantity and, where it has one, a layer or tensor.",
        "The GANs on digits are taken with small batches, the convolutional one with an eighth of its channels.",
        "",
    ]
    lines += [
        f"| fault | {' | '.join(map(as_markdown, backends))} | found in |",
        f"|---|{'---|' * (len(backends) + 1)}",
    ]
    for fault in dict.fromkeys(trial.fault for trial in trials):
        shares = (_share(trials, fault, name) for name in backends)
        places = dict.fromkeys(
            as_markdown(_short(trial.found)) for trial in trials if trial.fault == fault and trial.found
        )
        lines.append(f"| {fault or 'none planted, none alarmed'} | {' | '.join(shares)} | {'; '.join(places)} |")
    right = sum(trial.is_right for trial in trials)
    lines += ["", f"{right} of {len(trials)} cells right.", ""]
    return "\n".join(lines)


def _share(trials: Sequence[Trial], fault: str, backend: str) -> str:
    cells = [trial for trial in trials if trial.fault == fault and trial.backend == backend]
    return f"{sum(trial.is_right for trial in cells)}/{len(cells)}"


def _short(row: Row) -> str:
    name = "" if row.quantity == "order" else f" of {row.name}"
    return f"{row.phase}: {row.quantity}{name}"


def _shown(rows: list[Row], offender: Row | None) -> Iterable[Row]:
    if offender is None:
        for visit in dict.fromkeys(row.visit for row in rows):
            yield max((r for r in rows if r.visit == visit and r.is_comparable), key=lambda row: row.in_noise)
        return
    place = next(index for index, row in enumerate(rows) if row is offender)
    first = max(0, place - _ROWS_BEFORE)
    yield from rows[first : place + 1 + _ROWS_AFTER]


def _found(trial: Trial) -> str:
    return "found nowhere" if trial.found is None else f"found in {trial.found.place}"


def _numbers(row: Row) -> tuple[str, str, str]:
    floors = f"{row.in_noise:.1f}" if row.in_noise < 1e4 else f"{row.in_noise:.0e}"
    return _number(row.got), _number(row.expected), floors


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.7g}"
