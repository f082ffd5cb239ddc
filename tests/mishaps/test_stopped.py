"""Runs that are stopped, or killed at any moment, go on with --resume and leave what one that never was leaves."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from tests.mishaps.trial import PATIENCE_SECONDS, Mishap

RUN = Path("linear-2d") / "numpy"
FILES = ("losses.npz", "samples.npz", "moments.npz", "snapshots.npz", "state.safetensors")
TRAIN = ("train", "linear-2d", "--backend", "numpy", "--steps", "8000", "--checkpoint-every", "0.01")
COMPARE = ("compare", "linear-2d", "--backends", "torch", "--steps", "4000", "--checkpoint-every", "0.01")
NUM_KILLS = 4

# In one process, so that the runs that nobody stops are made once.
pytestmark = pytest.mark.xdist_group("stopped")


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not path.exists():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline, f"nothing at {path}"
        time.sleep(0.01)


def record_of(run: Path) -> dict[str, object]:
    record = json.loads((run / "record.json").read_text())
    del record["timings"], record["machine"], record["settings"]["keeping"]["folder"], record["sha256"]
    return record


def assert_same_run(found: Path, expected: Path, files: tuple[str, ...]) -> str:
    """Say in words what is the same."""
    for name in files:
        assert (found / name).read_bytes() == (expected / name).read_bytes(), name
    assert record_of(found) == record_of(expected)
    return ", ".join(f"`{name}`" for name in files)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training that nobody stops, and a comparison."""
    mishap = Mishap(tmp_path_factory.mktemp("whole"), "whole")
    for name, words in (("train", TRAIN), ("compare", COMPARE)):
        finished = mishap.run(*words, "--out", mishap.folder / name)
        assert finished.status == 0, finished.text
    return mishap.folder


@pytest.mark.parametrize("how", ["Ctrl-C", "kill -9"])
def test_a_stopped_run_goes_on_to_the_same_record(whole: Path, mishap: Mishap, how: str) -> None:
    process = mishap.start(*TRAIN, "--out", mishap.folder)
    checkpoint = mishap.folder / f"{RUN}.checkpoint.npz"
    wait_for(checkpoint, process)
    # As a terminal's Ctrl-C does, or the kernel where memory runs out: all processes of the command at once.
    os.killpg(process.pid, signal.SIGINT if how == "Ctrl-C" else signal.SIGKILL)
    stopped = mishap.finish(process)
    assert stopped.status == (130 if how == "Ctrl-C" else -signal.SIGKILL), stopped.text
    assert ("goes on with it" in stopped.complaint) == (how == "Ctrl-C")
    assert checkpoint.exists()
    assert not (mishap.folder / RUN).exists(), "the run ended before it was stopped; give it more steps"
    kept = mishap.files()
    again = mishap.refused(*TRAIN, "--out", mishap.folder, says="--resume")
    resumed = mishap.run("train", "--resume", mishap.folder)
    assert resumed.status == 0, resumed.text
    same = assert_same_run(mishap.folder / RUN, whole / "train" / RUN, FILES)
    assert json.loads((mishap.folder / RUN / "record.json").read_text())["timings"]["resumed_at"]
    assert not checkpoint.exists()
    mishap.account(f"{how} during `train`", stopped, f"{kept}; after `--resume` {same} are those of an unstopped run")
    mishap.account(f"the same `train` again, after {how}", again, "the checkpoint")


def test_a_command_that_ignores_ctrl_c_runs_on(mishap: Mishap) -> None:
    # How a shell script starts what it puts in the background.
    deaf = ("sh", "-c", 'trap "" INT; exec "$0" "$@"')
    words = ("train", "linear-2d", "--backend", "numpy", "--steps", "3000", "--checkpoint-every", "0.01")
    process = mishap.start(*words, "--out", mishap.folder, prefix=deaf)
    wait_for(mishap.folder / f"{RUN}.checkpoint.npz", process)
    os.killpg(process.pid, signal.SIGINT)
    finished = mishap.finish(process)
    assert finished.status == 0, finished.text
    assert len(np.load(mishap.folder / RUN / "losses.npz")["generator"]) == 3000
    mishap.account("Ctrl-C where a script put `train` in the background", finished, mishap.files())


def test_ctrl_z_for_longer_than_the_patience_ends_no_worker(mishap: Mishap) -> None:
    words = ("train", "linear-2d", "--backend", "numpy", "--steps", "8000", "--checkpoint-every", "0.01")
    process = mishap.start(*words, "--patience", "4", "--out", mishap.folder)
    wait_for(mishap.folder / f"{RUN}.checkpoint.npz", process)
    os.killpg(process.pid, signal.SIGSTOP)
    assert not (mishap.folder / RUN).exists(), "the run ended before it was stopped; give it more steps"
    time.sleep(7)
    os.killpg(process.pid, signal.SIGCONT)
    finished = mishap.finish(process)
    assert finished.status == 0, finished.text
    mishap.account("Ctrl-Z for 7 s with a patience of 4, then `fg`", finished, "the whole run")


def test_what_a_killed_run_left_half_written_goes_when_it_is_resumed(mishap: Mishap) -> None:
    process = mishap.start(*TRAIN, "--out", mishap.folder)
    checkpoint = mishap.folder / f"{RUN}.checkpoint.npz"
    wait_for(checkpoint, process)
    os.killpg(process.pid, signal.SIGKILL)
    killed = mishap.finish(process)
    # As a kill in the middle of writing leaves it: a file of a checkpoint's size, of a process that is no more.
    half = checkpoint.with_name(f".{checkpoint.name}.{process.pid}-0123abcd.tmp")
    half.write_bytes(checkpoint.read_bytes()[:-100])
    resumed = mishap.run("train", "--resume", mishap.folder)
    assert (resumed.status, half.exists()) == (0, False), resumed.text
    assert not list(mishap.folder.rglob(".*.tmp"))
    mishap.account(
        "`kill -9` while a checkpoint is written", killed, "the last checkpoint; `--resume` removes the half"
    )


def test_a_comparison_killed_at_random_moments_goes_on_to_the_same_verdict(whole: Path, mishap: Mishap) -> None:
    moments = random.Random(7)  # noqa: S311 - for moments that come again, not for secrets
    process = mishap.start(*COMPARE, "--out", mishap.folder)
    checkpoint = mishap.folder / f"{RUN}.checkpoint.npz"
    wait_for(checkpoint, process)
    done = []
    for _ in range(NUM_KILLS):
        time.sleep(moments.uniform(0.0, 1.0))
        os.killpg(process.pid, signal.SIGKILL)
        killed = mishap.finish(process)
        kept = mishap.files()
        if checkpoint.exists():
            done.append(checkpoint.stat().st_mtime_ns)
        if killed.status == 0:
            break
        process = mishap.start("compare", "--resume", mishap.folder)
        time.sleep(moments.uniform(0.5, 3.0))
    resumed = mishap.finish(process)
    assert resumed.status == 0, resumed.text
    assert "AGREE" in resumed.text
    record = json.loads((mishap.folder / RUN / "record.json").read_text())
    assert record["timings"]["resumed_at"], "the reference was never taken up again; give it more steps"
    same = assert_same_run(mishap.folder / RUN, whole / "compare" / RUN, (*FILES, "yardstick.npz"))
    assert_same_run(mishap.folder / "linear-2d" / "torch", whole / "compare" / "linear-2d" / "torch", FILES)
    verdicts = [
        (folder / "linear-2d" / "comparison.json").read_bytes() for folder in (mishap.folder, whole / "compare")
    ]
    assert verdicts[0] == verdicts[1]
    mishap.account(
        f"`compare` killed with `kill -9` at {NUM_KILLS} random moments, and resumed each time",
        killed,
        f"{kept}; in the end `comparison.json` and the reference's {same} are those of an unstopped comparison",
    )


def test_resume_takes_everything_else_from_the_folder(mishap: Mishap) -> None:
    finished = mishap.refused("compare", "--resume", mishap.folder, "--steps", 3, says="leave out steps")
    mishap.account("`--resume` with another option", finished, mishap.files())


def test_resume_of_a_finished_run_shows_it_again(whole: Path, mishap: Mishap) -> None:
    path = whole / "train" / RUN / "record.json"
    before = path.read_bytes()
    finished = mishap.run("train", "--resume", whole / "train")
    assert finished.status == 0, finished.text
    assert path.read_bytes() == before
