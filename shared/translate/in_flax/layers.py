"""The layers in flax: nnx's own where they compute what the spec says. Images have their channels last."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gan_rosetta.shared import spec
from gan_rosetta.shared.spec import PlacedLayer
from gan_rosetta.shared.translate import in_jax
from gan_rosetta.shared.translate.in_flax import augmenting, contrast, convolutions
from gan_rosetta.shared.translate.in_flax.convolutions import conv2d, conv_transpose2d
from gan_rosetta.shared.translate.in_jax.layers import FUNCTIONS as OF_JAX
from gan_rosetta.shared.translate.parts import Part, rows_of_classes
from gan_rosetta.shared.translate.writing import number

_IMAGE_RANK = 3


def linear(placed: PlacedLayer, name: str, /) -> Part:
    """Write y = x W + b."""
    layer: Any = placed.layer
    sizes = [number(layer.in_features), number(layer.out_features)]
    return Part(made=("nnx.Linear(", [*sizes, *_no_bias(layer), "rngs=rngs"]), applied=f"self.{name}({{x}})")


def batch_norm(placed: PlacedLayer, name: str, /) -> Part:
    """Write a batch normalisation, nnx's own where it normalises by the batch and keeps the biased variance."""
    layer: Any = placed.layer
    settings = [number(layer.num_features), f"epsilon={number(layer.epsilon)}"]
    applied = f"self.{name}({{x}})"
    if layer.statistics == "batch" and layer.running_variance == "biased":
        settings += [f"momentum={number(1 - layer.momentum)}", *_norm_settings(layer)]
        return Part(made=("nnx.BatchNorm(", settings), applied=applied, joins=True)
    settings += [f"momentum={number(layer.momentum)}", *([] if layer.affine else ["affine=False"])]
    settings += [f"ddof={1 if layer.running_variance == 'unbiased' else 0}"]
    settings += ["by_running=True"] if layer.statistics == "running" else []
    return Part(made=("BatchNorm(", settings), applied=applied, joins=True, needs=("batch_norm",))


def group_norm(placed: PlacedLayer, name: str, /) -> Part:
    """Write a normalisation of each sample by itself."""
    layer: Any = placed.layer
    settings = [number(layer.num_features), number(layer.num_groups), f"epsilon={number(layer.epsilon)}"]
    made = ("nnx.GroupNorm(", [*settings, *_norm_settings(layer)])
    return Part(made=made, applied=f"self.{name}({{x}})", joins=True)


def minibatch_discrimination(placed: PlacedLayer, name: str, /) -> Part:
    """Write minibatch discrimination."""
    layer: Any = placed.layer
    sizes = [number(size) for size in (layer.in_features, layer.num_kernels, layer.kernel_dims)]
    settings = [*_no_bias(layer), f"self_distance={bool(layer.self_distance)}", "rngs=rngs"]
    made = ("MinibatchDiscrimination(", [*sizes, *settings])
    return Part(made=made, applied=f"self.{name}({{x}})", needs=("minibatch",))


def prelu(placed: PlacedLayer, name: str, /) -> Part:
    """Write x where x > 0, w · x elsewhere; flax's own has one w, and the gradient 1 at 0."""
    layer: Any = placed.layer
    made = ("PReLU(", [number(layer.num_parameters)])
    return Part(made=made, applied=f"self.{name}({{x}})", joins=True, needs=("prelu",))


def class_embedding(placed: PlacedLayer, name: str, /) -> Part:
    """Write an embedding of classes that are fed; nnx's own gives float32 unless it is told another type."""
    layer: Any = placed.layer
    own = rows_of_classes(layer, f"self.{name}", f"{{r}}.reshape(-1, {number(layer.width)})")
    row = own.applied
    parts = f"{row}, {{x}}" if layer.joined == "before" else f"{{x}}, {row}"
    made = ("nnx.Embed(", [*map(number, layer.table), "dtype=dtype", "rngs=rngs"])
    if layer.joined == "alone":
        return Part(made=made, applied=row, needs=own.needs)
    return Part(made=made, applied=f"jnp.concatenate([{parts}], axis=1)", needs=own.needs)


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
    kind = "avg_pool" if layer.mode == "average" else "max_pool"
    window, strides = (f"({number(size)}, {number(size)})" for size in (layer.kernel_size, layer.stride))
    return Part(applied=f"nnx.{kind}({{x}}, {window}, strides={strides})")


def global_pool(placed: PlacedLayer, name: str, /) -> Part:
    """Write the mean, the sum or the largest of each channel; jnp.max would share its gradient among equals."""
    del name
    layer: Any = placed.layer
    if layer.mode != "maximum":
        return Part(applied=f"{{x}}.{'mean' if layer.mode == 'average' else 'sum'}(axis=(1, 2))")
    window = ", ".join(map(number, placed.input_shape[1:]))
    return Part(applied=f"nnx.max_pool({{x}}, ({window}))[:, 0, 0]")


def pixel_shuffle(placed: PlacedLayer, name: str, /) -> Part:
    """Write larger images of fewer channels."""
    del name
    layer: Any = placed.layer
    more = "" if layer.order == "channel" else ", pixels_first=True"
    return Part(applied=f"pixel_shuffle({{x}}, {number(layer.factor)}{more})", needs=("pixel_shuffle",))


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
    return Part(applied=f"jax.nn.softmax({{x}}, axis={number(layer.axis or -1)})")


def scale(placed: PlacedLayer, name: str, /) -> Part:
    """Write γ · x."""
    del placed
    return Part(made=("Scale(", []), applied=f"self.{name}({{x}})", joins=True, needs=("scale",))


def branches(placed: PlacedLayer, name: str, /) -> Part:
    """Write what joins the ends of branches; those of images along their channels, which are last."""
    part = in_jax.LAYERS[spec.Branches](placed, name)
    layer: Any = placed.layer
    return Part(applied="jnp.concatenate([{x}], axis=-1)", between=", ") if layer.join == "concatenate" else part


# What keeps nothing and asks for no axis of images is written as in JAX.
_AS_IN_JAX = (
    spec.Tanh,
    spec.Sigmoid,
    spec.Softplus,
    spec.ReLU,
    spec.LeakyReLU,
    spec.ELU,
    spec.SELU,
    spec.GELU,
    spec.SiLU,
    spec.Recall,
    spec.Dropout,
    spec.Augment,
    spec.ClassCrossEntropy,
    spec.ClassContrast,
    spec.PullAway,
    spec.CodeError,
)

LAYERS: dict[type, Callable[[PlacedLayer, str], Part]] = {
    spec.Linear: linear,
    spec.Conv2d: conv2d,
    spec.ConvTranspose2d: conv_transpose2d,
    spec.BatchNorm: batch_norm,
    spec.GroupNorm: group_norm,
    spec.MinibatchDiscrimination: minibatch_discrimination,
    **{kind: in_jax.LAYERS[kind] for kind in _AS_IN_JAX},
    spec.PReLU: prelu,
    spec.Reshape: reshape,
    spec.ClassEmbedding: class_embedding,
    spec.Upsample: upsample,
    spec.Pool2d: pool2d,
    spec.GlobalPool: global_pool,
    spec.PixelShuffle: pixel_shuffle,
    spec.Softmax: softmax,
    spec.Scale: scale,
    spec.Branches: branches,
}


def _no_bias(layer: Any) -> list[str]:
    return ["use_bias=False"] if layer.bias_init is None else []


def _norm_settings(layer: Any) -> list[str]:
    """Return the arguments of nnx's own norms, whose fast variance loses digits where a mean is large."""
    settings = [] if layer.affine else ["use_scale=False", "use_bias=False"]
    return [*settings, "use_fast_variance=False", "rngs=rngs"]


# What the layers are made of, in the order in which a program has it.
FUNCTIONS: dict[str, str] = {
    **convolutions.FUNCTIONS,
    "as_rows": '''\
def as_rows(images: Array) -> Array:
    """Return images (batch, height, width, channels) as rows, one channel after the other."""
    return images.transpose(0, 3, 1, 2).reshape(len(images), -1)''',
    "as_images": '''\
def as_images(rows: Array, channels: int, height: int, width: int) -> Array:
    """Return rows, one channel after the other, as images (batch, height, width, channels)."""
    return rows.reshape(-1, channels, height, width).transpose(0, 2, 3, 1)''',
    "batch_norm": '''\
class BatchNorm(nnx.Module):
    """Batch normalisation that keeps another running variance, or uses it, than nnx.BatchNorm."""

    def __init__(
        self,
        num_features: int,
        *,
        epsilon: float,
        momentum: float,
        affine: bool = True,
        ddof: int,
        by_running: bool = False,
    ) -> None:
        self.epsilon, self.momentum, self.affine = epsilon, momentum, affine
        self.ddof, self.by_running = ddof, by_running
        if affine:
            self.scale = nnx.Param(jnp.ones(num_features))
            self.bias = nnx.Param(jnp.zeros(num_features))
        self.mean = nnx.BatchStat(jnp.zeros(num_features))
        self.var = nnx.BatchStat(jnp.ones(num_features))

    def __call__(self, x: Array) -> Array:
        """Normalise, and move the running averages."""
        axes = tuple(range(x.ndim - 1))
        mean, variance = jnp.mean(x, axis=axes), jnp.var(x, axis=axes)
        averages = self.mean[...], self.var[...]
        size = x.size // x.shape[-1]
        found = mean, variance * (size / (size - self.ddof))
        for kept, value in zip((self.mean, self.var), found, strict=True):
            moved = (1 - self.momentum) * kept[...] + self.momentum * value
            kept[...] = lax.stop_gradient(moved)
        if self.by_running:
            mean, variance = averages
        y = (x - mean) / jnp.sqrt(variance + self.epsilon)
        return y * self.scale[...] + self.bias[...] if self.affine else y''',
    "minibatch": '''\
class MinibatchDiscrimination(nnx.Linear):
    """Appends to each sample how like it is to the others of its batch (Salimans et al. 2016)."""

    def __init__(
        self, in_features: int, num_kernels: int, size: int, *, self_distance: bool, **settings: Any
    ) -> None:
        super().__init__(in_features, num_kernels * size, **settings)
        self.num_kernels, self.self_distance = num_kernels, self_distance

    def __call__(self, x: Array) -> Array:
        """Return (batch, in_features + num_kernels)."""
        rows = super().__call__(x).reshape(len(x), self.num_kernels, -1)
        differences = rows[:, None] - rows[None]
        # A sample less itself may be the rounding of a product that XLA fuses, and have a sign.
        itself = jnp.eye(len(x), dtype=x.dtype)[:, :, None]
        signs = lax.stop_gradient(jnp.sign(differences)) * (1 - itself[..., None])
        distances = jnp.sum(differences * signs, axis=3)  # (batch, batch, num_kernels)
        if self.self_distance:
            distances = distances + itself
        return jnp.concatenate([x, jnp.sum(jnp.exp(-distances), axis=1)], axis=1)''',
    **{name: OF_JAX[name] for name in ("leaky_relu", "dropout", "masks_of")},
    "prelu": '''\
class PReLU(nnx.Module):
    """A leaky ReLU of learned slopes, one for all or one a channel, which is last.

    flax's own has one slope for all, and the gradient 1 at 0.
    """

    def __init__(self, num_parameters: int) -> None:
        self.weight = nnx.Param(jnp.zeros(num_parameters))

    def __call__(self, x: Array) -> Array:
        """Return x, or its slope times x below 0."""
        return jnp.where(x > 0, x, self.weight[...] * x)''',
    "scale": '''\
class Scale(nnx.Module):
    """A gain for all that comes in."""

    def __init__(self) -> None:
        self.weight = nnx.Param(jnp.zeros(1))

    def __call__(self, x: Array) -> Array:
        """Return the gain times x."""
        return self.weight[0] * x''',
    "rows_of": '''\
def rows_of(classes: Array, count: int) -> Array:
    """Return the numbers of each class's rows, (batch, count)."""
    return count * classes[:, None] + jnp.arange(count)''',
    **augmenting.FUNCTIONS,
    **contrast.FUNCTIONS,
    "class_cross_entropy": '''\
def class_cross_entropy(logits: Array, classes: Array) -> Array:
    """Return -log softmax of each sample's class, (batch, 1)."""
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), classes[:, None], axis=1)''',
    "affine": '''\
def affine(x: Array, gain: Array, bias: Array) -> Array:
    """Return gain · x + bias, of each sample a gain and a bias a channel, which is last."""
    shape = (len(gain), *(1,) * (x.ndim - 2), gain.shape[1])
    return gain.reshape(shape) * x + bias.reshape(shape)''',
    "modulate": '''\
def modulate(x: Array, gain: Array, bias: Array) -> Array:
    """Return (1 + gain) · x + bias, of each sample a gain and a bias a channel, which is last."""
    shape = (len(gain), *(1,) * (x.ndim - 2), gain.shape[1])
    return (1 + gain.reshape(shape)) * x + bias.reshape(shape)''',
    **{name: OF_JAX[name] for name in ("code_entropy", "code_distance", "pull_away", "error")},
    "attend": '''\
def attend(query: Array, key: Array, value: Array, *, scaled: bool = False) -> Array:
    """Return means of the value's places, weighted by how much query and key have in common."""
    q, k, v = (x.reshape(len(x), -1, x.shape[-1]) for x in (query, key, value))
    scores = jnp.einsum("bnc,bmc->bnm", q, k)
    if scaled:
        scores = scores / math.sqrt(q.shape[2])
    means = jnp.einsum("bnm,bmv->bnv", jax.nn.softmax(scores, axis=2), v)
    return means.reshape(*query.shape[:-1], -1)''',
    "repeat_pixels": '''\
def repeat_pixels(x: Array, factor: int) -> Array:
    """Return images (batch, height, width, channels) with each pixel repeated."""
    return jnp.repeat(jnp.repeat(x, factor, axis=1), factor, axis=2)''',
    "pixel_shuffle": '''\
def pixel_shuffle(x: Array, factor: int, *, pixels_first: bool = False) -> Array:
    """Return larger images of fewer channels; pixels_first: as TensorFlow counts the channels."""
    count, height, width, channels = *x.shape[:3], x.shape[3] // factor**2
    if pixels_first:
        parts = x.reshape(count, height, width, factor, factor, channels)
        parts = parts.transpose(0, 1, 3, 2, 4, 5)
    else:
        parts = x.reshape(count, height, width, channels, factor, factor)
        parts = parts.transpose(0, 1, 4, 2, 5, 3)
    return parts.reshape(count, height * factor, width * factor, channels)''',
    "interpolate": '''\
def interpolate(x: Array, factor: int) -> Array:
    """Return larger images, bilinear; jax.image.resize would compute its weights in float32."""

    def weights(size: int) -> Array:
        centres = np.clip((np.arange(size * factor) + 0.5) / factor - 0.5, 0, size - 1)
        distances = np.abs(centres[:, None] - np.arange(size))
        return jnp.asarray(np.maximum(0, 1 - distances), x.dtype)

    return jnp.einsum("rh,bhwc,sw->brsc", weights(x.shape[1]), x, weights(x.shape[2]))''',
}
