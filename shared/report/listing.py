"""Lines in columns for the terminal: aligned, and never cut or folded, so that what is copied from them works."""

from __future__ import annotations

from collections.abc import Sequence

_GAP = "  "


def aligned(rows: Sequence[Sequence[str]], /, *, right: Sequence[int] = ()) -> list[str]:
    """Return rows as lines, each column as wide as its widest entry; what is too wide for it a terminal itself breaks.

    right: the columns that are aligned at their right ends, such as numbers.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        entries = [
            entry.rjust(width) if index in right else entry.ljust(width)
            for index, (entry, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append(_GAP.join(entries).rstrip())
    return lines
