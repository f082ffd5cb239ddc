"""The terminal's tables name every GAN and folder whole, however narrow the terminal is."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from gan_rosetta.shared.compare.finding import Finding
from gan_rosetta.shared.compare.verdict import PairVerdict
from gan_rosetta.shared.gans import CATALOGUE
from gan_rosetta.shared.report.tables import comparison_lines, gan_table, pair_lines, run_lines, speed_lines
from gan_rosetta.shared.runs.comparison import GanComparison
from gan_rosetta.shared.runs.record import read_run
from tests.unit.compare.yardsticks import yardstick_of
from tests.unit.report.recorded import record_gan

LONGEST = max(CATALOGUE, key=len)


@pytest.fixture
def runs(tmp_path):
    folder = record_gan(tmp_path, CATALOGUE[LONGEST])
    return tuple(read_run(folder / backend) for backend in ("numpy", "torch"))


def compared(runs, *, largest):
    pair = PairVerdict(
        pair=("numpy", "torch"), verdict="AGREE", reason="", checked_steps=30, num_steps=30, largest=largest
    )
    yardstick = yardstick_of({})
    return GanComparison(
        spec=CATALOGUE[LONGEST], runs=runs, yardsticks={"float64": yardstick}, pairs=(pair,), failures={}
    )


def renamed(run, name):
    return replace(run, record={**run.record, "run": name})


@pytest.mark.parametrize("width", [80, 40])
def test_names_are_whole_however_narrow_the_terminal_is(runs, width):
    named = tuple(renamed(run, f"{run.name}@a-long-environment:compiled:float32") for run in runs)
    text = StringIO()
    console = Console(file=text, width=width)
    found = replace(compared(named, largest=1e-15), runs=named)
    for line in (*run_lines(named), *speed_lines([found]), *pair_lines(found)):
        console.print(line, soft_wrap=True, highlight=False)
    words = text.getvalue().split()
    for run in named:
        assert words.count(run.name) == 2
        assert f"Folder of {LONGEST} on {run.name}: {run.folder}\n" in text.getvalue()
    assert words.count(LONGEST) == 2 + 1 + 2


def test_the_catalogue_is_whole_at_80_columns():
    text = StringIO()
    Console(file=text, width=80).print(gan_table())
    assert set(CATALOGUE) <= set(text.getvalue().split())


def test_each_pair_has_a_line_with_its_findings_below(runs):
    finding = Finding(where="a tensor at the end", difference=0.5, allowed=1e-9, phase="adversarial", step=9)
    found = compared(runs, largest=0.0)
    pair = replace(found.pairs[0], verdict="DISAGREE", findings=(finding,), first_over={"1e-09": "step 4"})
    lines = [line.plain for line in pair_lines(replace(found, pairs=(pair,)))]
    assert lines[1:] == ["numpy and torch: DISAGREE: identical losses, over 1e-9 first at step 4", f"  {finding}"]
    mismatched = replace(pair, verdict="NOT COMPARABLE", reason="other tapes", findings=(), num_steps=0)
    lines = [line.plain for line in pair_lines(replace(found, pairs=(mismatched,)))]
    assert lines[1:] == ["numpy and torch: NOT COMPARABLE", "  other tapes"]


def test_who_parts_is_named_whole_with_the_command_that_looks_into_it(runs):
    long = "torch@a-long-environment:compiled"
    named = (runs[0], renamed(runs[1], long))
    pair = PairVerdict(pair=("numpy", long), verdict="DISAGREE", reason="generator's loss at step 3: far apart")
    found = replace(compared(named, largest=1.0), runs=named, pairs=(pair,))
    first, *others = [line.plain for line in comparison_lines(found)]
    assert first == f"{LONGEST}: DISAGREE: numpy and {long}: generator's loss at step 3: far apart"
    assert f"  look into it: gan-rosetta diagnose {LONGEST} --runs {long} --seed 3" in others


@pytest.mark.parametrize(
    ("largest", "said"),
    [(2.3e-15, "losses within 2e-15"), (0.0, "identical losses"), (float("nan"), "losses within nan")],
)
def test_a_verdict_says_how_close_the_losses_are(runs, largest, said):
    (line,) = comparison_lines(compared(runs, largest=largest))
    assert line.plain == f"{LONGEST}: AGREE: nowhere in 30 steps; {said}"


def test_who_failed_stands_below_the_verdict_and_what_it_says_is_text(runs):
    found = replace(compared(runs, largest=0.0), failures={"jax:compiled": "[/red] out of memory"})
    assert [line.plain for line in comparison_lines(found)][1] == "  jax:compiled failed: [/red] out of memory"
