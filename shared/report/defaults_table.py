"""What the frameworks' defaults do to a GAN, in words, as lines of the terminal and as cells of a table."""

from __future__ import annotations

import math

from gan_rosetta.shared.compare.distances import Floats
from gan_rosetta.shared.defaults.measurement import ALL, BOUND, MOMENTS, GanMeasurement, Measurement
from gan_rosetta.shared.diagnose.rows import Row
from gan_rosetta.shared.faults.subjects import SUBJECTS

HEADERS = (
    "Default",
    "The GAN's → the framework's",
    "First difference",
    "Its size",
    *(f"Losses after {moment}" for moment in MOMENTS),
    "At the end",
    f"First over {BOUND:.0%}",
)
CHANGES = "Does it change what comes out?"
_CHANGE_WORDS = {"DIFFERENT": "yes", "EQUIVALENT": "no", "UNDECIDED": "undecided"}


def headers(result: GanMeasurement, /) -> tuple[str, ...]:
    """Return HEADERS, and CHANGES where that was asked over many seeds."""
    return (*HEADERS, CHANGES) if result.changes else HEADERS


def defaults_lines(result: GanMeasurement, /) -> list[str]:
    """Return a line a default that is not the GAN's own, and below it what it does; the others at the end."""
    about = f" ({result.differs})" if result.differs else ""
    lines = [f"{result.gan}: the frameworks' defaults{about}"]
    same: dict[str, list[str]] = {}
    moments = ", ".join(map(str, MOMENTS))
    for measurement in result.measurements:
        title, change, first, size, *apart, over = cells(result, measurement)[: len(HEADERS)]
        if measurement.same:
            same.setdefault(measurement.framework, []).append(title)
            continue
        lines.append(f"{measurement.framework}, {title}: {change}")
        lines.append(f"  first difference: {first}{f', {size}' if size else ''}")
        losses = ", ".join(entry or "none" for entry in apart)
        lines.append(f"  losses after {moments}, at the end: {losses}; over {BOUND:.0%}: {over}")
        if result.changes:
            lines.append(f"  does it change what comes out over seeds? {change_over_seeds(result, measurement)}")
    return lines + [f"{name}, the same as the GAN's: {'; '.join(titles)}" for name, titles in same.items()]


def change_over_seeds(result: GanMeasurement, measurement: Measurement, /) -> str:
    """Return whether a default changes what comes out over many seeds, and of what changes the most how much."""
    matter = result.changes.get((measurement.framework, measurement.subject))
    if matter is None:
        return ""
    word, effect = _CHANGE_WORDS[matter.verdict], matter.largest
    return word if word == "no" else f"{word}: {effect.outcome} {effect.first:.2g} → {effect.second:.2g}"


def cells(result: GanMeasurement, measurement: Measurement, /) -> tuple[str, ...]:
    """Return what stands under headers, with an asterisk where rounding alone would part the GAN from itself too."""
    last = (change_over_seeds(result, measurement),) if result.changes else ()
    return *_cells(result, measurement), *last


def _cells(result: GanMeasurement, measurement: Measurement) -> tuple[str, ...]:
    everything = measurement.subject == ALL
    title = "all together" if everything else SUBJECTS[measurement.subject].title
    change = measurement.value if everything else f"{measurement.own} → {measurement.value}"
    if measurement.same:
        own = measurement.value if everything else measurement.own
        return (title, own, "same", *[""] * (len(HEADERS) - 3))
    apart = result.apart(measurement)
    moments = [_at(result, apart, moment) for moment in MOMENTS]
    over = result.first_over(measurement)
    marked = "never" if over is None else f"step {over}{_chaos(result, over)}"
    first = measurement.first
    return (
        title,
        change,
        f"none in {result.num_steps} steps" if first is None else place(first),
        "" if first is None else percent(first.difference),
        *moments,
        _at(result, apart, result.num_steps - 1),
        marked,
    )


def place(row: Row, /) -> str:
    """Return where a difference is: step, phase, quantity and name."""
    if row.phase == "start":
        return f"before the first step: {row.name}"
    return f"{row.visit}, {row.phase}: {row.quantity} {row.name}"


def percent(amount: float, /) -> str:
    """Return a relative difference: a percentage where it is one at a glance, else a power of ten."""
    if amount == 0:
        return "0"
    if not math.isfinite(amount):
        return "not finite"
    if amount < 1e-4:
        return f"{amount:.0e}"
    return f"{100 * amount:.2g}%" if amount < 0.1 else f"{100 * amount:.0f}%"


def _at(result: GanMeasurement, apart: Floats, step: int) -> str:
    return f"{percent(float(apart[step]))}{_chaos(result, step)}" if step < len(apart) else ""


def _chaos(result: GanMeasurement, step: int) -> str:
    return "*" if step >= result.horizon else ""
