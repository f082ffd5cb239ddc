"""Where the example runs: what each backend's device module has."""

from __future__ import annotations

import importlib.metadata

from gan_rosetta.backends.numpy.device import (
    configure,
    describe_device,
    matrix_product,
    peak_bytes,
    reseed,
    set_products,
)
from gan_rosetta.shared.errors import UsageError

__all__ = [
    "check_device",
    "configure",
    "describe_device",
    "framework_version",
    "list_devices",
    "matrix_product",
    "peak_bytes",
    "reseed",
    "set_products",
]


def list_devices() -> tuple[str, ...]:
    """Return the devices that there are."""
    return ("cpu",)


def framework_version() -> str:
    """Return the version that records name."""
    return importlib.metadata.version("gan-rosetta-example")


def check_device(device: str, /) -> None:
    """Raise UsageError unless the device is there."""
    if device not in list_devices():
        raise UsageError(f"device {device!r} is not available to the example; expected cpu")
