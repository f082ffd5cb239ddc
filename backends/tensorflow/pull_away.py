"""How alike a batch's samples are."""

from __future__ import annotations

from typing import Any

import tensorflow as tf


def pull_away(inputs: Any, /) -> Any:
    """Return how alike each sample is to the batch's others. (batch, features) to (batch, 1)."""
    units = inputs / tf.sqrt(tf.reduce_sum(tf.square(inputs), axis=1, keepdims=True))
    near = tf.matmul(units, units, transpose_b=True)
    return (tf.reduce_sum(near, axis=1, keepdims=True) - 1) / (inputs.shape[0] - 1)
