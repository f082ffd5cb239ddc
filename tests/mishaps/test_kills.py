"""Commands killed at random moments, from their first import to their last picture, go on to the same bytes.

With GAN_ROSETTA_KILLS=300 in the environment so many times, a few without; GAN_ROSETTA_KILLS_SEED chooses the moments.
"""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest

from tests.mishaps.test_stopped import record_of
from tests.mishaps.trial import Mishap

NUM_KILLS = int(os.environ.get("GAN_ROSETTA_KILLS", "4"))
# What a command is asked, and its share of the kills.
COMMANDS = {
    "train": (("train", "linear-2d", "--backend", "numpy", "--steps", "600"), 0.45),
    "compare": (("compare", "linear-2d", "--runs", "numpy,numpy:threads=2", "--steps", "400"), 0.45),
    "compare with torch": (("compare", "gaussian-1d", "--backends", "torch", "--steps", "60"), 0.1),
}
# A command that is killed again and again before its first checkpoint has to begin anew.
_MOST_STARTS = 40

# What nobody stops is run once.
pytestmark = pytest.mark.xdist_group("kills")


def left_in(folder: Path) -> dict[str, object]:
    """What lies in a folder: the bytes of each file, of a record what is no time and no place."""
    found: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_file() and not name.endswith((".lock", ".job.json")):
            found[name] = record_of(path.parent) if path.name == "record.json" else path.read_bytes()
    return found


@pytest.mark.parametrize("name", list(COMMANDS))
def test_a_command_killed_at_any_moment_goes_on_to_the_same_bytes(mishap: Mishap, name: str) -> None:
    words, share = COMMANDS[name]
    words = (*words, "--checkpoint-every", "0.01")
    num_kills = max(1, round(share * NUM_KILLS))
    moments = random.Random(f"{name} {os.environ.get('GAN_ROSETTA_KILLS_SEED', '')}")  # noqa: S311
    started = time.monotonic()
    whole = mishap.run(*words, "--out", mishap.folder / "whole")
    seconds = time.monotonic() - started
    assert whole.status == 0, whole.text
    expected = left_in(mishap.folder / "whole")
    assert {"losses.png", "samples.png"} <= {Path(file).name for file in expected}
    killed = num_folders = num_resumed = 0
    last = None
    while killed < num_kills:
        folder = mishap.folder / f"killed-{num_folders}"
        num_folders += 1
        for _ in range(_MOST_STARTS):
            begun = any(folder.rglob("*.job.json"))
            process = mishap.start(*((words[0], "--resume", folder) if begun else (*words, "--out", folder)))
            num_resumed += begun
            if killed < num_kills:
                time.sleep(moments.uniform(0.0, seconds))
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
            finished = mishap.finish(process)
            if finished.status == 0:
                break
            assert finished.status == -signal.SIGKILL, finished.text
            killed, last = killed + 1, finished
        assert finished.status == 0, f"not finished after {_MOST_STARTS} starts"
        found = left_in(folder)
        assert set(found) == set(expected)
        assert not [file for file in expected if found[file] != expected[file]]
    assert num_resumed or num_kills < 5, "no command was killed after it had begun"
    assert last is not None
    mishap.account(
        f"`{' '.join(words[:2])}` killed with `kill -9` at {killed} random moments",
        last,
        f"after `--resume` all {len(expected)} files, pictures among them, are those of a command that nobody stopped",
    )
