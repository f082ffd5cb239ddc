"""Devices, threads and precision settings of JAX."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

import jax

from shared.errors import UsageError

# XLA's CPU runtime up to jaxlib 0.6 can compile a whole loop to one function, where its later runtime calls each
# operation by itself: a third of the time for a step of a small GAN.
_WHOLE_LOOPS = {"xla_cpu_use_thunk_runtime": False}


def configure(*, threads: int) -> None:
    """Set float64, threads, determinism and full float32 precision; call once in a process, before any array is made.

    JAX reads the environment when it first looks for devices, so that importing it before does no harm.
    """
    jax.config.update("jax_enable_x64", True)
    # On Ampere and later GPUs float32 products would otherwise keep 10 bits of mantissa.
    jax.config.update("jax_default_matmul_precision", "highest")
    # JAX has no setting for its threads. These are read, by one version or another, in place of the number of cores.
    os.environ["NPROC"] = os.environ["PJRT_NPROC"] = str(threads)
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    flags = [f"--xla_cpu_multi_thread_eigen={'true' if threads > 1 else 'false'}", "--xla_gpu_deterministic_ops=true"]
    os.environ["XLA_FLAGS"] = " ".join([*flags, os.environ.get("XLA_FLAGS", "")]).strip()


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


def native_device(device: str, /) -> Any:
    """Return JAX's device for "cpu" or "cuda"."""
    return jax.devices(device)[0]


@cache
def loop_options(device: str, /) -> dict[str, Any]:
    """Return what to tell XLA about small loops, beyond its defaults; empty where this jaxlib has no such option."""
    if device != "cpu":
        return {}
    try:
        jax.jit(lambda value: value, compiler_options=_WHOLE_LOOPS)(jax.device_put(0.0, native_device(device)))
    except RuntimeError:
        return {}
    return _WHOLE_LOOPS


def _sees(name: str) -> bool:
    try:
        return bool(jax.devices(name))
    except RuntimeError:
        return False
