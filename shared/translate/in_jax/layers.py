"""The layers in JAX: functions of a network's parameters, by the names of its layers."""

from __future__ import annotations

from typing import Any

from gan_rosetta.shared import spec
from gan_rosetta.shared.spec import PlacedLayer
from gan_rosetta.shared.translate.in_jax import activations, augmenting, contrast, convolutions, normalising, resampling
from gan_rosetta.shared.translate.in_jax.convolutions import conv2d, conv_transpose2d
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
)
from gan_rosetta.shared.translate.parts import Part
from gan_rosetta.shared.translate.writing import number


def linear(placed: PlacedLayer, name: str, /) -> Part:
    """Write y = x Wᵀ + b."""
    del placed
    return Part(applied=f'linear(parameters, "{name}", {{x}})', begins=True, needs=("linear",))


def minibatch_discrimination(placed: PlacedLayer, name: str, /) -> Part:
    """Write minibatch discrimination."""
    layer: Any = placed.layer
    settings = f"num_kernels={number(layer.num_kernels)}, self_distance={bool(layer.self_distance)}"
    needs = ("linear", "minibatch")
    return Part(applied=f'minibatch(parameters, "{name}", {{x}}, {settings})', begins=True, needs=needs)


def class_embedding(placed: PlacedLayer, name: str, /) -> Part:
    """Write an embedding of classes that are fed."""
    layer: Any = placed.layer
    several = "" if layer.rows_per_class == 1 else f", {number(layer.rows_per_class)}"
    kind = "several_rows" if several else "rows"
    row = f'{kind}(parameters, "{name}", classes{several})'
    needs = (kind,)
    if layer.joined == "alone":
        return Part(applied=row, begins=True, needs=needs)
    parts = f"{row}, {{x}}" if layer.joined == "before" else f"{{x}}, {row}"
    return Part(applied=f"jnp.concatenate([{parts}], axis=1)", begins=True, needs=needs)


def reshape(placed: PlacedLayer, name: str, /) -> Part:
    """Write a row-major reshape of each sample."""
    del name
    return Part(applied=f"{{x}}.reshape(-1, {', '.join(map(number, placed.output_shape))})")


def softmax(placed: PlacedLayer, name: str, /) -> Part:
    """Write exp(x) / Σ exp(x) along an axis."""
    del name
    layer: Any = placed.layer
    return Part(applied=f"jax.nn.softmax({{x}}, axis={number(layer.axis + 1)})")


def scale(placed: PlacedLayer, name: str, /) -> Part:
    """Write γ · x."""
    del placed
    return Part(applied=f'parameters["{name}.weight"][0] * {{x}}', begins=True)


LAYERS: dict[type, Writer] = {
    spec.Linear: linear,
    spec.Conv2d: conv2d,
    spec.ConvTranspose2d: conv_transpose2d,
    **normalising.LAYERS,
    spec.MinibatchDiscrimination: minibatch_discrimination,
    **activations.LAYERS,
    spec.Reshape: reshape,
    spec.Recall: recalled("jnp.concatenate([{x}], axis=1)"),
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
    spec.Branches: joined(concatenated="jnp.concatenate([{x}], axis=1)", dot="({x}).sum(axis=1, keepdims=True)"),
}


# What the layers are made of, in the order in which a program has it.
FUNCTIONS: dict[str, str] = {
    "linear": '''\
def linear(parameters: Tensors, name: str, x: Array) -> Array:
    """Return x Wᵀ + b, with a W (out, in)."""
    y = x @ parameters[f"{name}.weight"].T
    return y + parameters[f"{name}.bias"] if f"{name}.bias" in parameters else y''',
    "add_bias": '''\
def add_bias(parameters: Tensors, name: str, images: Array) -> Array:
    """Add a number a channel, where the layer has any."""
    bias = parameters.get(f"{name}.bias")
    return images if bias is None else images + bias[:, None, None]''',
    **convolutions.FUNCTIONS,
    **normalising.FUNCTIONS,
    "minibatch": '''\
def minibatch(
    parameters: Tensors, name: str, x: Array, *, num_kernels: int, self_distance: bool
) -> Array:
    """Append to each sample how like it is to the others of its batch (Salimans et al. 2016)."""
    rows = linear(parameters, name, x).reshape(len(x), num_kernels, -1)
    differences = rows[:, None] - rows[None]
    # A sample less itself may be the rounding of a product that XLA fuses, and have a sign.
    itself = jnp.eye(len(x), dtype=x.dtype)[:, :, None]
    signs = lax.stop_gradient(jnp.sign(differences)) * (1 - itself[..., None])
    distances = jnp.sum(differences * signs, axis=3)  # (batch, batch, num_kernels)
    if self_distance:
        distances = distances + itself
    return jnp.concatenate([x, jnp.sum(jnp.exp(-distances), axis=1)], axis=1)''',
    **activations.FUNCTIONS,
    "dropout": '''\
def dropout(x: Array, mask: Array | None, probability: float) -> Array:
    """Keep what the mask says, scaled so that the mean stays; all where there is none."""
    return x if mask is None else x * mask / (1 - probability)''',
    "masks_of": '''\
def masks_of(batch: Tensors, place: str) -> Tensors:
    """Return what is drawn for one pass, by the layers' names."""
    return {n.split(f".{place}.")[1]: drawn for n, drawn in batch.items() if f".{place}." in n}''',
    "rows": '''\
def rows(parameters: Tensors, name: str, classes: Array) -> Array:
    """Return the row of a table for each class."""
    return parameters[f"{name}.weight"][classes]''',
    "several_rows": '''\
def several_rows(parameters: Tensors, name: str, classes: Array, count: int) -> Array:
    """Return the rows of a table for each class, one behind the other."""
    table = parameters[f"{name}.weight"]
    return table.reshape(len(table) // count, -1)[classes]''',
    **augmenting.FUNCTIONS,
    **contrast.FUNCTIONS,
    "class_cross_entropy": '''\
def class_cross_entropy(logits: Array, classes: Array) -> Array:
    """Return -log softmax of each sample's class, (batch, 1)."""
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), classes[:, None], axis=1)''',
    "code_entropy": '''\
def code_entropy(logits: Array, code: Array) -> Array:
    """Return the cross entropy of each sample's category, a 1 among zeros, (batch, 1)."""
    return -(code * jax.nn.log_softmax(logits)).sum(axis=1, keepdims=True)''',
    "code_distance": '''\
def code_distance(found: Array, code: Array) -> Array:
    """Return the mean square of what is found less the code, (batch, 1)."""
    return jnp.mean((found - code) ** 2, axis=1, keepdims=True)''',
    "affine": '''\
def affine(x: Array, gain: Array, bias: Array) -> Array:
    """Return gain · x + bias, of each sample a gain and a bias a channel."""
    shape = (*gain.shape, *(1,) * (x.ndim - 2))
    return gain.reshape(shape) * x + bias.reshape(shape)''',
    "modulate": '''\
def modulate(x: Array, gain: Array, bias: Array) -> Array:
    """Return (1 + gain) · x + bias, of each sample a gain and a bias a channel."""
    shape = (*gain.shape, *(1,) * (x.ndim - 2))
    return (1 + gain.reshape(shape)) * x + bias.reshape(shape)''',
    "pull_away": '''\
def pull_away(x: Array) -> Array:
    """Return the mean cosine of each sample's features and the batch's others', (batch, 1)."""
    units = x / jnp.sqrt((x**2).sum(axis=1, keepdims=True))
    return ((units @ units.T).sum(axis=1, keepdims=True) - 1) / (len(x) - 1)''',
    "error": '''\
def error(first: Array, second: Array, *, squared: bool = False, held: bool = False) -> Array:
    """Return how far a sample's numbers are apart in the mean; held: second is a constant."""
    apart = first - (lax.stop_gradient(second) if held else second)
    # |x| has derivative 1 at 0 in JAX.
    terms = apart * (apart if squared else lax.stop_gradient(jnp.sign(apart)))
    return terms.reshape(len(terms), -1).mean(axis=1, keepdims=True)''',
    "attend": '''\
def attend(query: Array, key: Array, value: Array, *, scaled: bool = False) -> Array:
    """Return means of the value's places, weighted by how much query and key have in common."""
    q, k, v = (x.reshape(*x.shape[:2], -1) for x in (query, key, value))
    scores = jnp.einsum("bcn,bcm->bnm", q, k)
    if scaled:
        scores = scores / math.sqrt(q.shape[1])
    means = jnp.einsum("bvm,bnm->bvn", v, jax.nn.softmax(scores, axis=2))
    return means.reshape(*means.shape[:2], *query.shape[2:])''',
    **resampling.FUNCTIONS,
}
