"""The terminal's tables name every GAN and folder whole, however narrow the terminal is."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from gan_rosetta.shared.compare.verdict import PairVerdict
from gan_rosetta.shared.gans import CATALOGUE
from gan_rosetta.shared.report.tables import comparison_lines, comparison_table, run_table
from gan_rosetta.shared.runs.comparison import GanComparison
from gan_rosetta.shared.runs.record import read_run
from tests.unit.compare.yardsticks import yardstick_of
from tests.unit.report.recorded import record_gan

LONGEST = max(CATALOGUE, key=len)


@pytest.fixture
def runs(tmp_path):
    folder = record_gan(tmp_path, CATALOGUE[LONGEST])
    return tuple(read_run(folder / backend) for backend in ("numpy", "torch"))


def column(table, index):
    """The cells of a column at 80 characters a line, the lines of a cell put together."""
    text = StringIO()
    Console(file=text, width=80).print(table)
    rows = [line.split("│")[1:-1] for line in text.getvalue().splitlines() if line.startswith("│")]
    return "".join(row[index].strip() for row in rows)


def compared(runs, *, largest):
    pair = PairVerdict(
        pair=("numpy", "torch"), verdict="AGREE", reason="", checked_steps=30, num_steps=30, largest=largest
    )
    yardstick = yardstick_of({})
    return GanComparison(
        spec=CATALOGUE[LONGEST], runs=runs, yardsticks={"float64": yardstick}, pairs=(pair,), failures={}
    )


def test_names_are_whole_on_a_narrow_terminal(runs):
    assert column(run_table(runs), 0) == LONGEST * 2
    assert column(comparison_table([compared(runs, largest=1e-15)]), 0) == LONGEST


@pytest.mark.parametrize(
    ("largest", "said"),
    [(2.3e-15, "losses within 2e-15"), (0.0, "the same losses"), (float("nan"), "losses within nan")],
)
def test_a_verdict_says_how_close_the_losses_are(runs, largest, said):
    (line,) = comparison_lines(compared(runs, largest=largest))
    assert line.plain == f"{LONGEST}: AGREE: nowhere in 30 steps; {said}"


def test_who_failed_stands_below_the_verdict_and_what_it_says_is_text(runs):
    found = replace(compared(runs, largest=0.0), failures={"jax:compiled": "[/red] out of memory"})
    assert [line.plain for line in comparison_lines(found)][1] == "  jax:compiled failed: [/red] out of memory"
