"""A program from outside in Gluon: what it is fed."""

from __future__ import annotations

from typing import Any

import numpy as np

from gan_rosetta.backends.mxnet.device import check_device, context
from gan_rosetta.backends.mxnet.framework import mx


def to_tensor(array: np.ndarray, /, *, device: str) -> Any:
    """Return a copy of an array as an NDArray of its type on "cpu" or "cuda"; raises UsageError."""
    check_device(device)
    return mx.nd.array(array, dtype=array.dtype, ctx=context(device))
