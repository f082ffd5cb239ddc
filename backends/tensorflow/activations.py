"""Activations, written out where TensorFlow's own have float32's numbers or gradients that are off."""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf

from gan_rosetta.backends.tensorflow.layer import variable
from gan_rosetta.shared import spec


def leaky_relu(inputs: Any, *, slope: float) -> Any:
    """X where x > 0, slope · x elsewhere; tf.nn.leaky_relu keeps its slope in float32, 3e-9 off in float64."""
    return tf.where(inputs > 0, inputs, slope * inputs)


class PReLU(tf.Module):
    """X where x > 0, w · x elsewhere, with one slope w for all or one a channel, which is last here."""

    def __init__(self, layer: spec.PReLU, /, *, dtype: Any) -> None:
        super().__init__(name=layer.name)
        self.weight = variable(layer, "weight", dtype=dtype)

    def __call__(self, inputs: Any) -> Any:
        return tf.where(inputs > 0, inputs, self.weight * inputs)


def elu(inputs: Any, *, alpha: float) -> Any:
    """X where x > 0, alpha · (exp(x) - 1) elsewhere; tf.nn.elu has alpha 1 alone, and the gradient y + 1 below 0."""
    return tf.where(inputs > 0, inputs, alpha * tf.math.expm1(_below_zero(inputs)))


def selu(inputs: Any, *, alpha: float, scale: float) -> Any:
    """Scale · ELU; tf.nn.selu has the gradient y + scale · alpha below 0, where digits cancel, and scale at 0."""
    return tf.where(inputs > 0, scale * inputs, scale * alpha * tf.math.expm1(_below_zero(inputs)))


def _below_zero(inputs: Any) -> Any:
    # tf.minimum would give NaN the gradient 0.
    return tf.where(inputs > 0, tf.zeros_like(inputs), inputs)


def gelu(inputs: Any, *, form: str) -> Any:
    """X · Φ(x), or the form with tanh that is near it; tf.nn.gelu keeps its numbers in float32, 4e-8 off in float64."""
    if form == "erf":
        return 0.5 * inputs * tf.math.erfc(-inputs * math.sqrt(0.5))
    return 0.5 * inputs * (1 + tf.tanh(math.sqrt(2 / math.pi) * (inputs + 0.044715 * (inputs * inputs * inputs))))
