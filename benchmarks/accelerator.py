"""What the benchmark asks of a framework beyond its Trainer: TF32, the GPU and its memory, launches, a bare product."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gan_rosetta.shared.errors import UsageError

Product = Callable[[], None]

# Other ways of launching compiled steps on a GPU than the backend's own.
VARIANTS: Mapping[str, tuple[str, ...]] = {"torch": ("without graphs",), "jax": ("scan",)}


@dataclass(frozen=True, kw_only=True)
class SeenDevice:
    """What a framework sees of a device. name: as the framework has it. memory_bytes: 0 where it does not say.

    details: what else it says, such as the compute capability, as one line.
    """

    name: str
    memory_bytes: int
    details: str


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


def describe_device(backend: str, device: str, /) -> SeenDevice:
    """Return what a framework sees of a device."""
    if device == "cpu":
        return SeenDevice(name="the processor", memory_bytes=0, details="")
    if backend == "torch":
        torch = importlib.import_module("torch")
        found = torch.cuda.get_device_properties(0)
        details = f"compute capability {found.major}.{found.minor}, {found.multi_processor_count} multiprocessors"
        versions = f"CUDA {torch.version.cuda}, cuDNN {torch.backends.cudnn.version()}"
        return SeenDevice(name=found.name, memory_bytes=int(found.total_memory), details=f"{details}, {versions}")
    if backend == "jax":
        found = importlib.import_module("jax").devices("cuda")[0]
        # Not the card's: the share of it that JAX may take.
        limit = (found.memory_stats() or {}).get("bytes_limit", 0)
        details = f"compute capability {found.compute_capability}, {found.client.platform_version}"
        return SeenDevice(name=found.device_kind, memory_bytes=int(limit), details=" ".join(details.split()))
    if backend == "tensorflow":
        config = importlib.import_module("tensorflow").config
        found = config.experimental.get_device_details(config.list_physical_devices("GPU")[0])
        capability = ".".join(str(part) for part in found.get("compute_capability", ()))
        return SeenDevice(name=str(found.get("device_name", "a GPU")), memory_bytes=0, details=capability)
    return SeenDevice(name="a GPU", memory_bytes=0, details="")


def use_variant(trainer: Any, variant: str | None, /) -> None:
    """Have a trainer launch its compiled steps otherwise; one of VARIANTS, or None for its own way."""
    if variant == "without graphs":
        trainer.compiled.captures = False
    elif variant == "scan":
        trainer.scans = True
    elif variant is not None:
        raise UsageError(f"no way of launching steps is called {variant!r}; expected one of {VARIANTS}")


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


def _jax_product(first: Any, second: Any, device: str) -> Product:
    jax = importlib.import_module("jax")
    a, b = (jax.device_put(array, jax.devices(device)[0]) for array in (first, second))
    product = jax.jit(jax.numpy.matmul)

    def multiply() -> None:
        product(a, b).block_until_ready()

    return multiply


_PRODUCTS: Mapping[str, Callable[[Any, Any, str], Product]] = {
    "numpy": _numpy_product,
    "torch": _torch_product,
    "jax": _jax_product,
}
# Whose products are timed to tell what a processor can do, and a GPU.
PEAK_BACKENDS = ("numpy", "torch")
GPU_PEAK_BACKENDS = ("torch", "jax")
