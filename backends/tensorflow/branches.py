"""What joins the ends of branches, attention among it."""

from __future__ import annotations

import math
from functools import reduce
from typing import Any

import tensorflow as tf

from gan_rosetta.shared import spec


def attention(layer: spec.Branches, query: Any, key: Any, value: Any, /) -> Any:
    """Return the means of the value's places, (batch, height, width, channels)."""
    images = query.shape[:3]
    query, key, value = (tf.reshape(end, (end.shape[0], -1, end.shape[3])) for end in (query, key, value))
    scores = tf.matmul(query, key, transpose_b=True)
    if layer.join == "attend_scaled":
        scores = scores / math.sqrt(query.shape[2])
    means = tf.matmul(tf.nn.softmax(scores, axis=2), value)
    return tf.reshape(means, (*images, value.shape[2]))


def branches(layer: spec.Branches, *ends: Any) -> Any:
    """Return the ends of branches, (batch, ...) each, added, multiplied, put one behind the other, or by its gain."""
    if layer.join == "concatenate":
        return tf.concat(ends, axis=-1)
    if layer.join == "dot":
        return tf.reduce_sum(ends[0] * ends[1], axis=1, keepdims=True)
    if layer.join in spec.ERRORS:
        apart = ends[0] - (tf.stop_gradient(ends[1]) if layer.join.endswith("held") else ends[1])
        terms = tf.square(apart) if layer.join.startswith("squared") else tf.abs(apart)
        return tf.reduce_mean(tf.reshape(terms, (terms.shape[0], -1)), axis=1, keepdims=True)
    if layer.join in ("attend", "attend_scaled"):
        return attention(layer, *ends)
    if layer.join in ("affine", "modulate"):
        between = [1] * (ends[0].shape.rank - 2)
        gain, bias = (tf.reshape(end, (end.shape[0], *between, end.shape[1])) for end in ends[1:])
        return ends[0] * (1 + gain if layer.join == "modulate" else gain) + bias
    return reduce(tf.add if layer.join == "add" else tf.multiply, ends)
