"""A backend in a package of its own, built and installed into a fresh environment, is one like the others there.

The same environment, with a newer NumPy than MXNet bears, is then the one of a backend's own for this one.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.outside.conftest import Command, run


@pytest.fixture
def outside(environment: Path, tmp_path: Path) -> Command:
    """Return a function that runs a module there, away from this repository."""
    return lambda *arguments: run([str(environment), "-m", *arguments], cwd=tmp_path, check=False)


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
    laws = ["pytest", "--pyargs", "gan_rosetta.shared.conformance", "-q", "-p", "no:cacheprovider"]
    kept = outside(*laws, "--gan-rosetta-backend", "example", "-k", "linear or sine")
    assert kept.returncode == 0, kept.stdout[-3000:]
    assert " passed" in kept.stdout
    broken = outside(*laws, "--gan-rosetta-backend", "hasty", "-k", "agree and linear")
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
    compared = run(command, cwd=tmp_path, check=False)
    assert compared.returncode == 0, compared.stdout + compared.stderr
    records = {path.parent.name: json.loads(path.read_text()) for path in (tmp_path / "runs").glob("*/*/record.json")}
    assert set(records) == {"numpy", "jax", "torch"}
    there, here = records["jax"]["versions"]["numpy"], records["torch"]["versions"]["numpy"]
    assert int(there.split(".")[0]) >= 2
    assert there != here, f"both have NumPy {here}, so that this shows nothing"
