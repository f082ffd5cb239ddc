"""How far what is found of a sample's code is from it."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from gan_rosetta.backends.jax.layer import FED, LayerTensors
from gan_rosetta.shared import spec


def code_error(layer: spec.CodeError, tensors: LayerTensors, inputs: Any, /) -> Any:
    """Return how far what is found of each sample's code is from it. (B, width) to (B, 1)."""
    code = tensors[FED][:, layer.start : layer.stop]
    if layer.form == "cross-entropy":
        return -jnp.sum(code * jax.nn.log_softmax(inputs, axis=1), axis=1, keepdims=True)
    return jnp.mean(jnp.square(inputs - code), axis=1, keepdims=True)
