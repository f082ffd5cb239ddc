"""Activations, written out where MXNet's own lose digits."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gan_rosetta.backends.mxnet.layer import LayerBlock

# From here on log1p(exp(x)) rounds to x in float64 too; MXNet's own softrelu switches at 20, where it is off by 2e-9.
_SOFTPLUS_THRESHOLD = 40.0
SQRT_HALF = math.sqrt(0.5)
SQRT_2_OVER_PI = math.sqrt(2 / math.pi)
GELU_CUBIC = 0.044715
# How much too large MXNet's derivative of erf is: its π is a float32, and so is the root of it.
_ERF_GRADIENT = math.sqrt(math.pi) / float(np.sqrt(np.float32(math.pi)))


class Tanh(LayerBlock):
    """The hyperbolic tangent."""

    def hybrid_forward(self, ops: Any, inputs: Any) -> Any:
        return ops.tanh(inputs)


class Sigmoid(LayerBlock):
    """1 / (1 + exp(-x))."""

    def hybrid_forward(self, ops: Any, inputs: Any) -> Any:
        return ops.sigmoid(inputs)


class Softplus(LayerBlock):
    """log(1 + exp(x)), exact for every x."""

    def hybrid_forward(self, ops: Any, inputs: Any) -> Any:
        return exact_softplus(ops, inputs)


class ReLU(LayerBlock):
    """max(x, 0)."""

    def hybrid_forward(self, ops: Any, inputs: Any) -> Any:
        return ops.relu(inputs)


class LeakyReLU(LayerBlock):
    """x where x > 0, slope · x elsewhere."""

    def hybrid_forward(self, ops: Any, inputs: Any) -> Any:
        # A product with the derivative, since the gradient of `where` takes ten times as long.
        return inputs * ops.BlockGrad((inputs > 0) + self.layer.slope * (inputs <= 0))


class PReLU(LayerBlock):
    """x where x > 0, w · x elsewhere. (B, features) or (B, channels, height, width)."""

    def hybrid_forward(self, ops: Any, inputs: Any, weight: Any) -> Any:
        return inputs * learned_slopes(ops, inputs, weight, num_axes=len(self.input_shape))


class ELU(LayerBlock):
    """x where x > 0, alpha · (exp(x) - 1) elsewhere; MXNet's own has the gradient y + alpha below 0."""

    def hybrid_forward(self, ops: Any, inputs: Any) -> Any:
        return ops.relu(inputs) + self.layer.alpha * ops.expm1(ops.minimum(inputs, 0))


class SELU(LayerBlock):
    """Scale · ELU, with both numbers of Klambauer et al. 2017."""

    def hybrid_forward(self, ops: Any, inputs: Any) -> Any:
        bend = self.layer.scale * self.layer.alpha
        return self.layer.scale * ops.relu(inputs) + bend * ops.expm1(ops.minimum(inputs, 0))


class GELU(LayerBlock):
    """x · Φ(x), or the form with tanh that is near it, which MXNet has not."""

    def hybrid_forward(self, ops: Any, inputs: Any) -> Any:
        if self.layer.form == "erf":
            return 0.5 * inputs * (1 + erf(ops, inputs * SQRT_HALF))
        return 0.5 * inputs * (1 + ops.tanh(tanh_argument(inputs)))


class SiLU(LayerBlock):
    """x · sigmoid(x)."""

    def hybrid_forward(self, ops: Any, inputs: Any) -> Any:
        return inputs * ops.sigmoid(inputs)


def learned_slopes(ops: Any, inputs: Any, weight: Any, /, *, num_axes: int) -> Any:
    """Return 1 where x > 0, w elsewhere, of which only w has a gradient. num_axes: of a sample."""
    slopes = ops.expand_dims(weight, axis=0)  # (1, channels)
    for axis in range(2, num_axes + 1):
        slopes = ops.expand_dims(slopes, axis=axis)
    return ops.BlockGrad(inputs > 0) + ops.broadcast_mul(ops.BlockGrad(inputs <= 0), slopes)


def exact_softplus(ops: Any, inputs: Any, /) -> Any:
    """Return log(1 + exp(x)), exact for every x."""
    beyond = ops.relu(inputs - _SOFTPLUS_THRESHOLD)
    return beyond + ops.log1p(ops.exp(inputs - beyond))


def erf(ops: Any, inputs: Any, /) -> Any:
    """Return the error function, whose gradient is exact in float64 too, which that of MXNet's own is not."""
    found = ops.erf(inputs)
    scaled = found / _ERF_GRADIENT
    return scaled - ops.BlockGrad(scaled - found)  # the numbers of `found`, bit for bit


def tanh_argument(inputs: Any, /) -> Any:
    """Return what a GELU of the form "tanh" takes the hyperbolic tangent of."""
    return SQRT_2_OVER_PI * (inputs + GELU_CUBIC * (inputs * inputs * inputs))
