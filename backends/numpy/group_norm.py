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

    With h = weight · ∂y and means over the group, ∂x = J h, J h = (h - mean h - x̂ · mean(h x̂)) / √(variance + ε).
    J is symmetric, so that x̂ has the tangent u = J ẋ, of which, with k = weight · ∂ẏ, comes back ∂ẋ = J k and
    ∂x = J h - (J (k · mean(ẋ x̂) + ẋ · mean(k x̂)) + x̂ · mean(k u)) / √(variance + ε).
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
        normalised, _, weight = cache
        if gradients:
            gradients["weight"][...] = self._sum(self._by_channel(gradient_y * normalised))
            gradients["bias"][...] = self._sum(self._by_channel(gradient_y))
        if not wants_input:
            return None
        if weight is not None:
            gradient_y *= weight.reshape(self._per_channel)
        return self._projected(self._grouped(gradient_y), cache).reshape(gradient_y.shape)

    def forward_tangent(self, tangent_x: Array, cache: Any) -> Array:
        tangent = self._projected(self._grouped(tangent_x), cache).reshape(tangent_x.shape)
        return self._weighed(tangent, cache)

    def backward_tangent(
        self,
        gradient_y: Array | None,
        gradient_tangent_y: Array,
        cache: Any,
        tangent_x: Array,
        *,
        gradients: Tensors,
        wants_input: bool,
    ) -> tuple[Array | None, Array | None]:
        normalised, inverse, _ = cache
        tangent, hat = self._grouped(tangent_x), self._grouped(normalised)
        projected = self._projected(tangent, cache)
        of_tangent = self._grouped(self._weighed(gradient_tangent_y, cache))
        if gradients:
            by_tangent = self._sum(self._by_channel(gradient_tangent_y * projected.reshape(tangent_x.shape)))
        gradient_x = np.zeros_like(tangent)
        if gradient_y is not None:
            of_value = self.backward(gradient_y, cache, gradients=gradients, wants_input=wants_input)
            gradient_x = gradient_x if of_value is None else self._grouped(of_value)
        elif gradients:
            gradients["weight"][...] = gradients["bias"][...] = 0.0
        if gradients:
            gradients["weight"][...] += by_tangent
        if not wants_input:
            return None, None
        turned = of_tangent * self._mean(tangent * hat) + tangent * self._mean(of_tangent * hat)
        gradient_x -= inverse * (self._projected(turned, cache) + hat * self._mean(of_tangent * projected))
        gradient_tangent_x = self._projected(of_tangent, cache)
        return gradient_x.reshape(tangent_x.shape), gradient_tangent_x.reshape(tangent_x.shape)

    def _projected(self, grouped: Array, cache: Any) -> Array:
        """Return J times numbers (N, groups, n)."""
        normalised, inverse, _ = cache
        hat = self._grouped(normalised)
        common, change = self._mean(grouped), hat * self._mean(grouped * hat)
        result: Array = grouped - common - change
        if self.rounding is not None:
            # Of a group of two next to nothing is left: what is rounded is the terms.
            self.rounding.disturb(result, scale=np.abs(grouped) + np.abs(common) + np.abs(change))
        result *= inverse
        return result

    def _weighed(self, array: Array, cache: Any) -> Array:
        weight = cache[2]
        return array if weight is None else array * weight.reshape(self._per_channel)

    def _grouped(self, array: Array) -> Array:
        return array.reshape(len(array), self._layer.num_groups, -1)

    def _mean(self, grouped: Array) -> Array:
        return self._sum(grouped)[..., np.newaxis] / grouped.shape[-1]

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
