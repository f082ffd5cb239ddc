"""The atlas of accuracy as words, and as lines of the terminal in which no name is cut."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from gan_rosetta.shared.accuracy.catalogue import GROUPS
from gan_rosetta.shared.accuracy.findings import SOUND_ULP, Row, by_place
from gan_rosetta.shared.accuracy.session import Atlas
from gan_rosetta.shared.interface import EXECUTIONS, Dtype
from gan_rosetta.shared.report.listing import aligned

NOT_COVERED, KNOWN = "✗", "†"


def accuracy_lines(atlas: Atlas, /) -> list[str]:
    """Return each group of operations in aligned lines: one a quantity and type, with a column for each backend."""
    lines = []
    for group, title in GROUPS.items():
        rows = group_lines(atlas, group)
        if rows:
            lines += ["", f"{title}: largest error in ulp, eager / compiled"]
            lines += aligned([("operation", "quantity", "type", *atlas.backends), *rows])
    return lines


def group_lines(atlas: Atlas, group: str, /) -> list[tuple[str, ...]]:
    """Return a group's lines: operation, quantity, type, and a cell for each backend."""
    names = {operation.name for operation in atlas.operations if operation.group == group}
    lines = []
    for (operation, quantity, dtype), rows in by_place(atlas.rows).items():
        if operation in names:
            lines.append((operation, quantity, dtype, *(_cell(rows, backend) for backend in atlas.backends)))
    order = [operation.name for operation in atlas.operations]
    return sorted(lines, key=lambda line: (order.index(line[0]), _position(atlas, line), line[2]))


def _position(atlas: Atlas, line: Sequence[str]) -> int:
    operation = next(each for each in atlas.operations if each.name == line[0])
    return [quantity.name for quantity in operation.quantities].index(line[1])


def _cell(rows: Sequence[Row], backend: str) -> str:
    """Return a backend's errors, one number where its executions do the same."""
    own = sorted((row for row in rows if row.backend == backend), key=lambda row: EXECUTIONS.index(row.execution))
    parts = list(dict.fromkeys(_entry(row) for row in own))
    return " / ".join(parts)


def _entry(row: Row) -> str:
    """Return the largest error where the reference's formula is sound, and with an arrow where it is not."""
    text = in_words(row.sound, row.dtype)
    if row.largest > max(SOUND_ULP, row.sound):
        text += f" → {in_words(row.largest, row.dtype)}"
    mark = NOT_COVERED if row.unexplained else KNOWN if row.defects else ""
    return f"{text} {mark}".rstrip()


def in_words(ulp: float, dtype: Dtype, /) -> str:
    """Return an error in ulp, "all" where no digit is left, "∞" where a result is not finite and should be."""
    if not math.isfinite(ulp):
        return "∞"
    if ulp >= 2.0 ** (np.finfo(dtype).nmant - 1):
        return "all"
    if ulp < 0.05:
        return "0"
    if ulp < 100:
        return f"{ulp:.1f}"
    return f"{ulp:.0f}" if ulp < 10000 else f"{ulp:.0e}".replace("e+0", "e").replace("e+", "e")


def uncovered_lines(atlas: Atlas, /, *, most: int = 3) -> list[str]:
    """Return what is neither covered nor a known defect, a few results of each row, and a line of conclusion."""
    lines = []
    for row in atlas.rows:
        for each in row.unexplained[:most]:
            lines.append(
                f"{row.backend} {row.execution} {row.dtype}: {row.operation}, {row.quantity} at {each.label}: "
                f"{each.got:.9g} for {each.reference:.9g}, truth {each.truth:.9g}; "
                f"{each.apart:.1e} apart, rounding explains {each.allowed:.1e}"
            )
        rest = len(row.unexplained) - most
        if rest > 0:
            lines.append(f"{row.backend} {row.execution} {row.dtype}: {row.operation}, {row.quantity}: {rest} more")
    lines.append(conclusion(atlas))
    return lines


def conclusion(atlas: Atlas, /) -> str:
    """Return in one line how much is covered."""
    results = sum(len(row.errors) for row in atlas.rows)
    known = sum(len(row.uncovered) - len(row.unexplained) for row in atlas.rows)
    unknown = sum(len(row.unexplained) for row in atlas.rows)
    covered = results - known - unknown
    return f"{covered} of {results} results covered by rounding, {known} by known defects, {unknown} by neither"
