"""A backend in a package of its own, built and installed into a fresh environment, is one like the others there.

The same environment, with a newer NumPy than MXNet bears, is then the one of a backend's own for this one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gan_rosetta.shared.workers.environments import python_in

REPOSITORY = Path(__file__).resolve().parents[2]
EXAMPLE = Path(__file__).with_name("example")
TIMEOUT_SECONDS = 900

pytestmark = pytest.mark.xdist_group("outside")
Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the Python of a fresh environment with gan-rosetta, JAX, another NumPy, and the example's wheel."""
    folder = tmp_path_factory.mktemp("outside")
    python = python_in(folder / "environment")
    _run([sys.executable, "-m", "venv", "--without-pip", str(folder / "environment")], cwd=folder)
    # This environment's pip, which may be newer than the one that comes with Python, and so faster.
    pip = [sys.executable, "-m", "pip", "--quiet", "--python", str(python)]
    wheels = folder / "wheels"
    for source in (REPOSITORY, EXAMPLE):
        copy = _copied(source, folder / source.name)
        _run([*pip, "wheel", "--no-deps", "--wheel-dir", str(wheels), str(copy)], cwd=folder)
    own, example = (next(wheels.glob(f"{name}-*.whl")) for name in ("gan_rosetta", "gan_rosetta_example"))
    # Without byte code, which is made of what is imported when it is: most of it never is.
    another_numpy = f"numpy!={np.__version__}"  # so that a record shows in which environment a run was
    install = [*pip, "install", "--no-compile", another_numpy, f"{own}[jax,laws]", str(example)]
    installed = subprocess.run(
        install, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False
    )
    if installed.returncode and "No matching distribution" in installed.stderr:
        pytest.skip(f"the package index cannot be reached: {installed.stderr.splitlines()[-1]}")
    assert installed.returncode == 0, installed.stderr
    return python


@pytest.fixture
def outside(environment: Path, tmp_path: Path) -> Command:
    """Return a function that runs a module there, away from this repository."""
    return lambda *arguments: _run([str(environment), "-m", *arguments], cwd=tmp_path, check=False)


def test_it_is_listed_and_those_that_cannot_be_used_are_named(outside: Command) -> None:
    listed = outside("gan_rosetta", "list")
    assert listed.returncode == 0, listed.stderr
    text = " ".join(listed.stdout.replace("│", " ").split())
    assert "example An example from outside 1.2.3 eager cpu" in text
    assert "the entry is named 'example'" in text
    assert "does not load" in text


def test_it_is_compared_diagnosed_and_measured(outside: Command) -> None:
    compared = outside(
        "gan_rosetta",
        "compare",
        "linear-2d",
        "--backends",
        "example",
        "--steps",
        "20",
        "--out",
        "runs",
    )
    assert compared.returncode == 0, compared.stderr
    assert "AGREE" in compared.stdout
    diagnosed = outside("gan_rosetta", "diagnose", "linear-2d", "--backends", "example")
    assert diagnosed.returncode == 0, diagnosed.stderr
    measured = outside("gan_rosetta", "bench", "--gans", "linear-2d", "--backends", "example", "--rounds", "1")
    assert measured.returncode == 0, measured.stderr
    assert "example eager" in measured.stdout


def test_a_mistake_outside_is_found(outside: Command) -> None:
    compared = outside(
        "gan_rosetta",
        "compare",
        "linear-2d",
        "--backends",
        "hasty",
        "--steps",
        "20",
        "--out",
        "runs",
    )
    assert compared.returncode == 1, compared.stdout + compared.stderr
    assert "DISAGREE" in compared.stdout


def test_it_holds_the_laws_and_the_one_with_a_mistake_does_not(outside: Command) -> None:
    laws = [
        "pytest",
        "-p",
        "gan_rosetta.shared.conformance.plugin",
        "--pyargs",
        "gan_rosetta.shared.conformance",
        "-q",
        "-p",
        "no:cacheprovider",
    ]
    kept = outside(*laws, "--backend", "example", "-k", "linear or sine")
    assert kept.returncode == 0, kept.stdout[-3000:]
    assert " passed" in kept.stdout
    broken = outside(*laws, "--backend", "hasty", "-k", "agree and linear")
    assert broken.returncode == 1, broken.stdout[-3000:]
    assert "noise" in broken.stdout or "rounding" in broken.stdout


def test_two_environments_agree(environment: Path, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "gan_rosetta",
        "compare",
        "gaussian-1d-adam",
        "--backends",
        "jax,torch",
    ]
    command += ["--python", f"jax={environment}", "--steps", "50", "--out", str(tmp_path / "runs")]
    compared = _run(command, cwd=tmp_path, check=False)
    assert compared.returncode == 0, compared.stdout + compared.stderr
    records = {path.parent.name: json.loads(path.read_text()) for path in (tmp_path / "runs").glob("*/*/record.json")}
    assert set(records) == {"numpy", "jax", "torch"}
    there, here = records["jax"]["versions"]["numpy"], records["torch"]["versions"]["numpy"]
    assert int(there.split(".")[0]) >= 2
    assert there != here, f"both have NumPy {here}, so that this shows nothing"


def _copied(source: Path, target: Path) -> Path:
    """Copy what is tracked or new, without build outputs, so that a build leaves nothing in the repository."""
    listed = _run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "."], cwd=source)
    for name in filter(None, listed.stdout.split("\0")):
        path = source / name
        if path.is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (target / name).write_bytes(path.read_bytes())
    return target


def _run(command: list[str], *, cwd: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    left_out = ("PYTHONPATH", "PYTEST_ADDOPTS", "PYTHONDONTWRITEBYTECODE")
    environment = {name: value for name, value in os.environ.items() if name not in left_out}
    environment["COLUMNS"] = "250"  # so that no table breaks a line
    finished = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False
    )
    assert not check or finished.returncode == 0, f"{' '.join(command)}\n{finished.stdout}\n{finished.stderr}"
    return finished
