"""The layers in TensorFlow: Keras's own where they compute what the spec says. Images have their channels last."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gan_rosetta.shared import spec
from gan_rosetta.shared.spec import PlacedLayer
from gan_rosetta.shared.translate.in_tensorflow import augmenting, contrast, convolutions
from gan_rosetta.shared.translate.in_tensorflow.convolutions import conv2d, conv_transpose2d
from gan_rosetta.shared.translate.parts import (
    Part,
    augmented,
    code_error,
    error_between,
    logits_of_classes,
    pull_away,
    rows_of_classes,
)
from gan_rosetta.shared.translate.writing import number

_IMAGE_RANK = 3


def linear(placed: PlacedLayer, name: str, /) -> Part:
    """Write y = x W + b."""
    layer: Any = placed.layer
    settings = [number(layer.out_features), *_no_bias(layer), _named(placed)]
    return Part(made=("keras.layers.Dense(", settings), applied=f"self.{name}({{x}})")


def batch_norm(placed: PlacedLayer, name: str, /) -> Part:
    """Write a batch normalisation."""
    layer: Any = placed.layer
    settings = [number(layer.num_features), f"eps={number(layer.epsilon)}", f"momentum={number(layer.momentum)}"]
    settings += [f"correction={1 if layer.running_variance == 'unbiased' else 0}"]
    settings += [f"by_running={layer.statistics == 'running'}", *([] if layer.affine else ["affine=False"])]
    settings += [_named(placed)]
    return Part(made=("BatchNorm(", settings), applied=f"self.{name}({{x}})", joins=True, needs=("batch_norm",))


def group_norm(placed: PlacedLayer, name: str, /) -> Part:
    """Write a normalisation of each sample by itself."""
    layer: Any = placed.layer
    settings = [number(layer.num_features), f"groups={number(layer.num_groups)}", f"eps={number(layer.epsilon)}"]
    settings += [f"affine={bool(layer.affine)}", _named(placed)]
    return Part(made=("GroupNorm(", settings), applied=f"self.{name}({{x}})", joins=True, needs=("group_norm",))


def minibatch_discrimination(placed: PlacedLayer, name: str, /) -> Part:
    """Write minibatch discrimination."""
    layer: Any = placed.layer
    settings = [number(layer.num_kernels), number(layer.kernel_dims), f"self_distance={bool(layer.self_distance)}"]
    made = ("MinibatchDiscrimination(", [*settings, *_no_bias(layer), _named(placed)])
    return Part(made=made, applied=f"self.{name}({{x}})", needs=("minibatch",))


def tanh(placed: PlacedLayer, name: str, /) -> Part:
    """Write the hyperbolic tangent."""
    del placed, name
    return Part(applied="tf.tanh({x})")


def sigmoid(placed: PlacedLayer, name: str, /) -> Part:
    """Write 1 / (1 + exp(-x))."""
    del placed, name
    return Part(applied="tf.sigmoid({x})")


def softplus(placed: PlacedLayer, name: str, /) -> Part:
    """Write log(1 + exp(x)), exact for every x."""
    del placed, name
    return Part(applied="tf.math.softplus({x})")


def relu(placed: PlacedLayer, name: str, /) -> Part:
    """Write max(x, 0), with gradient 0 at 0."""
    del placed, name
    return Part(applied="tf.nn.relu({x})")


def leaky_relu(placed: PlacedLayer, name: str, /) -> Part:
    """Write x where x > 0, slope · x elsewhere."""
    del name
    layer: Any = placed.layer
    return Part(applied=f"leaky_relu({{x}}, {number(layer.slope)})", needs=("leaky_relu",))


def prelu(placed: PlacedLayer, name: str, /) -> Part:
    """Write x where x > 0, w · x elsewhere; Keras's own has the gradient 0 at 0."""
    layer: Any = placed.layer
    settings = [number(layer.num_parameters), _named(placed)]
    return Part(made=("PReLU(", settings), applied=f"self.{name}({{x}})", joins=True, needs=("prelu",))


def elu(placed: PlacedLayer, name: str, /) -> Part:
    """Write x where x > 0, alpha · (exp(x) - 1) elsewhere."""
    del name
    layer: Any = placed.layer
    return Part(applied=f"elu({{x}}, {number(layer.alpha)})", needs=("elu",))


def selu(placed: PlacedLayer, name: str, /) -> Part:
    """Write scale · ELU."""
    del name
    layer: Any = placed.layer
    return Part(applied=f"{number(layer.scale)} * elu({{x}}, {number(layer.alpha)})", needs=("elu",))


def gelu(placed: PlacedLayer, name: str, /) -> Part:
    """Write x · Φ(x), or the form with tanh that is near it."""
    del name
    layer: Any = placed.layer
    kind = "gelu" if layer.form == "erf" else "gelu_by_tanh"
    return Part(applied=f"{kind}({{x}})", needs=(kind,))


def silu(placed: PlacedLayer, name: str, /) -> Part:
    """Write x · sigmoid(x)."""
    del placed, name
    return Part(applied="tf.nn.silu({x})")


def dropout(placed: PlacedLayer, name: str, /) -> Part:
    """Write a dropout by a mask that is fed."""
    del name
    layer: Any = placed.layer
    applied = f'dropout({{x}}, masks.get("{placed.name}"), {number(layer.probability)})'
    return Part(applied=applied, needs=("dropout", "masks_of"))


def augment(placed: PlacedLayer, name: str, /) -> Part:
    """Write an augmentation by what is drawn for each image."""
    del name
    return augmented(placed, f'masks.get("{placed.name}")')


def class_embedding(placed: PlacedLayer, name: str, /) -> Part:
    """Write an embedding of classes that are fed."""
    layer: Any = placed.layer
    own = rows_of_classes(layer, f"self.{name}", f"tf.reshape({{r}}, (-1, {number(layer.width)}))")
    row = own.applied
    parts = f"{row}, {{x}}" if layer.joined == "before" else f"{{x}}, {row}"
    made = ("keras.layers.Embedding(", [*map(number, layer.table), _named(placed)])
    if layer.joined == "alone":
        return Part(made=made, applied=row, needs=own.needs)
    return Part(made=made, applied=f"tf.concat([{parts}], axis=1)", needs=own.needs)


def upsample(placed: PlacedLayer, name: str, /) -> Part:
    """Write an upsampling."""
    del name
    layer: Any = placed.layer
    kind = "repeat_pixels" if layer.mode == "nearest" else "interpolate"
    return Part(applied=f"{kind}({{x}}, {number(layer.factor)})", needs=(kind,))


def pool2d(placed: PlacedLayer, name: str, /) -> Part:
    """Write the means or the largest of windows."""
    del name
    layer: Any = placed.layer
    kind = "avg_pool2d" if layer.mode == "average" else "max_pool2d"
    return Part(applied=f'tf.nn.{kind}({{x}}, {number(layer.kernel_size)}, {number(layer.stride)}, "VALID")')


def global_pool(placed: PlacedLayer, name: str, /) -> Part:
    """Write the mean, the sum or the largest of each channel; tf.reduce_max shares its gradient among equals."""
    del name
    layer: Any = placed.layer
    if layer.mode != "maximum":
        return Part(applied=f"tf.reduce_{'mean' if layer.mode == 'average' else 'sum'}({{x}}, axis=(1, 2))")
    window = ", ".join(map(number, placed.input_shape[1:]))
    return Part(applied=f'tf.nn.max_pool2d({{x}}, ({window}), 1, "VALID")[:, 0, 0]')


def pixel_shuffle(placed: PlacedLayer, name: str, /) -> Part:
    """Write larger images of fewer channels."""
    del name
    layer: Any = placed.layer
    if layer.order == "pixel":
        return Part(applied=f"tf.nn.depth_to_space({{x}}, {number(layer.factor)})")
    return Part(applied=f"pixel_shuffle({{x}}, {number(layer.factor)})", needs=("pixel_shuffle",))


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


def recall(placed: PlacedLayer, name: str, /) -> Part:
    """Write features of an earlier layer, taken up again."""
    del name
    layer: Any = placed.layer
    ends = [f"{{x}}[:, {number(start)}:{number(stop)}]" for start, stop in layer.parts]
    return Part(applied=ends[0] if len(ends) == 1 else f"tf.concat([{', '.join(ends)}], axis=1)")


def softmax(placed: PlacedLayer, name: str, /) -> Part:
    """Write exp(x) / Σ exp(x) along an axis."""
    del name
    layer: Any = placed.layer
    return Part(applied=f"tf.nn.softmax({{x}}, axis={number(layer.axis or -1)})")


def class_cross_entropy(placed: PlacedLayer, name: str, /) -> Part:
    """Write -log softmax of the classes that are fed."""
    del name
    layer: Any = placed.layer
    return Part(applied=f"class_cross_entropy({{x}}, {logits_of_classes(layer)})", needs=("class_cross_entropy",))


def class_contrast(placed: PlacedLayer, name: str, /) -> Part:
    """Write a contrast with the batch's other samples."""
    del name
    layer: Any = placed.layer
    kind = "contrast" if layer.margin is None else "data_to_data"
    settings = [number(layer.temperature), number(layer.epsilon)]
    settings += [] if layer.margin is None else [number(layer.margin)]
    return Part(applied=f"{kind}({{x}}, classes, {', '.join(settings)})", needs=("halves", kind))


def scale(placed: PlacedLayer, name: str, /) -> Part:
    """Write γ · x."""
    return Part(made=("Scale(", [_named(placed)]), applied=f"self.{name}({{x}})", joins=True, needs=("scale",))


def branches(placed: PlacedLayer, name: str, /) -> Part:
    """Write what joins the ends of branches."""
    del name
    layer: Any = placed.layer
    if layer.join == "concatenate":
        return Part(applied="tf.concat([{x}], axis=-1)", between=", ")
    if layer.join == "dot":
        return Part(applied="tf.reduce_sum({x}, axis=1, keepdims=True)", between=" * ")
    if layer.join in spec.ERRORS:
        return error_between(layer.join)
    if layer.join in ("attend", "attend_scaled"):
        more = ", scaled=True" if layer.join == "attend_scaled" else ""
        return Part(applied=f"attend({{x}}{more})", between=", ", needs=("attend",))
    if layer.join in ("affine", "modulate"):
        return Part(applied=f"{layer.join}({{x}})", between=", ", needs=(layer.join,))
    return Part(applied="{x}", between=" + " if layer.join == "add" else " * ")


LAYERS: dict[type, Callable[[PlacedLayer, str], Part]] = {
    spec.Linear: linear,
    spec.Conv2d: conv2d,
    spec.ConvTranspose2d: conv_transpose2d,
    spec.BatchNorm: batch_norm,
    spec.GroupNorm: group_norm,
    spec.MinibatchDiscrimination: minibatch_discrimination,
    spec.Tanh: tanh,
    spec.Sigmoid: sigmoid,
    spec.Softplus: softplus,
    spec.ReLU: relu,
    spec.LeakyReLU: leaky_relu,
    spec.PReLU: prelu,
    spec.ELU: elu,
    spec.SELU: selu,
    spec.GELU: gelu,
    spec.SiLU: silu,
    spec.Reshape: reshape,
    spec.Recall: recall,
    spec.Dropout: dropout,
    spec.Augment: augment,
    spec.ClassEmbedding: class_embedding,
    spec.Upsample: upsample,
    spec.Pool2d: pool2d,
    spec.GlobalPool: global_pool,
    spec.PixelShuffle: pixel_shuffle,
    spec.Softmax: softmax,
    spec.ClassCrossEntropy: class_cross_entropy,
    spec.ClassContrast: class_contrast,
    spec.PullAway: pull_away,
    spec.CodeError: code_error,
    spec.Scale: scale,
    spec.Branches: branches,
}


def _named(placed: PlacedLayer) -> str:
    return f'name="{placed.name}"'


def _no_bias(layer: Any) -> list[str]:
    return ["use_bias=False"] if layer.bias_init is None else []


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
    "leaky_relu": '''\
def leaky_relu(x: tf.Tensor, slope: float) -> tf.Tensor:
    """Return x, or slope times x below 0; tf.nn.leaky_relu rounds the slope to float32."""
    return tf.where(x > 0, x, slope * x)''',
    "elu": '''\
def elu(x: tf.Tensor, alpha: float) -> tf.Tensor:
    """Return x, or alpha times exp(x) - 1 below 0; tf.nn.elu has alpha 1 alone."""
    return tf.where(x > 0, x, alpha * tf.math.expm1(tf.minimum(x, 0)))''',
    "gelu": '''\
def gelu(x: tf.Tensor) -> tf.Tensor:
    """Return x times the normal distribution's function; tf.nn.gelu has its numbers in float32."""
    return 0.5 * x * tf.math.erfc(-x * math.sqrt(0.5))''',
    "gelu_by_tanh": '''\
def gelu_by_tanh(x: tf.Tensor) -> tf.Tensor:
    """Return what is near it; tf.nn.gelu has its numbers in float32."""
    return 0.5 * x * (1 + tf.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * (x * x * x))))''',
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
    "prelu": '''\
class PReLU(keras.layers.Layer):
    """A leaky ReLU of learned slopes, one for all or one a channel, which is last.

    keras.layers.PReLU has the gradient 0 at 0.
    """

    def __init__(self, num_parameters: int, *, name: str) -> None:
        super().__init__(name=name)
        self.weight = self.add_weight(shape=(num_parameters,), name="weight")

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Return x, or its slope times x below 0."""
        return tf.where(x > 0, x, self.weight * x)''',
    "scale": '''\
class Scale(keras.layers.Layer):
    """A gain for all that comes in."""

    def __init__(self, *, name: str) -> None:
        super().__init__(name=name)
        self.weight = self.add_weight(shape=(1,), name="weight")

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Return the gain times x."""
        return self.weight[0] * x''',
    "repeat_pixels": '''\
def repeat_pixels(x: tf.Tensor, factor: int) -> tf.Tensor:
    """Return images (batch, height, width, channels) with each pixel repeated."""
    return tf.repeat(tf.repeat(x, factor, axis=1), factor, axis=2)''',
    "pixel_shuffle": '''\
def pixel_shuffle(x: tf.Tensor, factor: int) -> tf.Tensor:
    """Return larger images of fewer channels, as PyTorch counts them; see tf.nn.depth_to_space."""
    height, width, channels = *x.shape[1:3], x.shape[3] // factor**2
    parts = tf.reshape(x, (-1, height, width, channels, factor, factor))
    parts = tf.transpose(parts, (0, 1, 4, 2, 5, 3))
    return tf.reshape(parts, (-1, height * factor, width * factor, channels))''',
    "interpolate": '''\
def interpolate(x: tf.Tensor, factor: int) -> tf.Tensor:
    """Return larger images, bilinear; tf.image.resize gives float32 whatever it is given."""

    def weights(size: int) -> tf.Tensor:
        centres = np.clip((np.arange(size * factor) + 0.5) / factor - 0.5, 0, size - 1)
        distances = np.abs(centres[:, None] - np.arange(size))
        return tf.constant(np.maximum(0, 1 - distances), x.dtype)

    return tf.einsum("rh,bhwc,sw->brsc", weights(x.shape[1]), x, weights(x.shape[2]))''',
}
