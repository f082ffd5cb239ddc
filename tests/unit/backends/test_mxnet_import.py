"""MXNet's import leaves NumPy as it was, and stays quiet under warnings as errors."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest

from gan_rosetta.backends import BACKENDS

if importlib.util.find_spec("mxnet") is None:
    pytest.skip(f"MXNet is not installed: {BACKENDS['mxnet'].install_hint}", allow_module_level=True)

_PROGRAM = """
import numpy
before = set(vars(numpy))
from gan_rosetta.backends.mxnet.device import configure, framework_version, list_devices
configure(threads=1)
assert "mxnet" not in __import__("sys").modules
assert list_devices()[0] == "cpu"
assert set(vars(numpy)) >= before and "bool" not in set(vars(numpy)) - before
assert not {"sklearn", "scipy.stats"} & set(__import__("sys").modules)
import scipy.stats
assert scipy.stats.norm.cdf(0.0) == 0.5
print(framework_version())
"""


def test_import_is_narrow_and_quiet() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _PROGRAM], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("1.9")
