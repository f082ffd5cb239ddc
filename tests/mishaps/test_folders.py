"""Disks that are full, folders that are read-only, and two commands in one folder."""

from __future__ import annotations

import shlex
import signal
from pathlib import Path

import pytest

from tests.mishaps.test_stopped import RUN, TRAIN, wait_for
from tests.mishaps.trial import Mishap

SHORT = ("train", "linear-2d", "--backend", "numpy", "--steps", "50")


def test_a_disk_that_is_too_small(mishap: Mishap, mounted) -> None:
    disk = mishap.folder / "disk"
    disk.mkdir()
    prefix = mounted(f"mount -t tmpfs -o size=20k tmpfs {shlex.quote(str(disk))}")
    finished = mishap.run(*SHORT, "--out", disk, prefix=prefix)
    assert finished.status == 2, finished.text
    assert "bytes of disk at least, 20,480 bytes are free; at most" in finished.text
    mishap.account("a disk of 20 KB", finished, mishap.files(disk))


TEMPORARY = {
    "translate": ("translate", "linear-2d", "--to", "torch", "--out", "FOLDER/program.py"),
    "diagnose": ("diagnose", "linear-2d", "--backends", "torch"),
    "generate": ("generate", "--count", "2", "--backends", "torch", "--out", "FOLDER/failed"),
}


@pytest.mark.parametrize("name", TEMPORARY)
def test_no_room_for_temporary_files(mishap: Mishap, mounted, name: str) -> None:
    disk = mishap.folder / "temporary"
    disk.mkdir()
    words = [word.replace("FOLDER", str(mishap.folder)) for word in TEMPORARY[name]]
    prefix = mounted(f"mount -t tmpfs -o size=40k tmpfs {shlex.quote(str(disk))}")
    finished = mishap.run(*words, prefix=prefix, TMPDIR=str(disk))
    assert (finished.status, len(finished.text.splitlines())) == (2, 1), finished.text
    assert "40 KB free, and 64 MB are needed at least; make room, or set TMPDIR" in finished.complaint
    mishap.account(f"`{name}` with a `TMPDIR` of 40 KB", finished, mishap.files())


@pytest.mark.parametrize(("every", "when"), [("0", "at a checkpoint"), ("1000", "at the record")])
def test_a_full_disk(mishap: Mishap, mounted, every: str, when: str) -> None:
    """The disk is as large as what a run takes at least; afterwards the files are copied to where there is room."""
    disk, rescued = mishap.folder / "disk", mishap.folder / "rescued"
    disk.mkdir()
    rescued.mkdir()
    size = 60
    quoted = shlex.quote(str(disk))
    script = f'mount -t tmpfs -o size={size}k tmpfs {quoted} && "$0" "$@"; status=$?; cp -r {quoted}/. '
    script += f"{shlex.quote(str(rescued))}; exit $status; true"
    finished = mishap.run(*SHORT, "--checkpoint-every", every, "--out", disk, prefix=mounted(script))
    assert finished.status in (2, 3), finished.text
    assert "No space left on device" in finished.text
    assert not list(rescued.rglob("record.json"))
    assert not list(rescued.rglob("*.tmp"))
    assert not list(rescued.rglob(".*.tmp"))
    kept = mishap.files(rescued)
    resumed = mishap.run("train", "--resume", rescued)
    assert resumed.status == 0, resumed.text
    assert (rescued / RUN / "record.json").exists()
    mishap.account(f"the disk is full {when}", finished, f"{kept}; with room `--resume` finishes the run")


def test_a_folder_that_is_read_only(mishap: Mishap, mounted) -> None:
    folder = mishap.folder / "runs"
    folder.mkdir()
    quoted = shlex.quote(str(folder))
    script = f"mount --bind {quoted} {quoted} && mount -o remount,ro,bind {quoted}"
    finished = mishap.run(*SHORT, "--out", folder, prefix=mounted(script))
    assert (finished.status, len(finished.text.splitlines())) == (2, 1), finished.text
    assert "cannot write to" in finished.text
    assert mishap.files(folder) == "nothing"
    mishap.account("`train` into a read-only folder", finished, mishap.files(folder))


def test_a_report_of_a_read_only_folder(mishap: Mishap, mounted) -> None:
    folder = mishap.folder / "runs"
    assert mishap.run(*SHORT, "--out", folder).status == 0
    kept = mishap.files(folder)
    quoted = shlex.quote(str(folder))
    script = f"mount --bind {quoted} {quoted} && mount -o remount,ro,bind {quoted}"
    finished = mishap.run("report", folder, prefix=mounted(script))
    assert (finished.status, len(finished.text.splitlines())) == (2, 1), finished.text
    assert "Read-only file system" in finished.text
    assert mishap.files(folder) == kept
    assert mishap.run("report", folder, "--out", mishap.folder / "page.html", prefix=mounted(script)).status == 0
    mishap.account("`report` in a read-only folder", finished, "the runs; `--out FILE` elsewhere writes the page")


def test_resume_in_a_read_only_folder(mishap: Mishap, mounted) -> None:
    folder = mishap.folder / "runs"
    process = mishap.start(*TRAIN, "--out", folder)
    wait_for(folder / f"{RUN}.checkpoint.npz", process)
    process.kill()
    mishap.finish(process)
    quoted = shlex.quote(str(folder))
    script = f"mount --bind {quoted} {quoted} && mount -o remount,ro,bind {quoted}"
    finished = mishap.run("train", "--resume", folder, prefix=mounted(script))
    assert finished.status == 2, finished.text
    assert "Read-only file system" in finished.text
    mishap.account("`--resume` in a read-only folder", finished, mishap.files(folder))


def test_a_folder_below_a_file(mishap: Mishap) -> None:
    blocked = mishap.folder / "file"
    blocked.write_text("not a folder")
    finished = mishap.refused(*SHORT, "--out", blocked, says="cannot write")
    assert blocked.read_text() == "not a folder"
    mishap.account("`--out` is a file", finished, mishap.files())


def test_a_run_that_is_refused(mishap: Mishap) -> None:
    finished = mishap.refused(*SHORT, "--device", "cuda", "--out", mishap.folder / "runs", says="cuda")
    assert list(mishap.folder.iterdir()) == []
    mishap.account("`train --device cuda` on a backend that has none", finished, mishap.files())


def test_two_commands_in_one_folder(mishap: Mishap) -> None:
    first = mishap.start(*TRAIN, "--out", mishap.folder)
    wait_for(mishap.folder / f"{RUN}.checkpoint.npz", first)
    # It rests while the second begins, which may take longer than all of its steps.
    first.send_signal(signal.SIGSTOP)
    finished = mishap.refused("train", "--resume", mishap.folder, says="is being written by another gan-rosetta")
    first.send_signal(signal.SIGCONT)
    ended = mishap.finish(first)
    assert ended.status == 0, ended.text
    mishap.account("`--resume` of a folder that another command works on", finished, "the other command finishes")


def test_a_folder_that_holds_a_run(mishap: Mishap) -> None:
    record = mishap.folder / RUN / "record.json"
    record.parent.mkdir(parents=True)
    record.write_text("precious")
    finished = mishap.refused(*SHORT, "--out", mishap.folder, says="already holds a run")
    assert record.read_text() == "precious"
    mishap.account("`train` into a folder that holds the run", finished, mishap.files())


def test_a_folder_that_leads_elsewhere(mishap: Mishap) -> None:
    """A folder from somebody else, whose parts are links: nothing is written where they lead."""
    runs, outside = mishap.folder / "runs", mishap.folder / "outside"
    process = mishap.start(*TRAIN, "--out", runs)
    wait_for(runs / f"{RUN}.checkpoint.npz", process)
    process.kill()
    mishap.finish(process)
    (runs / "linear-2d").rename(outside)
    (runs / "linear-2d").symlink_to(outside)
    before = mishap.files(outside)
    finished = mishap.refused("train", "--resume", runs, says="leads out of")
    assert mishap.files(outside) == before
    mishap.account("`--resume` of a folder in which a link leads elsewhere", finished, "what it leads to, untouched")


def test_a_lock_that_is_a_link(mishap: Mishap) -> None:
    precious = mishap.folder / "precious"
    precious.write_text("precious")
    lock = mishap.folder / "runs" / "linear-2d" / ".numpy.lock"
    lock.parent.mkdir(parents=True)
    lock.symlink_to(precious)
    finished = mishap.refused(*SHORT, "--out", mishap.folder / "runs", says=".numpy.lock")
    assert precious.read_text() == "precious"
    assert not Path(mishap.folder / "runs" / RUN).exists()
    mishap.account("the lock of a run is a link to another file", finished, "the other file, untouched")
