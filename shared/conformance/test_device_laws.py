"""Laws on devices: what a backend's device.py says of the machine, and that it multiplies as NumPy does."""

from __future__ import annotations

import numpy as np
import pytest

from gan_rosetta.backends import BACKENDS
from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.interface import SeenDevice
from gan_rosetta.shared.workers.registry import load_device_module


@pytest.fixture
def device(backend):
    return load_device_module(BACKENDS[backend])


def test_the_processor_is_there_and_counts_no_memory(reference_too, device):
    assert "cpu" in device.list_devices()
    device.check_device("cpu")
    assert isinstance(device.describe_device("cpu"), SeenDevice)
    assert device.peak_bytes("cpu") is None
    assert device.framework_version()


def test_a_device_that_is_not_there_is_refused_with_those_that_are(reference_too, device):
    with pytest.raises(UsageError, match="cpu"):
        device.check_device("tpu")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_matrix_product_runs_and_leaves_its_factors(reference_too, device, dtype):
    first, second = (np.random.default_rng(seed).standard_normal((8, 8)).astype(dtype) for seed in (0, 1))
    before = first.copy(), second.copy()
    device.matrix_product(first, second, device="cpu")()
    assert np.array_equal(first, before[0])
    assert np.array_equal(second, before[1])
