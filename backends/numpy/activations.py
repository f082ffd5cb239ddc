"""The activations y = f(x), with f' for reverse mode and f'' for the tangent's (see layer.py)."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from gan_rosetta.backends.numpy.formulas import SIGMOID, SOFTPLUS, SOFTPLUS_SLOPE, TANH_SLOPE, evaluate
from gan_rosetta.backends.numpy.layer import Array, Layer, Mask, Tensors
from gan_rosetta.shared import spec

# How much less than the type's spacing at 1 is nothing beside 1 in every program.
_FAR_BELOW = 64


class _Activation(Layer):
    """f entrywise; a subclass gives f, f' and, unless it is 0 everywhere, f''."""

    takes_copies = True
    has_second_derivative: ClassVar[bool] = True

    def derivative(self, cache: Any) -> Array:
        """Return f'(x)."""
        raise NotImplementedError

    def second_derivative(self, cache: Any) -> Array:
        """Return f''(x)."""
        raise NotImplementedError

    def backward(self, gradient_y: Array, cache: Any, *, gradients: Tensors | None, wants_input: bool) -> Array | None:
        del gradients, wants_input
        gradient_y *= self.derivative(cache)
        return gradient_y

    def forward_tangent(self, tangent_x: Array, cache: Any) -> Array:
        return self.derivative(cache) * tangent_x

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
        del gradients, wants_input
        slope = self.derivative(cache)
        gradient_x = None if gradient_y is None else slope * gradient_y
        if self.has_second_derivative:
            bent = self.second_derivative(cache) * tangent_x * gradient_tangent_y
            gradient_x = bent if gradient_x is None else gradient_x + bent
        return gradient_x, slope * gradient_tangent_y


class Tanh(_Activation):
    """f = tanh x, f' = 1 - f², f'' = -2 f f'."""

    output_range = (-1.0, 1.0)

    def forward(self, x: Array, tensors: Tensors) -> tuple[Array, Array]:
        del tensors
        y = np.tanh(x)
        return y, y

    def exact(self, x: Array) -> Mask | None:
        # 1 - tanh x = 2 / (exp(2 x) + 1)
        return _saturated(2.0 * np.abs(x) - math.log(2), x.dtype)

    def derivative(self, cache: Array) -> Array:
        return evaluate(TANH_SLOPE, self.rounding, cache)

    def second_derivative(self, cache: Array) -> Array:
        return -2.0 * cache * self.derivative(cache)


class Sigmoid(_Activation):
    """f = 1 / (1 + exp(-x)), f' = f (1 - f), f'' = f' (1 - 2 f)."""

    output_range = (0.0, 1.0)

    def forward(self, x: Array, tensors: Tensors) -> tuple[Array, Array]:
        del tensors
        y = evaluate(SIGMOID, self.rounding, x)
        return y, y

    def exact(self, x: Array) -> Mask | None:
        return _saturated(x, x.dtype)

    def derivative(self, cache: Array) -> Array:
        slope = 1.0 - cache
        slope *= cache
        return slope

    def second_derivative(self, cache: Array) -> Array:
        return self.derivative(cache) * (1.0 - 2.0 * cache)


class Softplus(_Activation):
    """f = log(1 + exp x), f' = sigmoid x, f'' = sigmoid x · (1 - sigmoid x)."""

    def forward(self, x: Array, tensors: Tensors) -> tuple[Array, Array]:
        del tensors
        return evaluate(SOFTPLUS, self.rounding, x), x

    def derivative(self, cache: Array) -> Array:
        return evaluate(SOFTPLUS_SLOPE, self.rounding, cache)

    def second_derivative(self, cache: Array) -> Array:
        slope = self.derivative(cache)
        return slope * (1.0 - slope)


class ReLU(_Activation):
    """f = max(x, 0), f' = 1 where x > 0 and 0 elsewhere."""

    has_second_derivative = False
    rounds = False

    def forward(self, x: Array, tensors: Tensors) -> tuple[Array, Array]:
        del tensors
        y = np.maximum(x, 0.0)
        return y, y

    def derivative(self, cache: Array) -> Array:
        return (cache > 0.0).astype(cache.dtype)

    def backward(
        self, gradient_y: Array, cache: Array, *, gradients: Tensors | None, wants_input: bool
    ) -> Array | None:
        # By replacement, not by a product: an infinite gradient times 0 would be NaN.
        del gradients, wants_input
        np.copyto(gradient_y, 0.0, where=cache <= 0.0)
        return gradient_y


class LeakyReLU(_Activation):
    """f = x where x > 0, slope · x elsewhere; f' = 1 where x > 0 and the slope elsewhere."""

    has_second_derivative = False
    rounds = False

    def __init__(self, layer: spec.LeakyReLU, input_shape: spec.Shape) -> None:
        del input_shape
        self._slope = float(layer.slope)

    def forward(self, x: Array, tensors: Tensors) -> tuple[Array, Array]:
        del tensors
        y = self._slope * x
        if 0.0 < self._slope <= 1.0:
            np.maximum(x, y, out=y)
        else:
            np.copyto(y, x, where=x > 0.0)
        return y, x

    def derivative(self, cache: Array) -> Array:
        slope = np.full_like(cache, self._slope)
        np.copyto(slope, 1.0, where=cache > 0.0)
        return slope


def _saturated(x: Array, dtype: np.dtype[Any]) -> Mask | None:
    """Return where 1 - exp(-x) rounds to 1 whatever the formula, or None where it does nowhere.

    Well beyond where it should: NumPy's tanh in float32 stays below 1 as far as 10, and not 9.01.
    """
    found = x > -math.log(np.finfo(dtype).eps / _FAR_BELOW)
    return found if found.any() else None
