"""How alike a batch's samples are."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from gan_rosetta.backends.jax.layer import LayerTensors
from gan_rosetta.shared import spec


def pull_away(layer: spec.PullAway, tensors: LayerTensors, inputs: Any, /) -> Any:
    """Return how alike each sample is to the batch's others. (B, features) to (B, 1)."""
    del layer, tensors
    units = inputs / jnp.sqrt(jnp.sum(inputs**2, axis=1, keepdims=True))
    return (jnp.sum(units @ units.T, axis=1, keepdims=True) - 1) / (len(inputs) - 1)
