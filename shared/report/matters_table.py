"""What matters, in lines: a row a treatment, those that change the most first."""

from __future__ import annotations

from gan_rosetta.shared.matters.session import Matters
from gan_rosetta.shared.report.listing import aligned

_WORDS = {"DIFFERENT": "matters", "EQUIVALENT": "does not matter", "UNDECIDED": "undecided"}
HEADERS = ("treatment", "does it matter?", "most on", "as it is", "treated", "difference", "interval", "too much")


def matters_lines(matters: Matters, /) -> list[str]:
    """Return how many treatments matter, a row each, and what failed."""
    counts = {word: sum(_WORDS[each.verdict] == word for each in matters.found) for word in _WORDS.values()}
    said = ", ".join(f"{count} {word}" for word, count in counts.items())
    seeds = len(matters.untreated.seeds)
    lines = [
        f"{matters.gan} in {matters.run} over {seeds} seed{'s' * (seeds != 1)}, {_counted(len(matters.found))}: {said}"
    ]
    if matters.found:
        lines += [f"  {line}" for line in aligned([HEADERS, *matters_rows(matters)], right=range(3, 8))]
    return lines + [f"  {name} failed: {message}" for name, message in matters.failures.items()]


def matters_rows(matters: Matters, /) -> list[tuple[str, ...]]:
    """Return the cells of each treatment, as HEADERS has them: the outcome that it changes the most by its margin."""
    rows: list[tuple[str, ...]] = []
    for matter in matters.found:
        effect = matter.largest
        rows.append(
            (
                matter.treatment,
                _WORDS[matter.verdict],
                effect.outcome,
                f"{effect.first:.4g}",
                f"{effect.second:.4g}",
                f"{effect.difference:+.2g}",
                f"{effect.low:+.2g} to {effect.high:+.2g}",
                f"{effect.margin:.2g}",
            )
        )
    return rows


def _counted(count: int) -> str:
    return "1 treatment" if count == 1 else f"{count} treatments"
