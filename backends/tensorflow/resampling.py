"""Images made larger, smaller, or one number a channel."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from gan_rosetta.shared import spec
from gan_rosetta.shared.spec.resampling import upsampling_weights


class Upsample(tf.Module):
    """Upsampling, (batch, height, width, channels) -> (batch, height · factor, width · factor, channels).

    tf.image.resize gives float32 whatever it is given when it interpolates, hence products with its weights.
    """

    def __init__(self, layer: spec.Upsample, /, *, output_shape: spec.Shape, dtype: Any) -> None:
        super().__init__(name="upsample")
        self._factor, self._mode = layer.factor, layer.mode
        sizes = (size // layer.factor for size in output_shape[1:])
        self._rows, self._columns = (tf.constant(upsampling_weights(layer, size), dtype) for size in sizes)

    def __call__(self, inputs: Any) -> Any:
        if self._mode == "nearest":
            return tf.repeat(tf.repeat(inputs, self._factor, axis=1), self._factor, axis=2)
        return tf.einsum("rh,bhwc,sw->brsc", self._rows, inputs, self._columns)


def pool2d(layer: spec.Pool2d, inputs: Any, /) -> Any:
    """Return the means or the largest of windows, (batch, height, width, channels) -> (batch, ..., channels)."""
    pool = tf.nn.avg_pool2d if layer.mode == "average" else tf.nn.max_pool2d
    return pool(inputs, layer.kernel_size, layer.stride, "VALID")


def global_pool(layer: spec.GlobalPool, inputs: Any, /) -> Any:
    """Return the mean, the sum or the largest of each channel, (batch, height, width, channels) -> (batch, channels).

    tf.reduce_max would share its gradient among equals.
    """
    if layer.mode == "average":
        return tf.reduce_mean(inputs, axis=(1, 2))
    if layer.mode == "sum":
        return tf.reduce_sum(inputs, axis=(1, 2))
    return tf.squeeze(tf.nn.max_pool2d(inputs, inputs.shape[1:3], 1, "VALID"), axis=(1, 2))


def pixel_shuffle(layer: spec.PixelShuffle, inputs: Any, /) -> Any:
    """Return larger images of fewer channels, (batch, height, width, channels · factor²) -> (batch, ..., channels)."""
    if layer.order == "pixel":
        return tf.nn.depth_to_space(inputs, layer.factor)
    num_images, height, width, num_channels = inputs.shape
    channels = num_channels // layer.factor**2
    parts = tf.reshape(inputs, (num_images, height, width, channels, layer.factor, layer.factor))
    parts = tf.transpose(parts, (0, 1, 4, 2, 5, 3))
    return tf.reshape(parts, (num_images, height * layer.factor, width * layer.factor, channels))
