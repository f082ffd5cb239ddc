"""What came of runs over many seeds, in lines: the verdict first, then what differs, or what is not decided."""

from __future__ import annotations

from collections.abc import Iterable

from gan_rosetta.shared.report.listing import aligned
from gan_rosetta.shared.seeds.equivalence import Effect
from gan_rosetta.shared.seeds.job import SeedsOfRun
from gan_rosetta.shared.seeds.session import AcrossSeeds, SeedsPair

_ORDER = ("DIFFERENT", "UNDECIDED", "EQUIVALENT")


def across_lines(found: AcrossSeeds, /, *, is_whole: bool) -> list[str]:
    """Return the verdict, a sentence a pair, and a table of what differs or is not decided; is_whole: of everything."""
    lines = [f"{found.gan} over {found.num_seeds} seeds: {found.verdict}"]
    for pair in found.pairs:
        lines.append(f"  {' and '.join(pair.pair)}: {pair.verdict}: {_sentence(pair)}")
        shown = [effect for effect in pair.effects if is_whole or effect.verdict != "EQUIVALENT"]
        shown.sort(key=lambda effect: _ORDER.index(effect.verdict))
        lines += [f"    {line}" for line in _table(pair, shown)]
    return lines + [f"  {run} failed: {message}" for run, message in found.failures.items()]


def seeds_lines(found: SeedsOfRun, /) -> list[str]:
    """Return what came of a run over its seeds: how often what may happen did, and a row an outcome."""
    count = len(found.seeds)
    happened = ", ".join(f"{int(sum(values))} {name}" for name, values in found.happened.items())
    rows = [("outcome", "median", "middle half", "unit")]
    for name in found.numbers:
        quartiles = found.quartiles(name)
        low, median, high = quartiles or (float("nan"),) * 3
        rows.append((name, f"{median:.4g}", f"{low:.4g} to {high:.4g}", found.units[name]))
    return [f"{found.run} over {count} seeds: {happened}", *(f"  {line}" for line in aligned(rows, right=(1, 2)))]


def _sentence(pair: SeedsPair) -> str:
    if pair.verdict == "EQUIVALENT":
        return f"none of {len(pair.effects)} outcomes differs by as much as would matter"
    if pair.verdict == "DIFFERENT":
        names = (effect.outcome for effect in pair.effects if effect.verdict == "DIFFERENT")
        return f"{', '.join(names)} differ by more than half of what seeds do"
    needed = pair.seeds_to_decide
    return f"about {needed} seeds would decide" if needed else "more seeds would hardly decide"


def _table(pair: SeedsPair, effects: Iterable[Effect]) -> list[str]:
    header = ("outcome", *pair.pair, "difference", "interval", "too much", "verdict")
    rows = [
        (
            effect.outcome,
            f"{effect.first:.4g}",
            f"{effect.second:.4g}",
            f"{effect.difference:+.2g}",
            f"{effect.low:+.2g} to {effect.high:+.2g}",
            f"{effect.margin:.2g}",
            effect.verdict,
        )
        for effect in effects
    ]
    return aligned([header, *rows], right=range(1, 6)) if rows else []
