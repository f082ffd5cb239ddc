"""Gradients held to a bound before an update."""

from __future__ import annotations

import numpy as np

from gan_rosetta.backends.numpy.layer import Array
from gan_rosetta.backends.numpy.network import Network
from gan_rosetta.backends.numpy.rounding import RandomRounding
from gan_rosetta.shared import spec


def clip_gradients(clipping: spec.GradientClipping, network: Network, rounding: RandomRounding | None, /) -> None:
    """Hold a network's gradients to a bound, in place."""
    flat = network.gradients.flat
    if clipping.by == "value":
        np.clip(flat, -clipping.bound, clipping.bound, out=flat)
    elif clipping.by == "global_norm":
        _scale(clipping, flat, len(network.copies), rounding)
    else:
        for tensors in network.gradients.by_layer:
            for gradient in tensors.values():
                _scale(clipping, gradient, len(network.copies), rounding)


def _scale(clipping: spec.GradientClipping, gradient: Array, num_axes: int, rounding: RandomRounding | None) -> None:
    """Multiply by min(1, bound / (norm + ε)), each copy by its own; num_axes: of the copies, which come first."""
    axes = tuple(range(num_axes, gradient.ndim))
    squares = np.square(gradient).sum(axis=axes, keepdims=True)
    if rounding is not None:
        rounding.disturb(squares, num_terms=max(1, gradient[(0,) * num_axes].size))
    scale = np.minimum(clipping.bound / (np.sqrt(squares) + clipping.epsilon), 1.0)
    gradient *= scale
    if rounding is not None:
        rounding.disturb(gradient, scale=np.where(scale < 1.0, np.abs(gradient), 0.0))
