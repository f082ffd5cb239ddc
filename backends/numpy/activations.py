"""The activations y = f(x), with f' for reverse mode and f'' for the tangent's (see layer.py)."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from gan_rosetta.backends.numpy.formulas import (
    EXPONENTIAL_LESS_ONE,
    NORMAL,
    SIGMOID,
    SOFTPLUS,
    SOFTPLUS_SLOPE,
    TANH_SHARE,
    TANH_SHARE_SLOPE,
    TANH_SLOPE,
    Formulas,
    evaluate,
    exponential_slopes,
)
from gan_rosetta.backends.numpy.layer import Array, Layer, Mask, Tensors
from gan_rosetta.shared import spec

# How much less than the type's spacing at 1 is nothing beside 1 in every program.
_FAR_BELOW = 64
_SQRT_HALF = math.sqrt(0.5)
_SQRT_2_OVER_PI = math.sqrt(2 / math.pi)
_DENSITY_AT_0 = 1 / math.sqrt(2 * math.pi)
# A GELU's of the form "tanh".
_CUBIC = 0.044715


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
    has_kink = True

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
        self.has_kink = self._slope != 1.0

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


class _Exponential(_Activation):
    """f = scale · x where x > 0, bend · (exp x - 1) elsewhere; f' = scale, bend · exp x; f'' = 0, bend · exp x."""

    def __init__(self, *, scale: float, bend: float) -> None:
        self._scale, self._bend = scale, bend
        self.has_kink = scale != bend
        self._slopes = exponential_slopes(bend)

    def forward(self, x: Array, tensors: Tensors) -> tuple[Array, tuple[Array, Array]]:
        del tensors
        y = evaluate(EXPONENTIAL_LESS_ONE, self.rounding, np.minimum(x, 0.0))
        y *= self._bend
        np.copyto(y, self._scale * x, where=x > 0.0)
        return y, (x, y)

    def derivative(self, cache: tuple[Array, Array]) -> Array:
        x, y = cache
        slope = evaluate(self._slopes, self.rounding, np.minimum(x, 0.0), np.minimum(y, 0.0))
        np.copyto(slope, self._scale, where=x > 0.0)
        return slope

    def second_derivative(self, cache: tuple[Array, Array]) -> Array:
        bent = self.derivative(cache)
        np.copyto(bent, 0.0, where=cache[0] > 0.0)
        return bent


class ELU(_Exponential):
    """f = x where x > 0, alpha · (exp x - 1) elsewhere."""

    def __init__(self, layer: spec.ELU, input_shape: spec.Shape) -> None:
        del input_shape
        super().__init__(scale=1.0, bend=float(layer.alpha))

    def exact(self, x: Array) -> Mask | None:
        return np.asarray(x > 0.0)


class SELU(_Exponential):
    """f = scale · ELU x."""

    def __init__(self, layer: spec.SELU, input_shape: spec.Shape) -> None:
        del input_shape
        super().__init__(scale=layer.scale, bend=layer.scale * layer.alpha)


class _Gated(_Activation):
    """f = x g(x), f' = g + x g', f'' = 2 g' + x g''. Where f' is near 0, what rounds is its terms."""

    def gate(self, x: Array) -> Array:
        """Return g(x)."""
        raise NotImplementedError

    def gate_derivative(self, x: Array) -> Array:
        """Return g'(x)."""
        raise NotImplementedError

    def gate_second_derivative(self, x: Array) -> Array:
        """Return g''(x)."""
        raise NotImplementedError

    def forward(self, x: Array, tensors: Tensors) -> tuple[Array, Array]:
        del tensors
        return x * self.gate(x), x

    def derivative(self, cache: Array) -> Array:
        slope, change = self.gate(cache), cache * self.gate_derivative(cache)
        terms = None if self.rounding is None else np.abs(slope) + np.abs(change)
        slope += change
        if self.rounding is not None:
            self.rounding.disturb(slope, scale=terms)
        return slope

    def second_derivative(self, cache: Array) -> Array:
        return 2.0 * self.gate_derivative(cache) + cache * self.gate_second_derivative(cache)

    def _inner(self, values: Array) -> Array:
        """Return what a function that is steep in relative terms is taken of, as every program rounds it."""
        if self.rounding is not None:
            self.rounding.disturb(values)
        return values


class SiLU(_Gated):
    """g = sigmoid x, g' = g (1 - g), g'' = g' (1 - 2 g)."""

    def gate(self, x: Array) -> Array:
        return evaluate(SIGMOID, self.rounding, x)

    def gate_derivative(self, x: Array) -> Array:
        gate = self.gate(x)
        return gate * (1.0 - gate)

    def gate_second_derivative(self, x: Array) -> Array:
        return self.gate_derivative(x) * (1.0 - 2.0 * self.gate(x))


class GELU(_Gated):
    """g = Φ(x), g' = exp(-x² / 2) / √(2π), g'' = -x g'.

    Of the form "tanh": g = (1 + tanh u) / 2, u = √(2/π) (x + 0.044715 x³), g' = u' (1 - tanh² u) / 2.
    """

    def __init__(self, layer: spec.GELU, input_shape: spec.Shape) -> None:
        del input_shape
        self._by_tanh = layer.form == "tanh"

    def gate(self, x: Array) -> Array:
        if self._by_tanh:
            return self._evaluate(TANH_SHARE, self._argument(x))
        z = self._inner(_SQRT_HALF * x)
        return evaluate(NORMAL, self.rounding, z, self._noise(np.square(z)))

    def gate_derivative(self, x: Array) -> Array:
        if self._by_tanh:
            return self._argument_derivative(x) * self._evaluate(TANH_SHARE_SLOPE, self._argument(x))
        density = np.exp(self._inner(-0.5 * np.square(x)))
        density *= _DENSITY_AT_0
        return density

    def gate_second_derivative(self, x: Array) -> Array:
        if not self._by_tanh:
            return -x * self.gate_derivative(x)
        argument = self._argument(x)
        bend = 6.0 * _SQRT_2_OVER_PI * _CUBIC * x - 2.0 * np.tanh(argument) * np.square(self._argument_derivative(x))
        return bend * self._evaluate(TANH_SHARE_SLOPE, argument)

    def _evaluate(self, formulas: Formulas, u: Array) -> Array:
        return evaluate(formulas, self.rounding, u, self._noise(2.0 * np.abs(u) - math.log(2)))

    def _noise(self, exponent: Array) -> Array:
        """Return what rounding adds to a number whose distance from 1 is about exp(-exponent)."""
        noise = np.zeros_like(exponent)
        if self.rounding is not None:
            exact = _saturated(exponent, exponent.dtype)
            self.rounding.disturb(noise, scale=np.ones_like(exponent), exact=exact)
        return noise

    def _argument(self, x: Array) -> Array:
        """Return u of the form "tanh", whose gate is (1 + tanh u) / 2."""
        return self._inner(_SQRT_2_OVER_PI * (x + _CUBIC * (x * x * x)))

    def _argument_derivative(self, x: Array) -> Array:
        return _SQRT_2_OVER_PI * (1.0 + 3.0 * _CUBIC * np.square(x))


def _saturated(x: Array, dtype: np.dtype[Any]) -> Mask | None:
    """Return where 1 - exp(-x) rounds to 1 whatever the formula, or None where it does nowhere.

    Well beyond where it should: NumPy's tanh in float32 stays below 1 as far as 10, and not 9.01.
    """
    found = x > -math.log(np.finfo(dtype).eps / _FAR_BELOW)
    return found if found.any() else None
