"""Where the NumPy reference runs: the CPU, with as many BLAS threads as it is given."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

import numpy as np

from gan_rosetta.backends.numpy.products import set_kept_bits
from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.interface import Product, SeenDevice

_THREAD_VARIABLES = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
# NumPy 2's wheels, NumPy 1.26's wheels, a system's OpenBLAS with 64-bit and with 32-bit integers.
_SETTERS = (
    "scipy_openblas_set_num_threads64_",
    "openblas_set_num_threads64_",
    "openblas_set_num_threads64",
    "openblas_set_num_threads",
)


def configure(*, threads: int) -> None:
    """Set the number of threads that matrix products use; call once, before any tensor is made.

    An OpenBLAS that came with NumPy is told directly. Any other BLAS read its environment variables when NumPy was
    imported; they are set here for what is started later.
    """
    for variable in _THREAD_VARIABLES:
        os.environ[variable] = str(threads)
    for path in _bundled_openblas():
        library = ctypes.CDLL(str(path))
        for name in _SETTERS:
            if hasattr(library, name):
                getattr(library, name)(ctypes.c_int(threads))
                break


def list_devices() -> tuple[str, ...]:
    """Return the devices that NumPy runs on: the CPU."""
    return ("cpu",)


def framework_version() -> str:
    """Return NumPy's version."""
    return np.__version__


def check_device(device: str, /) -> None:
    """Raise UsageError unless the device is there."""
    available = list_devices()
    if device not in available:
        raise UsageError(f"device {device!r} is not available to numpy; expected one of {', '.join(available)}")


def describe_device(device: str, /) -> SeenDevice:
    """Return what NumPy sees of the processor."""
    del device
    return SeenDevice(name="the processor")


def peak_bytes(device: str, /) -> int | None:
    """Return None: the processor's memory is the process's."""
    del device
    return None


def set_products(products: str, /, *, device: str) -> None:
    """Choose what factors of float32 products keep; NumPy rounds them as a GPU does."""
    check_device(device)
    set_kept_bits(products)


def reseed(seed: int, /) -> None:
    """Seed NumPy's own generator."""
    np.random.seed(seed)


def matrix_product(first: np.ndarray, second: np.ndarray, /, *, device: str) -> Product:
    """Return a function that multiplies two matrices once; raises UsageError for another device."""
    check_device(device)
    out = np.empty_like(first)

    def multiply() -> None:
        np.matmul(first, second, out=out)

    return multiply


def _bundled_openblas() -> list[Path]:
    package = Path(np.__file__).parent
    folders = (package.parent / "numpy.libs", package / ".dylibs", package / ".libs")
    return sorted(path for folder in folders if folder.is_dir() for path in folder.glob("*openblas*"))
