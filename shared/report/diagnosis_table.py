"""A diagnosis on the terminal: a sentence a backend, and the rows around the first one that is off."""

from __future__ import annotations

import math
from collections.abc import Iterable

from rich.table import Table
from rich.text import Text

from shared.diagnose.rows import Row
from shared.diagnose.session import Diagnosis
from shared.faults import FAULTS
from shared.gans import CATALOGUE

_ROWS_BEFORE = 12
_ROWS_AFTER = 6


def diagnosis_sentences(diagnosis: Diagnosis, /) -> list[Text]:
    """Return one sentence a backend: where it first parts from the reference, or that it does not."""
    lines = []
    for name, rows in diagnosis.rows.items():
        offender = diagnosis.offender(name)
        if offender is None:
            worst = max((row for row in rows if row.comparable and row.noise), key=lambda row: row.in_noise)
            visits = len(dict.fromkeys(row.visit for row in rows))
            text = f"{name}: {len(rows)} quantities in {visits} steps, none beyond rounding"
            detail = f" (largest {worst.in_noise:.1f} times the noise floor: {_place(worst)})"
            lines.append(Text.assemble((text, "green"), detail))
        else:
            text = f"{name} is wrong, first in {_place(offender)}: "
            lines.append(Text.assemble((text, "bold red"), _amount(offender)))
    return lines


def diagnosis_table(name: str, rows: list[Row], offender: Row | None, /) -> Table:
    """Return the rows of the offending step around the offender, or each step's worst row where there is none."""
    table = Table(title=f"{name}, in order of execution", title_justify="left")
    for header in ("Step", "Phase", "Quantity", "Pass", "Name"):
        table.add_column(header)
    for header in ("Got", "Expected", "Difference", "In noise floors"):
        table.add_column(header, justify="right")
    table.add_column("Verdict")
    for row in _shown(rows, offender):
        style = "bold red" if row is offender else "red" if row.is_off else "dim" if not row.comparable else ""
        marker = " ← first" if row is offender else ""
        table.add_row(
            row.visit,
            row.phase,
            row.quantity,
            row.stream,
            row.name,
            _number(row.got),
            _number(row.expected),
            f"{row.difference:.1e}",
            f"{row.in_noise:.1f}" if row.in_noise < 1e4 else f"{row.in_noise:.0e}",
            row.verdict + marker,
            style=style,
        )
    return table


def fault_table() -> Table:
    """Return the catalogue of faults, with the GANs that each touches."""
    table = Table("Fault", "What it does", "Touches", title="Faults to plant", title_justify="left")
    for fault in FAULTS.values():
        touched = [spec.name for spec in CATALOGUE.values() if fault.plant(spec) is not None]
        table.add_row(fault.name, fault.summary, "all" if len(touched) == len(CATALOGUE) else ", ".join(touched))
    return table


def _shown(rows: list[Row], offender: Row | None) -> Iterable[Row]:
    if offender is None:
        for visit in dict.fromkeys(row.visit for row in rows):
            yield max((r for r in rows if r.visit == visit and r.comparable), key=lambda row: row.in_noise)
        return
    place = next(index for index, row in enumerate(rows) if row is offender)
    first = max(0, place - _ROWS_BEFORE)
    yield from rows[first : place + 1 + _ROWS_AFTER]


def _place(row: Row) -> str:
    stream = f" on {row.stream}" if row.stream else ""
    return f"{row.visit}, {row.phase} phase, {row.quantity} of {row.name}{stream}"


def _amount(row: Row) -> str:
    if row.quantity == "order":
        return "the step runs in another order"
    if row.got is None:
        return "it is not computed, or has another shape"
    index = f"[{', '.join(map(str, row.index))}]" if row.index else ""
    floors = "" if math.isinf(row.in_noise) else f", {row.in_noise:.1e} noise floors"
    return f"{row.got:.9g} for {row.expected:.9g} at {index or 'its only entry'}{floors}"


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.9g}"
