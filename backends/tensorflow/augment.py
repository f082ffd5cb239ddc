"""Augmentation of images by numbers that are fed, as DiffAugment has it."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from gan_rosetta.shared import spec


class Augment(tf.Module):
    """Changes each image by what is drawn for it, as DiffAugment does."""

    def __init__(self, layer: spec.Augment, /) -> None:
        super().__init__(name=layer.name)
        self._layer = layer

    def __call__(self, images: Any, *, fed: Any = None) -> Any:
        if fed is None:
            return images
        if self._layer.policy == "colour":
            moved, saturation, contrast = (tf.reshape(fed[:, k], (-1, 1, 1, 1)) for k in range(3))
            images = images + moved
            mean = tf.reduce_mean(images, axis=3, keepdims=True)
            images = (images - mean) * saturation + mean
            mean = tf.reduce_mean(images, axis=(1, 2, 3), keepdims=True)
            return (images - mean) * contrast + mean
        rows, columns = tf.unstack(tf.cast(fed, tf.int32), axis=1)
        if self._layer.policy == "translation":
            return self._shifted(self._shifted(images, rows, axis=1), columns, axis=2)
        inside = (
            self._inside(images, rows, axis=1)[:, :, tf.newaxis] & self._inside(images, columns, axis=2)[:, tf.newaxis]
        )
        return images * tf.cast(~inside, images.dtype)[..., tf.newaxis]

    @staticmethod
    def _shifted(images: Any, moves: Any, *, axis: int) -> Any:
        size = images.shape[axis]
        places = tf.range(size) + moves[:, tf.newaxis]
        shape = (-1, size, 1, 1) if axis == 1 else (-1, 1, size, 1)
        inside = tf.reshape((places >= 0) & (places < size), shape)
        taken = tf.gather(images, tf.clip_by_value(places, 0, size - 1), axis=axis, batch_dims=1)
        return taken * tf.cast(inside, images.dtype)

    def _inside(self, images: Any, middles: Any, *, axis: int) -> Any:
        """Which rows or columns of each image are in its window, (batch, size)."""
        size = images.shape[axis]
        width = self._layer.reach(size)
        starts = middles[:, tf.newaxis] - width // 2
        places = tf.range(size)
        return (places >= starts) & (places < starts + width)
