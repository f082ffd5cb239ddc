"""Chunks of any length as arrays of one: what a compiled loop takes, cast in one pass."""

from __future__ import annotations

import math

import numpy as np

# XLA takes memory over as it is where it starts at a multiple of this, and copies any other.
_ALIGNMENT_BYTES = 64


def padded(array: np.ndarray, capacity: int, /, *, dtype: str) -> np.ndarray:
    """Return a copy of steps (K, ...) of another type as (capacity, ...), aligned for XLA.

    Whatever follows the K steps is left as the memory was, and must not be read: for GANs with slow steps, whose chunks
    are short, filling it would take longer than the copy. NumPy casts, so that the rounding to float32 is the same in
    every backend.
    """
    shape, itemsize = (capacity, *array.shape[1:]), np.dtype(dtype).itemsize
    num_bytes = math.prod(shape) * itemsize
    memory = np.empty(num_bytes + _ALIGNMENT_BYTES, dtype=np.uint8)
    start = -memory.ctypes.data % _ALIGNMENT_BYTES
    result: np.ndarray = memory[start : start + num_bytes].view(dtype).reshape(shape)
    result[: len(array)] = array
    return result
