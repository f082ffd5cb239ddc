"""Entry points of other packages: whatever one does as it loads is its own affair, and said where it is asked for."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gan_rosetta.backends import BackendEntry, outside
from gan_rosetta.shared.errors import BackendUnavailable, UsageError
from gan_rosetta.shared.workers import registry
from gan_rosetta.shared.workers.environments import parse_pythons

# The library's face has a function of this name.
backends = importlib.import_module("gan_rosetta.backends")

GOOD = """
from gan_rosetta.backends import BackendEntry
ENTRY = BackendEntry(name="good", title="Good", package="gan_rosetta.backends.numpy", trainer="NumpyTrainer",
                     distributions=("numpy",), executions=("eager",))
"""
# What a module does when it is imported, and what is said of it.
BAD = {
    "ends": ("import sys; sys.exit(0)", "does not load (SystemExit: 0)"),
    "raises": ("raise ValueError('no licence\\nbuy one')", "does not load (ValueError: no licence buy one)"),
    "interrupts": ("raise KeyboardInterrupt", "does not load (KeyboardInterrupt: )"),
    "dies": ("import os; os.abort()", "does not load (its process ended with status -6)"),
    "hangs": ("import time; time.sleep(60)", "does not load (nothing came of it in 8 s)"),
    "lies": ("import os; os.write(1, b'{}'); ENTRY = 3", "expected a backends.BackendEntry, found int"),
    "lacks": ("", "does not load (AttributeError"),
    "other": (GOOD, "the entry is named 'good'; expected 'other'"),
    "typed": (GOOD.replace('("numpy",)', '"numpy"'), "distributions is 'numpy'; expected a tuple of texts"),
    "listed": (GOOD.replace('"Good"', "3"), "title is 3; expected a text"),
}
NAMES = {"good": (f"print('hello')\nimport os; os.write(1, b'from C')\n{GOOD}", ""), **BAD}


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that is an installed package with an entry point of each kind."""
    folder = tmp_path_factory.mktemp("strange")
    for name, (body, _) in NAMES.items():
        (folder / f"strange_{name}.py").write_text(body)
    installed = folder / "strange-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: strange\nVersion: 1.0\n")
    points = "".join(f"{name} = strange_{name}:ENTRY\n" for name in NAMES)
    (installed / "entry_points.txt").write_text(f"[{backends.ENTRY_POINTS}]\n{points}")
    return folder


@pytest.fixture
def strange(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(package)
    fresh = backends._Backends()
    for module in (backends, registry):
        monkeypatch.setattr(module, "BACKENDS", fresh)
    monkeypatch.setattr("gan_rosetta.shared.workers.environments.BACKENDS", fresh)
    monkeypatch.setattr(outside, "_SECONDS_TO_LOAD", 8.0)


def test_a_good_one_is_found_whatever_it_prints(strange) -> None:
    assert registry.find_backend("good").title == "Good"


@pytest.mark.parametrize("name", BAD)
def test_one_that_cannot_be_used_is_refused_with_the_reason_in_a_line(strange, name: str) -> None:
    with pytest.raises(BackendUnavailable) as raised:
        registry.find_backend(name)
    said = str(raised.value)
    assert said.startswith(f"backend {name!r} cannot be used: strange_{name}:ENTRY of strange")
    assert BAD[name][1] in said
    assert "\n" not in said


def test_all_are_looked_up_beside_each_other(strange) -> None:
    assert [name for name in backends.BACKENDS if name not in backends._OURS] == ["good"]
    assert set(backends.BACKENDS.problems) == set(BAD)


def test_a_name_of_ours_and_one_of_nobody_load_nothing(strange, monkeypatch) -> None:
    monkeypatch.setattr(outside, "look_up", lambda name: pytest.fail(f"{name} was loaded"))
    assert isinstance(backends.BACKENDS["torch"], BackendEntry)
    assert "torhc" not in backends.BACKENDS


def test_a_python_may_be_chosen_for_one_that_is_unknown_to_this(strange, package) -> None:
    with pytest.raises(UsageError, match="which is no program"):
        parse_pythons([f"raises={package / 'absent'}"])


def command(package: Path, *words: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(package), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, "-m", "gan_rosetta", *words],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_command_that_does_not_ask_for_them_is_as_it_was(package, tmp_path) -> None:
    words = ("train", "linear-2d", "--backend", "numpy", "--steps", "2", "--json", "--out", str(tmp_path / "runs"))
    finished = command(package, *words)
    assert (finished.returncode, finished.stderr) == (0, "")
    assert len(json.loads(finished.stdout)["runs"]) == 1


def test_a_command_that_asks_for_one_says_why_not_in_a_line(package, tmp_path) -> None:
    finished = command(package, "train", "linear-2d", "--backend", "ends", "--out", str(tmp_path / "runs"))
    assert (finished.returncode, finished.stdout, finished.stderr.count("\n")) == (2, "", 1)
    assert "backend 'ends' cannot be used: strange_ends:ENTRY of strange does not load" in finished.stderr


def test_a_good_one_trains_and_its_words_do_not_spoil_the_document(package, tmp_path) -> None:
    words = ("train", "linear-2d", "--backend", "good", "--steps", "2", "--json", "--out", str(tmp_path / "runs"))
    finished = command(package, *words)
    assert (finished.returncode, finished.stderr) == (0, "")
    assert json.loads(finished.stdout)["runs"][0]["backend"] == "good"
