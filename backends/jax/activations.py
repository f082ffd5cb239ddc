"""Activations as functions, written out where JAX's own have another gradient."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from gan_rosetta.backends.jax.layer import LayerTensors, by_channel
from gan_rosetta.shared import spec


def tanh(layer: spec.Tanh, tensors: LayerTensors, inputs: Any, /) -> Any:
    """Return the hyperbolic tangent."""
    del layer, tensors
    return jnp.tanh(inputs)


def sigmoid(layer: spec.Sigmoid, tensors: LayerTensors, inputs: Any, /) -> Any:
    """Return 1 / (1 + exp(-x))."""
    del layer, tensors
    return jax.nn.sigmoid(inputs)


def softplus(layer: spec.Softplus, tensors: LayerTensors, inputs: Any, /) -> Any:
    """Return log(1 + exp(x)), exact for every x."""
    del layer, tensors
    return jax.nn.softplus(inputs)


def relu(layer: spec.ReLU, tensors: LayerTensors, inputs: Any, /) -> Any:
    """Return max(x, 0), with gradient 0 at 0; jnp.maximum's there is a half, and jax.nn.relu's of NaN is 0."""
    del layer, tensors
    return jnp.where(inputs <= 0, 0, inputs)


def leaky_relu(layer: spec.LeakyReLU, tensors: LayerTensors, inputs: Any, /) -> Any:
    """Return x where x > 0, slope · x elsewhere; jax.nn.leaky_relu has the gradient 1 at 0, this one the slope."""
    del tensors
    return jnp.where(inputs > 0, inputs, layer.slope * inputs)


def prelu(layer: spec.PReLU, tensors: LayerTensors, inputs: Any, /) -> Any:
    """Return x where x > 0, w · x elsewhere. (B, features) or (B, channels, height, width)."""
    del layer
    return jnp.where(inputs > 0, inputs, by_channel(tensors["weight"], inputs) * inputs)


def elu(layer: spec.ELU, tensors: LayerTensors, inputs: Any, /) -> Any:
    """Return x where x > 0, alpha · (exp(x) - 1) elsewhere."""
    del tensors
    return jax.nn.elu(inputs, layer.alpha)


def selu(layer: spec.SELU, tensors: LayerTensors, inputs: Any, /) -> Any:
    """Return scale · ELU, with both numbers of Klambauer et al. 2017."""
    del layer, tensors
    return jax.nn.selu(inputs)


def gelu(layer: spec.GELU, tensors: LayerTensors, inputs: Any, /) -> Any:
    """Return x · Φ(x), or the form with tanh that is near it."""
    del tensors
    return jax.nn.gelu(inputs, approximate=layer.form == "tanh")


def silu(layer: spec.SiLU, tensors: LayerTensors, inputs: Any, /) -> Any:
    """Return x · sigmoid(x)."""
    del layer, tensors
    return jax.nn.silu(inputs)
