"""A sweep's table on disk: what is read is what was written, and anything else is refused in a line."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from gan_rosetta.shared.errors import RecordError
from gan_rosetta.shared.sweeps.table_file import read_table, seal, write_table
from tests.unit.sweeps.tables import RATE, table_of

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed: pip install 'gan-rosetta[sweeps]'")
parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed: pip install 'gan-rosetta[sweeps]'")

FIELDS = {RATE: [0.01, 0.5], "batch_size": [4, 8]}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "sweep.parquet"
    write_table(path, table_of(fields=FIELDS))
    return path


def told(path: Path) -> dict:
    return json.loads(parquet.read_schema(path).metadata[b"gan-rosetta"])


def retell(path: Path, **changes: object) -> None:
    """Write other metadata into a table, and seal it."""
    table = parquet.read_table(path)
    changed = {**told(path), **changes}
    changed["sha256"] = seal(changed, table.to_pydict())
    parquet.write_table(table.replace_schema_metadata({b"gan-rosetta": json.dumps(changed).encode()}), path)


def refused(path: Path) -> str:
    with pytest.raises(RecordError) as caught:
        read_table(path)
    said = str(caught.value)
    assert said.startswith(f"{path} ")
    assert "\n" not in said
    assert "give the `gan-rosetta sweep` that made it again" in said
    return said


def test_what_is_read_is_what_was_written_whichever_outcomes_a_gan_has(path: Path) -> None:
    table = table_of(fields=FIELDS, gans=("sine", "linear-2d"), message=lambda row: "it fell" if row.seed == 1 else "")
    write_table(path, table)
    assert read_table(path) == table
    assert [read_table(path).outcomes_of(gan) for gan in table.gans] == [table.outcomes_of(gan) for gan in table.gans]


def test_a_number_that_is_none_stays_none_and_values_of_several_kinds_are_texts(path: Path) -> None:
    write_table(path, table_of(fields={RATE: ["none", 0.5]}, runs=("numpy",), seeds=1, number=lambda row: math.nan))
    first, second = read_table(path).rows
    assert (first.settings[RATE], second.settings[RATE]) == ("none", "0.5")
    assert math.isnan(first.numbers["mean error"])
    assert first.happened == {"not finite": True}


def test_a_table_of_failures_alone_is_read(path: Path) -> None:
    table = table_of(fields=FIELDS, message=lambda row: "it fell")
    write_table(path, table)
    assert read_table(path) == table


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"format": 2}, "its format is not 1, this version's"),
        ({"fields": 3}, "fields is 3"),
        ({"fields": [RATE]}, "its columns are not those that it names"),
        ({"outcomes": {"linear-2d": ["none"]}}, "none"),
        ({"outcomes": {}}, "linear-2d"),
        ({"units": {"mean error": "m"}, "happenings": ["not finite", "spread of samples"]}, "of a row is 1.0"),
    ],
)
def test_metadata_that_do_not_fit_are_refused(path: Path, changes: dict, said: str) -> None:
    retell(path, **changes)
    assert said in refused(path)


def test_tables_of_strangers_are_refused(path: Path) -> None:
    content = path.read_bytes()
    for wrong in (b"", b"PAR1", content[: len(content) // 2], content[:-20], b"\0" * len(content)):
        path.write_bytes(wrong)
        refused(path)
    parquet.write_table(pa.table({"a": [1]}), path)
    assert "does not say what its columns are" in refused(path)
    path.unlink()
    refused(path)


@pytest.mark.parametrize("found", [b"\x00\x00\x00\x00\x00\x00\x08\x40", b"batch_size"])
def test_a_table_in_which_a_bit_flipped_is_refused(path: Path, found: bytes) -> None:
    content = path.read_bytes()
    assert found in content
    path.write_bytes(content.replace(found, found[:6] + bytes([found[6] ^ 1]) + found[7:]))
    refused(path)


def test_a_table_without_a_row_is_refused(path: Path) -> None:
    table = parquet.read_table(path)
    parquet.write_table(table.slice(0, 0), path)
    retell(path)
    assert "has no row" in refused(path)
