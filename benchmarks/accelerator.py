"""What the benchmark asks of a framework beyond its Trainer: TF32 on or off, GPU memory, and a bare matrix product."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from shared.errors import UsageError

Product = Callable[[], None]


def allow_tf32(backend: str, /) -> None:
    """Let float32 products on a GPU keep ten bits of mantissa; the backends' own setting is not to.

    Call it after the backend's `configure` and before anything is computed. Nothing to do where there is no GPU.
    """
    if backend == "torch":
        torch = importlib.import_module("torch")
        torch.backends.cuda.matmul.allow_tf32 = True
        torch.backends.cudnn.allow_tf32 = True
    elif backend == "tensorflow":
        importlib.import_module("tensorflow").config.experimental.enable_tensor_float_32_execution(True)
    elif backend == "mxnet":
        # Read by cuBLAS and cuDNN when they start; "0" forbids it and no value leaves it to MXNet, which allows it.
        os.environ.pop("NVIDIA_TF32_OVERRIDE", None)
        os.environ["MXNET_CUDA_ALLOW_TENSOR_CORE"] = "1"
    elif backend == "jax":
        importlib.import_module("jax").config.update("jax_default_matmul_precision", None)


def device_bytes(backend: str, device: str, /) -> int | None:
    """Return the most memory of the GPU that the framework has used so far, in bytes; None on a processor.

    MXNet keeps no such count: of it the memory in use now is returned, its pool and others' programs with it.
    """
    if device == "cpu":
        return None
    if backend == "torch":
        return int(importlib.import_module("torch").cuda.max_memory_allocated())
    if backend == "tensorflow":
        return int(importlib.import_module("tensorflow").config.experimental.get_memory_info("GPU:0")["peak"])
    if backend == "mxnet":
        free, total = importlib.import_module("mxnet").context.gpu_memory_info(0)
        return int(total - free)
    if backend == "jax":
        return int(importlib.import_module("jax").devices("cuda")[0].memory_stats()["peak_bytes_in_use"])
    return None


def matrix_product(backend: str, /, *, device: str, dtype: str, size: int) -> Product:
    """Return a function that multiplies two (size, size) matrices once, finished when it returns.

    Raises UsageError for a backend without one.
    """
    if backend not in _PRODUCTS:
        raise UsageError(f"no matrix product is written for {backend!r}; expected one of {', '.join(_PRODUCTS)}")
    generator = np.random.default_rng(0)
    # Around 0, so that sums of products stay of one size.
    first, second = (generator.standard_normal((size, size)).astype(dtype) for _ in range(2))
    return _PRODUCTS[backend](first, second, device)


def _numpy_product(first: Any, second: Any, device: str) -> Product:
    if device != "cpu":
        raise UsageError(f"numpy multiplies on the processor; device is {device!r}, expected 'cpu'")
    out = np.empty_like(first)

    def multiply() -> None:
        np.matmul(first, second, out=out)

    return multiply


def _torch_product(first: Any, second: Any, device: str) -> Product:
    torch = importlib.import_module("torch")
    a, b = (torch.from_numpy(array).to(device) for array in (first, second))
    out = torch.empty_like(a)

    def multiply() -> None:
        torch.mm(a, b, out=out)
        if device == "cuda":
            torch.cuda.synchronize()

    return multiply


_PRODUCTS: Mapping[str, Callable[[Any, Any, str], Product]] = {"numpy": _numpy_product, "torch": _torch_product}
PEAK_BACKENDS = tuple(_PRODUCTS)
