"""The harness and the benchmark import no framework, so that a backend's absence or fault cannot reach the others."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

_PROGRAM = """
import importlib, pkgutil, sys
import benchmarks, shared, tutorials.machinery
for room in (shared, benchmarks, tutorials.machinery):
    for module in pkgutil.walk_packages(room.__path__, room.__name__ + "."):
        importlib.import_module(module.name)
found = sorted({"torch", "tensorflow", "keras", "mxnet", "jax"} & set(sys.modules))
sys.exit(f"importing shared, benchmarks and the lessons' machinery brought in {found}" if found else 0)
"""


def test_shared_and_benchmarks_import_no_framework():
    root = Path(__file__).parents[2]
    finished = subprocess.run([sys.executable, "-c", _PROGRAM], cwd=root, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr


def test_every_backend_has_the_same_files():
    folders = [
        folder for folder in (Path(__file__).parents[2] / "backends").iterdir() if (folder / "trainer.py").exists()
    ]
    assert {"numpy", "torch", "tensorflow", "mxnet"} <= {folder.name for folder in folders}
    for folder in folders:
        for name in ("device.py", "layers.py", "losses.py", "optimizers.py"):
            assert (folder / name).exists(), f"{folder.name} lacks {name}"


def test_no_room_knows_the_lessons():
    root = Path(__file__).parents[2]
    for room in ("shared", "backends", "benchmarks"):
        for file in sorted((root / room).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                assert not [name for name in modules if name.partition(".")[0] == "tutorials"], file
