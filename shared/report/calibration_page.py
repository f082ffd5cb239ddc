"""The page of the judge's own errors, in Markdown, with its pictures beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gan_rosetta.shared.calibrate.counting import Count, count_pairs, of_kind
from gan_rosetta.shared.calibrate.pairs import JudgedPair
from gan_rosetta.shared.calibrate.plan import CalibrationPlan
from gan_rosetta.shared.calibrate.regimes import find_regimes
from gan_rosetta.shared.calibrate.session import Calibration
from gan_rosetta.shared.compare.tolerance import FALSE_ALARM_RATE
from gan_rosetta.shared.report.calibration_picture import draw_calibration
from gan_rosetta.shared.report.calibration_power import draw_power
from gan_rosetta.shared.report.calibration_table import (
    COUNT_HEADERS,
    POWER_HEADERS,
    backend_rows,
    count_rows,
    power_rows,
    regime_rows,
)
from gan_rosetta.shared.report.pictures import write_picture
from gan_rosetta.shared.report.shown import as_markdown
from gan_rosetta.shared.storage.files import write_bytes

ALARMS_PICTURE, POWER_PICTURE = "calibration.png", "calibration-power.png"
_MOST_LISTED = 40

_INTRODUCTION = """\
# How often the judge is wrong

Made by `gan-rosetta calibrate --markdown docs/calibration.md`: {num_regimes} regimes, {num_seeds} seeds, {dtypes},
{executions}, on {backends}, in {minutes:.0f} minutes.

A judge errs in two ways. It may find a fault where there is none, and it may overlook one. Both are measured here, by
the same `judge` that `compare` asks.
"""

_READING = """\
## How to read it

- A **pair** is two backends' runs of one GAN from one state on one tape. All backends hold every law of the suite, so
  whatever is not AGREE is the judge's error: DISAGREE a **false alarm**, NOT COMPARABLE a **silence**. A silence is
  right where both runs end in NaN or infinity, as some regimes are made to.
- **Copies** are copies of the reference that round at random and were held out of the yardstick: what the judge's
  promise is about, without any framework's habits.
- The **95 % bound** is the largest rate behind such a count that would still give so few in one of 20 calibrations
  (exact binomial; Clopper and Pearson 1934). It takes pairs for independent. Those of one seed are not: they share the
  yardstick, and two with a backend in common share its run. So a fault of the yardstick shows as a cluster, and the
  count of *trainings* with a false alarm, whose seeds are independent, is the one to go by where there are several.
- **Of allowed**: the largest difference of a pair over what is allowed there, over all losses, tensors and outputs that
  were judged. Over 1 is a false alarm.
- What is promised is a rate of {rate:.0e} for each quantity that is judged, not for each pair, and so a share of
  trainings in which one or more is off; the command's exit status is 1 where there are more, by more than chance makes
  of it once in 1000 times.
"""

_POWER = """\
## How small a mistake is seen

A number of the program is multiplied by 1 + δ: one gradient of the network that trains first (its last weight's), that
network's learning rate, its optimizer's ε, or the momentum of a BatchNorm. Drawn is the smallest δ that `compare` finds
in a run of so many steps, by linear response on the reference (see `shared/calibrate/power.py`); dots are what
`diagnose` finds in the single step that it looks into. Each end of a line was checked by planting half of it, which
must AGREE, and twice it, which must DISAGREE; the last column of the table says what came of it. An ε is seen late or
never where gradients are large beside it: then it hardly matters.
"""


def write_page(path: Path, result: Calibration, /) -> list[Path]:
    """Write the page, and its pictures into pictures/ beside it; returns the files written."""
    pictures = path.parent / "pictures"
    pictures.mkdir(exist_ok=True)
    written = [path]
    if result.pairs:
        write_picture(pictures / ALARMS_PICTURE, draw_calibration(result.pairs))
        written.append(pictures / ALARMS_PICTURE)
    if result.powers:
        write_picture(pictures / POWER_PICTURE, draw_power(result.powers))
        written.append(pictures / POWER_PICTURE)
    write_bytes(path, calibration_markdown(result).encode())
    return written


def calibration_markdown(result: Calibration, /) -> str:
    """Return the page: how to read it, then what came of it, then the tables."""
    plan = result.plan
    backends = list(dict.fromkeys(name for pair in of_kind(result.pairs, "backends") for name in pair.pair))
    parts = [
        _INTRODUCTION.format(
            num_regimes=len(plan.regimes),
            num_seeds=len(plan.seeds),
            dtypes=" and ".join(plan.dtypes),
            executions=_executions(result.pairs, plan),
            backends=", ".join(map(as_markdown, backends)) or "the reference alone",
            minutes=result.seconds / 60,
        ),
        _READING.format(rate=FALSE_ALARM_RATE),
    ]
    if result.pairs:
        parts += [_found(result.pairs), _regimes(result.pairs), _exceptions(result.pairs)]
    if result.powers:
        picture = f"![The smallest mistakes that are seen, by steps judged](pictures/{POWER_PICTURE})\n"
        parts += [_POWER, picture, _table(POWER_HEADERS, power_rows(result.powers))]
    return "\n".join(parts)


def _executions(pairs: Sequence[JudgedPair], plan: CalibrationPlan) -> str:
    compiled = {pair.cell.regime for pair in pairs if pair.cell.execution == "compiled"}
    if len(plan.executions) == 1 or len(compiled) == len(plan.regimes):
        return " and ".join(plan.executions)
    return f"eager and, in {len(compiled)} regimes, compiled"


def _found(pairs: Sequence[JudgedPair]) -> str:
    lines = ["## What came of it", ""]
    for kind in ("backends", "copies"):
        own = of_kind(pairs, kind)
        if own:
            lines += [_said_of(count_pairs(own), kind), ""]
    lines += [
        f"![How near right pairs come to the limit](pictures/{ALARMS_PICTURE})",
        "",
        _table(COUNT_HEADERS, [*count_rows(pairs), *backend_rows(pairs)]),
    ]
    return "\n".join(lines)


def _said_of(count: Count, kind: str) -> str:
    kept = "no more than" if count.keeps_promise else "**more than**"
    return (
        f"Of {count.alarms.total} pairs of {kind}, {count.alarms.count} are false alarms, a rate of at most "
        f"{100 * count.alarms.upper:.2g} %, in {count.trainings.count} of {count.trainings.total} trainings; "
        f"{count.silences.count} are silences. Trainings with a false alarm are {kept} chance makes of the "
        f"{100 * count.promised:.2g} % that are promised. Of {count.quantities.total} quantities judged, "
        f"{count.quantities.count} were off."
    )


def _regimes(pairs: Sequence[JudgedPair]) -> str:
    rows = regime_rows(pairs)
    summaries = {regime.name: regime.summary for regime in find_regimes([row[0] for row in rows])}
    headers = ("Regime", *COUNT_HEADERS[1:], "What it is there for")
    return "\n".join(["## By regime", "", _table(headers, [(*row, summaries[row[0]]) for row in rows])])


def _exceptions(pairs: Sequence[JudgedPair]) -> str:
    """Return each reason of a false alarm or silence once, with how many pairs have it, the frequent ones first."""
    groups: dict[tuple[str, str, str, str], list[JudgedPair]] = {}
    for pair in pairs:
        if pair.verdict != "AGREE":
            kind = "frameworks" if pair.cell.kind == "backends" else "copies"
            reason = pair.reason.partition(":")[0]
            groups.setdefault((pair.verdict, str(pair.cell), kind, reason), []).append(pair)
    if not groups:
        return "Every pair AGREES.\n"
    ordered = sorted(groups.items(), key=lambda item: (item[0][0] != "DISAGREE", -len(item[1])))
    lines = ["## Each false alarm and silence", ""]
    rows = [
        (verdict, cell, kind, f"{len(own)}", ", ".join(sorted({str(pair.seed) for pair in own})), own[0].reason)
        for (verdict, cell, kind, _), own in ordered[:_MOST_LISTED]
    ]
    lines.append(_table(("Verdict", "Where", "Of", "Pairs", "Seeds", "Reason, of the first"), rows))
    if len(ordered) > _MOST_LISTED:
        lines.append(f"And {len(ordered) - _MOST_LISTED} more.\n")
    return "\n".join(lines)


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [_row(headers), _row(["---"] * len(headers)), *map(_row, rows)]
    return "\n".join([*lines, ""])


def _row(entries: Sequence[str]) -> str:
    return f"| {' | '.join(map(as_markdown, entries))} |"
