"""A program from outside in Gluon: what it is fed."""

from __future__ import annotations

from typing import Any

import numpy as np

from gan_rosetta.backends.mxnet.device import check_device, context
from gan_rosetta.backends.mxnet.framework import mx


def to_tensor(array: np.ndarray, /, *, device: str) -> Any:
    """Return a copy of an array as an NDArray of its type on "cpu" or "cuda", of a number (1,); raises UsageError."""
    check_device(device)
    copy = np.array(array, order="C").reshape(array.shape or (1,))  # NDArrays have one axis at least.
    return mx.nd.from_numpy(copy).as_in_context(context(device))
