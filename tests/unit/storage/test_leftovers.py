"""What a killed process left half written is known by its name, and removed; nothing else is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gan_rosetta.shared.storage.files import atomic_path, remove_leftovers, temporary_path

KILLED = """
import os, sys
from pathlib import Path
from gan_rosetta.shared.storage.files import atomic_path, temporary_path
path = Path(sys.argv[1])
temporary_path(path).mkdir()
with atomic_path(path) as temporary:
    temporary.write_bytes(b"half")
    os.kill(os.getpid(), 9)
"""


def hidden(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.name.startswith("."))


@pytest.mark.parametrize("name", ["numpy.checkpoint.npz", "torch+compiled", "odd [a] name"])
def test_a_killed_writer_leaves_nothing_for_good(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    killed = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert killed.returncode == -9
    assert len(hidden(tmp_path)) == 2
    remove_leftovers(tmp_path / "another")
    assert len(hidden(tmp_path)) == 2
    remove_leftovers(path)
    assert hidden(tmp_path) == []


@pytest.mark.skipif(os.name != "posix", reason="elsewhere what is killed leaves no entry")
def test_a_killed_writer_of_which_nobody_has_asked_yet_is_no_writer(tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    killed = subprocess.Popen([sys.executable, "-c", KILLED, str(path)])
    os.waitid(os.P_PID, killed.pid, os.WEXITED | os.WNOWAIT)  # It is dead, and has its place in the table.
    assert len(hidden(tmp_path)) == 2
    remove_leftovers(path)
    assert hidden(tmp_path) == []
    killed.wait()


def test_whoever_writes_it_again_removes_it(tmp_path: Path) -> None:
    path = tmp_path / "losses.png"
    subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert len(hidden(tmp_path)) == 2
    with atomic_path(path) as temporary:
        temporary.write_bytes(b"whole")
    assert path.read_bytes() == b"whole"
    assert hidden(tmp_path) == []


def test_what_is_being_written_and_what_is_not_ours_stays(tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept").touch()
    theirs = [".run.npz.tmp", ".run.npz.backup.tmp", f".run.npz.{int(dead.stdout)}-XYZ.tmp", ".run.npz.1-0123abcd.tm"]
    for name in theirs:
        (tmp_path / name).touch()
    link = tmp_path / f".run.npz.{int(dead.stdout)}-0123abcd.tmp"
    link.symlink_to(elsewhere)
    with atomic_path(path) as temporary:
        temporary.touch()
        remove_leftovers(path)
        assert temporary.exists()
    assert sorted(path.name for path in hidden(tmp_path)) == sorted(theirs)
    assert (elsewhere / "kept").exists()


def test_a_temporary_name_says_whose_it_is(tmp_path: Path) -> None:
    assert temporary_path(tmp_path / "a").name.startswith(f".a.{os.getpid()}-")
