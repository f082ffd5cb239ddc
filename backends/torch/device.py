"""Threads, determinism and devices of torch."""

from __future__ import annotations

import os

import numpy as np
import torch

from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.interface import Product, SeenDevice, require_products


def configure(*, threads: int) -> None:
    """Set the intra-op threads, deterministic algorithms and full float32 precision; call it before making a tensor."""
    # cuBLAS is deterministic only with a workspace of fixed size, and reads it when CUDA starts.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True)
    # No tensor is read before it is written, so filling fresh memory with NaN would only cost time.
    torch.utils.deterministic.fill_uninitialized_memory = False
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False


def list_devices() -> tuple[str, ...]:
    """Return the devices that a trainer can be built on: "cpu", and "cuda" where torch sees a GPU."""
    return ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",)


def framework_version() -> str:
    """Return the installed torch's version."""
    return str(torch.__version__)


def check_device(device: str, /) -> None:
    """Raise UsageError, saying what there is, unless torch can run on the device."""
    available = list_devices()
    if device not in available:
        raise UsageError(f"torch has no device {device!r} here; expected one of {', '.join(available)}")


def describe_device(device: str, /) -> SeenDevice:
    """Return what torch sees of a device."""
    if device == "cpu":
        return SeenDevice(name="the processor")
    found = torch.cuda.get_device_properties(0)
    details = f"compute capability {found.major}.{found.minor}, {found.multi_processor_count} multiprocessors"
    versions = f"CUDA {torch.version.cuda}, cuDNN {torch.backends.cudnn.version()}"
    return SeenDevice(name=found.name, memory_bytes=int(found.total_memory), details=f"{details}, {versions}")


def peak_bytes(device: str, /) -> int | None:
    """Return the most memory of the GPU that torch has had allocated so far; None on a processor."""
    return None if device == "cpu" else int(torch.cuda.max_memory_allocated())


def set_products(products: str, /, *, device: str) -> None:
    """Choose what float32 products and convolutions keep of their factors; raises UsageError for others than there are.

    A processor's are full; torch's "medium" precision, bfloat16, is TF32 on a GPU.
    """
    require_products("torch", products, device=device, on_gpu=("tf32",))
    torch.backends.cuda.matmul.allow_tf32 = products == "tf32"
    torch.backends.cudnn.allow_tf32 = products == "tf32"


def reseed(seed: int, /) -> None:
    """Seed torch's generators, those of all devices."""
    torch.manual_seed(seed)


def matrix_product(first: np.ndarray, second: np.ndarray, /, *, device: str) -> Product:
    """Return a function that multiplies two matrices once, finished when it returns."""
    a, b = (torch.from_numpy(array).to(device) for array in (first, second))
    out = torch.empty_like(a)

    def multiply() -> None:
        torch.mm(a, b, out=out)
        if device == "cuda":
            torch.cuda.synchronize()

    return multiply
