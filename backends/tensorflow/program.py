"""A program from outside in TensorFlow or Keras: what it is fed."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from gan_rosetta.backends.tensorflow.device import check_device, native_device


def to_tensor(array: np.ndarray, /, *, device: str) -> Any:
    """Return a copy of an array as a tensor of its type on "cpu" or "cuda"; raises UsageError."""
    check_device(device)
    with tf.device(native_device(device)):
        return tf.constant(array)
