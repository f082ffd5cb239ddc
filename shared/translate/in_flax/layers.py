"""The layers in flax: nnx's own where they compute what the spec says. Images have their channels last."""

from __future__ import annotations

from typing import Any

from gan_rosetta.shared import spec
from gan_rosetta.shared.spec import PlacedLayer
from gan_rosetta.shared.translate.in_flax import (
    activations,
    augmenting,
    contrast,
    convolutions,
    normalising,
    resampling,
)
from gan_rosetta.shared.translate.in_flax.convolutions import conv2d, conv_transpose2d
from gan_rosetta.shared.translate.in_jax import layers as of_jax
from gan_rosetta.shared.translate.layers import (
    Writer,
    augment,
    class_contrast,
    class_cross_entropy,
    code_error,
    dropout,
    joined,
    pull_away,
    rows_of_classes,
    scale,
)
from gan_rosetta.shared.translate.parts import Part
from gan_rosetta.shared.translate.writing import number

_IMAGE_RANK = 3


def linear(placed: PlacedLayer, name: str, /) -> Part:
    """Write y = x W + b."""
    layer: Any = placed.layer
    sizes = [number(layer.in_features), number(layer.out_features)]
    return Part(made=("nnx.Linear(", [*sizes, *_no_bias(layer), "rngs=rngs"]), applied=f"self.{name}({{x}})")


def minibatch_discrimination(placed: PlacedLayer, name: str, /) -> Part:
    """Write minibatch discrimination."""
    layer: Any = placed.layer
    sizes = [number(size) for size in (layer.in_features, layer.num_kernels, layer.kernel_dims)]
    settings = [*_no_bias(layer), f"self_distance={bool(layer.self_distance)}", "rngs=rngs"]
    made = ("MinibatchDiscrimination(", [*sizes, *settings])
    return Part(made=made, applied=f"self.{name}({{x}})", needs=("minibatch",))


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


def _no_bias(layer: Any) -> list[str]:
    return ["use_bias=False"] if layer.bias_init is None else []


LAYERS: dict[type, Writer] = {
    spec.Linear: linear,
    spec.Conv2d: conv2d,
    spec.ConvTranspose2d: conv_transpose2d,
    **normalising.LAYERS,
    spec.MinibatchDiscrimination: minibatch_discrimination,
    **activations.LAYERS,
    spec.Reshape: reshape,
    spec.Recall: of_jax.LAYERS[spec.Recall],
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
    spec.Branches: joined(concatenated="jnp.concatenate([{x}], axis=-1)", dot="({x}).sum(axis=1, keepdims=True)"),
}


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
    **normalising.FUNCTIONS,
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
    **activations.FUNCTIONS,
    **{name: of_jax.FUNCTIONS[name] for name in ("dropout", "masks_of")},
    "prelu": activations.PRELU,
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
    **{name: of_jax.FUNCTIONS[name] for name in ("code_entropy", "code_distance", "pull_away", "error")},
    "attend": '''\
def attend(query: Array, key: Array, value: Array, *, scaled: bool = False) -> Array:
    """Return means of the value's places, weighted by how much query and key have in common."""
    q, k, v = (x.reshape(len(x), -1, x.shape[-1]) for x in (query, key, value))
    scores = jnp.einsum("bnc,bmc->bnm", q, k)
    if scaled:
        scores = scores / math.sqrt(q.shape[2])
    means = jnp.einsum("bnm,bmv->bnv", jax.nn.softmax(scores, axis=2), v)
    return means.reshape(*query.shape[:-1], -1)''',
    **resampling.FUNCTIONS,
}
