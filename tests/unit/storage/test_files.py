"""Atomic writes."""

from __future__ import annotations

import json

import numpy as np
import pytest

from gan_rosetta.shared.storage.files import atomic_path, write_bytes, write_json, write_npz


def names(folder) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_nothing_is_there_until_the_end(tmp_path):
    path = tmp_path / "file"
    with atomic_path(path) as temporary:
        temporary.write_text("new")
        assert temporary.parent == tmp_path
        assert not path.exists()
    assert path.read_text() == "new"
    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_a_failure_leaves_the_old_file_and_no_other(tmp_path, error):
    path = tmp_path / "file"
    path.write_text("old")

    def write() -> None:
        with atomic_path(path) as temporary:
            temporary.write_text("half")
            raise error("planted")

    with pytest.raises(error, match="planted"):
        write()
    assert path.read_text() == "old"
    assert names(tmp_path) == ["file"]


def test_a_failure_before_anything_is_written(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_bytes(tmp_path / "absent" / "file", b"content")
    assert names(tmp_path) == []


def test_two_writers_do_not_meet(tmp_path):
    path = tmp_path / "file"
    with atomic_path(path) as first, atomic_path(path) as second:
        assert first != second
        first.write_text("first")
        second.write_text("second")
    assert path.read_text() == "first"
    assert names(tmp_path) == ["file"]


def test_permissions_are_those_of_any_new_file(tmp_path):
    write_bytes(tmp_path / "ours", b"")
    (tmp_path / "plain").write_bytes(b"")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_json(tmp_path):
    path = tmp_path / "value.json"
    value = {"z": [1, 2.5, None], "a": {"µ": True}}
    write_json(path, value)
    text = path.read_text(encoding="utf-8")
    assert json.loads(text) == value
    assert list(json.loads(text)) == ["z", "a"]
    assert "µ" in text
    assert text.splitlines()[1].startswith(' "z"')
    for bad in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="JSON compliant"):
            write_json(path, {"loss": bad})
    assert json.loads(path.read_text(encoding="utf-8")) == value
    assert names(tmp_path) == ["value.json"]


def test_npz(tmp_path):
    path = tmp_path / "arrays"
    arrays = {"a/b": np.arange(6.0).reshape(2, 3), "c": np.array(7), "losses": np.array([np.nan, 1])}
    write_npz(path, arrays)
    assert names(tmp_path) == ["arrays"]
    with np.load(path, allow_pickle=False) as archive:
        assert sorted(archive.files) == sorted(arrays)
        for name, array in arrays.items():
            np.testing.assert_array_equal(archive[name], array, strict=True)
    with pytest.raises(ValueError, match="'o' has dtype object"):
        write_npz(path, {"o": np.array([None])})
