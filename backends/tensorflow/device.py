"""Devices, threads and precision settings of TensorFlow."""

from __future__ import annotations

import os

import numpy as np
import tensorflow as tf

from gan_rosetta.shared.errors import UsageError
from gan_rosetta.shared.interface import Product, SeenDevice, require_products

_NATIVE_NAMES = {"cpu": "/CPU:0", "cuda": "/GPU:0"}
# XLA makes one function of a loop whose step moves fewer bytes than this, and runs the operations of any other loop one
# by one, at some 100 ns each. Left to itself it says 1 kB, less than any GAN's step moves.
_SMALL_LOOP_BYTES = 2**16


def configure(*, threads: int) -> None:
    """Set threads, determinism and full float32 precision; call once in a process, before any tensor is made."""
    # XLA reads this when it first compiles; of two values it takes the last, which is the user's.
    small = f"--xla_backend_extra_options=xla_cpu_small_while_loop_byte_threshold={_SMALL_LOOP_BYTES}"
    os.environ["XLA_FLAGS"] = " ".join([small, os.environ.get("XLA_FLAGS", "")]).strip()
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


def describe_device(device: str, /) -> SeenDevice:
    """Return what TensorFlow sees of a device."""
    if device == "cpu":
        return SeenDevice(name="the processor")
    found = tf.config.experimental.get_device_details(tf.config.list_physical_devices("GPU")[0])
    capability = ".".join(str(part) for part in found.get("compute_capability", ()))
    return SeenDevice(name=str(found.get("device_name", "a GPU")), details=capability)


def peak_bytes(device: str, /) -> int | None:
    """Return the most memory of the GPU that TensorFlow has used so far; None on a processor."""
    return None if device == "cpu" else int(tf.config.experimental.get_memory_info("GPU:0")["peak"])


def set_products(products: str, /, *, device: str) -> None:
    """Choose what float32 products keep of their factors; raises UsageError for others than there are."""
    require_products("tensorflow", products, device=device, on_gpu=("tf32",))
    tf.config.experimental.enable_tensor_float_32_execution(products == "tf32")


def reseed(seed: int, /) -> None:
    """Seed TensorFlow's generator."""
    tf.random.set_seed(seed)


def matrix_product(first: np.ndarray, second: np.ndarray, /, *, device: str) -> Product:
    """Return a function that multiplies two matrices once, finished when it returns."""
    with tf.device(native_device(device)):
        a, b = (tf.constant(array) for array in (first, second))

    def multiply() -> None:
        # A product on a GPU is finished when a number of it has come back.
        tf.linalg.matmul(a, b)[0, 0].numpy()

    return multiply


def native_device(device: str, /) -> str:
    """Return TensorFlow's name for "cpu" or "cuda"."""
    return _NATIVE_NAMES[device]
