"""pytest loads our plugin in every session of an environment: a stranger's stays as it was."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

CONFTEST = """
import pytest


def pytest_addoption(parser):
    parser.addoption("--backend", default="none")


@pytest.fixture
def backend(request):
    return request.config.getoption("--backend")


@pytest.fixture
def gan():
    return "a gan of mine"
"""
TESTS = """
import sys

import pytest


def test_options_and_fixtures_are_mine(backend, gan):
    assert (backend, gan) == ("mine", "a gan of mine")


@pytest.mark.parametrize("backend", ["a", "b"])
def test_parameters_are_mine(backend, request):
    assert backend in ("a", "b")


def test_nothing_was_imported_for_me():
    found = {name for name in sys.modules if name.startswith("gan_rosetta.shared.")}
    assert found == {"gan_rosetta.shared.conformance", "gan_rosetta.shared.conformance.plugin"}
    assert "numpy" not in sys.modules
"""


def test_a_strangers_session_stays_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    (tmp_path / "test_mine.py").write_text(TESTS, encoding="utf-8")
    # Not those of a library of properties, which imports NumPy where it is there.
    others = ["-p", "no:hypothesispytest", "-p", "no:xdist", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "--strict-markers", *others, "--backend", "mine"]
    finished = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "4 passed" in finished.stdout
