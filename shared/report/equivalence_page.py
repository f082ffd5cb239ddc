"""How often `compare --seeds` is wrong, in lines and as a page in Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from textwrap import fill

from gan_rosetta.shared.calibrate.over_seeds import SeedsCalibration
from gan_rosetta.shared.report.shown import as_markdown
from gan_rosetta.shared.seeds.equivalence import ERROR_RATE
from gan_rosetta.shared.storage.files import write_bytes

_LINE = 120
_PAGE = """\
# How often `compare --seeds` is wrong

Made{minutes} by

```
{command}
```

`compare --seeds` calls two runs EQUIVALENT, DIFFERENT or UNDECIDED ([agreement.md](agreement.md#over-many-seeds)). Here
it is asked of runs of which it is known what it should say: the reference against itself, each seed of which rounds at
random, and the reference against what planted faults make of it. Each test has seeds of its own. Trained are {steps}
steps of {gan} in {run}.

## The same program

{copies}

How far rounding takes a seed from itself, beside the spread between seeds (1: as far as another seed is):

{parted}

## Planted faults

How many tests of so many seeds each said DIFFERENT, and how many said EQUIVALENT, which would be wrong of a fault that
changes an outcome by more than the margin, and is right of one that changes less: half of the spread between seeds.

{powers}
"""


def calibration_lines(found: SeedsCalibration, /) -> list[str]:
    """Return what came of it: the copies, and a line a fault."""
    lines = [f"{found.gan} in {found.run}, {found.num_steps} steps: {copies_line(found)}"]
    for power in found.powers:
        tests = ", ".join(f"{test.share('DIFFERENT')} over {test.seeds} seeds" for test in power.tests)
        lines.append(f"  {power.fault}: DIFFERENT in {tests}")
    return lines


def copies_line(found: SeedsCalibration, /) -> str:
    """Return how often the reference was said to differ from itself, with the bound of that rate."""
    copies = found.copies
    different = copies.share("DIFFERENT")
    return (
        f"of {different.total} tests over {copies.seeds} seeds each of the reference against its copies "
        f"{different.count} said DIFFERENT, a rate of at most {different.upper:.1%} (95 %), where {ERROR_RATE:.0%} is "
        f"stated; {copies.share('EQUIVALENT').count} said EQUIVALENT, {copies.share('UNDECIDED').count} UNDECIDED."
    )


def write_page(path: Path, found: SeedsCalibration, /, *, seconds: float | None = None) -> None:
    """Write the page. seconds: that it took to measure, where that is known."""
    counts = f"--tests {len(found.copies.verdicts)} --seeds {found.copies.seeds} --steps {found.num_steps}"
    dtype = found.run.rpartition(":")[2]
    said = copies_line(found)
    page = _PAGE.format(
        command=f"gan-rosetta equivalence {found.gan} {counts} --dtype {dtype} --markdown {path}",
        minutes="" if seconds is None else f" in {seconds / 60:.0f} minutes",
        gan=found.gan,
        steps=found.num_steps,
        run=found.run,
        copies=fill(as_markdown(said[0].upper() + said[1:]), _LINE),
        parted=_table(("outcome", "parted"), [(name, f"{value:.2g}") for name, value in found.parted.items()]),
        powers=_table(_headers(found), _rows(found)),
    )
    write_bytes(path, page.encode())


def _headers(found: SeedsCalibration) -> tuple[str, ...]:
    sizes = [test.seeds for test in found.powers[0].tests] if found.powers else []
    return ("fault", *(f"{size} seeds: DIFFERENT, EQUIVALENT" for size in sizes))


def _rows(found: SeedsCalibration) -> list[tuple[str, ...]]:
    return [
        (
            power.fault,
            *(f"{test.share('DIFFERENT')}, {test.share('EQUIVALENT').count}" for test in power.tests),
        )
        for power in found.powers
    ]


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [headers, ["---"] * len(headers), *([as_markdown(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
