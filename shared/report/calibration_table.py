"""What a calibration came to, in words, and in lines of the terminal in which no name is cut."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from gan_rosetta.shared.calibrate.changes import CHANGES
from gan_rosetta.shared.calibrate.counting import Count, count_pairs, leading, of_kind
from gan_rosetta.shared.calibrate.pairs import JudgedPair
from gan_rosetta.shared.calibrate.power import Power
from gan_rosetta.shared.calibrate.session import Calibration
from gan_rosetta.shared.report.listing import aligned

COUNT_HEADERS = ("", "Pairs", "False alarms", "95 % bound", "Silences", "Largest of allowed")
POWER_HEADERS = ("GAN", "Mistake", "Type", "Seen after 1 step", "After all", "Where", "diagnose", "Half, twice")
_TITLES = {change.name: change.title for change in CHANGES}


def count_rows(pairs: Sequence[JudgedPair], /) -> list[tuple[str, ...]]:
    """Return what stands under COUNT_HEADERS: all pairs of backends, by type, by execution, and copies."""
    own, copies = of_kind(pairs, "backends"), of_kind(pairs, "copies")
    rows = [count_row("pairs of backends", count_pairs(own))] if own else []
    rows += _by(own, lambda pair: pair.cell.dtype)
    rows += _by(own, lambda pair: pair.cell.execution)
    if copies:
        rows.append(count_row("pairs of copies", count_pairs(copies)))
    return rows


def regime_rows(pairs: Sequence[JudgedPair], /) -> list[tuple[str, ...]]:
    """Return what stands under COUNT_HEADERS: pairs of backends by regime, of copies where there is none."""
    return _by(leading(pairs), lambda pair: pair.cell.regime)


def backend_rows(pairs: Sequence[JudgedPair], /) -> list[tuple[str, ...]]:
    """Return what stands under COUNT_HEADERS: pairs of backends by which two they are."""
    return _by(of_kind(pairs, "backends"), lambda pair: " and ".join(pair.pair))


def count_row(title: str, count: Count, /) -> tuple[str, ...]:
    """Return one row under COUNT_HEADERS."""
    return (
        title,
        f"{count.alarms.total}",
        f"{count.alarms.count}",
        f"{100 * count.alarms.upper:.2g} %",
        f"{count.silences.count}",
        f"{count.largest:.2f}" if count.largest < 100 else f"{count.largest:.0e}",
    )


def power_rows(powers: Sequence[Power], /) -> list[tuple[str, ...]]:
    """Return what stands under POWER_HEADERS."""
    return [
        (
            power.gan,
            _TITLES[power.change],
            power.dtype,
            size(float(power.smallest[1])),
            size(power.least),
            power.where,
            size(min(power.diagnosed.values(), default=math.inf)),
            "not planted" if power.judged is None else ", ".join(power.judged),
        )
        for power in powers
    ]


def size(amount: float, /) -> str:
    """Return a relative size; what is as large as the number itself is not seen."""
    return f"{amount:.0e}" if amount < 1.0 else "not seen"


def calibration_lines(result: Calibration, /) -> list[str]:
    """Return the counts and the smallest mistakes in aligned lines, in which no name is cut."""
    lines = []
    if result.pairs:
        lines += _lines("How often right pairs do not agree", COUNT_HEADERS, count_rows(result.pairs))
        lines += _lines("By regime", COUNT_HEADERS, regime_rows(result.pairs))
    if result.powers:
        lines += _lines("The smallest mistake that is seen", POWER_HEADERS, power_rows(result.powers))
    return lines


def summary_lines(result: Calibration, /) -> list[str]:
    """Return what a calibration came to, line by line."""
    lines = []
    for kind, title in (("backends", "backends"), ("copies", "copies of the reference")):
        own = of_kind(result.pairs, kind)
        if not own:
            continue
        count = count_pairs(own)
        kept = "as seldom as promised" if count.keeps_promise else "MORE OFTEN THAN PROMISED"
        lines.append(
            f"Pairs of right {title}: {count.alarms} are false alarms, {count.silences.count} silences; in "
            f"{count.trainings} trainings there is a false alarm, {kept} ({100 * count.promised:.2g} %). Quantities "
            f"off: {count.quantities}."
        )
    if result.powers:
        wrong = [power for power in result.powers if power.is_otherwise]
        lines.append(
            f"Planted mistakes: {len(result.powers)} smallest sizes; {len(wrong)} of them judged otherwise than told."
        )
    lines.append(f"It took {result.seconds:.0f} s.")
    return lines


def _by(pairs: Sequence[JudgedPair], key: Callable[[JudgedPair], str]) -> list[tuple[str, ...]]:
    groups: dict[str, list[JudgedPair]] = {}
    for pair in pairs:
        groups.setdefault(key(pair), []).append(pair)
    return [count_row(title, count_pairs(own)) for title, own in groups.items()]


def _lines(title: str, headers: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return ["", f"{title}:", *aligned([headers, *rows])]
