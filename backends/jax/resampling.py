"""Images made larger, smaller, or one number a channel."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
from jax import lax

from gan_rosetta.backends.jax.layer import LayerTensors
from gan_rosetta.shared import spec
from gan_rosetta.shared.spec.resampling import upsampling_weights


def upsample(layer: spec.Upsample, tensors: LayerTensors, inputs: Any, /) -> Any:
    """Return an upsampling. (B, channels, height, width) to (B, channels, height · factor, width · factor)."""
    del tensors
    if layer.mode == "nearest":
        return jnp.repeat(jnp.repeat(inputs, layer.factor, axis=2), layer.factor, axis=3)
    # By a constant number of products; jax.image.resize computes its weights in float32 for any type of images.
    rows, columns = (jnp.asarray(upsampling_weights(layer, size), inputs.dtype) for size in inputs.shape[2:])
    return jnp.einsum("rh,bchw,sw->bcrs", rows, inputs, columns)


def pool2d(layer: spec.Pool2d, tensors: LayerTensors, inputs: Any, /) -> Any:
    """Return the means or the largest of windows. (B, channels, height, width) to (B, channels, ...)."""
    del tensors
    return _pooled(inputs, (layer.kernel_size,) * 2, stride=layer.stride, mode=layer.mode)


def global_pool(layer: spec.GlobalPool, tensors: LayerTensors, inputs: Any, /) -> Any:
    """Return the mean, the sum or the largest of each channel. (B, channels, height, width) to (B, channels).

    jnp.max would share its gradient among equals.
    """
    del tensors
    if layer.mode == "average":
        return jnp.mean(inputs, axis=(2, 3))
    if layer.mode == "sum":
        return jnp.sum(inputs, axis=(2, 3))
    return _pooled(inputs, inputs.shape[2:], stride=1, mode=layer.mode)[:, :, 0, 0]


def pixel_shuffle(layer: spec.PixelShuffle, tensors: LayerTensors, inputs: Any, /) -> Any:
    """Return larger images of fewer channels. (B, channels · factor², ...) to (B, channels, ...)."""
    del tensors
    num_images, num_channels, height, width = inputs.shape
    factors, channels = (layer.factor,) * 2, num_channels // layer.factor**2
    if layer.order == "channel":
        parts = inputs.reshape(num_images, channels, *factors, height, width).transpose(0, 1, 4, 2, 5, 3)
    else:
        parts = inputs.reshape(num_images, *factors, channels, height, width).transpose(0, 3, 4, 1, 5, 2)
    return parts.reshape(num_images, channels, height * layer.factor, width * layer.factor)


def _pooled(images: Any, kernel: tuple[int, ...], *, stride: int, mode: str) -> Any:
    window = {"window_dimensions": (1, 1, *kernel), "window_strides": (1, 1, stride, stride), "padding": "VALID"}
    if mode == "maximum":
        return lax.reduce_window(images, -math.inf, lax.max, **window)
    return lax.reduce_window(images, 0.0, lax.add, **window) / math.prod(kernel)
