"""Augmentation of images by numbers that are fed, as DiffAugment has it."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from gan_rosetta.backends.jax.layer import FED, LayerTensors
from gan_rosetta.shared import spec


def augment(layer: spec.Augment, tensors: LayerTensors, images: Any, /) -> Any:
    """Return images changed by what is drawn for each, as DiffAugment does. (B, channels, height, width)."""
    if FED not in tensors:
        return images
    if layer.policy == "colour":
        moved, saturation, contrast = (tensors[FED][:, k].reshape(-1, 1, 1, 1) for k in range(3))
        images = images + moved
        mean = jnp.mean(images, axis=1, keepdims=True)
        images = (images - mean) * saturation + mean
        mean = jnp.mean(images, axis=(1, 2, 3), keepdims=True)
        return (images - mean) * contrast + mean
    rows, columns = tensors[FED].astype(int).T
    if layer.policy == "translation":
        return _shifted(_shifted(images, rows, axis=2), columns, axis=3)
    height, width = images.shape[2:]
    inside = _inside(layer, rows, height)[:, None, :, None] & _inside(layer, columns, width)[:, None, None]
    return images * (~inside).astype(images.dtype)


def _shifted(images: Any, moves: Any, *, axis: int) -> Any:
    size = images.shape[axis]
    places = (jnp.arange(size) + moves[:, None]).reshape(-1, 1, *((size, 1) if axis == 2 else (1, size)))
    inside = (places >= 0) & (places < size)
    return jnp.take_along_axis(images, jnp.clip(places, 0, size - 1), axis=axis) * inside.astype(images.dtype)


def _inside(layer: spec.Augment, middles: Any, size: int) -> Any:
    """Return which rows or columns of each image are in its window, (B, size)."""
    width = layer.reach(size)
    starts, places = middles[:, None] - width // 2, jnp.arange(size)
    return (places >= starts) & (places < starts + width)
