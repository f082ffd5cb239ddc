"""Records are read as they were written, or refused in words."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from gan_rosetta.benchmarks.record import read_record, write_record
from gan_rosetta.shared.errors import RecordError, SpecError
from gan_rosetta.shared.storage.documents import write_document
from tests.unit.benchmarks.synthetic import AGREE, CELL, make_record, make_result, make_round


def _written(tmp_path):
    path = tmp_path / "record.json"
    record = make_record(make_result([1e-3, 2e-3]), replace(make_result([1e-3]), status="measured", wave=1))
    write_record(path, record)
    return path, record


def _changed(path, change):
    data = json.loads(path.read_text())
    del data["sha256"]
    change(data)
    number = data.pop("format")
    write_document(path, data, number=number)
    return path


def test_a_record_is_read_as_it_was_written(tmp_path):
    path, record = _written(tmp_path)
    assert read_record(path) == record


def test_a_record_never_changes(tmp_path):
    path, record = _written(tmp_path)
    with pytest.raises(RecordError, match="already exists"):
        write_record(path, record)
    with pytest.raises(AttributeError):
        record.created = "later"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data.update(format=4), "newer gan-rosetta.*upgrade it"),
        (lambda data: data.update(format="1"), "this version reads format 3"),
        (lambda data: data["units"].update(seconds="ms"), "counts seconds in 'ms'; expected 's'"),
        (lambda data: data["units"].pop("bytes"), "counts bytes in None; expected 'B'"),
        (lambda data: data["units"].update(furlongs="x"), "counts furlongs"),
        (lambda data: data.update(kind="run"), "holds no benchmark"),
        # Milliseconds that call themselves seconds.
        (lambda data: data["record"]["cells"][0]["rounds"][0].update(train_seconds=100.0), "rounds.0.*add up"),
        (lambda data: data["record"]["cells"][0]["rounds"][0].update(stage_seconds=-1.0), "stage_seconds is -1.0"),
        (lambda data: data["record"]["cells"][0]["rounds"][0].update(num_steps="many"), "num_steps.*whole number"),
        (lambda data: data["record"]["cells"][0].pop("cell"), "lacks cell"),
        (lambda data: data["record"]["cells"][0]["parity"].update(verdict="DISAGREE"), "expected no throughput"),
    ],
)
def test_what_is_no_record_of_ours_is_refused(tmp_path, change, message):
    path, _ = _written(tmp_path)
    with pytest.raises(RecordError, match=message):
        read_record(_changed(path, change))


def test_a_record_that_was_changed_is_refused(tmp_path):
    path, _ = _written(tmp_path)
    text = path.read_text()
    path.write_text(text.replace('"train_seconds": 0.1', '"train_seconds": 0.2', 1))
    assert path.read_text() != text
    with pytest.raises(RecordError, match="was changed after it was written"):
        read_record(path)


def test_files_that_are_absent_or_broken_are_refused(tmp_path):
    with pytest.raises(RecordError, match="is not there"):
        read_record(tmp_path / "none.json")
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(RecordError, match="cannot be read"):
        read_record(tmp_path / "broken.json")


def test_throughput_without_parity_cannot_be_put_into_a_record():
    good = make_result([1e-3])
    for parity in (None, replace(AGREE, verdict="DISAGREE")):
        with pytest.raises(SpecError, match="expected no throughput"):
            replace(good, parity=parity)
    with pytest.raises(SpecError, match="expected one or more"):
        replace(good, rounds=())


def test_the_peak_is_that_of_the_same_device_type_and_threads():
    record = make_record(make_result([1e-3]))
    assert record.peak(CELL) == 5e9
    assert record.peak(replace(CELL, threads=2)) is None
    assert record.peak(replace(CELL, dtype="float64")) is None


def test_a_round_has_steps_and_time():
    with pytest.raises(SpecError, match="one step"):
        make_round(1e-3, num_steps=0)
