"""A moving average of a network's weights: a second pytree that follows the first."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from gan_rosetta.backends.jax.state import Player
from gan_rosetta.shared import spec
from gan_rosetta.shared.spec.moving_average import WARM_UP


def follow(average: spec.MovingAverage, kept: Player, own: Player, /, *, num_updates: Any) -> Player:
    """Return the average after the update of its network that comes after so many others, an integer of JAX's."""
    share = _share(average, num_updates)
    parameters = jax.tree.map(lambda old, new: _moved(old, new, share), kept.parameters, own.parameters)
    if average.buffers == "copied":
        return Player(parameters, own.buffers)
    return Player(parameters, jax.tree.map(lambda old, new: _moved(old, new, share), kept.buffers, own.buffers))


def _share(average: spec.MovingAverage, num_updates: Any) -> Any:
    """Return the spec's share, in float64, of a counter that is being traced."""
    decay = jnp.asarray(average.decay, jnp.float64)
    if average.warm_up == "counted":
        decay = jnp.minimum(decay, (1 + num_updates) / (WARM_UP + num_updates))
    return jnp.where(num_updates < average.start, 1.0, 1.0 - decay)


def _moved(old: Any, new: Any, share: Any) -> Any:
    part = share.astype(new.dtype)
    return jnp.where(part == 1.0, new, old + part * (new - old))
