"""The layers in TensorFlow: Keras's own where they compute what the spec says. Images have their channels last."""

from __future__ import annotations

from typing import Any

from gan_rosetta.shared import spec
from gan_rosetta.shared.spec import PlacedLayer
from gan_rosetta.shared.translate.in_tensorflow import (
    activations,
    augmenting,
    contrast,
    convolutions,
    normalising,
    resampling,
)
from gan_rosetta.shared.translate.in_tensorflow.convolutions import conv2d, conv_transpose2d
from gan_rosetta.shared.translate.in_tensorflow.making import named, no_bias
from gan_rosetta.shared.translate.layers import (
    Writer,
    augment,
    class_contrast,
    class_cross_entropy,
    code_error,
    dropout,
    joined,
    pull_away,
    recalled,
    rows_of_classes,
)
from gan_rosetta.shared.translate.parts import Part
from gan_rosetta.shared.translate.writing import number

_IMAGE_RANK = 3


def linear(placed: PlacedLayer, name: str, /) -> Part:
    """Write y = x W + b."""
    layer: Any = placed.layer
    settings = [number(layer.out_features), *no_bias(layer), named(placed)]
    return Part(made=("keras.layers.Dense(", settings), applied=f"self.{name}({{x}})")


def minibatch_discrimination(placed: PlacedLayer, name: str, /) -> Part:
    """Write minibatch discrimination."""
    layer: Any = placed.layer
    settings = [number(layer.num_kernels), number(layer.kernel_dims), f"self_distance={bool(layer.self_distance)}"]
    made = ("MinibatchDiscrimination(", [*settings, *no_bias(layer), named(placed)])
    return Part(made=made, applied=f"self.{name}({{x}})", needs=("minibatch",))


def class_embedding(placed: PlacedLayer, name: str, /) -> Part:
    """Write an embedding of classes that are fed."""
    layer: Any = placed.layer
    own = rows_of_classes(layer, f"self.{name}", f"tf.reshape({{r}}, (-1, {number(layer.width)}))")
    row = own.applied
    parts = f"{row}, {{x}}" if layer.joined == "before" else f"{{x}}, {row}"
    made = ("keras.layers.Embedding(", [*map(number, layer.table), named(placed)])
    if layer.joined == "alone":
        return Part(made=made, applied=row, needs=own.needs)
    return Part(made=made, applied=f"tf.concat([{parts}], axis=1)", needs=own.needs)


def reshape(placed: PlacedLayer, name: str, /) -> Part:
    """Write a row-major reshape of each sample, of images as if their channels came first."""
    del name
    applied, needs = "{x}", []
    if len(placed.input_shape) == _IMAGE_RANK:
        applied, needs = "as_rows({x})", ["as_rows"]
    if len(placed.output_shape) == _IMAGE_RANK:
        applied = f"as_images({applied}, {', '.join(map(number, placed.output_shape))})"
        needs.append("as_images")
    return Part(applied=applied, needs=tuple(needs))


def softmax(placed: PlacedLayer, name: str, /) -> Part:
    """Write exp(x) / Σ exp(x) along an axis."""
    del name
    layer: Any = placed.layer
    return Part(applied=f"tf.nn.softmax({{x}}, axis={number(layer.axis or -1)})")


def scale(placed: PlacedLayer, name: str, /) -> Part:
    """Write γ · x."""
    return Part(made=("Scale(", [named(placed)]), applied=f"self.{name}({{x}})", joins=True, needs=("scale",))


LAYERS: dict[type, Writer] = {
    spec.Linear: linear,
    spec.Conv2d: conv2d,
    spec.ConvTranspose2d: conv_transpose2d,
    **normalising.LAYERS,
    spec.MinibatchDiscrimination: minibatch_discrimination,
    **activations.LAYERS,
    spec.Reshape: reshape,
    spec.Recall: recalled("tf.concat([{x}], axis=1)"),
    spec.Dropout: dropout,
    spec.Augment: augment,
    spec.ClassEmbedding: class_embedding,
    **resampling.LAYERS,
    spec.Softmax: softmax,
    spec.ClassCrossEntropy: class_cross_entropy,
    spec.ClassContrast: class_contrast,
    spec.PullAway: pull_away,
    spec.CodeError: code_error,
    spec.Scale: scale,
    spec.Branches: joined(concatenated="tf.concat([{x}], axis=-1)", dot="tf.reduce_sum({x}, axis=1, keepdims=True)"),
}


# What the layers are made of, in the order in which a program has it.
FUNCTIONS: dict[str, str] = {
    **convolutions.FUNCTIONS,
    "as_rows": '''\
def as_rows(images: tf.Tensor) -> tf.Tensor:
    """Return images (batch, height, width, channels) as rows, one channel after the other."""
    return tf.reshape(tf.transpose(images, (0, 3, 1, 2)), (images.shape[0], -1))''',
    "as_images": '''\
def as_images(rows: tf.Tensor, channels: int, height: int, width: int) -> tf.Tensor:
    """Return rows, one channel after the other, as images (batch, height, width, channels)."""
    return tf.transpose(tf.reshape(rows, (-1, channels, height, width)), (0, 2, 3, 1))''',
    "pad": '''\
def pad(images: tf.Tensor, width: int) -> tf.Tensor:
    """Return images with zeros all round; Keras's "same" has more of them on one side."""
    return tf.pad(images, [[0, 0], [width, width], [width, width], [0, 0]])''',
    **normalising.FUNCTIONS,
    "minibatch": '''\
class MinibatchDiscrimination(keras.layers.Dense):
    """Appends to each sample how like it is to the others of its batch (Salimans et al. 2016)."""

    def __init__(
        self, num_kernels: int, size: int, *, self_distance: bool, use_bias: bool = True, name: str
    ) -> None:
        super().__init__(num_kernels * size, use_bias=use_bias, name=name)
        self.shape, self.self_distance = (num_kernels, size), self_distance

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Return (batch, in_features + num_kernels)."""
        rows = tf.reshape(super().call(x), (-1, *self.shape))
        differences = rows[:, None] - rows[None]  # (batch, batch, num_kernels, size)
        distances = tf.reduce_sum(tf.abs(differences), axis=3)
        if self.self_distance:
            distances += tf.eye(tf.shape(x)[0], dtype=x.dtype)[:, :, None]
        return tf.concat([x, tf.reduce_sum(tf.exp(-distances), axis=1)], axis=1)''',
    **activations.FUNCTIONS,
    "dropout": '''\
def dropout(x: tf.Tensor, mask: tf.Tensor | None, probability: float) -> tf.Tensor:
    """Keep what the mask says, scaled as tf.nn.dropout does; all where there is none."""
    return x if mask is None else x * tf.cast(mask, x.dtype) / (1 - probability)''',
    "masks_of": '''\
def masks_of(batch: Batch, place: str) -> Batch:
    """Return what is drawn for one pass, by the layers' names."""
    return {n.split(f".{place}.")[1]: drawn for n, drawn in batch.items() if f".{place}." in n}''',
    **augmenting.FUNCTIONS,
    "rows_of": '''\
def rows_of(classes: tf.Tensor, count: int) -> tf.Tensor:
    """Return the numbers of each class's rows, (batch, count)."""
    classes = tf.cast(classes, tf.int32)
    return count * classes[:, tf.newaxis] + tf.range(count)''',
    **contrast.FUNCTIONS,
    "class_cross_entropy": '''\
def class_cross_entropy(logits: tf.Tensor, classes: tf.Tensor) -> tf.Tensor:
    """Return -log softmax of each sample's class, (batch, 1)."""
    return -tf.gather(tf.nn.log_softmax(logits), classes[:, tf.newaxis], axis=1, batch_dims=1)''',
    "code_entropy": '''\
def code_entropy(logits: tf.Tensor, code: tf.Tensor) -> tf.Tensor:
    """Return the cross entropy of each sample's category, a 1 among zeros, (batch, 1)."""
    return -tf.reduce_sum(code * tf.nn.log_softmax(logits), axis=1, keepdims=True)''',
    "code_distance": '''\
def code_distance(found: tf.Tensor, code: tf.Tensor) -> tf.Tensor:
    """Return the mean square of what is found less the code, (batch, 1)."""
    return tf.reduce_mean(tf.square(found - code), axis=1, keepdims=True)''',
    "affine": '''\
def affine(x: tf.Tensor, gain: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
    """Return gain · x + bias, of each sample a gain and a bias a channel, which is last."""
    shape = (-1, *(1,) * (len(x.shape) - 2), gain.shape[1])
    return tf.reshape(gain, shape) * x + tf.reshape(bias, shape)''',
    "modulate": '''\
def modulate(x: tf.Tensor, gain: tf.Tensor, bias: tf.Tensor) -> tf.Tensor:
    """Return (1 + gain) · x + bias, of each sample a gain and a bias a channel, which is last."""
    shape = (-1, *(1,) * (len(x.shape) - 2), gain.shape[1])
    return (1 + tf.reshape(gain, shape)) * x + tf.reshape(bias, shape)''',
    "pull_away": '''\
def pull_away(x: tf.Tensor) -> tf.Tensor:
    """Return the mean cosine of each sample's features and the batch's others', (batch, 1)."""
    units = x / tf.sqrt(tf.reduce_sum(x**2, axis=1, keepdims=True))
    near = tf.matmul(units, units, transpose_b=True)
    count = tf.cast(tf.shape(x)[0], x.dtype)
    return (tf.reduce_sum(near, axis=1, keepdims=True) - 1) / (count - 1)''',
    "error": '''\
def error(
    first: tf.Tensor, second: tf.Tensor, *, squared: bool = False, held: bool = False
) -> tf.Tensor:
    """Return how far a sample's numbers are apart in the mean; held: second is a constant."""
    apart = first - (tf.stop_gradient(second) if held else second)
    terms = apart**2 if squared else tf.abs(apart)
    return tf.reduce_mean(terms, axis=range(1, len(terms.shape)))[:, tf.newaxis]''',
    "attend": '''\
def attend(
    query: tf.Tensor, key: tf.Tensor, value: tf.Tensor, *, scaled: bool = False
) -> tf.Tensor:
    """Return means of the value's places, weighted by how much query and key have in common."""
    ends = (query, key, value)
    q, k, v = (tf.reshape(x, (-1, x.shape[1] * x.shape[2], x.shape[3])) for x in ends)
    scores = tf.matmul(q, k, transpose_b=True)
    if scaled:
        scores = scores / math.sqrt(q.shape[2])
    means = tf.matmul(tf.nn.softmax(scores, axis=2), v)
    return tf.reshape(means, (-1, *query.shape[1:3], v.shape[2]))''',
    "prelu": activations.PRELU,
    "scale": '''\
class Scale(keras.layers.Layer):
    """A gain for all that comes in."""

    def __init__(self, *, name: str) -> None:
        super().__init__(name=name)
        self.weight = self.add_weight(shape=(1,), name="weight")

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Return the gain times x."""
        return self.weight[0] * x''',
    **resampling.FUNCTIONS,
}
