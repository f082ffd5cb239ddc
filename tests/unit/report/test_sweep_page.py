"""The page of a sweep: response curves, best settings by run, and nothing of what others wrote into a table."""

from __future__ import annotations

import base64
import math
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from gan_rosetta.shared.commands import main as main_module
from gan_rosetta.shared.errors import RecordError, UsageError
from gan_rosetta.shared.report.page.render import write_report
from gan_rosetta.shared.report.page.sweep_page import sweep_page
from gan_rosetta.shared.report.page.traces import line
from gan_rosetta.shared.sweeps.table_file import LOCK_FILE, TABLE_FILE, write_table
from tests.unit.report.test_page import HOSTILE, Page
from tests.unit.sweeps.tables import RATE, table_of

parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed: pip install 'gan-rosetta[sweeps]'")

FIELDS = {RATE: [0.1, 0.001, 0.01], "batch_size": [4, 8]}


def error(row):
    """Less with a batch of 8, least at a rate of 0.01; torch is worse."""
    far = abs(math.log10(row.settings[RATE]) + 2.0)
    return (1.0 + far + row.seed) * 8 / row.settings["batch_size"] * (2 if row.run != "numpy" else 1)


def medians(figure):
    return {trace["meta"]["run"]: trace["y"] for trace in figure["data"] if trace.get("fill") is None}


def plain(values):
    """What Plotly writes of an array: itself, or its bytes."""
    if not isinstance(values, dict):
        return [math.nan if value is None else value for value in values]
    return np.frombuffer(base64.b64decode(values["bdata"]), values["dtype"]).tolist()


def test_each_field_has_its_curves_with_the_others_at_their_best() -> None:
    page = Page(sweep_page(table_of(fields=FIELDS, gans=("sine", "linear-2d"), number=error)))
    assert len(page.figures) == 2 * 2 * 2
    rates, batches = page.figures[0], page.figures[2]
    assert {run: plain(y) for run, y in medians(rates).items()} == {"numpy": [3, 2, 3], "torch:float32": [6, 4, 6]}
    assert {run: plain(y) for run, y in medians(batches).items()} == {"numpy": [4, 2], "torch:float32": [8, 4]}
    (band,) = (trace for trace in rates["data"] if trace.get("fill") and trace["meta"]["run"] == "numpy")
    assert (band["x"], band["y"]) == ([0.001, 0.01, 0.1, 0.1, 0.01, 0.001], [2.5, 1.5, 2.5, 3.5, 2.5, 3.5])
    assert rates["layout"]["xaxis"]["type"] == "log"
    assert rates["layout"]["yaxis"]["title"]["text"] == "of sin(x)"
    assert "3 of 3 seeds" in rates["data"][1]["hovertext"][0]
    for said in (
        "36 trainings, none of which failed",
        "Over generator_optimizer.learning_rate",
        "distance from the sine, in of sin(x)",
        "2 with generator_optimizer.learning_rate 0.01, batch_size 8 on numpy",
        "torch:float32 generator_optimizer.learning_rate 0.01, batch_size 8 4 3 to 5 3",
    ):
        assert said in page.text
    assert page.elements.count("input") == 2 * 2


def test_where_no_training_has_a_number_there_is_a_gap_and_a_lone_value_keeps_its_quartiles() -> None:
    table = table_of(
        fields={RATE: [0.001, 0.01, 0.1, 1.0]},
        runs=("numpy",),
        number=lambda row: math.nan if row.settings[RATE] == 0.1 else 1.0 + row.seed,
    )
    text = sweep_page(table)
    figure = Page(text).figures[0]
    band, curve = figure["data"]
    assert max(band["x"]) == 0.01
    drawn = plain(curve["y"])
    assert (drawn[:2], math.isnan(drawn[2]), drawn[3]) == ([2, 2], True, 2)
    assert curve["error_y"]["array"] == [None, None, None, 0.5]
    assert "0.1 none" in Page(text).text
    assert "3 not finite" in Page(text).text


def test_values_that_are_no_numbers_stand_in_the_plans_order() -> None:
    figure = Page(sweep_page(table_of(fields={"name": ["b", "a", "c"]}))).figures[0]
    assert figure["layout"]["xaxis"]["type"] == "category"
    assert figure["layout"]["xaxis"]["categoryarray"] == ["b", "a", "c"]


@pytest.mark.parametrize("fields", [{}, {"batch_size": [4]}])
def test_without_a_field_of_several_values_runs_stand_side_by_side(fields: dict) -> None:
    page = Page(sweep_page(table_of(fields=fields)))
    assert "Run beside run" in page.text
    assert page.figures[0]["layout"]["xaxis"]["categoryarray"] == ["numpy", "torch:float32"]
    assert [trace["x"] for trace in page.figures[0]["data"]] == [["numpy"], ["torch:float32"]]


def test_failed_jobs_are_named_and_a_sweep_of_them_alone_has_a_page() -> None:
    some = table_of(fields=FIELDS, number=error, message=lambda row: "it fell" if row.seed == 0 else "")
    page = Page(sweep_page(some))
    assert "36 trainings, 12 of which failed" in page.text
    assert "linear-2d on numpy, generator_optimizer.learning_rate 0.1, batch_size 4, seed 0: it fell" in page.text
    assert "And 2 more in sweep.parquet" in page.text
    assert "2 of 3 seeds" in page.figures[0]["data"][1]["hovertext"][0]
    none = Page(sweep_page(table_of(fields=FIELDS, message=lambda row: "it fell")))
    assert "No training has a number to show." in none.text
    assert none.figures == []


def test_a_long_sweep_has_a_small_page_that_says_what_it_leaves_out() -> None:
    table = table_of(fields={RATE: [0.001 * (index + 1) for index in range(1000)]}, runs=("numpy",), seeds=1)
    text = sweep_page(table)
    assert "200 of 1,000 values are drawn." in Page(text).text
    assert "And 800 more in sweep.parquet." in Page(text).text
    many = table_of(fields={f"field{index}": [0, 1] for index in range(5)}, gans=[f"gan{index}" for index in range(8)])
    page = Page(sweep_page(many))
    assert len(page.figures) == 5 * 8
    assert "Of each GAN that number alone is drawn" in page.text


def test_what_others_wrote_into_a_table_is_shown_and_not_run() -> None:
    def made(name: str) -> str:
        fields = {f"field{name}": [f"a{name}", f"b{name}"]}
        runs, gans = ("numpy", f"other{name}"), (f"gan{name}",)
        fell = f"fell{name}"
        return sweep_page(table_of(fields=fields, runs=runs, gans=gans, message=lambda row: fell * (row.seed == 0)))

    text, plain_page = made(HOSTILE), Page(made("x"))
    page = Page(text)
    assert sorted(page.elements) == sorted(plain_page.elements)
    assert page.handlers == []
    assert "<script>alert" not in text
    assert "<img src=x" not in text
    axis = page.figures[0]["layout"]["xaxis"]
    assert all("<" not in said for said in (*axis["categoryarray"], axis["title"]["text"]))
    assert [address for address in page.addresses if not address.startswith(("#", "data:"))] == []


def test_the_command_makes_the_page_and_refuses_what_is_no_table(tmp_path: Path) -> None:
    write_table(tmp_path / TABLE_FILE, table_of(fields=FIELDS, number=error))
    finished = CliRunner().invoke(main_module.app, ["report", str(tmp_path)])
    assert finished.exit_code == 0, finished.output
    assert "linear-2d" in Page((tmp_path / "report.html").read_text(encoding="utf-8")).text
    finished = CliRunner().invoke(main_module.app, ["report", str(tmp_path), "--animate", str(tmp_path / "a.gif")])
    assert isinstance(finished.exception, UsageError)
    assert "leave out --animate" in str(finished.exception)
    (tmp_path / TABLE_FILE).write_text("no table")
    with pytest.raises(RecordError, match=r"is not a sweep's table that can be read"):
        write_report(tmp_path)


def test_a_table_that_leads_out_of_its_folder_is_refused(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    write_table(tmp_path / TABLE_FILE, table_of(fields=FIELDS, number=error))
    (inside / TABLE_FILE).symlink_to(tmp_path / TABLE_FILE)
    with pytest.raises(RecordError, match="leads out of"):
        write_report(inside)


def test_a_sweep_that_was_stopped_before_its_table_says_how_to_go_on(tmp_path: Path) -> None:
    (tmp_path / LOCK_FILE).touch()
    with pytest.raises(
        RecordError, match=r"holds a sweep that has no sweep\.parquet yet; give .* again, which goes on"
    ):
        write_report(tmp_path)


@pytest.mark.parametrize(("word", "dash"), [("", "solid"), (":float32", "dot"), (":compiled", "dashdot")])
def test_every_kind_of_run_has_its_strokes(word: str, dash: str) -> None:
    assert line("a run", f"torch{word}", [0, 1], [1.0, 2.0]).line.dash == dash
