"""The layers as TensorFlow modules, and a network of them. Inside, images are NHWC and kernels HWIO."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import tensorflow as tf

from gan_rosetta.backends.tensorflow.activations import PReLU, elu, gelu, leaky_relu, selu
from gan_rosetta.backends.tensorflow.augment import Augment
from gan_rosetta.backends.tensorflow.branches import branches
from gan_rosetta.backends.tensorflow.classifying import ClassContrast, ClassCrossEntropy
from gan_rosetta.backends.tensorflow.codes import CodeError
from gan_rosetta.backends.tensorflow.convolution import Conv2d, ConvTranspose2d
from gan_rosetta.backends.tensorflow.layer import Multiply, Weighted, bias_variable, variable
from gan_rosetta.backends.tensorflow.pull_away import pull_away
from gan_rosetta.backends.tensorflow.resampling import Upsample, global_pool, pixel_shuffle, pool2d
from gan_rosetta.shared import spec
from gan_rosetta.shared.errors import UnsupportedLayer
from gan_rosetta.shared.state import parameter_name

_IMAGE_RANK = 3
Observe = Callable[[str, Any], None]
Builder = Callable[..., Callable[..., Any]]


class Linear(Weighted):
    """y = x W + b, (batch, in) -> (batch, out); the weight is kept (in, out), as Keras's Dense keeps it."""

    def __init__(self, layer: spec.Linear, /, *, dtype: Any, multiply: Multiply) -> None:
        super().__init__(layer, dtype=dtype)
        self._multiply = multiply

    def __call__(self, inputs: Any, *, buffer_moves: int) -> Any:
        outputs = self._multiply(inputs, self.used_weight(buffer_moves))
        return outputs if self.bias is None else outputs + self.bias


class BatchNorm(tf.Module):
    """Batch normalisation over all axes but the last, with the spec's own mathematics.

    Keras's BatchNormalization differs: its momentum weights the old value (0.99), its running variance is biased, its
    epsilon is 1e-3, and it normalises with the running statistics outside training.
    """

    def __init__(self, layer: spec.BatchNorm, /, *, dtype: Any) -> None:
        super().__init__(name=layer.name)
        for short_name in layer.parameters():
            setattr(self, short_name, variable(layer, short_name, dtype=dtype))
        self.running_mean = variable(layer, "running_mean", dtype=dtype)
        self.running_var = variable(layer, "running_var", dtype=dtype)
        self._layer = layer

    def __call__(self, inputs: Any, *, buffer_moves: int) -> Any:
        # Not tf.nn.moments: it takes the mean in the variance for a constant, and so its second derivative is wrong.
        axes = list(range(inputs.shape.rank - 1))
        mean = tf.reduce_mean(inputs, axis=axes)
        centred = inputs - mean
        variance = tf.reduce_mean(tf.square(centred), axis=axes)
        used_variance = variance
        if self._layer.statistics == "running":
            centred, used_variance = inputs - self.running_mean.read_value(), self.running_var.read_value()
        for _ in range(buffer_moves):
            self._move_buffers(mean, variance, num_values=math.prod(inputs.shape[:-1]))
        # Not tf.nn.batch_normalization, which multiplies x and the mean out and so cancels where the mean is large.
        deviation = tf.sqrt(used_variance + self._layer.epsilon)
        if not self._layer.affine:
            return centred / deviation
        return centred * (self.weight / deviation) + self.bias

    def _move_buffers(self, mean: Any, variance: Any, *, num_values: int) -> None:
        if self._layer.running_variance == "unbiased":
            variance = variance * (num_values / (num_values - 1) if num_values > 1 else math.nan)
        kept, momentum = 1 - self._layer.momentum, self._layer.momentum
        self.running_mean.assign(kept * self.running_mean + momentum * mean)
        self.running_var.assign(kept * self.running_var + momentum * variance)


class GroupNorm(tf.Module):
    """Normalisation of each sample by itself, (batch, features) or (batch, height, width, channels)."""

    def __init__(self, layer: spec.GroupNorm, /, *, dtype: Any) -> None:
        super().__init__(name=layer.name)
        self._layer = layer
        for short_name in layer.parameters():
            setattr(self, short_name, variable(layer, short_name, dtype=dtype))

    def __call__(self, inputs: Any) -> Any:
        layer = self._layer
        size = layer.num_features // layer.num_groups
        groups = tf.reshape(inputs, (inputs.shape[0], -1, layer.num_groups, size))  # (batch, places, groups, channels)
        # Not tf.nn.moments: it takes the mean in the variance for a constant, and so its second derivative is wrong.
        centred = groups - tf.reduce_mean(groups, axis=(1, 3), keepdims=True)
        variance = tf.reduce_mean(tf.square(centred), axis=(1, 3), keepdims=True)
        outputs = tf.reshape(centred / tf.sqrt(variance + layer.epsilon), inputs.shape)
        return outputs * self.weight + self.bias if layer.affine else outputs


class MinibatchDiscrimination(tf.Module):
    """Appends to each sample how like it is to the others, (batch, in) -> (batch, in + kernels)."""

    def __init__(self, layer: spec.MinibatchDiscrimination, /, *, dtype: Any, multiply: Multiply) -> None:
        super().__init__(name=layer.name)
        self._multiply = multiply
        self.weight = variable(layer, "weight", dtype=dtype)
        self.bias = bias_variable(layer, dtype=dtype)
        self._layer = layer

    def __call__(self, inputs: Any) -> Any:
        affine = self._multiply(inputs, self.weight)
        affine = affine if self.bias is None else affine + self.bias
        kernels = tf.reshape(affine, (-1, self._layer.num_kernels, self._layer.kernel_dims))
        differences = kernels[:, None] - kernels[None]  # (batch, batch, kernels, dims)
        distances = tf.reduce_sum(tf.abs(differences), axis=-1)
        if self._layer.self_distance:
            distances += tf.eye(inputs.shape[0], dtype=inputs.dtype)[:, :, None]
        return tf.concat([inputs, tf.reduce_sum(tf.exp(-distances), axis=1)], axis=-1)


class Reshape(tf.Module):
    """Gives each sample another shape, in row-major order of the canonical layout."""

    def __init__(self, layer: spec.Reshape, /) -> None:
        super().__init__(name="reshape")
        self._shape = layer.shape

    def __call__(self, inputs: Any) -> Any:
        if inputs.shape.rank - 1 == _IMAGE_RANK:
            inputs = tf.transpose(inputs, (0, 3, 1, 2))
        outputs = tf.reshape(inputs, (inputs.shape[0], *self._shape))
        return tf.transpose(outputs, (0, 2, 3, 1)) if len(self._shape) == _IMAGE_RANK else outputs


class Dropout(tf.Module):
    """Keeps what a mask says, times 1 / (1 - probability), as tf.nn.dropout does of masks that it draws."""

    def __init__(self, layer: spec.Dropout, /) -> None:
        super().__init__(name=layer.name)
        self._scale = layer.scale

    def __call__(self, inputs: Any, *, fed: Any = None) -> Any:
        return inputs if fed is None else inputs * (fed * self._scale)


class ClassEmbedding(Weighted):
    """Joins each sample to the row of its class, (batch, features) -> (batch, features + num_features), or gives that.

    The weight is kept (num_classes, num_features), as Keras's Embedding keeps it.
    """

    def __init__(self, layer: spec.ClassEmbedding, /, *, dtype: Any) -> None:
        super().__init__(layer, dtype=dtype)
        self._joined = layer.joined
        self._shape = (layer.num_classes, layer.width)

    def __call__(self, inputs: Any, *, fed: Any, buffer_moves: int) -> Any:
        table = tf.reshape(self.used_weight(buffer_moves), self._shape)
        parts = [tf.gather(table, tf.cast(fed, tf.int32)), inputs]
        if self._joined == "alone":
            return parts[0]
        return tf.concat(parts if self._joined == "before" else parts[::-1], axis=1)


def recall(layer: spec.Recall, inputs: Any, /) -> Any:
    """Return parts of the features of an earlier layer, one behind the other, (batch, features) -> (batch, ...)."""
    return tf.concat([inputs[:, start:stop] for start, stop in layer.parts], axis=1)


class Scale(tf.Module):
    """γ · x, with one γ for all."""

    def __init__(self, layer: spec.Scale, /, *, dtype: Any) -> None:
        super().__init__(name=layer.name)
        self.weight = variable(layer, "weight", dtype=dtype)

    def __call__(self, inputs: Any) -> Any:
        return self.weight[0] * inputs


def softmax(layer: spec.Softmax, inputs: Any, /) -> Any:
    """Return exp(x) / Σ exp(x) along an axis, of which a sample's first is last here."""
    return tf.nn.softmax(inputs, axis=layer.axis if layer.axis else -1)


LAYERS: dict[type, Builder] = {
    spec.Linear: lambda layer, **options: Linear(layer, dtype=options["dtype"], multiply=options["multiply"]),
    spec.Conv2d: lambda layer, **options: Conv2d(layer, dtype=options["dtype"]),
    spec.ConvTranspose2d: ConvTranspose2d,
    spec.BatchNorm: lambda layer, **options: BatchNorm(layer, dtype=options["dtype"]),
    spec.GroupNorm: lambda layer, **options: GroupNorm(layer, dtype=options["dtype"]),
    spec.MinibatchDiscrimination: lambda layer, **options: MinibatchDiscrimination(
        layer, dtype=options["dtype"], multiply=options["multiply"]
    ),
    spec.Tanh: lambda _layer, **_options: tf.tanh,
    spec.Sigmoid: lambda _layer, **_options: tf.sigmoid,
    spec.Softplus: lambda _layer, **_options: tf.math.softplus,
    spec.ReLU: lambda _layer, **_options: tf.nn.relu,
    spec.LeakyReLU: lambda layer, **_options: partial(leaky_relu, slope=layer.slope),
    spec.PReLU: lambda layer, **options: PReLU(layer, dtype=options["dtype"]),
    spec.ELU: lambda layer, **_options: partial(elu, alpha=layer.alpha),
    spec.SELU: lambda layer, **_options: partial(selu, alpha=layer.alpha, scale=layer.scale),
    spec.GELU: lambda layer, **_options: partial(gelu, form=layer.form),
    spec.SiLU: lambda _layer, **_options: tf.nn.silu,
    spec.Reshape: lambda layer, **_options: Reshape(layer),
    spec.Recall: lambda layer, **_options: partial(recall, layer),
    spec.Dropout: lambda layer, **_options: Dropout(layer),
    spec.Augment: lambda layer, **_options: Augment(layer),
    spec.ClassEmbedding: lambda layer, **options: ClassEmbedding(layer, dtype=options["dtype"]),
    spec.Upsample: Upsample,
    spec.Pool2d: lambda layer, **_options: partial(pool2d, layer),
    spec.GlobalPool: lambda layer, **_options: partial(global_pool, layer),
    spec.PixelShuffle: lambda layer, **_options: partial(pixel_shuffle, layer),
    spec.Softmax: lambda layer, **_options: partial(softmax, layer),
    spec.ClassCrossEntropy: lambda layer, **_options: ClassCrossEntropy(layer),
    spec.ClassContrast: lambda layer, **_options: ClassContrast(layer),
    spec.PullAway: lambda _layer, **_options: pull_away,
    spec.CodeError: lambda layer, **_options: CodeError(layer),
    spec.Scale: lambda layer, **options: Scale(layer, dtype=options["dtype"]),
    spec.Branches: lambda layer, **_options: partial(branches, layer),
}


class Network(tf.Module):
    """Layers in order of execution, by the names under which the spec places them.

    sources: whose outputs each layer takes, as PlacedLayer has them.
    """

    def __init__(
        self,
        name: str,
        layers: dict[str, Callable[..., Any]],
        /,
        *,
        sources: dict[str, tuple[int, ...]],
        tensors: dict[str, Any],
    ) -> None:
        super().__init__(name=name)
        self.layers = layers
        self.sources = sources
        self.tensors = tensors  # parameters and buffers, by canonical name

    def __call__(
        self,
        inputs: Any,
        *,
        buffer_moves: int,
        fed: Mapping[str, Any] | None = None,
        observe: Observe | None = None,
    ) -> Any:
        """Return the output for native inputs (batch, ...); observe, if given, is shown each layer's.

        fed: what the pass is fed beside them, by layer.
        """
        outputs: dict[int, Any] = {spec.NETWORK_INPUT: inputs}
        for place, (name, layer) in enumerate(self.layers.items()):
            takes_moves = isinstance(layer, Weighted | BatchNorm)
            keywords: dict[str, Any] = {"buffer_moves": buffer_moves} if takes_moves else {}
            if fed is not None and name in fed:
                keywords["fed"] = fed[name]
            found = outputs[place] = layer(*(outputs[source] for source in self.sources[name]), **keywords)
            if observe is not None:
                observe(name, found)
        return found


def build_network(name: str, network: spec.Network, /, *, dtype: Any, multiply: Multiply | None = None) -> Network:
    """Build a network from its spec, all its variables 0; raises UnsupportedLayer.

    multiply: what gives x W of inputs (batch, in) and a weight (in, out); a matrix product where there is none.
    """
    layers: dict[str, Callable[..., Any]] = {}
    tensors: dict[str, Any] = {}
    for placed in network.placed:
        if type(placed.layer) not in LAYERS:
            raise UnsupportedLayer(f"TensorFlow has no layer for {type(placed.layer).__name__}; add it to layers.py")
        options = {"output_shape": placed.output_shape, "dtype": dtype}
        if isinstance(placed.layer, spec.Linear | spec.MinibatchDiscrimination):
            options["multiply"] = multiply or tf.matmul
        layer = layers[placed.name] = LAYERS[type(placed.layer)](placed.layer, **options)
        for short_name in (*placed.layer.parameters(), *placed.layer.buffers()):
            tensors[parameter_name(name, placed.name, short_name)] = getattr(layer, short_name)
    sources = {placed.name: placed.sources for placed in network.placed}
    return Network(name, layers, sources=sources, tensors=tensors)


def multiply_by_sums(inputs: Any, weight: Any, /) -> Any:
    """Return x W, each number as a sum of its own.

    Of many small products at once: XLA calls no library for them on a CPU.
    """
    return tf.reduce_sum(inputs[:, :, tf.newaxis] * weight[tf.newaxis], axis=1)
