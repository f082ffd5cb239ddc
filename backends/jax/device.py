"""Devices, threads and precision settings of JAX."""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Mapping
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path
from typing import Any

import jax
import numpy as np

from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.interface import Product, SeenDevice, require_products
from gan_rosetta.shared.storage.compiled import kept_folder

# XLA's CPU runtime up to jaxlib 0.6 can compile a whole loop to one function, where its later runtime calls each
# operation by itself: a third of the time for a step of a small GAN.
_WHOLE_LOOPS: Mapping[str, Any] = {"xla_cpu_use_thunk_runtime": False}
# That later runtime does so with loops alone whose step moves fewer bytes; left to itself it says 1 kB.
_SMALL_LOOP_BYTES = 2**16
# It also hands sums and products to a library (YNNPACK), a call of which takes longer than those of a tiny GAN do.
_OWN_KERNELS: Mapping[str, Any] = {"xla_cpu_experimental_ynn_fusion_type": ""}

# XLA's names for what products keep of float32 factors, where that is less than all.
_PRECISIONS = {"tf32": "tensorfloat32", "bf16": "BF16_BF16_F32"}
_SHORTEST_KEPT_COMPILE_SECONDS = 0.5


def with_float64(is_on: bool = True, /) -> AbstractContextManager[Any]:
    """Return a context in which JAX has float64, or has it not; its name has changed from one version to the other."""
    own: Any = jax.enable_x64 if hasattr(jax, "enable_x64") else jax.experimental.enable_x64
    context: AbstractContextManager[Any] = own(is_on)
    return context


def configure(*, threads: int) -> None:
    """Set float64, threads, determinism and full float32 precision; call once in a process, before any array is made.

    JAX reads the environment when it first looks for devices, so that importing it before does no harm.
    """
    jax.config.update("jax_enable_x64", True)
    # With JAX_DISABLE_JIT nothing would be compiled, and records say that it was.
    jax.config.update("jax_disable_jit", False)
    # On Ampere and later GPUs float32 products would otherwise keep 10 bits of mantissa.
    jax.config.update("jax_default_matmul_precision", "highest")
    # JAX has no setting for its threads. These are read, by one version or another, in place of the number of cores.
    os.environ["NPROC"] = os.environ["PJRT_NPROC"] = str(threads)
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    flags = [
        f"--xla_cpu_multi_thread_eigen={'true' if threads > 1 else 'false'}",
        "--xla_gpu_deterministic_ops=true",
        f"--xla_backend_extra_options=xla_cpu_small_while_loop_byte_threshold={_SMALL_LOOP_BYTES}",
    ]
    os.environ["XLA_FLAGS"] = " ".join([*flags, os.environ.get("XLA_FLAGS", "")]).strip()
    _keep_compiled(threads=threads)


def list_devices() -> tuple[str, ...]:
    """Return those of "cpu" and "cuda" that JAX sees."""
    return tuple(name for name in ("cpu", "cuda") if _sees(name))


def framework_version() -> str:
    """Return JAX's version."""
    return str(jax.__version__)


def check_device(device: str, /) -> None:
    """Raise UsageError unless JAX can run on the device."""
    available = list_devices()
    if device not in available:
        raise UsageError(f"device is {device!r}; JAX {framework_version()} has {', '.join(available)} here")


def describe_device(device: str, /) -> SeenDevice:
    """Return what JAX sees of a device; of a GPU's memory the share that JAX may take."""
    if device == "cpu":
        return SeenDevice(name="the processor")
    found: Any = native_device(device)
    limit = (found.memory_stats() or {}).get("bytes_limit", 0)
    details = f"compute capability {found.compute_capability}, {found.client.platform_version}"
    return SeenDevice(name=found.device_kind, memory_bytes=int(limit), details=" ".join(details.split()))


def peak_bytes(device: str, /) -> int | None:
    """Return the most memory of the GPU that JAX has used so far; None on a processor."""
    return None if device == "cpu" else int(native_device(device).memory_stats()["peak_bytes_in_use"])


def set_products(products: str, /, *, device: str) -> None:
    """Choose what float32 products keep of their factors; raises UsageError for others than there are.

    XLA takes full ones on a processor whatever it is asked for.
    """
    require_products("jax", products, device=device, on_gpu=tuple(_PRECISIONS))
    jax.config.update("jax_default_matmul_precision", _PRECISIONS.get(products, "highest"))


def reseed(seed: int, /) -> None:
    """Do nothing: JAX draws from keys that it is given, and keeps no generator."""
    del seed


def matrix_product(first: np.ndarray, second: np.ndarray, /, *, device: str) -> Product:
    """Return a function that multiplies two matrices once, finished when it returns."""
    a, b = (jax.device_put(array, native_device(device)) for array in (first, second))
    product = jax.jit(jax.numpy.matmul)

    def multiply() -> None:
        product(a, b).block_until_ready()

    return multiply


def native_device(device: str, /) -> Any:
    """Return JAX's device for "cpu" or "cuda"."""
    return jax.devices(device)[0]


@cache
def loop_options(device: str, /, *, of_tiny: bool) -> dict[str, Any]:
    """Return what to tell XLA about small loops, beyond its defaults: as much as this jaxlib has options for.

    of_tiny: whether a loop's steps are those of a tiny GAN, or of many side by side, whose products are sums.
    """
    if device != "cpu":
        return {}
    wanted = [_WHOLE_LOOPS, _OWN_KERNELS] if of_tiny else [_WHOLE_LOOPS]
    return {name: value for options in wanted for name, value in options.items() if _has_option(name, value)}


def _has_option(name: str, value: Any) -> bool:
    try:
        jax.jit(lambda number: number, compiler_options={name: value})(jax.device_put(0.0, native_device("cpu")))
    except RuntimeError:
        return False
    return True


def _keep_compiled(*, threads: int) -> None:
    """Have JAX keep what it compiles for later processes, by a hash of the program and of XLA's options.

    XLA cuts work to the number of threads as it compiles, which its hash leaves out, so each number has a folder.
    JAX_COMPILATION_CACHE_DIR names another folder, and JAX_ENABLE_COMPILATION_CACHE=false keeps nothing.
    """
    if "JAX_COMPILATION_CACHE_DIR" in os.environ:
        return
    folder = kept_folder("jax", f"{_processor_digest()}-{threads}")
    if folder is not None:
        jax.config.update("jax_compilation_cache_dir", str(folder))
        if "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS" not in os.environ:
            jax.config.update("jax_persistent_cache_min_compile_time_secs", _SHORTEST_KEPT_COMPILE_SECONDS)


def _processor_digest() -> str:
    """Return a name for what the processor can do: code for one may not run on another that shares the folder."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.is_file() else []
    abilities = next((line for line in lines if line.startswith(("flags", "Features"))), platform.processor())
    return hashlib.sha256(abilities.encode()).hexdigest()[:16]


def _sees(name: str) -> bool:
    try:
        return bool(jax.devices(name))
    except RuntimeError:
        return False
