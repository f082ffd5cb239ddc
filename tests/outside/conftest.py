"""Environments outside the repository: what is built is installed there, and nothing else of ours is near."""

from __future__ import annotations

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

Command = Callable[..., subprocess.CompletedProcess[str]]
Make = Callable[..., Path]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("outside"))


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder in which all is built."""
    return tmp_path_factory.mktemp("outside")


@pytest.fixture(scope="session")
def sources(place: Path) -> dict[str, Path]:
    """Return copies of gan-rosetta's and the example's sources, so that a build leaves nothing in the repository."""
    return {source.name: _copied(source, place / source.name) for source in (REPOSITORY, EXAMPLE)}


@pytest.fixture(scope="session")
def wheels(place: Path, sources: dict[str, Path]) -> dict[str, Path]:
    """Return the wheels of gan-rosetta and of the example, by name."""
    folder = place / "wheels"
    for source in sources.values():
        run([*pip(), "wheel", "--no-deps", "--wheel-dir", str(folder), str(source)], cwd=place)
    return {name: next(folder.glob(f"{name}-*.whl")) for name in ("gan_rosetta", "gan_rosetta_example")}


@pytest.fixture(scope="session")
def make_environment(place: Path) -> Make:
    """Return a function that makes an environment, installs into it, and returns its Python."""

    def make(name: str, /, *installs: list[str]) -> Path:
        python = python_in(place / name)
        run([sys.executable, "-m", "venv", "--without-pip", str(place / name)], cwd=place)
        for arguments in installs:
            # Without byte code, which is made of what is imported when it is: most of it never is.
            install([*pip(), "--python", str(python), "install", "--no-compile", *arguments], cwd=place)
        return python

    return make


@pytest.fixture(scope="session")
def environment(make_environment: Make, wheels: dict[str, Path]) -> Path:
    """Return the Python of a fresh environment with gan-rosetta, JAX, another NumPy, and the example's wheel."""
    another_numpy = f"numpy!={np.__version__}"  # so that a record shows in which environment a run was
    wanted = [another_numpy, f"{wheels['gan_rosetta']}[jax,laws]", str(wheels["gan_rosetta_example"])]
    return make_environment("environment", wanted)


def pip() -> list[str]:
    """Return this environment's pip, which may be newer than the one that comes with Python, and so faster."""
    return [sys.executable, "-m", "pip", "--quiet"]


def install(command: list[str], *, cwd: Path) -> None:
    """Run pip; skips the test where there is no package index."""
    finished = run(command, cwd=cwd, check=False)
    if finished.returncode and "No matching distribution" in finished.stderr:
        pytest.skip(f"the package index cannot be reached: {finished.stderr.splitlines()[-1]}")
    assert finished.returncode == 0, finished.stderr


def run(command: list[str], *, cwd: Path, check: bool = True, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a program with nothing of this session's in its environment variables but what is given."""
    left_out = ("PYTHONPATH", "PYTEST_ADDOPTS", "PYTHONDONTWRITEBYTECODE")
    variables = {name: value for name, value in os.environ.items() if name not in left_out} | more
    variables["COLUMNS"] = "250"  # so that no table breaks a line
    finished = subprocess.run(
        command, cwd=cwd, env=variables, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False
    )
    assert not check or finished.returncode == 0, f"{' '.join(command)}\n{finished.stdout}\n{finished.stderr}"
    return finished


def _copied(source: Path, target: Path) -> Path:
    """Copy what is tracked or new, links as links."""
    listed = run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "."], cwd=source)
    for name in filter(None, listed.stdout.split("\0")):
        path = source / name
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink():
            (target / name).symlink_to(path.readlink())
        elif path.is_file():
            (target / name).write_bytes(path.read_bytes())
    return target
