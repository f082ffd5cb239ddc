"""MXNet's devices and threads."""

from __future__ import annotations

import importlib
import os
from typing import Any

from gan_rosetta.shared.errors import UsageError


def configure(*, threads: int) -> None:
    """Set the number of CPU threads; must run before MXNet is imported, which reads these variables once."""
    for name in ("OMP_NUM_THREADS", "MXNET_OMP_MAX_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(threads)
    os.environ["MXNET_ENFORCE_DETERMINISM"] = "1"
    os.environ["NVIDIA_TF32_OVERRIDE"] = "0"


def list_devices() -> tuple[str, ...]:
    """Return "cpu", and "cuda" where this build of MXNet sees a GPU."""
    return ("cpu", "cuda") if _mxnet().context.num_gpus() > 0 else ("cpu",)


def framework_version() -> str:
    """Return MXNet's version."""
    return str(_mxnet().__version__)


def check_device(device: str, /) -> None:
    """Raise UsageError unless the device is one that MXNet has here."""
    devices = list_devices()
    if device not in devices:
        raise UsageError(
            f"device is {device!r}; MXNet {framework_version()} has {', '.join(devices)} here: pass one of them"
        )


def context(device: str, /) -> Any:
    """Return MXNet's context for a device name, checked."""
    check_device(device)
    return _mxnet().gpu(0) if device == "cuda" else _mxnet().cpu()


def _mxnet() -> Any:
    # Not at the top, where the import would come before `configure`.
    return importlib.import_module("gan_rosetta.backends.mxnet.framework").mx
