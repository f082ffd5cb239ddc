"""The layers as Gluon blocks, in the canonical layout, which is MXNet's own.

Operator attributes are float32 even where the arrays are float64 (LeakyReLU's slope of 0.2 would be off by 3e-9), while
arithmetic with Python scalars is exact: every number here that is not a size is written with the latter.
"""

from __future__ import annotations

import itertools
from typing import Any

from gan_rosetta.backends.mxnet.activations import (
    ELU,
    GELU,
    SELU,
    LeakyReLU,
    PReLU,
    ReLU,
    Sigmoid,
    SiLU,
    Softplus,
    Tanh,
)
from gan_rosetta.backends.mxnet.augment import Augment
from gan_rosetta.backends.mxnet.branches import Branches
from gan_rosetta.backends.mxnet.classifying import ClassContrast, ClassCrossEntropy
from gan_rosetta.backends.mxnet.codes import CodeError
from gan_rosetta.backends.mxnet.convolution import convolution_window, transposed_convolution
from gan_rosetta.backends.mxnet.framework import mx
from gan_rosetta.backends.mxnet.layer import AffineBlock, LayerBlock
from gan_rosetta.backends.mxnet.pull_away import PullAway
from gan_rosetta.backends.mxnet.resampling import GlobalPool, PixelShuffle, Pool2d, Upsample
from gan_rosetta.backends.mxnet.side_by_side import SideBySide
from gan_rosetta.backends.mxnet.spectral import normalised_weight
from gan_rosetta.shared import spec
from gan_rosetta.shared.errors import UnsupportedLayer

# From so many on, a sum of their gradients over the batch takes longer than the calls of a product.
_MANY_BIASES = 64


class Linear(AffineBlock):
    """y = x Wᵀ + b. (B, in_features) to (B, out_features)."""

    def apply(self, ops: Any, inputs: Any, weight: Any, bias: Any, /) -> Any:
        size = self.layer.out_features
        in_graph = isinstance(inputs, mx.sym.Symbol)
        if bias is None or size < _MANY_BIASES or self.dtype != "float64" or not in_graph:
            return _affine(ops.FullyConnected, inputs, weight, bias, num_hidden=size)
        # Of a bias that the operator adds it sums the gradient in 6 ns a number; as a product it takes a fifth.
        ones = ops.ones_like(ops.slice_axis(inputs, axis=1, begin=0, end=1))  # (B, 1)
        biases = _affine(ops.FullyConnected, ones, ops.expand_dims(bias, axis=1), None, num_hidden=size)
        return _affine(ops.FullyConnected, inputs, weight, None, num_hidden=size) + biases


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


class Dropout(LayerBlock):
    """Keeps what a mask says, times 1 / (1 - probability), as mx.nd.Dropout does of masks that it draws."""

    def hybrid_forward(self, ops: Any, inputs: Any, mask: Any = None) -> Any:
        return inputs if mask is None else ops.broadcast_mul(inputs, mask * self.layer.scale)


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


class Reshape(LayerBlock):
    """A row-major reshape of each sample."""

    def hybrid_forward(self, ops: Any, inputs: Any) -> Any:
        return ops.reshape(inputs, shape=(0, *self.layer.shape))


class Recall(LayerBlock):
    """Parts of the features of an earlier layer, one behind the other. (B, features) to (B, ...)."""

    def hybrid_forward(self, ops: Any, inputs: Any) -> Any:
        ends = (ops.slice_axis(inputs, axis=1, begin=start, end=stop) for start, stop in self.layer.parts)
        return ops.concat(*ends, dim=1)


class Softmax(LayerBlock):
    """exp(x) / Σ exp(x) along an axis. (B, ...)."""

    def hybrid_forward(self, ops: Any, inputs: Any) -> Any:
        return ops.softmax(inputs, axis=self.layer.axis + 1)


class Scale(LayerBlock):
    """γ · x, with one γ for all. (B, ...)."""

    def hybrid_forward(self, ops: Any, inputs: Any, weight: Any) -> Any:
        return ops.broadcast_mul(inputs, ops.reshape(weight, shape=(1,) * (len(self.input_shape) + 1)))


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
    spec.PReLU: PReLU,
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
