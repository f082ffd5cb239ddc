"""The gradient of D's output with respect to its input, written out layer by layer for the gradient penalty.

MXNet 1.9.1 has second derivatives of few operators; not of LeakyReLU, of where, nor of arithmetic with scalars. The
penalty's gradient needs none if the input gradient is itself an expression of recorded tensors: products with weights,
convolutions transposed, and products with the activations' derivatives.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from functools import reduce
from typing import Any

from gan_rosetta.backends.mxnet.activations import (
    GELU_CUBIC,
    SQRT_2_OVER_PI,
    SQRT_HALF,
    erf,
    learned_slopes,
    tanh_argument,
)
from gan_rosetta.backends.mxnet.convolution import apart, convolution_window, transposed_convolution
from gan_rosetta.backends.mxnet.framework import mx
from gan_rosetta.backends.mxnet.layer import LayerBlock
from gan_rosetta.backends.mxnet.layers import Network
from gan_rosetta.shared import spec


class Transposed(mx.gluon.HybridBlock):
    """The gradient by a layer's input; takes that by its output, the input and the output. tensors: the layer's own."""

    tensors: tuple[str, ...] = ("weight",)

    def __init__(self, block: LayerBlock, /) -> None:
        super().__init__()
        self.layer = block.layer
        self.input_shape = block.input_shape
        self.dtype = block.dtype
        for name in self.tensors:
            if hasattr(block, name):
                setattr(self, name, getattr(block, name))


class LinearTransposed(Transposed):
    """g W. (B, out_features) to (B, in_features)."""

    def hybrid_forward(self, ops: Any, gradient: Any, inputs: Any, outputs: Any, weight: Any) -> Any:
        del inputs, outputs
        return ops.dot(gradient, weight)


class Conv2dTransposed(Transposed):
    """A convolution's transpose. (B, out, ...) to (B, in, height, width)."""

    def hybrid_forward(self, ops: Any, gradient: Any, inputs: Any, outputs: Any, weight: Any) -> Any:
        del inputs, outputs
        shapes = {"sizes": self.layer.output_shape(self.input_shape), "output_shape": self.input_shape}
        if self.layer.dilation > 1 or self.layer.even_margins is None:
            return transposed_convolution(ops, gradient, weight, self.layer, **shapes)
        # Rows and columns at the end that no window reaches.
        rows = zip(self.input_shape[1:], self.layer.margins, self.layer.reach, strict=True)
        beyond = tuple((size + sum(margins) - reach) % self.layer.stride for size, margins, reach in rows)
        window = convolution_window(self.layer) | {"adj": beyond, "num_filter": self.layer.in_channels}
        return ops.Deconvolution(gradient, weight, no_bias=True, **window)


class ConvTranspose2dTransposed(Transposed):
    """The convolution that it is the transpose of. (B, out, ...) to (B, in, height, width)."""

    def hybrid_forward(self, ops: Any, gradient: Any, inputs: Any, outputs: Any, weight: Any) -> Any:
        del inputs, outputs
        layer = self.layer
        if layer.even_margins is None:
            widths = (0, 0, 0, 0, *itertools.chain(*layer.margins))
            gradient = ops.pad(gradient, mode="constant", pad_width=widths)
        window = convolution_window(layer) | {"num_filter": layer.in_channels}
        return ops.Convolution(gradient, weight, no_bias=True, **window)


class PReLUTransposed(Transposed):
    """The gradient times 1 or a slope. (B, features) or images to the same."""

    def hybrid_forward(self, ops: Any, gradient: Any, inputs: Any, outputs: Any, weight: Any) -> Any:
        del outputs
        return gradient * learned_slopes(ops, inputs, weight, num_axes=len(self.input_shape))


class UpsampleTransposed(Transposed):
    """What an upsampling spread, added up. (B, channels, height · factor, ...) to (B, channels, height, width)."""

    tensors = ("rows", "columns")

    def hybrid_forward(self, ops: Any, gradient: Any, inputs: Any, outputs: Any, **weights: Any) -> Any:
        del inputs, outputs
        if not weights:
            channels, height, width = self.input_shape
            parts = (0, channels, height, self.layer.factor, width, self.layer.factor)
            return ops.sum(ops.reshape(gradient, shape=parts), axis=(3, 5))
        narrow = ops.dot(gradient, weights["columns"])  # (B, channels, height · factor, width)
        low = ops.dot(ops.swapaxes(narrow, dim1=2, dim2=3), weights["rows"])
        return ops.swapaxes(low, dim1=2, dim2=3)


class GroupNormTransposed(Transposed):
    """The gradient by what is normalised. (B, features) or images to the same."""

    def hybrid_forward(self, ops: Any, gradient: Any, inputs: Any, outputs: Any, weight: Any = None) -> Any:
        del outputs
        if weight is not None:
            per_channel = (1, -1, *[1] * (len(self.input_shape) - 1))
            gradient = ops.broadcast_mul(gradient, ops.reshape(weight, shape=per_channel))
        groups, gradient = (
            ops.reshape(each, shape=(0, self.layer.num_groups, -1)) for each in (inputs, gradient)
        )  # (B, groups, numbers)
        centred = ops.broadcast_sub(groups, ops.mean(groups, axis=2, keepdims=True))
        deviation = ops.sqrt(ops.mean(ops.square(centred), axis=2, keepdims=True) + self.layer.epsilon)
        outputs = ops.broadcast_div(centred, deviation)
        change = ops.broadcast_mul(outputs, ops.mean(gradient * outputs, axis=2, keepdims=True))
        found = ops.broadcast_sub(gradient, ops.mean(gradient, axis=2, keepdims=True)) - change
        return ops.reshape(ops.broadcast_div(found, deviation), shape=(0, *self.input_shape))


class BatchNormTransposed(Transposed):
    """The gradient by what is normalised, by the batch's own statistics. (B, features) or images to the same."""

    def hybrid_forward(self, ops: Any, gradient: Any, inputs: Any, outputs: Any, weight: Any = None) -> Any:
        del outputs
        if weight is not None:
            per_channel = (1, -1, *[1] * (len(self.input_shape) - 1))
            gradient = ops.broadcast_mul(gradient, ops.reshape(weight, shape=per_channel))
        over = {"axis": 1, "exclude": True, "keepdims": True}
        centred = ops.broadcast_sub(inputs, ops.mean(inputs, **over))
        deviation = ops.sqrt(ops.mean(ops.square(centred), **over) + self.layer.epsilon)  # (1, features, ...)
        normalised = ops.broadcast_div(centred, deviation)
        change = ops.broadcast_mul(normalised, ops.mean(gradient * normalised, **over))
        found = ops.broadcast_sub(gradient, ops.mean(gradient, **over)) - change
        return ops.broadcast_div(found, deviation)


class Pool2dTransposed(Transposed):
    """Of a mean each place in the window its part, of the largest the first that it is. (B, channels, ...)."""

    tensors = ()

    def hybrid_forward(self, ops: Any, gradient: Any, inputs: Any, outputs: Any) -> Any:
        places = list(itertools.product(range(self.layer.kernel_size), repeat=2))
        if self.layer.mode == "average":
            parts = [gradient / len(places)] * len(places)
        else:
            parts, open_windows = [], ops.ones_like(outputs)
            for place in places:
                is_largest = ops.BlockGrad((self._seen(ops, inputs, place) == outputs) * open_windows)
                open_windows = open_windows - is_largest
                parts.append(gradient * is_largest)
        pairs = zip(parts, places, strict=True)
        return reduce(ops.elemwise_add, (self._spread(ops, part, place) for part, place in pairs))

    def _reach(self) -> spec.Shape:
        return tuple(self.layer.stride * (size - 1) + 1 for size in self.layer.output_shape(self.input_shape)[1:])

    def _seen(self, ops: Any, images: Any, place: spec.Shape) -> Any:
        """Return what one place of every window sees."""
        ends = tuple(start + length for start, length in zip(place, self._reach(), strict=True))
        return ops.slice(
            images, begin=(None, None, *place), end=(None, None, *ends), step=(None, None, *(self.layer.stride,) * 2)
        )

    def _spread(self, ops: Any, values: Any, place: spec.Shape) -> Any:
        """Return images with each window's value at one place of it."""
        spread = apart(ops, values, stride=self.layer.stride, sizes=self.layer.output_shape(self.input_shape))
        widths = []
        for axis, (start, size, reach) in enumerate(zip(place, self.input_shape[1:], self._reach(), strict=True), 2):
            spread = ops.slice_axis(spread, axis=axis, begin=0, end=reach)
            widths += [start, size - start - reach]
        return ops.pad(spread, mode="constant", pad_width=(0, 0, 0, 0, *widths))


class GlobalPoolTransposed(Transposed):
    """Of a mean or a sum every place its part, of the largest the first that it is. (B, channels) to images."""

    tensors = ()

    def hybrid_forward(self, ops: Any, gradient: Any, inputs: Any, outputs: Any) -> Any:
        del outputs
        gradient = ops.reshape(gradient, shape=(0, 0, 1, 1))
        size = math.prod(self.input_shape[1:])
        if self.layer.mode != "maximum":
            return ops.broadcast_mul(gradient / (size if self.layer.mode == "average" else 1), ops.ones_like(inputs))
        flat = ops.BlockGrad(ops.reshape(inputs, shape=(0, 0, -1)))
        is_largest = ops.one_hot(ops.argmax(flat, axis=2), depth=size, dtype=self.dtype)
        return ops.broadcast_mul(gradient, ops.reshape(is_largest, shape=(0, *self.input_shape)))


class PixelShuffleTransposed(Transposed):
    """Every number back to its place. (B, channels, ...) to (B, channels · factor², height, width)."""

    tensors = ()

    def hybrid_forward(self, ops: Any, gradient: Any, inputs: Any, outputs: Any) -> Any:
        del inputs, outputs
        channels, height, width = self.layer.output_shape(self.input_shape)
        factor = self.layer.factor
        parts = ops.reshape(gradient, shape=(0, channels, height // factor, factor, width // factor, factor))
        axes = (0, 1, 3, 5, 2, 4) if self.layer.order == "channel" else (0, 3, 5, 1, 2, 4)
        return ops.reshape(ops.transpose(parts, axes=axes), shape=(0, *self.input_shape))


class InputGradient(mx.gluon.HybridBlock):
    """∂Σ output / ∂ input of a network.

    Called with the network's input (B, ...), then every layer's output, from a pass over that input, and then what the
    pass was fed: the masks of dropouts, in order.
    """

    def __init__(self, network: Network, /) -> None:
        super().__init__()
        self.sources = network.sources
        self.input_size = network.spec.input_shape[0]
        self.num_features = [placed.output_shape[0] for placed in network.spec.placed]
        self.steps: list[tuple[spec.Layer, Transposed | None]] = []
        for block in network.blocks:
            kind = TRANSPOSED.get(type(block.layer))
            transposed = None if kind is None else kind(block)
            if transposed is not None:
                self.register_child(transposed)
            self.steps.append((block.layer, transposed))

    def hybrid_forward(self, ops: Any, *tensors: Any) -> Any:
        """Return the gradient, (B, ...)."""
        masks = list(tensors[len(self.steps) + 1 :])
        found = {len(self.steps) - 1: ops.ones_like(tensors[len(self.steps)])}
        for index in reversed(range(len(self.steps))):
            layer, transposed = self.steps[index]
            # The network's input comes first among the tensors.
            inputs = [tensors[source + 1] for source in self.sources[index]]
            gradient = found.pop(index)
            if isinstance(layer, spec.Branches):
                sizes = [self._num_features_of(source) for source in self.sources[index]]
                pieces = _of_ends(layer, ops, gradient, inputs, sizes=sizes)
            elif isinstance(layer, spec.Dropout):
                pieces = [ops.broadcast_mul(gradient, masks.pop() * layer.scale)]
            elif transposed is not None:
                pieces = [transposed(gradient, inputs[0], tensors[index + 1])]
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


TRANSPOSED: dict[type, type[Transposed]] = {
    spec.Linear: LinearTransposed,
    spec.Conv2d: Conv2dTransposed,
    spec.ConvTranspose2d: ConvTranspose2dTransposed,
    spec.BatchNorm: BatchNormTransposed,
    spec.GroupNorm: GroupNormTransposed,
    spec.PReLU: PReLUTransposed,
    spec.Upsample: UpsampleTransposed,
    spec.Pool2d: Pool2dTransposed,
    spec.GlobalPool: GlobalPoolTransposed,
    spec.PixelShuffle: PixelShuffleTransposed,
}
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
