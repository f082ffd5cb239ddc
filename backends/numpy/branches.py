"""What joins the ends of branches: their sum, their product, one behind the other, or one as gain and bias of another.

Of y = Σ a_i every ∂a_i is ∂y, of y = Π a_i it is ∂y times the others, and of ends put together its own part of ∂y. A
product is no linear map: with tangents, ẏ = Σ ȧ_i Π_{j≠i} a_j, and what comes back is the derivative of that too.
Of an inner product y = Σ a_i b_i, ∂a = ∂y b; of y = gain · x + bias, a gain and a bias for each channel, ∂x = gain ∂y,
∂gain = Σ x ∂y and ∂bias = Σ ∂y over the channel's places.
"""

from __future__ import annotations

import math
from functools import reduce
from typing import Any

import numpy as np

from gan_rosetta.backends.numpy.layer import Array, Layer, LinearMap, Tensors
from gan_rosetta.shared import spec


class Join(Layer):
    """A layer of several inputs, by its spec one of those below.

    Where others have an array x, ẋ, ∂x or ∂ẋ, it has a tuple, an array for each end. None of the arrays that
    `backward` returns shares memory with another.
    """

    takes_copies = True
    is_join = True

    def __new__(cls, layer: spec.Branches, input_shape: spec.Shape) -> Join:
        del input_shape
        return object.__new__(JOINS[layer.join])

    def __init__(self, layer: spec.Branches, input_shape: spec.Shape) -> None:
        # Features or channels come first in a sample.
        self._axis = -len(layer.output_shape(input_shape))

    def _disturb(self, *arrays: Array) -> None:
        if self.rounding is not None:
            for array in arrays:
                self.rounding.disturb(array)


class Sum(LinearMap, Join):
    """y = a + b + …, added in this order."""

    def forward(self, x: Any, tensors: Tensors) -> tuple[Array, Any]:
        del tensors
        y = x[0].copy()
        for place, end in enumerate(x[1:]):
            if place:
                self._disturb(y)
            y += end
        return y, len(x)

    def backward(self, gradient_y: Array, cache: Any, *, gradients: Tensors | None, wants_input: bool) -> Any:
        del gradients, wants_input
        return (gradient_y, *(gradient_y.copy() for _ in range(cache - 1)))


class Concatenation(LinearMap, Join):
    """y = the ends one behind the other, along their features or channels."""

    rounds = False

    def forward(self, x: Any, tensors: Tensors) -> tuple[Array, Any]:
        del tensors
        places = np.cumsum([end.shape[self._axis] for end in x])[:-1]
        return np.concatenate(x, axis=self._axis), places.tolist()

    def backward(self, gradient_y: Array, cache: Any, *, gradients: Tensors | None, wants_input: bool) -> Any:
        del gradients, wants_input
        return tuple(np.ascontiguousarray(part) for part in np.split(gradient_y, cache, axis=self._axis))


class Product(Join):
    """y = a · b · …, multiplied in this order."""

    def forward(self, x: Any, tensors: Tensors) -> tuple[Array, Any]:
        del tensors
        y = x[0].copy()
        for place, end in enumerate(x[1:]):
            if place:
                self._disturb(y)
            y *= end
        return y, x

    def backward(self, gradient_y: Array, cache: Any, *, gradients: Tensors | None, wants_input: bool) -> Any:
        del gradients, wants_input
        found = tuple(_times_others(gradient_y, cache, place) for place in range(len(cache)))
        self._disturb(*found)
        return found

    def forward_tangent(self, tangent_x: Any, cache: Any) -> Array:
        return reduce(np.add, [_times_others(own, cache, place) for place, own in enumerate(tangent_x)])

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
        del gradients, wants_input
        of_values = []
        for place, end in enumerate(cache):
            total = np.zeros_like(end) if gradient_y is None else _times_others(gradient_y, cache, place)
            for other, tangent in enumerate(tangent_x):
                if other != place:
                    # a_i stands in the term of each other's ȧ_j, times what is left of the ends.
                    total += _times_others(gradient_tangent_y * tangent, cache, place, other)
            of_values.append(total)
        return tuple(of_values), tuple(_times_others(gradient_tangent_y, cache, i) for i in range(len(cache)))


class InnerProduct(Join):
    """y = Σ a_i b_i of two ends (N, features), (N, 1)."""

    def forward(self, x: Any, tensors: Tensors) -> tuple[Array, Any]:
        del tensors
        terms = x[0] * x[1]
        y = np.add.reduce(terms, axis=-1, keepdims=True)
        if self.rounding is not None:
            # Terms may cancel: what rounds is their partial sums.
            self.rounding.disturb(y, num_terms=terms.shape[-1], scale=_with_spread(y, terms, axes=-1))
        return y, x

    def backward(self, gradient_y: Array, cache: Any, *, gradients: Tensors | None, wants_input: bool) -> Any:
        del gradients, wants_input
        found = (gradient_y * cache[1], gradient_y * cache[0])
        self._disturb(*found)
        return found


class Affine(Join):
    """y = gain · x + bias, or (1 + gain) · x + bias: x (N, channels, ...), gain and bias (N, channels)."""

    def __init__(self, layer: spec.Branches, input_shape: spec.Shape) -> None:
        super().__init__(layer, input_shape)
        self._adds_one = layer.join == "modulate"
        places = len(layer.output_shape(input_shape)) - 1
        self._spread = (..., *(np.newaxis,) * places)
        self._axes = tuple(range(-places, 0))

    def forward(self, x: Any, tensors: Tensors) -> tuple[Array, Any]:
        del tensors
        values, gain, bias = x
        if self._adds_one:
            gain = 1.0 + gain
            self._disturb(gain)
        y = values * gain[self._spread]
        self._disturb(y)
        y += bias[self._spread]
        return y, (values, gain)

    def backward(self, gradient_y: Array, cache: Any, *, gradients: Tensors | None, wants_input: bool) -> Any:
        del gradients, wants_input
        values, gain = cache
        of_gain, of_bias = self._sum(gradient_y * values), self._sum(gradient_y.copy())
        gradient_x = gradient_y * gain[self._spread]
        self._disturb(gradient_x)
        return gradient_x, of_gain, of_bias

    def _sum(self, terms: Array) -> Array:
        """Return the sum over the places of each channel, of terms that may cancel."""
        total: Array = np.add.reduce(terms, axis=self._axes) if self._axes else terms
        if self.rounding is not None:
            num_terms = terms.size // total.size
            self.rounding.disturb(total, num_terms=num_terms, scale=_with_spread(total, terms, axes=self._axes))
        return total


class Error(Join):
    """y = the mean of |a - b| or of (a - b)² over each sample's numbers: two ends (N, ...), (N, 1)."""

    def __init__(self, layer: spec.Branches, input_shape: spec.Shape) -> None:
        super().__init__(layer, input_shape)
        shape = layer.branches[0].output_shape(input_shape)
        self._axes, self._size = tuple(range(-len(shape), 0)), math.prod(shape)
        self._squares, self._holds = layer.join.startswith("squared"), layer.join.endswith("held")

    def forward(self, x: Any, tensors: Tensors) -> tuple[Array, Any]:
        del tensors
        apart = x[0] - x[1]
        self._disturb(apart)
        if self.rounding is not None and not self._squares:
            self.rounding.visit(apart)
        terms = np.square(apart) if self._squares else np.abs(apart)
        total: Array = np.add.reduce(terms, axis=self._axes)
        if self.rounding is not None:
            self.rounding.disturb(total, num_terms=self._size)
        return (total / self._size)[..., np.newaxis], apart

    def backward(self, gradient_y: Array, cache: Any, *, gradients: Tensors | None, wants_input: bool) -> Any:
        del gradients, wants_input
        slope = 2.0 * cache if self._squares else np.sign(cache)
        found = slope * (gradient_y / self._size).reshape(*gradient_y.shape[:-1], *(1,) * len(self._axes))
        self._disturb(found)
        return found, np.zeros_like(found) if self._holds else -found


def _with_spread(total: Array, terms: Array, /, *, axes: Any) -> Array:
    """Return the size of the partial sums behind a total."""
    squares = np.add.reduce(np.square(terms), axis=axes) if axes != () else np.square(terms)
    return np.hypot(total, np.sqrt(squares).reshape(total.shape))


def _times_others(array: Array, ends: tuple[Array, ...], *left_out: int) -> Array:
    """Return an array, a new one, times all ends but some."""
    others = [end for place, end in enumerate(ends) if place not in left_out]
    return reduce(np.multiply, others, array) if others else array.copy()


JOINS: dict[str, type[Join]] = {
    "add": Sum,
    "concatenate": Concatenation,
    "multiply": Product,
    "dot": InnerProduct,
    "affine": Affine,
    "modulate": Affine,
    **dict.fromkeys(spec.ERRORS, Error),
}
