"""Gradients held to a bound before an update; optax's transformations have no ε."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from gan_rosetta.shared import spec


def clipped(clipping: spec.GradientClipping | None, gradients: Any, /) -> Any:
    """Return a pytree of gradients held to a bound; None leaves them."""
    if clipping is None:
        return gradients
    bound, epsilon = clipping.bound, clipping.epsilon
    if clipping.by == "value":
        return jax.tree.map(lambda gradient: jnp.clip(gradient, -bound, bound), gradients)
    squares = jax.tree.map(lambda gradient: jnp.sum(jnp.square(gradient)), gradients)
    if clipping.by == "global_norm":
        whole = sum(jax.tree.leaves(squares))
        squares = jax.tree.map(lambda _: whole, squares)

    def scaled(gradient: Any, square: Any) -> Any:
        return gradient * jnp.minimum(bound / (jnp.sqrt(square) + epsilon), 1.0)

    return jax.tree.map(scaled, gradients, squares)
