"""What frameworks compiled is used as it was written, or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from gan_rosetta.shared.storage import compiled
from gan_rosetta.shared.storage.compiled import CompiledFolder, take_notes


@pytest.fixture(autouse=True)
def in_a_cache_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled.platformdirs, "user_cache_path", lambda name: tmp_path / "cache" / name)
    take_notes()


def a_folder() -> CompiledFolder:
    return CompiledFolder("fake", "1.0", what="fake")


def filled() -> Path:
    """A folder as a process left it, with a program in a folder of its own."""
    folder = a_folder()
    folder.check()
    (folder.path / "ab").mkdir()
    (folder.path / "ab" / "program.so").write_bytes(bytes(range(200)))
    (folder.path / "program.py").write_text("VALUE = 1\n")
    folder.seal()
    return folder.path


def test_what_is_as_it_was_written_stays() -> None:
    path = filled()
    folder = a_folder()
    folder.check()
    assert (folder.path, folder.is_empty, take_notes()) == (path, False, [])
    assert len(list((path / "seals").iterdir())) == 1
    folder.seal()
    assert len(list((path / "seals").iterdir())) == 1


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-3]),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"\0"),
    "a bit flipped": flip,
}


@pytest.mark.parametrize("how", list(DAMAGE))
@pytest.mark.parametrize("name", ["ab/program.so", "program.py"])
def test_what_is_not_is_removed_with_all_beside_it_and_said_once(name: str, how: str) -> None:
    path = filled()
    DAMAGE[how](path / name)
    folder = a_folder()
    folder.check()
    assert folder.is_empty
    (note,) = take_notes()
    assert "what fake had compiled before was damaged" in note
    assert Path(name).name in note
    assert [entry.name for entry in path.parent.iterdir()] == ["1.0"]
    folder.check()
    assert take_notes() == []


def test_a_list_of_files_that_cannot_be_read_is_damage_too() -> None:
    path = filled()
    for seal in (path / "seals").iterdir():
        seal.write_text("[1")
    folder = a_folder()
    folder.check()
    assert folder.is_empty
    assert "its list of files cannot be read" in take_notes()[0]


def test_two_processes_that_compile_the_same_differently_are_both_right() -> None:
    path = filled()
    other = a_folder()
    (path / "program.py").write_text("VALUE = 2\n")
    other.seal()
    folder = a_folder()
    folder.check()
    assert not folder.is_empty
    assert take_notes() == []


def test_what_is_gone_is_no_damage() -> None:
    path = filled()
    (path / "program.py").unlink()
    a_folder().check()
    assert take_notes() == []


def test_where_nothing_can_be_kept_it_is_kept_for_this_process(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    folder = a_folder()
    (folder.path / "program.py").write_text("VALUE = 1\n")
    folder.seal()
    path = folder.path
    del folder
    assert not path.exists()


def test_a_folder_of_another_user_is_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    filled()
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert tmp_path not in a_folder().path.parents or "cache" not in a_folder().path.parts
