"""Gradients held to a bound before an update; tf.clip_by_norm and its like have no ε."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from gan_rosetta.shared import spec


def clipped(clipping: spec.GradientClipping | None, gradients: Sequence[Any], /) -> Sequence[Any]:
    """Return gradients held to a bound, in the same order; None leaves them."""
    if clipping is None:
        return gradients
    if clipping.by == "value":
        return [tf.clip_by_value(gradient, -clipping.bound, clipping.bound) for gradient in gradients]
    squares = [tf.reduce_sum(tf.square(gradient)) for gradient in gradients]
    if clipping.by == "global_norm":
        squares = [tf.add_n(squares)] * len(squares)
    scales = [tf.minimum(clipping.bound / (tf.sqrt(square) + clipping.epsilon), 1.0) for square in squares]
    return [gradient * scale for gradient, scale in zip(gradients, scales, strict=True)]
