"""MXNet's devices and threads."""

from __future__ import annotations

import importlib
import os
from typing import Any

import numpy as np

from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.interface import Product, SeenDevice, require_products

# What products keep on each device, once it is chosen.
_CHOSEN: dict[str, str] = {}


def configure(*, threads: int) -> None:
    """Set the number of CPU threads; must run before MXNet is imported, which reads these variables once."""
    for name in ("OMP_NUM_THREADS", "MXNET_OMP_MAX_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(threads)
    os.environ["MXNET_ENFORCE_DETERMINISM"] = "1"
    # A graph's operators go to the engine at once, not 15 at a time, as they are and without a word.
    os.environ["MXNET_EXEC_BULK_EXEC_MAX_NODE_TRAIN"] = "1000"
    os.environ["MXNET_SUBGRAPH_VERBOSE"] = "0"
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


def describe_device(device: str, /) -> SeenDevice:
    """Return what MXNet sees of a device: no more than that it is there."""
    return SeenDevice(name="the processor" if device == "cpu" else "a GPU")


def peak_bytes(device: str, /) -> int | None:
    """Return the memory of the GPU in use now, MXNet's pool and others' programs with it; None on a processor.

    MXNet keeps no count of the most that it has used.
    """
    if device == "cpu":
        return None
    free, total = _mxnet().context.gpu_memory_info(0)
    return int(total - free)


def set_products(products: str, /, *, device: str) -> None:
    """Choose what float32 products keep of their factors; raises UsageError for others than there are.

    On a GPU for a process's whole life: cuBLAS and cuDNN read it when they start.
    """
    require_products("mxnet", products, device=device, on_gpu=("tf32",))
    chosen = _CHOSEN.setdefault(device, products)
    if chosen != products:
        raise UsageError(
            f"MXNet's products on {device} are {chosen} in this process, and cannot become {products}; train the two "
            "in two commands"
        )
    if products == "tf32":
        # "0" forbids it and no value leaves it to MXNet, which allows it.
        os.environ.pop("NVIDIA_TF32_OVERRIDE", None)
        os.environ["MXNET_CUDA_ALLOW_TENSOR_CORE"] = "1"


def reseed(seed: int, /) -> None:
    """Seed MXNet's generators, those of all devices."""
    _mxnet().random.seed(seed)


def matrix_product(first: np.ndarray, second: np.ndarray, /, *, device: str) -> Product:
    """Return a function that multiplies two matrices once, finished when it returns."""
    nd = _mxnet().nd
    a, b = (nd.from_numpy(array.copy()).as_in_context(context(device)) for array in (first, second))

    def multiply() -> None:
        nd.dot(a, b).wait_to_read()

    return multiply


def context(device: str, /) -> Any:
    """Return MXNet's context for a device name, checked."""
    check_device(device)
    return _mxnet().gpu(0) if device == "cuda" else _mxnet().cpu()


def _mxnet() -> Any:
    # Not at the top, where the import would come before `configure`.
    return importlib.import_module("gan_rosetta.backends.mxnet.framework").mx
