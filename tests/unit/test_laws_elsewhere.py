"""The laws on another device than the processor: what goes there, and who sees none of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gan_rosetta.backends import BACKENDS
from gan_rosetta.shared.conformance import frameworks
from gan_rosetta.shared.workers.registry import installed_version

REPOSITORY = Path(__file__).resolve().parents[2]


def test_backends_go_to_the_device_and_the_reference_stays(monkeypatch):
    monkeypatch.setattr(frameworks, "_device", "cpu")
    assert frameworks.device_of("torch") == "cpu"
    frameworks.try_on("cuda")
    assert (frameworks.device_of("torch"), frameworks.device_of("numpy")) == ("cuda", "cpu")


def test_a_backend_that_sees_no_such_device_is_skipped_with_that_reason():
    # Its wheels see no GPU anywhere.
    if installed_version(BACKENDS["mxnet"]) is None:
        pytest.skip(f"MXNet is not installed: {BACKENDS['mxnet'].install_hint}")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--pyargs",
        "-k",
        "device_laws and float32",
    ]
    options = ["--gan-rosetta-device", "cuda", "--gan-rosetta-backend", "mxnet", "--gan-rosetta-backend", "numpy"]
    laws = "gan_rosetta.shared.conformance.test_device_laws"
    finished = subprocess.run([*command, *options, laws], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert "MXNet sees no cuda here" in finished.stdout, finished.stdout + finished.stderr
    assert "1 passed, 1 skipped" in finished.stdout
