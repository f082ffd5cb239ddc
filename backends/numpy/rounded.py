"""A layer that rounds at random: what it computes is disturbed as it comes out (see rounding.py)."""

from __future__ import annotations

from typing import Any

import numpy as np

from gan_rosetta.backends.numpy.layer import Array, Layer, Tensors
from gan_rosetta.backends.numpy.partial_sums import gradient_spreads, output_scale
from gan_rosetta.backends.numpy.rounding import RandomRounding
from gan_rosetta.backends.numpy.sums import SumLengths


class RoundedLayer(Layer):
    """Another layer, whose outputs and gradients are disturbed by its rounding; only to be used while it has one.

    lengths: of its sums. num_copies: that the arrays are of, side by side; num_axes: how many axes are theirs, 0 or 1.
    """

    def __init__(self, layer: Layer, lengths: SumLengths, /, *, num_copies: int, num_axes: int) -> None:
        self._layer, self._lengths = layer, lengths
        self._num_copies, self._num_axes = num_copies, num_axes

    @property
    def _own_rounding(self) -> RandomRounding:
        assert self._layer.rounding is not None  # noqa: S101 - the network runs it while there is one
        return self._layer.rounding

    def forward(self, x: Any, tensors: Tensors) -> tuple[Array, Any]:
        layer, rounding = self._layer, self._own_rounding
        if layer.has_kink:
            rounding.visit(x)
        y, cache = layer.forward(x, tensors)
        if layer.rounds:
            rounding.disturb(
                y,
                within=layer.output_range,
                num_terms=self._lengths.output,
                scale=output_scale(layer, x, tensors, y, num_copies=self._num_copies),
                exact=layer.exact(x),
                by_channel=True,
            )
        return y, cache

    def move_buffers(self, cache: Any, tensors: Tensors) -> None:
        self._layer.move_buffers(cache, tensors)

    def backward(self, gradient_y: Array, cache: Any, *, gradients: Tensors | None, wants_input: bool) -> Any:
        layer, rounding, lengths = self._layer, self._own_rounding, self._lengths
        num_terms = gradient_y.shape[self._num_axes] * lengths.gradient_per_sample
        spreads = gradient_spreads(layer, gradient_y, cache, gradients, num_copies=self._num_copies)
        gradient_x = layer.backward(gradient_y, cache, gradients=gradients, wants_input=wants_input)
        if layer.is_join:
            return gradient_x  # it has disturbed what it gives to its ends
        if gradient_x is not None and layer.rounds:
            scale = None if spreads is None else np.hypot(gradient_x, spreads[0])
            rounding.disturb(gradient_x, num_terms=lengths.input_gradient, scale=scale)
        if gradients is not None and spreads is not None:
            for short, spread in spreads[1].items():
                rounding.disturb(gradients[short], num_terms=num_terms, scale=spread)
        return gradient_x

    def forward_tangent(self, tangent_x: Any, cache: Any) -> Array:
        tangent_y = self._layer.forward_tangent(tangent_x, cache)
        if self._layer.rounds:
            self._own_rounding.disturb(tangent_y, num_terms=self._lengths.output)
        return tangent_y

    def backward_tangent(
        self,
        gradient_y: Array | None,
        gradient_tangent_y: Array,
        cache: Any,
        tangent_x: Any,
        *,
        gradients: Tensors,
        wants_input: bool,
    ) -> Any:
        # What comes of it the network disturbs, as it is handed on.
        return self._layer.backward_tangent(
            gradient_y, gradient_tangent_y, cache, tangent_x, gradients=gradients, wants_input=wants_input
        )
