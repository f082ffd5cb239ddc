"""Memory over the steps of a run: what a run keeps of each step is its losses and, of each chunk, a digest.

With GAN_ROSETTA_STEPS=1000000 in the environment so many steps, a few thousand without.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.mishaps.trial import ROOT, Mishap

NUM_STEPS = int(os.environ.get("GAN_ROSETTA_STEPS", "6000"))
# Two losses in float64, and while they are joined, kept and written once more each.
_BYTES_A_STEP = 3 * 2 * 8
# What an allocator keeps of what was freed.
_SLACK_BYTES = 12_000_000
_PROGRAM = """
import json, sys
import psutil
from gan_rosetta.backends import BACKENDS
from gan_rosetta.shared.runs.run import run
from gan_rosetta.shared.workers.process import keep_freed_memory
from tests.unit.runs.orders import order_of

keep_freed_memory()
steps, resident = int(sys.argv[2]), {}

def look(phase, done, total):
    resident[done] = psutil.Process().memory_info().rss

order = order_of("linear-2d", "numpy", sys.argv[1], steps=steps, checkpoint_seconds=1.0)
run(order, BACKENDS["numpy"], report_progress=look)
early = min(done for done in resident if done >= steps / 5)
print(json.dumps({"early": [early, resident[early]], "most": max(n for done, n in resident.items() if done > early)}))
"""


def test_a_long_run_takes_no_more_memory_than_its_losses(mishap: Mishap) -> None:
    folder = mishap.folder / "linear-2d" / "numpy"
    command = [sys.executable, "-c", _PROGRAM, str(folder), str(NUM_STEPS)]
    found = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)
    done, early = found["early"]
    growth = found["most"] - early
    assert growth < _BYTES_A_STEP * (NUM_STEPS - done) + _SLACK_BYTES, (
        f"{growth:,} bytes more than after {done:,} steps"
    )
    assert Path(folder / "record.json").exists()
    mishap.rows.append(
        (
            f"a run of {NUM_STEPS:,} steps",
            "",
            "0",
            f"{growth / 1e6:.1f} MB more than after {done:,} steps at the most, {early / 1e6:.0f} MB in all then",
        )
    )
