"""The layers in MXNet: Gluon's own blocks where they compute what the spec says, functions and blocks written out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gan_rosetta.shared import spec
from gan_rosetta.shared.spec import PlacedLayer
from gan_rosetta.shared.translate import layers as alike
from gan_rosetta.shared.translate.in_mxnet import activations, augmenting, contrast, normalising, resampling
from gan_rosetta.shared.translate.in_mxnet.convolutions import DILATED_TRANSPOSE, STAMPED, conv2d, conv_transpose2d
from gan_rosetta.shared.translate.layers import (
    Writer,
    augment,
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


def linear(placed: PlacedLayer, name: str, /) -> Part:
    """Write y = x Wᵀ + b."""
    layer: Any = placed.layer
    settings = [number(layer.out_features), f"in_units={number(layer.in_features)}", *_no_bias(layer)]
    return Part(made=("nn.Dense(", settings), applied=f"self.{name}({{x}})")


def minibatch_discrimination(placed: PlacedLayer, name: str, /) -> Part:
    """Write minibatch discrimination."""
    layer: Any = placed.layer
    sizes = [number(size) for size in (layer.in_features, layer.num_kernels, layer.kernel_dims)]
    settings = [*sizes, f"use_bias={layer.bias_init is not None}", f"self_distance={bool(layer.self_distance)}"]
    made = ("MinibatchDiscrimination(", settings)
    return Part(made=made, applied=f"self.{name}({{x}})", needs=("minibatch",))


def class_embedding(placed: PlacedLayer, name: str, /) -> Part:
    """Write an embedding of classes that are fed."""
    layer: Any = placed.layer
    own = rows_of_classes(layer, f"self.{name}", "{r}.flatten()")
    row = own.applied
    parts = f"{row}, {{x}}" if layer.joined == "before" else f"{{x}}, {row}"
    sizes = [*map(number, layer.table), "dtype=options.dtype"]
    if layer.joined == "alone":
        return Part(made=("nn.Embedding(", sizes), applied=row, needs=own.needs)
    return Part(made=("nn.Embedding(", sizes), applied=f"mx.nd.concat({parts}, dim=1)", needs=own.needs)


def reshape(placed: PlacedLayer, name: str, /) -> Part:
    """Write a row-major reshape of each sample."""
    del name
    return Part(applied=f"{{x}}.reshape((-1, {', '.join(map(number, placed.output_shape))}))")


def recall(placed: PlacedLayer, name: str, /) -> Part:
    """Write features of an earlier layer, taken up again."""
    del name
    layer: Any = placed.layer
    ends = [
        f"mx.nd.slice_axis({{x}}, axis=1, begin={number(start)}, end={number(stop)})" for start, stop in layer.parts
    ]
    return Part(applied=ends[0] if len(ends) == 1 else f"mx.nd.concat({', '.join(ends)}, dim=1)")


def softmax(placed: PlacedLayer, name: str, /) -> Part:
    """Write exp(x) / Σ exp(x) along an axis."""
    del name
    layer: Any = placed.layer
    return Part(applied=f"mx.nd.softmax({{x}}, axis={number(layer.axis + 1)})")


def class_contrast(placed: PlacedLayer, name: str, /) -> Part:
    """Write a contrast with the batch's other samples."""
    part = alike.class_contrast(placed, name)
    return replace(part, needs=("alike", *part.needs))


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
    spec.Recall: recall,
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
    spec.Branches: joined(concatenated="mx.nd.concat({x}, dim=1)", dot="({x}).sum(axis=1, keepdims=True)"),
}


# What the layers are made of, in the order in which a program has it.
FUNCTIONS: dict[str, str] = {
    "stamped": STAMPED,
    "dilated_transpose": DILATED_TRANSPOSE,
    **normalising.FUNCTIONS,
    "minibatch": '''\
class MinibatchDiscrimination(nn.Dense):
    """Appends to each sample how like it is to the others of its batch (Salimans et al. 2016)."""

    def __init__(
        self, in_features: int, num_kernels: int, size: int, *, use_bias: bool, self_distance: bool
    ) -> None:
        super().__init__(num_kernels * size, in_units=in_features, use_bias=use_bias)
        self.num_kernels, self.self_distance = num_kernels, self_distance

    def forward(self, x: NDArray) -> NDArray:
        """Return (batch, in_features + num_kernels)."""
        rows = super().forward(x).reshape((len(x), self.num_kernels, -1))
        differences = mx.nd.broadcast_sub(rows.expand_dims(1), rows.expand_dims(0))
        distances = mx.nd.abs(differences).sum(axis=3)  # (batch, batch, num_kernels)
        if self.self_distance:
            same = mx.nd.eye(len(x), dtype=x.dtype).expand_dims(2)
            distances = mx.nd.broadcast_add(distances, same)
        return mx.nd.concat(x, mx.nd.exp(-distances).sum(axis=1), dim=1)''',
    **activations.FUNCTIONS,
    "dropout": '''\
def dropout(x: NDArray, mask: NDArray | None, probability: float) -> NDArray:
    """Keep what the mask says, scaled as mx.nd.Dropout does; all where there is none."""
    return x if mask is None else mx.nd.broadcast_mul(x, mask) / (1 - probability)''',
    "masks_of": '''\
def masks_of(batch: Batch, place: str) -> Batch:
    """Return what is drawn for one pass, by the layers' names."""
    return {n.split(f".{place}.")[1]: drawn for n, drawn in batch.items() if f".{place}." in n}''',
    **augmenting.FUNCTIONS,
    "rows_of": '''\
def rows_of(classes: NDArray, count: int) -> NDArray:
    """Return the numbers of each class's rows, (batch, count)."""
    return mx.nd.stack(*(count * classes + row for row in range(count)), axis=1)''',
    **contrast.FUNCTIONS,
    "class_cross_entropy": '''\
def class_cross_entropy(logits: NDArray, classes: NDArray) -> NDArray:
    """Return -log softmax of each sample's class, (batch, 1); MXNet's own is float32's."""
    logits = mx.nd.broadcast_sub(logits, logits.detach().max(axis=1, keepdims=True))
    normaliser = mx.nd.log(mx.nd.exp(logits).sum(axis=1, keepdims=True))
    return normaliser - mx.nd.pick(logits, classes, axis=1, keepdims=True)''',
    "code_entropy": '''\
def code_entropy(logits: NDArray, code: NDArray) -> NDArray:
    """Return the cross entropy of each sample's category, a 1 among zeros, (batch, 1)."""
    logits = mx.nd.broadcast_sub(logits, logits.detach().max(axis=1, keepdims=True))
    normaliser = mx.nd.log(mx.nd.exp(logits).sum(axis=1, keepdims=True))
    return (code * mx.nd.broadcast_sub(normaliser, logits)).sum(axis=1, keepdims=True)''',
    "code_distance": '''\
def code_distance(found: NDArray, code: NDArray) -> NDArray:
    """Return the mean square of what is found less the code, (batch, 1)."""
    return (found - code).square().mean(axis=1, keepdims=True)''',
    "affine": '''\
def affine(x: NDArray, gain: NDArray, bias: NDArray) -> NDArray:
    """Return gain · x + bias, of each sample a gain and a bias a channel."""
    shape = (*gain.shape, *(1,) * (x.ndim - 2))
    y = mx.nd.broadcast_mul(x, gain.reshape(shape))
    return mx.nd.broadcast_add(y, bias.reshape(shape))''',
    "modulate": '''\
def modulate(x: NDArray, gain: NDArray, bias: NDArray) -> NDArray:
    """Return (1 + gain) · x + bias, of each sample a gain and a bias a channel."""
    shape = (*gain.shape, *(1,) * (x.ndim - 2))
    y = mx.nd.broadcast_mul(x, 1 + gain.reshape(shape))
    return mx.nd.broadcast_add(y, bias.reshape(shape))''',
    "pull_away": '''\
def pull_away(x: NDArray) -> NDArray:
    """Return the mean cosine of each sample's features and the batch's others', (batch, 1)."""
    units = mx.nd.broadcast_div(x, mx.nd.sqrt((x**2).sum(axis=1, keepdims=True)))
    return (mx.nd.dot(units, units.T).sum(axis=1, keepdims=True) - 1) / (len(x) - 1)''',
    "error": '''\
def error(first: NDArray, second: NDArray, *, squared: bool = False, held: bool = False) -> NDArray:
    """Return how far a sample's numbers are apart in the mean; held: second is a constant."""
    apart = first - (second.detach() if held else second)
    terms = apart**2 if squared else apart.abs()
    return terms.mean(axis=0, exclude=True).reshape((-1, 1))''',
    "attend": '''\
def attend(query: NDArray, key: NDArray, value: NDArray, *, scaled: bool = False) -> NDArray:
    """Return means of the value's places, weighted by how much query and key have in common."""
    q, k, v = (x.reshape((0, 0, -1)) for x in (query, key, value))  # (batch, channels, places)
    scores = mx.nd.batch_dot(q, k, transpose_a=True)
    if scaled:
        scores = scores / math.sqrt(q.shape[1])
    means = mx.nd.batch_dot(v, mx.nd.softmax(scores, axis=2), transpose_b=True)
    return means.reshape((0, 0, *query.shape[2:]))''',
    "prelu": activations.PRELU,
    "scale": '''\
class Scale(gluon.Block):
    """A gain for all that comes in."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = self.params.get("weight", shape=(1,))

    def forward(self, x: NDArray) -> NDArray:
        """Return the gain times x."""
        return mx.nd.broadcast_mul(x, self.weight.data().reshape((1,) * x.ndim))''',
    **resampling.FUNCTIONS,
}
