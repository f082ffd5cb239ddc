"""Layers that are fed classes and say how far samples are from them."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from gan_rosetta.backends.jax.layer import FED, LayerTensors
from gan_rosetta.shared import spec


def class_cross_entropy(layer: spec.ClassCrossEntropy, tensors: LayerTensors, inputs: Any, /) -> Any:
    """Return -log softmax of each sample's class. (B, logits) to (B, 1)."""
    classes = layer.logit_of(tensors[FED].astype(int))[:, None]
    return -jnp.take_along_axis(jax.nn.log_softmax(inputs, axis=1), classes, axis=1)


def class_contrast(layer: spec.ClassContrast, tensors: LayerTensors, inputs: Any, /) -> Any:
    """Return how near each sample is to its class beside the batch's others. (B, 2 · features) to (B, 1)."""
    temperature, margin = layer.temperature, layer.margin
    units, proxies = (
        part / jnp.sqrt(jnp.maximum(jnp.sum(part**2, axis=1, keepdims=True), layer.epsilon**2))
        for part in jnp.split(inputs, 2, axis=1)
    )
    near, own = units @ units.T, jnp.sum(units * proxies, axis=1, keepdims=True)
    same = tensors[FED][:, None] == tensors[FED]
    itself = jnp.eye(len(inputs), dtype=bool)
    if margin is None:
        powers, own_power = jnp.where(itself, 0, jnp.exp(near / temperature)), jnp.exp(own / temperature)
        total = own_power + jnp.sum(powers, axis=1, keepdims=True)
        kept = own_power + jnp.sum(jnp.where(same, powers, 0), axis=1, keepdims=True)
        return jnp.log(total) - jnp.log(kept)
    shifted, pull = (near + (margin - 1)) / temperature, jax.nn.relu((margin - own) / temperature)
    largest = jnp.max(jnp.where(itself, -jnp.inf, lax.stop_gradient(shifted)), axis=1, keepdims=True)
    powers = jnp.exp(jnp.where(same, -jnp.inf, jax.nn.relu(shifted) - largest))
    return pull + jnp.log(jnp.exp(-pull) + jnp.sum(powers, axis=1, keepdims=True))
