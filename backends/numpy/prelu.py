"""A leaky ReLU whose slope is learned. He et al. 2015.

With s = 1 where x > 0 and w elsewhere, y = s x, ∂x = s ∂y and ∂w = Σ x ∂y where x ≤ 0. Its tangent is ẏ = s ẋ, of which
comes ∂ẋ = s ∂ẏ, and Σ ẋ ∂ẏ where x ≤ 0 in ∂w.
"""

from __future__ import annotations

import numpy as np

from gan_rosetta.backends.numpy.formulas import BIAS_GRADIENT, evaluate
from gan_rosetta.backends.numpy.layer import Array, Layer, Tensors
from gan_rosetta.shared import spec

# The input and the slopes by which it is multiplied, of one shape.
_Cache = tuple[Array, Array]


class PReLU(Layer):
    """y = x where x > 0, w · x elsewhere, with w (1,) or one a channel."""

    takes_copies = True
    rounds = False
    has_kink = True

    def __init__(self, layer: spec.PReLU, input_shape: spec.Shape) -> None:
        self._by_channel = layer.by_channel
        self._num_axes = len(input_shape)

    def forward(self, x: Array, tensors: Tensors) -> tuple[Array, _Cache]:
        weight = tensors["weight"]
        per_channel = weight.reshape(*weight.shape[:-1], 1, weight.shape[-1], *(1,) * (self._num_axes - 1))
        slopes = np.where(x > 0.0, x.dtype.type(1.0), per_channel)
        return slopes * x, (x, slopes)

    def backward(
        self, gradient_y: Array, cache: _Cache, *, gradients: Tensors | None, wants_input: bool
    ) -> Array | None:
        x, slopes = cache
        if gradients is not None:
            self._add_up(self._below(gradient_y, x, x), gradients)
        if not wants_input:
            return None
        gradient_y *= slopes
        return gradient_y

    def forward_tangent(self, tangent_x: Array, cache: _Cache) -> Array:
        return cache[1] * tangent_x

    def backward_tangent(
        self,
        gradient_y: Array | None,
        gradient_tangent_y: Array,
        cache: _Cache,
        tangent_x: Array,
        *,
        gradients: Tensors,
        wants_input: bool,
    ) -> tuple[Array | None, Array | None]:
        x, slopes = cache
        terms = self._below(gradient_tangent_y, tangent_x, x)
        if gradient_y is not None:
            terms = terms + self._below(gradient_y, x, x)
        self._add_up(terms, gradients)
        if not wants_input:
            return None, None
        return (None if gradient_y is None else slopes * gradient_y), slopes * gradient_tangent_y

    @staticmethod
    def _below(gradient: Array, factor: Array, x: Array) -> Array:
        """Return ∂w's terms, 0 where x > 0; not by a product with 0, which of an infinite gradient is NaN."""
        return np.where(x > 0.0, x.dtype.type(0.0), gradient * factor)

    def _add_up(self, terms: Array, gradients: Tensors) -> None:
        """Write ∂w, the sum of terms (..., N, channels, ...), whose order frameworks choose, and which may cancel."""
        copies = terms.shape[: terms.ndim - self._num_axes - 1]
        num_parameters = gradients["weight"].shape[-1]
        if self._by_channel:
            terms = np.moveaxis(terms, len(copies) + 1, -1)
        rows = np.ascontiguousarray(terms).reshape(*copies, -1, num_parameters)
        total = evaluate(BIAS_GRADIENT, self.rounding, rows)
        if self.rounding is not None:
            spread = np.sqrt(np.add.reduce(np.square(rows), axis=-2))
            self.rounding.disturb(total, num_terms=rows.shape[-2], scale=np.hypot(total, spread))
        gradients["weight"][...] = total
