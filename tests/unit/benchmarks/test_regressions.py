"""What became of cells between two records, and the command's exit status."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gan_rosetta.benchmarks.kept import choose_records, fresh_record_path
from gan_rosetta.benchmarks.record import write_record
from gan_rosetta.benchmarks.regressions import compare_records
from gan_rosetta.shared.commands.bench import app
from gan_rosetta.shared.errors import RecordError, UsageError
from tests.unit.benchmarks.synthetic import CELL, make_record, make_result

BASE = [1.00e-3, 1.01e-3, 1.02e-3, 0.99e-3, 1.00e-3, 1.01e-3, 0.98e-3]
OTHER = replace(CELL, backend="mxnet")


def _times(factor):
    return [factor * seconds for seconds in BASE]


def test_slower_faster_and_equal_cells_are_named():
    cells = [replace(CELL, gan=gan) for gan in ("linear-2d", "sine", "gaussian-1d")]
    old = make_record(*(make_result(BASE, cell=cell) for cell in cells))
    new = make_record(*(make_result(_times(f), cell=cell) for f, cell in zip((1.3, 0.7, 1.001), cells, strict=True)))
    changes = compare_records(old, new)
    assert [change.change for change in changes] == ["slower", "faster", "no difference"]
    assert [change.is_regression for change in changes] == [True, False, False]
    assert changes[0].ratio.ratio == pytest.approx(1.3)


def test_a_cell_that_is_measured_no_more_is_lost():
    old = make_record(make_result(BASE), make_result(BASE, cell=OTHER))
    failed = replace(make_result(BASE), status="disagrees", reason="DISAGREE: off", rounds=(), parity=None)
    changes = compare_records(old, make_record(failed))
    assert [change.change for change in changes] == ["lost", "missing"]
    assert [change.is_regression for change in changes] == [True, False]
    assert "DISAGREE: off" in changes[0].reason
    back = compare_records(make_record(failed), old)
    assert [change.change for change in back] == ["gained"]


def test_records_that_say_nothing_of_each_other_are_refused():
    record = make_record(make_result(BASE))
    with pytest.raises(RecordError, match="no cell in common"):
        compare_records(record, make_record(make_result(BASE, cell=OTHER)))
    with pytest.raises(RecordError, match="expected one machine"):
        compare_records(record, replace(record, machine=replace(record.machine, processor="B")))
    with pytest.raises(RecordError, match="--seed"):
        compare_records(record, make_record(make_result(BASE), seed=1))
    with pytest.raises(RecordError, match="threads"):
        compare_records(record, make_record(make_result(BASE, cell=replace(CELL, threads=2))))


@pytest.mark.parametrize(("factor", "status", "words"), [(1.3, 1, "torch eager is slower"), (1.0, 0, "no regression")])
def test_the_exit_status_tells_of_regressions(tmp_path, factor, status, words):
    for name, seconds in (("old", BASE), ("new", _times(factor))):
        write_record(tmp_path / f"{name}.json", make_record(make_result(seconds)))
    finished = CliRunner().invoke(app, ["compare", str(tmp_path / "old.json"), str(tmp_path / "new.json")])
    assert finished.exit_code == status
    assert words in finished.output


def test_without_names_the_latest_records_are_compared(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, factor in (("2026-01-01-000000", 5.0), ("2026-01-02-000000", 1.0), ("2026-01-02-000001", 1.3)):
        write_record(Path("runs") / f"{name}-bench.json", make_record(make_result(_times(factor))))
    (tmp_path / "runs" / "2026-01-03-000000").mkdir()
    finished = CliRunner().invoke(app, ["compare"])
    assert finished.exit_code == 1
    assert "runs/2026-01-02-000000-bench.json and, later, runs/2026-01-02-000001-bench.json" in finished.output
    assert "is slower: 1.30 times" in finished.output
    with_one = CliRunner().invoke(app, ["compare", str(tmp_path / "runs/2026-01-01-000000-bench.json")])
    assert with_one.exit_code == 0
    assert "and, later, runs/2026-01-02-000001-bench.json" in with_one.output
    latest = Path("runs/2026-01-02-000001-bench.json")
    assert choose_records(latest, None) == (Path("runs/2026-01-02-000000-bench.json"), latest)


def test_too_few_records_are_refused_with_what_to_do(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="finds none; measure again with `gan-rosetta bench`"):
        choose_records(None, None)
    with pytest.raises(UsageError, match=r"no record to compare old\.json with"):
        choose_records(Path("old.json"), None)
    write_record(fresh_record_path(), make_record(make_result(BASE)))
    with pytest.raises(UsageError, match=r"finds only runs/.*-bench\.json"):
        choose_records(None, None)
