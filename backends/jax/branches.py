"""What joins the ends of branches, attention among it."""

from __future__ import annotations

import math
from functools import reduce
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from gan_rosetta.backends.jax.layer import LayerTensors
from gan_rosetta.shared import spec


def attention(layer: spec.Branches, query: Any, key: Any, value: Any, /) -> Any:
    """Return the means of the value's places, (B, channels, height, width)."""
    images = query.shape[2:]
    query, key, value = (end.reshape(*end.shape[:2], -1) for end in (query, key, value))
    scores = jnp.einsum("bcn,bcm->bnm", query, key)
    if layer.join == "attend_scaled":
        scores = scores / math.sqrt(query.shape[1])
    means = jnp.einsum("bvm,bnm->bvn", value, jax.nn.softmax(scores, axis=2))
    return means.reshape(*means.shape[:2], *images)


def branches(layer: spec.Branches, tensors: LayerTensors, *ends: Any) -> Any:
    """Return the ends of branches, (B, ...) each, added, multiplied, put one behind the other, or one by its gain."""
    del tensors
    if layer.join == "concatenate":
        return jnp.concatenate(ends, axis=1)
    if layer.join == "dot":
        return jnp.sum(ends[0] * ends[1], axis=1, keepdims=True)
    if layer.join in spec.ERRORS:
        apart = ends[0] - (lax.stop_gradient(ends[1]) if layer.join.endswith("held") else ends[1])
        # JAX's |x| has derivative 1 at 0.
        terms = apart * (apart if layer.join.startswith("squared") else lax.stop_gradient(jnp.sign(apart)))
        return jnp.mean(terms.reshape(len(terms), -1), axis=1, keepdims=True)
    if layer.join in ("attend", "attend_scaled"):
        return attention(layer, *ends)
    if layer.join in ("affine", "modulate"):
        values, gain, bias = ends[0], *(end.reshape(*end.shape, *(1,) * (ends[0].ndim - 2)) for end in ends[1:])
        return values * (1 + gain if layer.join == "modulate" else gain) + bias
    return reduce(jnp.add if layer.join == "add" else jnp.multiply, ends)
