"""The layers as Gluon blocks, in the canonical layout, which is MXNet's own.

Operator attributes are float32 even where the arrays are float64 (LeakyReLU's slope of 0.2 would be off by 3e-9), while
arithmetic with Python scalars is exact: every number here that is not a size is written with the latter.
"""

from __future__ import annotations

import itertools
import math
from functools import reduce
from typing import Any

import numpy as np

from gan_rosetta.backends.mxnet.convolution import convolution_window, transposed_convolution
from gan_rosetta.backends.mxnet.framework import mx
from gan_rosetta.backends.mxnet.side_by_side import SideBySide
from gan_rosetta.backends.mxnet.spectral import normalised_weight
from gan_rosetta.shared import spec
from gan_rosetta.shared.errors import UnsupportedLayer
from gan_rosetta.shared.spec.resampling import upsampling_weights

# From here on log1p(exp(x)) rounds to x in float64 too; MXNet's own softrelu switches at 20, where it is off by 2e-9.
_SOFTPLUS_THRESHOLD = 40.0
SQRT_HALF = math.sqrt(0.5)
_POOLS = {"average": "avg", "sum": "sum", "maximum": "max"}
SQRT_2_OVER_PI = math.sqrt(2 / math.pi)
GELU_CUBIC = 0.044715
# How much too large MXNet's derivative of erf is: its π is a float32, and so is the root of it.
_ERF_GRADIENT = math.sqrt(math.pi) / float(np.sqrt(np.float32(math.pi)))


class LayerBlock(mx.gluon.HybridBlock):
    """A layer of the spec, with the parameters that it lists. axes: those that come before a parameter's own."""

    def __init__(self, placed: spec.PlacedLayer, /, *, dtype: str, axes: tuple[int, ...] = ()) -> None:
        super().__init__()
        self.layer: Any = placed.layer
        self.input_shape = placed.input_shape
        self.dtype = dtype
        for name, parameter in placed.layer.parameters().items():
            shape = (*axes, *parameter.shape)
            setattr(self, name, self.params.get(name, shape=shape, dtype=dtype, init="zeros"))
        self.num_buffers = len(placed.layer.buffers())


class AffineBlock(LayerBlock):
    """A layer that is affine in its inputs. Of a weight under a spectral norm u and v go in and come out moved."""

    def hybrid_forward(self, ops: Any, inputs: Any, *vectors: Any, weight: Any, bias: Any = None) -> Any:
        """Return the outputs, and where there are vectors those moved, (out,) and (rest,)."""
        moved: tuple[Any, ...] = ()
        if vectors:
            weight, *moved_vectors = normalised_weight(self.layer, ops, weight, *vectors)
            moved = tuple(moved_vectors)
        outputs = self.apply(ops, inputs, weight, bias)
        return (outputs, *moved) if moved else outputs

    def apply(self, ops: Any, inputs: Any, weight: Any, bias: Any, /) -> Any:
        """Return the outputs by this weight and bias, None where there is none."""
        raise NotImplementedError


class Linear(AffineBlock):
    """y = x Wᵀ + b. (B, in_features) to (B, out_features)."""

    def apply(self, ops: Any, inputs: Any, weight: Any, bias: Any, /) -> Any:
        return _affine(ops.FullyConnected, inputs, weight, bias, num_hidden=self.layer.out_features)


class Conv2d(AffineBlock):
    """A cross-correlation. (B, in, height, width) to (B, out, ...)."""

    def apply(self, ops: Any, inputs: Any, weight: Any, bias: Any, /) -> Any:
        if self.layer.even_margins is None:
            widths = (0, 0, 0, 0, *itertools.chain(*self.layer.margins))
            inputs = ops.pad(inputs, mode="constant", pad_width=widths)
        return _affine(ops.Convolution, inputs, weight, bias, **convolution_window(self.layer))


class ConvTranspose2d(AffineBlock):
    """A transposed convolution. (B, in, height, width) to (B, out, ...)."""

    def apply(self, ops: Any, inputs: Any, weight: Any, bias: Any, /) -> Any:
        output_shape, more = self.layer.output_shape(self.input_shape), self.layer.output_padding
        if self.layer.dilation > 1 or self.layer.spectral_norm is not None:
            shapes = {"sizes": self.input_shape, "output_shape": output_shape}
            outputs = transposed_convolution(ops, inputs, weight, self.layer, **shapes)
            return outputs if bias is None else ops.broadcast_add(outputs, ops.reshape(bias, shape=(1, -1, 1, 1)))
        window = convolution_window(self.layer) | {"adj": (more, more)}
        outputs = _affine(ops.Deconvolution, inputs, weight, bias, **window)
        if self.layer.even_margins is None:
            for axis, ((before, _), size) in enumerate(zip(self.layer.margins, output_shape[1:], strict=True), start=2):
                outputs = ops.slice_axis(outputs, axis=axis, begin=before, end=before + size)
        return outputs


class BatchNorm(LayerBlock):
    """Batch normalisation of (B, features) or (B, channels, height, width). Ioffe and Szegedy 2015.

    The buffers go in and come out moved, like a recurrent cell's states. MXNet's operator serves for the output alone:
    it would move its buffers in the backward pass, by the biased variance and with a momentum rounded to float32, so
    those that it is given here are a pair that nothing reads and a momentum of 1 leaves as they are.
    """

    def __init__(self, placed: spec.PlacedLayer, /, *, dtype: str) -> None:
        super().__init__(placed, dtype=dtype)
        if self.layer.statistics == "batch":
            for name, initial in (("unused_mean", "zeros"), ("unused_var", "ones")):
                shape = (self.layer.num_features,)
                unused = self.params.get(name, shape=shape, dtype=dtype, init=initial, grad_req="null")
                setattr(self, name, unused)

    def hybrid_forward(
        self, ops: Any, inputs: Any, running_mean: Any, running_var: Any, **parameters: Any
    ) -> tuple[Any, Any, Any]:
        """Return the normalised inputs and the moved buffers, each (features,)."""
        if self.layer.statistics == "batch":
            outputs, mean = self._normalise(ops, inputs, **parameters)
        else:
            mean = ops.mean(ops.BlockGrad(inputs), axis=1, exclude=True)  # (features,)
            outputs = self._normalise_by(ops, inputs, mean=running_mean, variance=running_var, **parameters)
        mean = ops.BlockGrad(mean)
        variance = self._reported_variance(ops, ops.BlockGrad(inputs), mean)
        momentum = self.layer.momentum
        moved_mean = (1 - momentum) * running_mean + momentum * mean
        return outputs, moved_mean, (1 - momentum) * running_var + momentum * variance

    def _normalise(
        self, ops: Any, inputs: Any, /, *, unused_mean: Any, unused_var: Any, weight: Any = None, bias: Any = None
    ) -> tuple[Any, Any]:
        if weight is None:
            weight, bias = ops.BlockGrad(ops.ones_like(unused_mean)), ops.BlockGrad(ops.zeros_like(unused_mean))
        outputs, mean, _ = ops.BatchNorm(
            inputs,
            weight,
            bias,
            unused_mean,
            unused_var,
            eps=self.layer.epsilon,
            momentum=1.0,
            fix_gamma=False,
            output_mean_var=True,
            cudnn_off=True,
        )
        return outputs, mean

    def _normalise_by(
        self, ops: Any, inputs: Any, /, *, mean: Any, variance: Any, weight: Any = None, bias: Any = None
    ) -> Any:
        deviation = ops.sqrt(variance + self.layer.epsilon)
        centred = ops.broadcast_sub(inputs, self._per_channel(ops, mean))
        if weight is None:
            return ops.broadcast_div(centred, self._per_channel(ops, deviation))
        scale = self._per_channel(ops, weight / deviation)
        return ops.broadcast_add(ops.broadcast_mul(centred, scale), self._per_channel(ops, bias))

    def _per_channel(self, ops: Any, values: Any) -> Any:  # (features,) to (1, features, ...)
        return ops.reshape(values, shape=(1, -1, *[1] * (len(self.input_shape) - 1)))

    def _reported_variance(self, ops: Any, inputs: Any, mean: Any) -> Any:
        num_features = self.layer.num_features
        squares = ops.square(ops.broadcast_sub(inputs, self._per_channel(ops, mean)))
        squares = ops.reshape(squares, shape=(0, -1))  # (B, features * ...)
        # A product with ones sums over the batch ten times faster than MXNet's own sum over an outer axis.
        ones = ops.ones_like(ops.slice_axis(squares, axis=1, begin=0, end=1))
        sums = ops.reshape(ops.dot(ones, squares, transpose_a=True), shape=(num_features, -1))
        count = ops.cast(ops.size_array(inputs), dtype=self.dtype) / num_features  # (1,)
        if self.layer.running_variance == "unbiased":
            count = count - 1
        return ops.broadcast_div(ops.sum(sums, axis=1), count)


class GroupNorm(LayerBlock):
    """Normalisation of each sample by itself; MXNet's own keeps its ε in float32. (B, features) or images."""

    def hybrid_forward(self, ops: Any, inputs: Any, weight: Any = None, bias: Any = None) -> Any:
        groups = ops.reshape(inputs, shape=(0, self.layer.num_groups, -1))
        centred = ops.broadcast_sub(groups, ops.mean(groups, axis=2, keepdims=True))
        variance = ops.mean(ops.square(centred), axis=2, keepdims=True)
        outputs = ops.broadcast_div(centred, ops.sqrt(variance + self.layer.epsilon))
        outputs = ops.reshape(outputs, shape=(0, *self.input_shape))
        if weight is None:
            return outputs
        per_channel = (1, -1, *[1] * (len(self.input_shape) - 1))
        scaled = ops.broadcast_mul(outputs, ops.reshape(weight, shape=per_channel))
        return ops.broadcast_add(scaled, ops.reshape(bias, shape=per_channel))


class MinibatchDiscrimination(LayerBlock):
    """Appends to each sample how like it is to the others. Salimans et al. 2016, section 3.2."""

    def hybrid_forward(self, ops: Any, inputs: Any, weight: Any, bias: Any = None) -> Any:
        """Return (B, in_features + num_kernels)."""
        layer = self.layer
        rows = _affine(ops.FullyConnected, inputs, weight, bias, num_hidden=layer.num_kernels * layer.kernel_dims)
        rows = ops.reshape(rows, shape=(0, layer.num_kernels, layer.kernel_dims))
        differences = ops.broadcast_sub(ops.expand_dims(rows, axis=1), ops.expand_dims(rows, axis=0))
        distances = ops.sum(ops.abs(differences), axis=3)  # (B, B, num_kernels)
        if layer.self_distance:
            indices = ops.cast(ops.contrib.arange_like(inputs, axis=0), dtype=self.dtype)
            same = ops.broadcast_equal(ops.expand_dims(indices, axis=1), ops.expand_dims(indices, axis=0))
            distances = ops.broadcast_add(distances, ops.expand_dims(same, axis=2))
        return ops.concat(inputs, ops.sum(ops.exp(-distances), axis=1), dim=1)


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


class Dropout(LayerBlock):
    """Keeps what a mask says, times 1 / (1 - probability), as mx.nd.Dropout does of masks that it draws."""

    def hybrid_forward(self, ops: Any, inputs: Any, mask: Any = None) -> Any:
        return inputs if mask is None else ops.broadcast_mul(inputs, mask * self.layer.scale)


class Augment(LayerBlock):
    """Changes each image by what is drawn for it, as DiffAugment does. (B, channels, height, width)."""

    def hybrid_forward(self, ops: Any, images: Any, drawn: Any = None) -> Any:
        if drawn is None:
            return images
        if self.layer.policy == "colour":
            numbers = ops.split(drawn, num_outputs=3, axis=1)
            moved, saturation, contrast = (ops.reshape(number, shape=(-1, 1, 1, 1)) for number in numbers)
            images = ops.broadcast_add(images, moved)
            images = self._spread(ops, images, saturation, axis=1)
            return self._spread(ops, images, contrast, axis=(1, 2, 3))
        rows, columns = ops.split(drawn, num_outputs=2, axis=1)
        if self.layer.policy == "translation":
            moved = self._shifted(ops, images, rows, self.input_shape[1])
            turned = ops.swapaxes(moved, dim1=2, dim2=3)
            return ops.swapaxes(self._shifted(ops, turned, columns, self.input_shape[2]), dim1=2, dim2=3)
        height, width = (
            self._inside(ops, middles, size)
            for middles, size in zip((rows, columns), self.input_shape[1:], strict=True)
        )
        inside = ops.broadcast_mul(ops.expand_dims(height, axis=2), ops.expand_dims(width, axis=1))
        return ops.broadcast_mul(images, ops.expand_dims(1 - inside, axis=1))

    @staticmethod
    def _spread(ops: Any, images: Any, factor: Any, *, axis: Any) -> Any:
        mean = ops.mean(images, axis=axis, keepdims=True)
        return ops.broadcast_add(ops.broadcast_mul(ops.broadcast_sub(images, mean), factor), mean)

    def _shifted(self, ops: Any, images: Any, moves: Any, size: int) -> Any:
        """Return images whose row i is the row i + move: products with 0 and 1, since take has one place for all."""
        places = ops.reshape(ops.arange(size, dtype=self.dtype), shape=(1, size, 1))
        wanted = ops.broadcast_add(places, ops.reshape(moves, shape=(-1, 1, 1)))
        taken = ops.broadcast_equal(wanted, ops.reshape(places, shape=(1, 1, size)))  # (B, to, from)
        by_rows = ops.reshape(ops.swapaxes(images, dim1=1, dim2=2), shape=(0, 0, -1))  # (B, from, channels * columns)
        moved = ops.reshape(ops.batch_dot(taken, by_rows), shape=(0, 0, self.input_shape[0], -1))
        return ops.swapaxes(moved, dim1=1, dim2=2)

    def _inside(self, ops: Any, middles: Any, size: int) -> Any:
        """Return 1 for the rows or columns of each image that are in its window, (B, size)."""
        width = self.layer.reach(size)
        places = ops.reshape(ops.arange(size, dtype=self.dtype), shape=(1, size))
        behind = ops.broadcast_sub(places, middles - width // 2)
        return (behind >= 0) * (behind < width)


class ClassEmbedding(LayerBlock):
    """Joins each sample to the row of its class, (B, features) to (B, features + num_features), or gives that row."""

    def hybrid_forward(self, ops: Any, inputs: Any, classes: Any, *vectors: Any, weight: Any) -> Any:
        """Return the outputs, and where a spectral norm has vectors those moved."""
        moved: tuple[Any, ...] = ()
        if vectors:
            weight, *moved_vectors = normalised_weight(self.layer, ops, weight, *vectors)
            moved = tuple(moved_vectors)
        sizes = {"input_dim": self.layer.num_classes, "output_dim": self.layer.width}
        if self.layer.rows_per_class > 1:
            weight = ops.reshape(weight, shape=tuple(sizes.values()))
        outputs = ops.Embedding(classes, weight, dtype=self.dtype, **sizes)
        if self.layer.takes_input:
            parts = [outputs, inputs]
            outputs = ops.concat(*(parts if self.layer.joined == "before" else parts[::-1]), dim=1)
        return (outputs, *moved) if moved else outputs


class Upsample(LayerBlock):
    """Upsampling. (B, channels, height, width) to (B, channels, height · factor, width · factor).

    BilinearResize2D has its pixels' centres where align_corners puts them, hence products with constant weights.
    """

    def __init__(self, placed: spec.PlacedLayer, /, *, dtype: str) -> None:
        super().__init__(placed, dtype=dtype)
        if self.layer.mode == "bilinear":
            for name, size in zip(("rows", "columns"), placed.input_shape[1:], strict=True):
                # The inner module's `array` takes no detour over scipy.sparse, whose deprecation it would trip.
                weights = mx.nd.ndarray.array(upsampling_weights(self.layer, size), dtype=dtype)
                setattr(self, name, self.params.get_constant(name, weights))

    def hybrid_forward(self, ops: Any, inputs: Any, rows: Any = None, columns: Any = None) -> Any:
        if rows is None:
            repeated = ops.repeat(inputs, repeats=self.layer.factor, axis=2)
            return ops.repeat(repeated, repeats=self.layer.factor, axis=3)
        wide = ops.dot(inputs, columns, transpose_b=True)  # (B, channels, height, width · factor)
        tall = ops.dot(ops.swapaxes(wide, dim1=2, dim2=3), rows, transpose_b=True)
        return ops.swapaxes(tall, dim1=2, dim2=3)


class Pool2d(LayerBlock):
    """The means or the largest of windows. (B, channels, height, width) to (B, channels, ...)."""

    def hybrid_forward(self, ops: Any, inputs: Any) -> Any:
        window = {"kernel": (self.layer.kernel_size,) * 2, "stride": (self.layer.stride,) * 2}
        return ops.Pooling(inputs, pool_type=_POOLS[self.layer.mode], **window)


class GlobalPool(LayerBlock):
    """The mean, the sum or the largest of each channel. (B, channels, height, width) to (B, channels)."""

    def hybrid_forward(self, ops: Any, inputs: Any) -> Any:
        window = {"kernel": self.input_shape[1:], "stride": (1, 1)}
        return ops.flatten(ops.Pooling(inputs, pool_type=_POOLS[self.layer.mode], **window))


class PixelShuffle(LayerBlock):
    """Larger images of fewer channels. (B, channels · factor², ...) to (B, channels, ...)."""

    def hybrid_forward(self, ops: Any, inputs: Any) -> Any:
        channels, height, width = self.layer.output_shape(self.input_shape)
        factors, sizes = (self.layer.factor,) * 2, self.input_shape[1:]
        if self.layer.order == "channel":
            parts = ops.reshape(inputs, shape=(0, channels, *factors, *sizes))
            parts = ops.transpose(parts, axes=(0, 1, 4, 2, 5, 3))
        else:
            parts = ops.reshape(inputs, shape=(0, *factors, channels, *sizes))
            parts = ops.transpose(parts, axes=(0, 3, 4, 1, 5, 2))
        return ops.reshape(parts, shape=(0, channels, height, width))


class Reshape(LayerBlock):
    """A row-major reshape of each sample."""

    def hybrid_forward(self, ops: Any, inputs: Any) -> Any:
        return ops.reshape(inputs, shape=(0, *self.layer.shape))


class Recall(LayerBlock):
    """Parts of the features of an earlier layer, one behind the other. (B, features) to (B, ...)."""

    def hybrid_forward(self, ops: Any, inputs: Any) -> Any:
        ends = (ops.slice_axis(inputs, axis=1, begin=start, end=stop) for start, stop in self.layer.parts)
        return ops.concat(*ends, dim=1)


class ClassCrossEntropy(LayerBlock):
    """-log softmax of each sample's class, (B, logits) to (B, 1); oneDNN's log_softmax is off by 1e-6."""

    def hybrid_forward(self, ops: Any, inputs: Any, classes: Any) -> Any:
        shifted = ops.broadcast_sub(inputs, ops.BlockGrad(ops.max(inputs, axis=1, keepdims=True)))
        normaliser = ops.log(ops.sum(ops.exp(shifted), axis=1, keepdims=True))
        return normaliser - ops.pick(shifted, self.layer.logit_of(classes), axis=1, keepdims=True)


# Less than any similarity; infinity times 0 would be NaN.
_FAR = 1e30


class ClassContrast(LayerBlock):
    """How near each sample is to its class beside the batch's others, (B, 2 · features) to (B, 1)."""

    def hybrid_forward(self, ops: Any, inputs: Any, classes: Any) -> Any:
        temperature, margin = self.layer.temperature, self.layer.margin
        units, proxies = (self._divided(ops, part) for part in ops.split(inputs, num_outputs=2, axis=1))
        near = ops.dot(units, units, transpose_b=True)
        own = ops.sum(units * proxies, axis=1, keepdims=True)
        same = _equals(ops, classes)
        itself = _equals(ops, ops.contrib.arange_like(classes, axis=0))
        if margin is None:
            powers, own_power = ops.exp(near / temperature) * (1 - itself), ops.exp(own / temperature)
            total = own_power + ops.sum(powers, axis=1, keepdims=True)
            return ops.log(total) - ops.log(own_power + ops.sum(powers * same, axis=1, keepdims=True))
        shifted, pull = (near + (margin - 1)) / temperature, ops.relu((margin - own) / temperature)
        largest = ops.max(ops.BlockGrad(shifted) - _FAR * itself, axis=1, keepdims=True)
        powers = ops.exp(ops.broadcast_sub(ops.relu(shifted), largest) * (1 - same)) * (1 - same)
        return pull + ops.log(ops.exp(-pull) + ops.sum(powers, axis=1, keepdims=True))

    def _divided(self, ops: Any, vectors: Any) -> Any:
        squares = ops.sum(ops.square(vectors), axis=1, keepdims=True)
        return ops.broadcast_div(vectors, ops.sqrt(ops.maximum(squares, self.layer.epsilon**2)))


class PullAway(LayerBlock):
    """How alike each sample is to the batch's others, (B, features) to (B, 1)."""

    def hybrid_forward(self, ops: Any, inputs: Any) -> Any:
        units = ops.broadcast_div(inputs, ops.sqrt(ops.sum(ops.square(inputs), axis=1, keepdims=True)))
        near = ops.dot(units, units, transpose_b=True)
        # A graph does not know the batch's size: its count is a sum.
        count = ops.sum(ops.ones_like(near), axis=1, keepdims=True)
        return (ops.sum(near, axis=1, keepdims=True) - 1) / (count - 1)


class CodeError(LayerBlock):
    """How far what is found of each sample's code is from it, (B, width) to (B, 1)."""

    def hybrid_forward(self, ops: Any, inputs: Any, latent: Any) -> Any:
        code = ops.slice_axis(latent, axis=1, begin=self.layer.start, end=self.layer.stop)
        if self.layer.form == "squared-error":
            return ops.mean(ops.square(inputs - code), axis=1, keepdims=True)
        shifted = ops.broadcast_sub(inputs, ops.BlockGrad(ops.max(inputs, axis=1, keepdims=True)))
        normaliser = ops.log(ops.sum(ops.exp(shifted), axis=1, keepdims=True))
        return ops.sum(code * ops.broadcast_sub(normaliser, shifted), axis=1, keepdims=True)


class Softmax(LayerBlock):
    """exp(x) / Σ exp(x) along an axis. (B, ...)."""

    def hybrid_forward(self, ops: Any, inputs: Any) -> Any:
        return ops.softmax(inputs, axis=self.layer.axis + 1)


class Scale(LayerBlock):
    """γ · x, with one γ for all. (B, ...)."""

    def hybrid_forward(self, ops: Any, inputs: Any, weight: Any) -> Any:
        return ops.broadcast_mul(inputs, ops.reshape(weight, shape=(1,) * (len(self.input_shape) + 1)))


class Branches(LayerBlock):
    """The ends of branches, (B, ...) each, added, multiplied, put one behind the other, or one by its gain."""

    def hybrid_forward(self, ops: Any, *ends: Any) -> Any:
        if self.layer.join == "concatenate":
            return ops.concat(*ends, dim=1)
        if self.layer.join == "dot":
            return ops.sum(ends[0] * ends[1], axis=1, keepdims=True)
        if self.layer.join in spec.ERRORS:
            apart = ends[0] - (ops.BlockGrad(ends[1]) if self.layer.join.endswith("held") else ends[1])
            terms = ops.square(apart) if self.layer.join.startswith("squared") else ops.abs(apart)
            return ops.reshape(ops.mean(terms, axis=0, exclude=True), shape=(-1, 1))
        if self.layer.join in ("attend", "attend_scaled"):
            query, key, value = (ops.reshape(end, shape=(0, 0, -1)) for end in ends)  # (B, channels, places)
            scores = ops.batch_dot(query, key, transpose_a=True)
            if self.layer.join == "attend_scaled":
                scores = scores / math.sqrt(self.layer.branches[0].output_shape(self.input_shape)[0])
            means = ops.batch_dot(value, ops.softmax(scores, axis=2), transpose_b=True)
            return ops.reshape(means, shape=(0, *self.layer.output_shape(self.input_shape)))
        if self.layer.join in ("affine", "modulate"):
            spread = [1] * (len(self.layer.output_shape(self.input_shape)) - 1)
            gain, bias = (ops.reshape(end, shape=(0, 0, *spread)) for end in ends[1:])
            scaled = ops.broadcast_mul(ends[0], 1 + gain if self.layer.join == "modulate" else gain)
            return ops.broadcast_add(scaled, bias)
        return reduce(ops.elemwise_add if self.layer.join == "add" else ops.elemwise_mul, ends)


LAYERS: dict[type, type[LayerBlock]] = {
    spec.Linear: Linear,
    spec.Conv2d: Conv2d,
    spec.ConvTranspose2d: ConvTranspose2d,
    spec.BatchNorm: BatchNorm,
    spec.GroupNorm: GroupNorm,
    spec.MinibatchDiscrimination: MinibatchDiscrimination,
    spec.Tanh: Tanh,
    spec.Sigmoid: Sigmoid,
    spec.Softplus: Softplus,
    spec.ReLU: ReLU,
    spec.LeakyReLU: LeakyReLU,
    spec.ELU: ELU,
    spec.SELU: SELU,
    spec.GELU: GELU,
    spec.SiLU: SiLU,
    spec.Reshape: Reshape,
    spec.Recall: Recall,
    spec.Dropout: Dropout,
    spec.Augment: Augment,
    spec.ClassEmbedding: ClassEmbedding,
    spec.Upsample: Upsample,
    spec.Pool2d: Pool2d,
    spec.GlobalPool: GlobalPool,
    spec.PixelShuffle: PixelShuffle,
    spec.Softmax: Softmax,
    spec.ClassCrossEntropy: ClassCrossEntropy,
    spec.ClassContrast: ClassContrast,
    spec.PullAway: PullAway,
    spec.CodeError: CodeError,
    spec.Scale: Scale,
    spec.Branches: Branches,
}


def _equals(ops: Any, numbers: Any) -> Any:
    """Return 1 where the numbers of two samples are the same, 0 elsewhere, (B, B)."""
    return ops.broadcast_equal(ops.reshape(numbers, shape=(-1, 1)), ops.reshape(numbers, shape=(1, -1)))


class Network(mx.gluon.HybridBlock):
    """Layers in order of execution, called as `outputs, moved = network(inputs, *fed, *buffers)`.

    fed: what the pass is fed beside its inputs, for each layer that takes something, in order; where the network is
    only asked, for those that take classes. buffers: each layer's in order, running means and variances (features,),
    or a spectral norm's u and v; moved: the same, after the pass. outputs: every layer's, in order. axes: of many
    replicas how many there are, (R,); all tensors then have that axis first.
    """

    def __init__(self, network: spec.Network, /, *, dtype: str, axes: tuple[int, ...] = ()) -> None:
        super().__init__()
        self.spec = network
        self.blocks = []
        self.sources = [placed.sources for placed in network.placed]
        for placed in network.placed:
            kind = LAYERS[_supported(type(placed.layer))]
            block = _of_many(kind)(placed, dtype=dtype, axes=axes) if axes else kind(placed, dtype=dtype)
            self.register_child(block, placed.name)
            self.blocks.append(block)
        self.num_buffers = sum(block.num_buffers for block in self.blocks)
        self._fed = [block for block in self.blocks if block.layer.fed]

    def hybrid_forward(self, ops: Any, inputs: Any, *rest: Any) -> tuple[list[Any], list[Any]]:
        """Return (outputs, moved)."""
        del ops
        start = len(rest) - self.num_buffers
        given, buffers = rest[:start], rest[start:]
        asked = len(given) < len(self._fed)
        taking = [block for block in self._fed if not asked or block.layer.fed != "mask"]
        fed = dict(zip(taking, given, strict=True))
        outputs: list[Any] = []
        moved: list[Any] = []
        for block, sources in zip(self.blocks, self.sources, strict=True):
            taken = [inputs if source == spec.NETWORK_INPUT else outputs[source] for source in sources]
            if block in fed:
                taken.append(fed[block])
            if block.num_buffers:
                found, *own = block(*taken, *buffers[len(moved) : len(moved) + block.num_buffers])
                outputs.append(found)
                moved += own
            else:
                outputs.append(block(*taken))
        return outputs, moved

    def ordered_parameters(self) -> list[Any]:
        """Return the parameters in canonical order."""
        return [getattr(block, name) for block in self.blocks for name in block.layer.parameters()]


class Pass(mx.gluon.HybridBlock):
    """A network's last output and its moved buffers, in a row; it can be hybridized without the network."""

    def __init__(self, network: Network, /) -> None:
        super().__init__()
        self.network = network

    def hybrid_forward(self, ops: Any, inputs: Any, *buffers: Any) -> tuple[Any, ...]:
        """Return the output, (B, ...), and moved, without which MXNet would warn of buffers that nothing uses."""
        del ops
        outputs, moved = self.network(inputs, *buffers)
        return outputs[-1], *moved


def build_network(network: spec.Network, /, *, context: Any, dtype: str, axes: tuple[int, ...] = ()) -> Network:
    """Build a network with all its parameters 0; raises UnsupportedLayer. axes: as Network has them."""
    built = Network(network, dtype=dtype, axes=axes)
    built.initialize(ctx=context)
    return built


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


class _OfMany(LayerBlock):
    """A layer of many replicas: what a layer's own class says of one, by operators that do it to each."""

    def hybrid_forward(self, ops: Any, *tensors: Any, **parameters: Any) -> Any:
        return super().hybrid_forward(SideBySide(ops), *tensors, **parameters)


def _of_many(kind: type[LayerBlock]) -> type[LayerBlock]:
    return type(f"{kind.__name__}OfMany", (_OfMany, kind), {})


def _supported(kind: type) -> type:
    if kind not in LAYERS:
        raise UnsupportedLayer(f"MXNet has no layer for {kind.__name__}; add it to LAYERS in layers.py")
    return kind


def _affine(operator: Any, inputs: Any, weight: Any, bias: Any, **sizes: Any) -> Any:
    # Said either way, since a Deconvolution has no bias unless told so.
    if bias is None:
        return operator(inputs, weight, no_bias=True, **sizes)
    return operator(inputs, weight, bias, no_bias=False, **sizes)
