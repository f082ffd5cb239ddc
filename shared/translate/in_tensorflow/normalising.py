"""Normalisations in TensorFlow, by a batch or by each sample; Keras's own lose digits, or have other derivatives."""

from __future__ import annotations

from typing import Any

from gan_rosetta.shared import spec
from gan_rosetta.shared.spec import PlacedLayer
from gan_rosetta.shared.translate.in_tensorflow.making import named
from gan_rosetta.shared.translate.layers import Writer
from gan_rosetta.shared.translate.parts import Part
from gan_rosetta.shared.translate.writing import number


def batch_norm(placed: PlacedLayer, name: str, /) -> Part:
    """Write a batch normalisation."""
    layer: Any = placed.layer
    settings = [number(layer.num_features), f"eps={number(layer.epsilon)}", f"momentum={number(layer.momentum)}"]
    settings += [f"correction={1 if layer.running_variance == 'unbiased' else 0}"]
    settings += [f"by_running={layer.statistics == 'running'}", *([] if layer.affine else ["affine=False"])]
    settings += [named(placed)]
    return Part(made=("BatchNorm(", settings), applied=f"self.{name}({{x}})", joins=True, needs=("batch_norm",))


def group_norm(placed: PlacedLayer, name: str, /) -> Part:
    """Write a normalisation of each sample by itself."""
    layer: Any = placed.layer
    settings = [number(layer.num_features), f"groups={number(layer.num_groups)}", f"eps={number(layer.epsilon)}"]
    settings += [f"affine={bool(layer.affine)}", named(placed)]
    return Part(made=("GroupNorm(", settings), applied=f"self.{name}({{x}})", joins=True, needs=("group_norm",))


LAYERS: dict[type, Writer] = {
    spec.BatchNorm: batch_norm,
    spec.GroupNorm: group_norm,
}

FUNCTIONS: dict[str, str] = {
    "batch_norm": '''\
class BatchNorm(keras.layers.Layer):
    """Batch normalisation; Keras's cancels digits where a mean is large, its variance is biased."""

    def __init__(
        self,
        num_features: int,
        *,
        eps: float,
        momentum: float,
        correction: int,
        by_running: bool,
        affine: bool = True,
        name: str,
    ) -> None:
        super().__init__(name=name)
        self.eps, self.momentum, self.affine = eps, momentum, affine
        self.correction, self.by_running = correction, by_running
        shape = (num_features,)
        if affine:
            self.weight = self.add_weight(shape=shape, name="weight")
            self.bias = self.add_weight(shape=shape, name="bias")
        self.running_mean = self.add_weight(shape=shape, name="running_mean", trainable=False)
        self.running_var = self.add_weight(shape=shape, name="running_var", trainable=False)

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Normalise, and move the running averages."""
        axes = list(range(len(x.shape) - 1))
        mean = tf.reduce_mean(x, axes)
        # Not tf.nn.moments: it holds this mean fixed, which a second derivative must not.
        variance = tf.reduce_mean((x - mean) ** 2, axes)
        averages = (self.running_mean, self.running_var)
        kept = tuple(tf.convert_to_tensor(average) for average in averages)
        size = tf.cast(tf.size(x) / x.shape[-1], x.dtype)
        found = (mean, variance * (size / (size - self.correction)))
        for average, old, value in zip(averages, kept, found, strict=True):
            average.assign((1 - self.momentum) * old + self.momentum * value)
        if self.by_running:
            mean, variance = kept
        y = (x - mean) / tf.sqrt(variance + self.eps)
        return y * self.weight + self.bias if self.affine else y''',
    "group_norm": '''\
class GroupNorm(keras.layers.Layer):
    """Normalises each sample over groups of its channels, by its own mean and variance."""

    def __init__(
        self, num_features: int, *, groups: int, eps: float, affine: bool, name: str
    ) -> None:
        super().__init__(name=name)
        self.groups, self.eps, self.affine = groups, eps, affine
        if affine:
            self.weight = self.add_weight(shape=(num_features,), name="weight")
            self.bias = self.add_weight(shape=(num_features,), name="bias")

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Normalise; channels are last."""
        size = x.shape[-1] // self.groups
        parts = tf.reshape(x, (-1, math.prod(x.shape[1:-1]), self.groups, size))
        # tf.nn.moments takes the mean in the variance for a constant: a wrong second derivative.
        centred = parts - tf.reduce_mean(parts, (1, 3), keepdims=True)
        variance = tf.reduce_mean(centred**2, (1, 3), keepdims=True)
        y = tf.reshape(centred / tf.sqrt(variance + self.eps), (-1, *x.shape[1:]))
        return y * self.weight + self.bias if self.affine else y''',
}
