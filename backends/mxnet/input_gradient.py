"""The gradient of D's output with respect to its input, written out layer by layer for the gradient penalty.

MXNet 1.9.1 has second derivatives of few operators; not of LeakyReLU, of where, nor of arithmetic with scalars. The
penalty's gradient needs none if the input gradient is itself an expression of recorded tensors: products with weights
and with the activations' derivatives.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

from gan_rosetta.backends.mxnet.framework import mx
from gan_rosetta.backends.mxnet.layers import (
    GELU_CUBIC,
    SQRT_2_OVER_PI,
    SQRT_HALF,
    Linear,
    Network,
    erf,
    tanh_argument,
)
from gan_rosetta.shared import spec


class LinearTransposed(mx.gluon.HybridBlock):
    """g W, with the weight of a Linear. (B, out_features) to (B, in_features)."""

    def __init__(self, linear: Linear, /) -> None:
        super().__init__()
        self.weight = linear.weight

    def hybrid_forward(self, ops: Any, gradient: Any, weight: Any) -> Any:
        return ops.dot(gradient, weight)


class InputGradient(mx.gluon.HybridBlock):
    """∂Σ output / ∂ input of a network whose layers treat samples alone.

    Called with the network's input (B, ...), then every layer's output, from a pass over that input.
    """

    def __init__(self, network: Network, /) -> None:
        super().__init__()
        self.sources = network.sources
        self.input_size = network.spec.input_shape[0]
        self.num_features = [placed.output_shape[0] for placed in network.spec.placed]
        self.steps: list[tuple[spec.Layer, LinearTransposed | None]] = []
        for block in network.blocks:
            transposed = LinearTransposed(block) if isinstance(block, Linear) else None
            if transposed is not None:
                self.register_child(transposed)
            self.steps.append((block.layer, transposed))

    def hybrid_forward(self, ops: Any, *tensors: Any) -> Any:
        """Return the gradient, (B, ...)."""
        found = {len(self.steps) - 1: ops.ones_like(tensors[-1])}
        for index in reversed(range(len(self.steps))):
            layer, transposed = self.steps[index]
            # The network's input comes first among the tensors.
            inputs = [tensors[source + 1] for source in self.sources[index]]
            gradient = found.pop(index)
            if isinstance(layer, spec.Branches):
                sizes = [self._num_features_of(source) for source in self.sources[index]]
                pieces = _of_ends(layer, ops, gradient, inputs, sizes=sizes)
            elif transposed is not None:
                pieces = [transposed(gradient)]
            else:
                derivative = DERIVATIVES[type(layer)]
                pieces = [derivative(layer, ops, gradient, inputs=inputs[0], outputs=tensors[index + 1])]
            for source, piece in zip(self.sources[index], pieces, strict=True):
                found[source] = piece if source not in found else found[source] + piece
        return found[spec.NETWORK_INPUT]

    def _num_features_of(self, source: int) -> int:
        return self.input_size if source == spec.NETWORK_INPUT else self.num_features[source]


def _of_ends(layer: spec.Branches, ops: Any, gradient: Any, ends: list[Any], /, *, sizes: list[int]) -> list[Any]:
    """Return the gradient of each end of branches, (B, size, ...) each."""
    if layer.join == "add":
        return [gradient] * len(ends)
    if layer.join == "multiply":
        others = ([end for other, end in enumerate(ends) if other != place] for place in range(len(ends)))
        return [reduce(ops.elemwise_mul, own, gradient) for own in others]
    starts = [sum(sizes[:place]) for place in range(len(sizes))]
    pairs = zip(starts, sizes, strict=True)
    return [ops.slice_axis(gradient, axis=1, begin=start, end=start + size) for start, size in pairs]


def _tanh(layer: spec.Tanh, ops: Any, gradient: Any, /, *, inputs: Any, outputs: Any) -> Any:
    del layer, inputs
    return gradient * (1 - ops.square(outputs))


def _sigmoid(layer: spec.Sigmoid, ops: Any, gradient: Any, /, *, inputs: Any, outputs: Any) -> Any:
    del layer, ops, inputs
    return gradient * (outputs * (1 - outputs))


def _softplus(layer: spec.Softplus, ops: Any, gradient: Any, /, *, inputs: Any, outputs: Any) -> Any:
    del layer, outputs
    return gradient * ops.sigmoid(inputs)


def _relu(layer: spec.ReLU, ops: Any, gradient: Any, /, *, inputs: Any, outputs: Any) -> Any:
    del layer, ops, outputs
    return gradient * (inputs > 0)


def _leaky_relu(layer: spec.LeakyReLU, ops: Any, gradient: Any, /, *, inputs: Any, outputs: Any) -> Any:
    del ops, outputs
    return gradient * ((inputs > 0) + layer.slope * (inputs <= 0))


def _elu(layer: spec.ELU, ops: Any, gradient: Any, /, *, inputs: Any, outputs: Any) -> Any:
    del outputs
    return gradient * _bent(ops, inputs, scale=1.0, bend=layer.alpha)


def _selu(layer: spec.SELU, ops: Any, gradient: Any, /, *, inputs: Any, outputs: Any) -> Any:
    del outputs
    return gradient * _bent(ops, inputs, scale=layer.scale, bend=layer.scale * layer.alpha)


def _bent(ops: Any, inputs: Any, *, scale: float, bend: float) -> Any:
    return scale * (inputs > 0) + bend * (inputs <= 0) * ops.exp(ops.minimum(inputs, 0))


def _gelu(layer: spec.GELU, ops: Any, gradient: Any, /, *, inputs: Any, outputs: Any) -> Any:
    del outputs
    if layer.form == "erf":
        density = ops.exp(-0.5 * ops.square(inputs)) * (0.5 * SQRT_2_OVER_PI)
        return gradient * (0.5 * (1 + erf(ops, inputs * SQRT_HALF)) + inputs * density)
    share = ops.tanh(tanh_argument(inputs))
    slope = SQRT_2_OVER_PI * (1 + 3 * GELU_CUBIC * ops.square(inputs))
    return gradient * (0.5 * (1 + share) + 0.5 * inputs * slope * (1 - ops.square(share)))


def _silu(layer: spec.SiLU, ops: Any, gradient: Any, /, *, inputs: Any, outputs: Any) -> Any:
    del layer, outputs
    gate = ops.sigmoid(inputs)
    return gradient * (gate + inputs * (gate * (1 - gate)))


def _reshape(layer: spec.Reshape, ops: Any, gradient: Any, /, *, inputs: Any, outputs: Any) -> Any:
    del layer, outputs
    return ops.reshape_like(gradient, inputs)


DERIVATIVES: dict[type, Callable[..., Any]] = {
    spec.Tanh: _tanh,
    spec.Sigmoid: _sigmoid,
    spec.Softplus: _softplus,
    spec.ReLU: _relu,
    spec.LeakyReLU: _leaky_relu,
    spec.ELU: _elu,
    spec.SELU: _selu,
    spec.GELU: _gelu,
    spec.SiLU: _silu,
    spec.Reshape: _reshape,
}
