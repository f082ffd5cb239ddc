"""What is built and installed: gan_rosetta alone, whole, and at work among files that have its modules' names."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path

import pytest

from tests.outside.conftest import REPOSITORY, Make, install, pip, run

DATA = (
    "gan_rosetta/py.typed",
    "gan_rosetta/benchmarks/floor/gaussian_1d.c",
    "gan_rosetta/shared/coverage/programs/studiogan.toml",
    "gan_rosetta/shared/report/page/base.html",
    "gan_rosetta/shared/report/page/page.html",
    "gan_rosetta/shared/report/page/plot.html",
    "gan_rosetta/shared/report/page/sweep.html",
    "gan_rosetta/shared/report/page/page.css",
    "gan_rosetta/shared/report/page/page.js",
)
# Whose names a script or a folder of its user's may well have.
STRANGERS = ("shared/__init__", "backends/__init__", "benchmarks", "numpy", "json", "torch", "scipy", "rich", "typer")


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="session")
def sdist(place: Path, sources: dict[str, Path]) -> Path:
    """Return the source distribution."""
    install([*pip(), "install", "--target", str(place / "tools"), "setuptools>=77"], cwd=place)
    (place / "sdist").mkdir()
    program = "import sys; from setuptools.build_meta import build_sdist; build_sdist(sys.argv[1])"
    tools = str(place / "tools")
    source = sources[REPOSITORY.name]
    python = pip()[0]
    run([python, "-W", "ignore", "-c", program, str(place / "sdist")], cwd=source, PYTHONPATH=tools)
    return next((place / "sdist").glob("gan_rosetta-*.tar.gz"))


def test_a_wheel_brings_the_package_whole_and_nothing_else(wheels: dict[str, Path], sources: dict[str, Path]) -> None:
    found = contents(wheels["gan_rosetta"])
    tops = {name.partition("/")[0] for name in found}
    assert {re.sub(r"-.*\.dist-info$", ".dist-info", top) for top in tops} == {"gan_rosetta", "gan_rosetta.dist-info"}
    source = sources[REPOSITORY.name]
    folders = (source / "shared", source / "backends", source / "benchmarks")
    ours = {f"gan_rosetta/{path.relative_to(source)}" for folder in folders for path in folder.rglob("*.py")}
    ours |= {f"gan_rosetta/{path.name}" for path in (source / "gan_rosetta").glob("*.py")}
    assert {name for name in found if name.endswith(".py")} == ours
    assert set(DATA) <= set(found)
    assert any(name.endswith("licenses/LICENSE") for name in found)


def test_a_wheel_of_the_source_distribution_is_the_same(wheels: dict[str, Path], sdist: Path, place: Path) -> None:
    run([*pip(), "wheel", "--no-deps", "--wheel-dir", str(place / "again"), str(sdist)], cwd=place)
    again = next((place / "again").glob("gan_rosetta-*.whl"))
    assert contents(again) == contents(wheels["gan_rosetta"])


@pytest.fixture
def strangers(tmp_path: Path) -> Path:
    """Return a folder of files that have the names of modules, each of which raises when it is imported."""
    for name in STRANGERS:
        path = tmp_path / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text("raise RuntimeError('a stranger was imported')\n", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    "arguments",
    [
        ["compare", "linear-2d", "--backends", "numpy,jax", "--steps", "5"],
        ["train", "linear-2d", "--backend", "numpy", "--steps", "5"],
        ["list"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_it_works_among_files_of_its_modules_names(environment: Path, strangers: Path, arguments: list[str]) -> None:
    finished = run([str(environment.with_name("gan-rosetta")), *arguments], cwd=strangers, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "stranger" not in finished.stdout + finished.stderr


def test_a_stranger_is_seen(environment: Path, strangers: Path) -> None:
    """Where a folder is on the path, as with -m, its files are imported: the test above would see it."""
    finished = run([str(environment), "-m", "gan_rosetta", "list"], cwd=strangers, check=False)
    assert "a stranger was imported" in finished.stderr


def test_an_environment_of_what_the_document_lists_serves_workers(
    make_environment: Make, environment: Path, wheels: dict[str, Path], tmp_path: Path
) -> None:
    text = (REPOSITORY / "docs" / "backends.md").read_text(encoding="utf-8")
    (listed,) = re.findall(r"bin/pip install (numpy .*?) '", text)
    small = make_environment("small", ["--no-deps", str(wheels["gan_rosetta"])], listed.split())
    command = [str(environment), "-m", "gan_rosetta", "compare", "linear-2d", "--steps", "5", "--json"]
    finished = run([*command, "--runs", f"numpy,numpy@{small}"], cwd=tmp_path)
    (comparison,) = json.loads(finished.stdout)["comparisons"]
    assert comparison["verdict"] == "AGREE"
    assert len(comparison["runs"]) == 2
    there = run([str(small), "-m", "gan_rosetta", "list"], cwd=tmp_path, check=False)
    assert "typer is not installed here, so that this environment serves workers alone" in there.stderr
