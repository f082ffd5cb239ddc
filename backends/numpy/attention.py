"""Attention over the places of images, a softmax along an axis, and a learned gain of all that it is given.

Of a softmax w = exp(s) / Σ exp(s), ∂s = w (∂w - Σ w ∂w). With s_ij = Σ_c q_ci k_cj / d and y_vi = Σ_j v_vj w_ij,
∂w = ∂yᵀ v, ∂v = ∂y w, ∂q = k ∂sᵀ / d and ∂k = q ∂s / d.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from gan_rosetta.backends.numpy.branches import Join
from gan_rosetta.backends.numpy.layer import Array, Layer, Tensors
from gan_rosetta.shared import spec

if TYPE_CHECKING:
    from gan_rosetta.backends.numpy.rounding import RandomRounding


class Attention(Join):
    """Ends q (N, c, h, w), k (N, c, h', w') and v (N, d, h', w') to (N, d, h, w)."""

    def __init__(self, layer: spec.Branches, input_shape: spec.Shape) -> None:
        super().__init__(layer, input_shape)
        self._is_scaled = layer.join == "attend_scaled"

    def forward(self, x: Any, tensors: Tensors) -> tuple[Array, Any]:
        del tensors
        query, key, value = (end.reshape(*end.shape[:-2], -1) for end in x)  # (N, channels, places)
        # As a number, which keeps the type.
        divisor = math.sqrt(query.shape[-2]) if self._is_scaled else 1.0
        scores = self._product(query.swapaxes(-1, -2), key)
        if self._is_scaled:
            scores /= divisor
            self._disturb(scores)
        weights = softmax(scores, -1)
        self._disturb(weights)
        y = self._product(value, weights.swapaxes(-1, -2))
        return y.reshape(*y.shape[:-1], *x[0].shape[-2:]), (query, key, value, weights, divisor, [e.shape for e in x])

    def backward(self, gradient_y: Array, cache: Any, *, gradients: Tensors | None, wants_input: bool) -> Any:
        del gradients, wants_input
        query, key, value, weights, divisor, shapes = cache
        of_y = gradient_y.reshape(*gradient_y.shape[:-2], -1)
        of_value = self._product(of_y, weights)
        of_weights = self._product(of_y.swapaxes(-1, -2), value)
        of_scores = softmax_gradient(of_weights, weights, -1, self.rounding)
        if self._is_scaled:
            of_scores /= divisor
            self._disturb(of_scores)
        of_query, of_key = self._product(key, of_scores.swapaxes(-1, -2)), self._product(query, of_scores)
        found = (of_query, of_key, of_value)
        return tuple(end.reshape(shape) for end, shape in zip(found, shapes, strict=True))

    def _product(self, first: Array, second: Array) -> Array:
        """Return a product of matrices, whose terms may cancel: what rounds is their partial sums."""
        product: Array = np.matmul(self.factor(first), self.factor(second))
        if self.rounding is not None:
            spread = np.sqrt(np.matmul(np.square(first), np.square(second)))
            self.rounding.disturb(product, num_terms=first.shape[-1], scale=np.hypot(product, spread))
        return product


class Softmax(Layer):
    """y = exp(x) / Σ exp(x) along an axis."""

    output_range = (0.0, 1.0)

    def __init__(self, layer: spec.Softmax, input_shape: spec.Shape) -> None:
        self._axis = layer.axis - len(input_shape)

    def forward(self, x: Array, tensors: Tensors) -> tuple[Array, Array]:
        del tensors
        y = softmax(x, self._axis)
        return y, y

    def backward(
        self, gradient_y: Array, cache: Array, *, gradients: Tensors | None, wants_input: bool
    ) -> Array | None:
        del gradients
        return softmax_gradient(gradient_y, cache, self._axis, self.rounding) if wants_input else None


class Scale(Layer):
    """y = γ · x, with γ (1,)."""

    def forward(self, x: Array, tensors: Tensors) -> tuple[Array, tuple[Array, Array]]:
        return x * tensors["weight"][0], (x, tensors["weight"])

    def backward(
        self, gradient_y: Array, cache: tuple[Array, Array], *, gradients: Tensors | None, wants_input: bool
    ) -> Array | None:
        x, weight = cache
        if gradients is not None:
            terms = gradient_y * x
            total = np.add.reduce(terms, axis=None, keepdims=True).reshape(1)
            if self.rounding is not None:
                spread = np.sqrt(np.add.reduce(np.square(terms), axis=None))
                self.rounding.disturb(total, num_terms=terms.size, scale=np.hypot(total, spread))
            gradients["weight"][...] = total
        return gradient_y * weight[0] if wants_input else None


def softmax(x: Array, axis: int, /) -> Array:
    """Return exp(x) / Σ exp(x), whose largest exponential is 1."""
    powers: Array = np.exp(x - np.max(x, axis=axis, keepdims=True))
    powers /= np.add.reduce(powers, axis=axis, keepdims=True)
    return powers


def softmax_gradient(gradient: Array, weights: Array, axis: int, rounding: RandomRounding | None, /) -> Array:
    """Return ∂x of a softmax. Of what is subtracted little may be left: what rounds is the terms."""
    products = gradient * weights
    mean = np.add.reduce(products, axis=axis, keepdims=True)
    result: Array = products - weights * mean
    if rounding is not None:
        spread = np.sqrt(np.add.reduce(np.square(products), axis=axis, keepdims=True))
        scale = np.abs(products) + weights * np.hypot(mean, spread)
        rounding.disturb(result, num_terms=weights.shape[axis], scale=scale)
    return result
