"""A worker whose parent is gone: it goes too, after the chunk it is in where it keeps what it has done."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

# The first process starts a second, which stands for a worker in a chunk that does not end, says its number and goes.
_PARENT = """
import subprocess, sys
streams = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
worker = subprocess.Popen([sys.executable, "-c", sys.argv[1]], text=True, **streams)
print(worker.pid, worker.stdout.readline().strip(), flush=True)
"""
_WORKER = """
import time
from gan_rosetta.shared.workers import interruption
interruption._SECONDS_BETWEEN_LOOKS = 0.05
interruption._SECONDS_FOR_A_CHUNK = {seconds}
interruption.listen()
with interruption.doing(keeps_checkpoints={keeps}):
    print("works", flush=True)
    time.sleep({sleeps})
    open({path!r}, "w").close()
"""


@pytest.mark.parametrize(("keeps", "seconds", "is_done"), [(False, 600, False), (True, 600, True), (True, 0.2, False)])
def test_a_worker_left_alone_ends(tmp_path: Path, keeps: bool, seconds: float, is_done: bool) -> None:
    path = tmp_path / "done"
    sleeps = 1 if is_done else 50
    worker = _WORKER.format(keeps=keeps, seconds=seconds, sleeps=sleeps, path=str(path))
    said = subprocess.run([sys.executable, "-c", _PARENT, worker], capture_output=True, text=True, check=True).stdout
    number, works = said.split()
    assert works == "works"
    try:
        process = psutil.Process(int(number))
    except psutil.NoSuchProcess:
        assert not is_done
        return
    with suppress(psutil.NoSuchProcess):
        process.wait(60)
    assert path.exists() == is_done
