"""The harness imports no framework, so that a backend's absence or fault cannot reach the others."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_PROGRAM = """
import importlib, pkgutil, sys
import shared
for module in pkgutil.walk_packages(shared.__path__, "shared."):
    importlib.import_module(module.name)
found = sorted({"torch", "tensorflow", "keras", "mxnet", "jax"} & set(sys.modules))
sys.exit(f"importing shared brought in {found}" if found else 0)
"""


def test_shared_imports_no_framework():
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
