"""A run that is stopped, or killed, goes on with --resume and leaves the record of one that never was."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

RUN = Path("linear-2d") / "numpy"
NUM_STEPS = 20_000
PATIENCE_SECONDS = 120


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "shared.cli", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def train(out: Path) -> subprocess.Popen[str]:
    return start(
        *("train", "linear-2d", "--backend", "numpy", "--steps", str(NUM_STEPS)),
        *("--checkpoint-every", "0.01", "--out", str(out)),
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    output, _ = process.communicate(timeout=PATIENCE_SECONDS)
    return process.returncode, output


def wait_for_a_checkpoint(out: Path, process: subprocess.Popen[str]) -> Path:
    path = out / f"{RUN}.checkpoint.npz"
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not path.exists():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline, f"no checkpoint at {path}"
        time.sleep(0.01)
    return path


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("whole")
    status, output = finish(train(out))
    assert status == 0, output
    return out / RUN


@pytest.mark.parametrize("how", ["interrupted", "killed"])
def test_a_stopped_run_goes_on_to_the_same_record(whole: Path, tmp_path: Path, how: str) -> None:
    process = train(tmp_path)
    checkpoint = wait_for_a_checkpoint(tmp_path, process)
    # As a terminal's Ctrl-C does, or the kernel where memory runs out: all processes of the command at once.
    os.killpg(process.pid, signal.SIGINT if how == "interrupted" else signal.SIGKILL)
    status, output = finish(process)
    assert status == (130 if how == "interrupted" else -signal.SIGKILL), output
    assert checkpoint.exists()
    assert not (tmp_path / RUN).exists(), "the run ended before it was stopped; give it more steps"

    status, output = finish(train(tmp_path))
    assert (status, "--resume" in output) == (2, True), output
    status, output = finish(start("train", "--resume", str(tmp_path)))
    assert status == 0, output

    for name in ("losses.npz", "samples.npz", "moments.npz", "snapshots.npz", "state.safetensors"):
        assert (tmp_path / RUN / name).read_bytes() == (whole / name).read_bytes(), name
    found = json.loads((tmp_path / RUN / "record.json").read_text())
    expected = json.loads((whole / "record.json").read_text())
    assert found["timings"]["resumed_at"]
    for record in (found, expected):
        del record["timings"], record["machine"], record["settings"]["folder"], record["sha256"]
    assert found == expected
    assert not checkpoint.exists()


def test_resume_takes_everything_else_from_the_folder(tmp_path: Path) -> None:
    status, output = finish(start("compare", "--resume", str(tmp_path), "--steps", "3"))
    assert (status, "leave out steps" in output) == (2, True), output


def test_resume_of_a_finished_run_shows_it_again(whole: Path) -> None:
    before = (whole / "record.json").read_bytes()
    status, output = finish(start("train", "--resume", str(whole.parent.parent)))
    assert status == 0, output
    assert (whole / "record.json").read_bytes() == before
