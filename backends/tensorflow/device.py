"""Devices, threads and precision settings of TensorFlow."""

from __future__ import annotations

import tensorflow as tf

from gan_rosetta.shared.errors import UsageError

_NATIVE_NAMES = {"cpu": "/CPU:0", "cuda": "/GPU:0"}


def configure(*, threads: int) -> None:
    """Set threads, determinism and full float32 precision; call once in a process, before any tensor is made."""
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    # On Ampere and later GPUs float32 products would otherwise keep 10 bits of mantissa.
    tf.config.experimental.enable_tensor_float_32_execution(False)
    tf.config.experimental.enable_op_determinism()
    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, True)


def list_devices() -> tuple[str, ...]:
    """Return "cpu", and "cuda" where TensorFlow sees a GPU."""
    return ("cpu", "cuda") if tf.config.list_physical_devices("GPU") else ("cpu",)


def framework_version() -> str:
    """Return TensorFlow's version."""
    return str(tf.__version__)


def check_device(device: str, /) -> None:
    """Raise UsageError unless TensorFlow can run on the device."""
    available = list_devices()
    if device not in available:
        raise UsageError(f"device is {device!r}; TensorFlow {framework_version()} has {', '.join(available)} here")


def native_device(device: str, /) -> str:
    """Return TensorFlow's name for "cpu" or "cuda"."""
    return _NATIVE_NAMES[device]
