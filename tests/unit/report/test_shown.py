"""Hostile text through every place that shows text: it comes out as text, and not without end."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text as Letters
from rich.table import Table
from rich.text import Text

from gan_rosetta.benchmarks.page import page_text
from gan_rosetta.benchmarks.record import read_record, write_record
from gan_rosetta.notebook import judgement_html
from gan_rosetta.shared.cases.judgement import Judgement
from gan_rosetta.shared.diagnose.trials import Trial
from gan_rosetta.shared.gans import find_gan
from gan_rosetta.shared.report.as_data import as_text, train_as_data
from gan_rosetta.shared.report.cause_table import naming_markdown
from gan_rosetta.shared.report.defaults_page import defaults_markdown
from gan_rosetta.shared.report.diagnosis_table import trial_markdown
from gan_rosetta.shared.report.film import draw_frames
from gan_rosetta.shared.report.page.collect import collect
from gan_rosetta.shared.report.page.render import report_page
from gan_rosetta.shared.report.pictures import draw_pictures, draw_samples
from gan_rosetta.shared.report.progress import ProgressDisplay
from gan_rosetta.shared.report.shown import Terminal, as_html, as_json, as_markdown, map_texts, shown, shown_in_line
from gan_rosetta.shared.report.style import Plain, new_figure
from gan_rosetta.shared.report.tables import run_lines
from gan_rosetta.shared.runs.record import Run, read_run
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.workers.jobs import JobOutcome
from gan_rosetta.shared.workers.jobs import Progress as JobProgress
from tests.unit.benchmarks.synthetic import make_record, make_result
from tests.unit.defaults.test_measure import measured
from tests.unit.report.recorded import change, record_gan
from tests.unit.runs.orders import order_of

ROOT = Path(__file__).parents[3]
LONG = "x" * 10_000_000
HOSTILE = [
    "[/red]",
    "[bold]loud[/bold] [link=http://example.org]here[/link]",
    "\x1b[31mred\x1b]0;title\x07",
    "\x9b31mred\x7f",
    "over\rwritten\x08\x0b",
    "turned \u202eround\u2066",
    r"$\frac{$ and $\nothing$",
    "$",
    ":smile: {task.fields[count]} %s {0}",
    "<script>alert('here')</script> &amp;",
    "a | b `c` *d* [e](javascript:f)",
    "\ud800 no letter",
    LONG,
    "line\n" * 100_000,
]
names = pytest.mark.parametrize("text", HOSTILE, ids=[ascii(text[:12]) for text in HOSTILE])
# What of a terminal's own commands is written for a table or a bar: colours, and where the cursor goes.
_OWN = re.compile(r"\x1b\[[0-9;?]*[mKAhl]")
_COMMANDS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
MOST_LETTERS = 1_000_000


def written(show) -> str:
    """What is written to a terminal, its own commands left out."""
    stream = io.StringIO()
    console = Terminal(file=stream, force_terminal=True, width=100, color_system="truecolor")
    show(console)
    assert len(stream.getvalue()) < MOST_LETTERS
    return _OWN.sub("", stream.getvalue())


def flat(text: str) -> str:
    return "".join(text.split())


@names
def test_a_terminal(text):
    def show(console: Terminal) -> None:
        console.print(text, soft_wrap=True)
        console.print(Text.assemble("so: ", (text, "red")), soft_wrap=True)
        console.print(Path(text[:100]), text, soft_wrap=True)
        table = Table("name", text[:3000], title=text[:3000])
        table.add_row(text, Text(text))
        console.print(table)

    found = written(show)
    assert not _COMMANDS.search(found.replace("\r", "")), ascii(found[:500])
    if len(text) < 50:
        assert flat(shown(text)) in flat(found)


@names
def test_bars(text):
    order = order_of("linear-2d", "numpy", "f", name=text)

    def show(console: Terminal) -> None:
        with ProgressDisplay(console, num_jobs=2, writes_lines=True) as display:
            display.on_progress(JobProgress(settings=order, phase=text, done=1, total=10))
            display._bars.refresh()
            display.on_outcome(JobOutcome(settings=order, status="failed", message=text))

    found = written(show)
    assert not _COMMANDS.search(found.replace("\r", "")), ascii(found[:500])
    if len(text) < 20:
        assert shown(text) in found


@pytest.fixture(scope="module")
def recorded(tmp_path_factory) -> Path:
    return record_gan(tmp_path_factory.mktemp("runs"), find_gan("linear-2d"))


def hostile_runs(folder: Path, text: str) -> tuple[list[Run], GanSpec]:
    runs = [read_run(folder / backend) for backend in ("numpy", "torch")]
    # Of a text that ends with each run, so that their labels differ.
    names = (f"{text}{index}" for index in range(2))
    runs = [Run(run.folder, {**run.record, "run": name}) for run, name in zip(runs, names, strict=True)]
    return runs, replace(find_gan("linear-2d"), title=text, source=text)


@names
@pytest.mark.filterwarnings("ignore:Glyph")
def test_pictures_and_films(recorded, text, tmp_path):
    runs, spec = hostile_runs(recorded, text)
    for path in draw_pictures(tmp_path, runs, None, spec):
        assert path.stat().st_size < 2_000_000
    assert next(draw_frames(runs, spec)).size < 20_000_000
    figure = draw_samples(runs, spec)
    figure.draw_without_rendering()
    drawn = [found.get_text() for found in figure.findobj(Letters)]
    assert not any(_COMMANDS.search(letters) for letters in drawn)
    assert max(map(len, drawn)) < 2000
    if len(text) < 40:
        assert any(flat(shown(text)) in flat(letters) for letters in drawn), drawn


def test_axes_keep_their_powers_of_ten_and_nothing_else():
    figure = new_figure("title", width_inches=4, height_inches=3)
    assert isinstance(figure, Plain)
    axes = figure.subplots()
    axes.set_yscale("log")
    axes.plot([1, 2], [1e-3, 1e3])
    axes.set_xticks([1, 2], [r"$\nothing$", r"$\frac{$ of $"])
    figure.draw_without_rendering()
    assert not any(label.get_parse_math() for label in axes.get_xticklabels())
    assert any(label.get_text().startswith(r"$\mathdefault{10^{") for label in axes.get_yticklabels())
    assert axes.get_yticklabels()[0].get_parse_math()


@names
def test_the_page(recorded, tmp_path, text):
    said = as_utf8(text)[:100_000]
    spec = replace(find_gan("linear-2d"), title=said, source=said)
    folder = record_gan(tmp_path, spec, backends=("numpy", "torch"))
    for backend in ("numpy", "torch"):
        record = json.loads((folder / backend / "record.json").read_text())
        change(
            folder / backend / "record.json",
            run=f"{said[:2000]}{backend}",
            machine={**record["machine"], "processor": said},
            versions={said: said},
            outcome={**record["outcome"], "status": said},
        )
    change(folder / "comparison.json", failures={as_utf8(text)[:2000]: as_utf8(text)[:100_000]})
    page = report_page(collect(tmp_path))
    shown_part = page[: page.index("<style>")] + re.sub(r"<(script|style).*?</\1>", "", page, flags=re.DOTALL)
    assert not _COMMANDS.search(shown_part)
    assert "<script>alert" not in page
    assert len(shown_part) < MOST_LETTERS


def as_utf8(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


@names
def test_a_page_of_a_benchmark(tmp_path, text):
    said = as_utf8(text)[:100_000]
    record = make_record(make_result([1e-3, 2e-3, 1.5e-3]))
    machine = replace(record.machine, processor=said, system=said)
    options = replace(record.options, command=said)
    cells = tuple(replace(cell, reason=said, framework=said) for cell in record.cells)
    write_record(tmp_path / "record.json", replace(record, machine=machine, options=options, cells=cells))
    page = page_text(read_record(tmp_path / "record.json"))
    assert not _COMMANDS.search(page)
    assert not re.search(r"(?<!\\)<script|(?<!\\)\]\(javascript|\n```\n.*(?<!\\)`.*\n```", page.replace(r"\[e](", ""))
    assert len(page) < MOST_LETTERS


@names
def test_json_and_lines(recorded, text):
    runs, _ = hostile_runs(recorded, text)
    data = train_as_data(runs, [], folder=text)
    found = as_text(data)
    assert not _COMMANDS.search(found)
    assert json.loads(found) == data
    assert all(isinstance(line, str) for line in run_lines(runs))


def test_a_text_is_cut_where_it_is_too_long():
    assert shown("a" * 50, most_letters=50) == "a" * 50
    assert shown("a" * 51, most_letters=50) == "a" * 50 + "… (51 letters)"
    assert shown("one\n\ttwo\x1b\u202e\ud800") == "one\n\ttwo\\x1b\\u202e\\ud800"
    assert shown("\n".join(["a line"] * 600)).endswith("\n… (200 more lines)")
    assert shown_in_line("one\ntwo") == "one two"
    assert as_json('{"a": "\x9b\u2028"}') == '{"a": "\\u009b\\u2028"}'
    assert as_markdown("a|b\n`c` <d> [e](f) $g$") == r"a\|b \`c\` \<d> \[e](f) \$g\$"
    spec = find_gan("gaussian-1d")
    changed = map_texts(spec, lambda text: text.replace("hidden", "middle"))
    assert [layer.name for layer in changed.discriminator.layers if "middle" in getattr(layer, "name", "")]
    assert map_texts(spec, str) == spec


def test_nothing_else_shows_text():
    """Who makes a console or a figure of their own goes round all this."""
    others = {"Console": ["shared/data/download.py"], "Figure": []}
    for what, allowed in others.items():
        makes = re.compile(rf"(?<![\w.])(?:rich\.console\.)?{what}\(")
        found = [
            str(path.relative_to(ROOT))
            for room in ("shared", "benchmarks", "gan_rosetta")
            for path in sorted((ROOT / room).glob("**/*.py"))
            if makes.search(path.read_text(encoding="utf-8")) and path.name not in ("shown.py", "style.py")
        ]
        assert found == allowed, f"{found} make a {what}: use Terminal, or new_figure"
    assert issubclass(Plain, Figure)


@names
def test_a_page_of_defaults(text):
    page = defaults_markdown([replace(measured(), title=text)], seed=14)
    assert not _COMMANDS.search(page)
    assert f"\n\n{as_markdown(text)}. Measured on few steps." in page


@names
def test_a_page_of_causes_and_faults(text):
    trial = Trial(gan="linear-2d", backend=text, fault="", expected=None, found=None)
    page = trial_markdown([trial]) + naming_markdown([trial], command="faults", seed=14)
    assert not _COMMANDS.search(page)
    assert f"| fault | {as_markdown(text)} | found in |" in page


@names
def test_a_notebook(text):
    cause = SimpleNamespace(sentence=text)
    said = SimpleNamespace(gan="mine", verdict="AGREE", reason=text, losses=[], notes=[text], cause=cause)
    page = judgement_html(cast(Judgement, said))
    assert not _COMMANDS.search(page)
    assert "<script>" not in page
    assert page.count(as_html(text)) == 3
