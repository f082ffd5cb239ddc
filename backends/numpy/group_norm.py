"""Group norm: each sample's numbers in a group of channels, by their own mean and variance. Wu and He 2018."""

from __future__ import annotations

from typing import Any

import numpy as np

from gan_rosetta.backends.numpy.layer import Array, Layer, Tensors
from gan_rosetta.shared import spec

# E[(x - E x)²] and E[x²] - (E x)², as flax has it.
_VARIANCE_FORMULAS = 2


class GroupNorm(Layer):
    """y = weight · x̂ + bias, x̂ = (x - mean) / √(variance + ε) within a group of n numbers of one sample.

    With h = weight · ∂y, ∂x = (h - Σh / n - x̂ · Σ(h x̂) / n) / √(variance + ε), sums over the group.
    """

    def __init__(self, layer: spec.GroupNorm, input_shape: spec.Shape) -> None:
        self._layer, self._input_shape = layer, input_shape
        self._per_channel = (-1, *(1,) * (len(input_shape) - 1))

    def forward(self, x: Array, tensors: Tensors) -> tuple[Array, Any]:
        grouped = x.reshape(len(x), self._layer.num_groups, -1)
        count = grouped.shape[-1]
        mean = self._sum(grouped)[..., np.newaxis] / count
        centred = grouped - mean
        if self.rounding is not None and self.rounding.seed % _VARIANCE_FORMULAS == 1:
            squares = self._sum(np.square(grouped))[..., np.newaxis] / count
            variance = np.maximum(squares - mean * mean, 0.0)
        else:
            variance = self._sum(np.square(centred))[..., np.newaxis] / count
        inverse = 1.0 / np.sqrt(variance + self._layer.epsilon)
        normalised = (centred * inverse).reshape(x.shape)
        weight = tensors.get("weight")
        if weight is None:
            return normalised.copy(), (normalised, inverse, None)
        y = normalised * weight.reshape(self._per_channel)
        y += tensors["bias"].reshape(self._per_channel)
        return y, (normalised, inverse, weight)

    def backward(self, gradient_y: Array, cache: Any, *, gradients: Tensors | None, wants_input: bool) -> Array | None:
        normalised, inverse, weight = cache
        if gradients:
            gradients["weight"][...] = self._sum(self._by_channel(gradient_y * normalised))
            gradients["bias"][...] = self._sum(self._by_channel(gradient_y))
        if not wants_input:
            return None
        if weight is not None:
            gradient_y *= weight.reshape(self._per_channel)
        grouped, by_group = gradient_y.reshape(len(inverse), self._layer.num_groups, -1), normalised.reshape(-1)
        by_group = by_group.reshape(grouped.shape)
        count = grouped.shape[-1]
        common = self._sum(grouped)[..., np.newaxis] / count
        change = by_group * (self._sum(grouped * by_group)[..., np.newaxis] / count)
        result = grouped - common - change
        if self.rounding is not None:
            # Of a group of two next to nothing is left: what is rounded is the terms.
            self.rounding.disturb(result, scale=np.abs(grouped) + np.abs(common) + np.abs(change))
        result *= inverse
        return result.reshape(gradient_y.shape)

    def _by_channel(self, terms: Array) -> Array:
        return np.moveaxis(terms, 1, 0).reshape(self._layer.num_features, -1)

    def _sum(self, terms: Array) -> Array:
        """Return the sums over the last axis; half of the copies that round at random add one by one."""
        if self.rounding is None:
            return np.asarray(np.add.reduce(terms, axis=-1))
        one_by_one = self.rounding.seed // _VARIANCE_FORMULAS % 2 == 0
        total = np.add.accumulate(terms, axis=-1)[..., -1] if one_by_one else np.add.reduce(terms, axis=-1)
        total = np.array(total)
        spread = np.sqrt(np.add.reduce(np.square(terms), axis=-1))
        self.rounding.disturb(total, num_terms=terms.shape[-1], scale=np.hypot(total, spread))
        return total
