"""A program from outside in JAX: what it is fed."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gan_rosetta.backends.jax.device import check_device, native_device
from gan_rosetta.shared.errors import UsageError


def to_tensor(array: np.ndarray, /, *, device: str) -> Any:
    """Return a copy of an array as one of JAX's, of its type, on "cpu" or "cuda"; raises UsageError."""
    check_device(device)
    if array.dtype == np.float64 and not jax.config.read("jax_enable_x64"):
        raise UsageError(
            "JAX makes float32 of float64 unless told otherwise: jax.config.update('jax_enable_x64', True) before the "
            "case is made, or make the case with dtype='float32'"
        )
    with jax.default_device(native_device(device)):
        return jnp.array(array)
