"""Threads, determinism and devices of torch."""

from __future__ import annotations

import os

import torch

from gan_rosetta.shared.errors import UsageError


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
