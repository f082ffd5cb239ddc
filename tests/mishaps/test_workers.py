"""Workers that are killed, hang, do not import, or compute no numbers: the others stand."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest

from gan_rosetta.shared.gans import find_gan
from gan_rosetta.shared.spec.toml_file import spec_to_toml
from tests.mishaps.trial import PATIENCE_SECONDS, Mishap

COMPARE = ("compare", "linear-2d", "--backends", "torch")
REFERENCE = Path("linear-2d") / "numpy" / "record.json"


def worker_of(process: subprocess.Popen[str], backend: str) -> psutil.Process:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()[0]
        for child in psutil.Process(process.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                if child.cmdline()[3:5] == ["gan_rosetta.shared.workers.worker", backend]:
                    return child
        time.sleep(0.01)
    raise AssertionError(f"no worker of {backend}")


@pytest.mark.parametrize(
    ("number", "options", "says"),
    [
        (signal.SIGKILL, (), "the torch worker ended with signal SIGKILL"),
        (signal.SIGSTOP, ("--patience", "8"), "the torch worker gave no sign of life for 8 s and was ended"),
    ],
)
def test_a_worker_that_is_gone(mishap: Mishap, number: signal.Signals, options: tuple[str, ...], says: str) -> None:
    process = mishap.start(*COMPARE, "--steps", "300", *options, "--out", mishap.folder)
    worker_of(process, "torch").send_signal(number)
    finished = mishap.finish(process)
    assert finished.status == 3, finished.text
    assert says in finished.complaint
    assert (mishap.folder / REFERENCE).exists()
    failures = json.loads((mishap.folder / "linear-2d" / "comparison.json").read_text())["failures"]
    assert says in failures["torch"]
    kept = "the other backends' runs"
    resumed = mishap.run("compare", "--resume", mishap.folder)
    assert (resumed.status, "AGREE" in resumed.text) == (0, True), resumed.text
    what = "killed" if number == signal.SIGKILL else "stopped, as one that hangs"
    mishap.account(f"torch's worker is {what} during `compare`", finished, f"{kept}; `--resume` runs the missing one")


def test_a_framework_that_does_not_import(mishap: Mishap) -> None:
    broken = mishap.folder / "broken" / "torch"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text('raise ImportError("libtorch.so: cannot open shared object file")\n')
    finished = mishap.run(*COMPARE, "--steps", "50", "--out", mishap.folder / "runs", PYTHONPATH=str(broken.parent))
    assert finished.status == 3, finished.text
    assert "libtorch.so: cannot open shared object file" in finished.complaint
    assert (mishap.folder / "runs" / REFERENCE).exists()
    mishap.account("torch is installed and fails to import", finished, "the other backends' runs")


def test_numbers_that_are_none_in_the_middle_of_training(mishap: Mishap) -> None:
    text = spec_to_toml(find_gan("linear-2d")).replace('"linear-2d"', '"too-fast"')
    assert "value = 0.05" in text
    # With this rate the first update leaves parameters whose products overflow.
    (mishap.folder / "fast.toml").write_text(text.replace("value = 0.05", "value = 1.7e308"))
    words = ("train", "--spec", mishap.folder / "fast.toml", "--backend", "numpy", "--steps", "12")
    finished = mishap.run(*words, "--out", mishap.folder)
    assert finished.status == 0, finished.text
    run = mishap.folder / "too-fast" / "numpy"
    with np.load(run / "losses.npz") as losses:
        bad = {name: np.flatnonzero(~np.isfinite(array)) for name, array in losses.items()}
    first = {name: int(steps[0]) for name, steps in bad.items() if len(steps)}
    assert first["discriminator"] > 0, "nothing overflowed in the middle; take another rate"
    assert json.loads((run / "record.json").read_text())["outcome"]["first_not_finite"] == first
    assert f"from step {first['discriminator']}" in finished.complaint
    mishap.account("a learning rate with which numbers overflow", finished, "the whole run, NaN and all")


def test_a_command_that_is_killed_leaves_no_worker_behind(mishap: Mishap) -> None:
    process = mishap.start("calibrate", "linear-2d", "--seeds", "500", "--no-power", "--backends", "numpy")
    worker = worker_of(process, "numpy")
    # Until the worker has its job, it ends as soon as nobody can give it one.
    while worker.cpu_times().user < 3:
        time.sleep(0.1)
    process.kill()
    mishap.finish(process)
    worker.wait(timeout=PATIENCE_SECONDS)
