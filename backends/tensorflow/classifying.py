"""Layers that are fed classes and say how far samples are from them."""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf

from gan_rosetta.shared import spec


class ClassCrossEntropy(tf.Module):
    """-log softmax of each sample's class, (batch, logits) -> (batch, 1)."""

    def __init__(self, layer: spec.ClassCrossEntropy, /) -> None:
        super().__init__(name="class_cross_entropy")
        self._layer = layer

    def __call__(self, inputs: Any, *, fed: Any) -> Any:
        logits = self._layer.logit_of(tf.cast(fed, tf.int32))
        return -tf.gather(tf.nn.log_softmax(inputs), logits[:, tf.newaxis], axis=1, batch_dims=1)


class ClassContrast(tf.Module):
    """How near each sample is to its class beside the batch's others, (batch, 2 · features) -> (batch, 1)."""

    def __init__(self, layer: spec.ClassContrast, /) -> None:
        super().__init__(name="class_contrast")
        self._layer = layer

    def __call__(self, inputs: Any, *, fed: Any) -> Any:
        temperature, margin = self._layer.temperature, self._layer.margin
        units, proxies = (self._divided(part) for part in tf.split(inputs, 2, axis=1))
        near = tf.matmul(units, units, transpose_b=True)
        own = tf.reduce_sum(units * proxies, axis=1, keepdims=True)
        same = fed[:, tf.newaxis] == fed
        itself = tf.eye(tf.shape(inputs)[0], dtype=inputs.dtype) > 0
        nothing, never = tf.zeros((), inputs.dtype), tf.constant(-math.inf, inputs.dtype)
        if margin is None:
            powers, own_power = tf.where(itself, nothing, tf.exp(near / temperature)), tf.exp(own / temperature)
            total = own_power + tf.reduce_sum(powers, axis=1, keepdims=True)
            kept = own_power + tf.reduce_sum(tf.where(same, powers, nothing), axis=1, keepdims=True)
            return tf.math.log(total) - tf.math.log(kept)
        shifted, pull = (near + (margin - 1)) / temperature, tf.nn.relu((margin - own) / temperature)
        largest = tf.reduce_max(tf.where(itself, never, tf.stop_gradient(shifted)), axis=1, keepdims=True)
        powers = tf.exp(tf.where(same, never, tf.nn.relu(shifted) - largest))
        return pull + tf.math.log(tf.exp(-pull) + tf.reduce_sum(powers, axis=1, keepdims=True))

    def _divided(self, vectors: Any) -> Any:
        squares = tf.reduce_sum(tf.square(vectors), axis=1, keepdims=True)
        return vectors / tf.sqrt(tf.maximum(squares, self._layer.epsilon**2))
