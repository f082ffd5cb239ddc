"""The layers as pure functions of their tensors, and a network of them.

JAX has no layout of its own, so tensors and images keep the canonical one, which is also that of lax's convolutions
where no other is asked for.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial, reduce
from types import MappingProxyType
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from gan_rosetta.backends.jax.spectral import normalised
from gan_rosetta.shared import spec
from gan_rosetta.shared.errors import UnsupportedLayer
from gan_rosetta.shared.spec.resampling import upsampling_weights

# A layer's parameters and buffers, or those of a network by its layers' names.
LayerTensors = Mapping[str, Any]
Tensors = dict[str, dict[str, Any]]
Convolve = Callable[..., Any]
Multiply = Callable[[Any, Any], Any]


def linear(layer: spec.Linear, tensors: LayerTensors, inputs: Any, /, *, multiply: Multiply) -> Any:
    """Return x Wᵀ + b. (B, in_features) to (B, out_features)."""
    del layer
    return _with_bias(multiply(inputs, tensors["weight"]), tensors)


def conv2d(layer: spec.Conv2d, tensors: LayerTensors, inputs: Any, /, *, convolve: Convolve) -> Any:
    """Return a cross-correlation. (B, in, height, width) to (B, out, ...)."""
    return _with_bias(convolve(inputs, tensors["weight"], **_window(layer)), tensors)


def conv_transpose2d(layer: spec.ConvTranspose2d, tensors: LayerTensors, inputs: Any, /, *, convolve: Convolve) -> Any:
    """Return what Conv2d's gradient by its input is. (B, in, height, width) to (B, out, ...).

    lax.conv_transpose with transpose_kernel=True is the same; this one also transposes the convolution by products.
    """
    _, height, width = layer.output_shape(inputs.shape[1:])
    outputs = jax.ShapeDtypeStruct((len(inputs), layer.out_channels, height, width), inputs.dtype)
    (images,) = jax.linear_transpose(lambda images: convolve(images, tensors["weight"], **_window(layer)), outputs)(
        inputs
    )
    return _with_bias(images, tensors)


def _window(layer: spec.Conv2d | spec.ConvTranspose2d) -> dict[str, Any]:
    return {
        "stride": layer.stride,
        "padding": layer.margins,
        "dilation": layer.dilation,
        "groups": layer.groups,
    }


def batch_norm(layer: spec.BatchNorm, tensors: LayerTensors, inputs: Any, /) -> tuple[Any, dict[str, Any]]:
    """Return a batch normalisation over all axes but the channels, and where it leaves the buffers.

    (B, features) or (B, channels, height, width). Ioffe and Szegedy 2015.
    """
    axes = tuple(axis for axis in range(inputs.ndim) if axis != 1)
    mean, variance = jnp.mean(inputs, axis=axes), jnp.var(inputs, axis=axes)
    used_mean, used_variance = mean, variance
    if layer.statistics == "running":
        used_mean, used_variance = tensors["running_mean"], tensors["running_var"]
    scale = (tensors["weight"] if layer.affine else 1) / jnp.sqrt(used_variance + layer.epsilon)
    outputs = (inputs - _by_channel(used_mean, inputs)) * _by_channel(scale, inputs)
    if layer.running_variance == "unbiased":
        num_values = inputs.size // layer.num_features
        variance = variance * (num_values / (num_values - 1) if num_values > 1 else math.nan)
    kept, momentum = 1 - layer.momentum, layer.momentum
    moved = {
        "running_mean": kept * tensors["running_mean"] + momentum * mean,
        "running_var": kept * tensors["running_var"] + momentum * variance,
    }
    if layer.affine:
        outputs = outputs + _by_channel(tensors["bias"], inputs)
    return outputs, lax.stop_gradient(moved)


def group_norm(layer: spec.GroupNorm, tensors: LayerTensors, inputs: Any, /) -> Any:
    """Return each sample normalised by itself. (B, features) or (B, channels, height, width). Wu and He 2018."""
    groups = inputs.reshape(len(inputs), layer.num_groups, -1)
    mean, variance = jnp.mean(groups, axis=2, keepdims=True), jnp.var(groups, axis=2, keepdims=True)
    outputs = ((groups - mean) / jnp.sqrt(variance + layer.epsilon)).reshape(inputs.shape)
    if not layer.affine:
        return outputs
    return outputs * _by_channel(tensors["weight"], inputs) + _by_channel(tensors["bias"], inputs)


def minibatch_discrimination(
    layer: spec.MinibatchDiscrimination, tensors: LayerTensors, inputs: Any, /, *, multiply: Multiply
) -> Any:
    """Append to each sample how like it is to the others. Salimans et al. 2016, section 3.2.

    (B, in_features) to (B, in_features + num_kernels).
    """
    rows = _with_bias(multiply(inputs, tensors["weight"]), tensors)
    rows = rows.reshape(len(inputs), layer.num_kernels, layer.kernel_dims)
    differences = rows[:, None] - rows[None]
    # JAX's |x| has derivative 1 at 0, so that a sample's distance from itself would leave noise where 1 - 1 cancels;
    # and XLA may fuse a product into the difference, so that x w - x w is the product's rounding and has a sign.
    itself = jnp.eye(len(inputs), dtype=inputs.dtype)[:, :, None]
    signs = jnp.sign(differences) * (1 - itself[..., None])
    distances = jnp.sum(differences * jax.lax.stop_gradient(signs), axis=3)  # (B, B, num_kernels)
    if layer.self_distance:
        distances = distances + itself
    return jnp.concatenate([inputs, jnp.sum(jnp.exp(-distances), axis=1)], axis=1)


def tanh(layer: spec.Tanh, tensors: LayerTensors, inputs: Any, /) -> Any:
    """Return the hyperbolic tangent."""
    del layer, tensors
    return jnp.tanh(inputs)


def sigmoid(layer: spec.Sigmoid, tensors: LayerTensors, inputs: Any, /) -> Any:
    """Return 1 / (1 + exp(-x))."""
    del layer, tensors
    return jax.nn.sigmoid(inputs)


def softplus(layer: spec.Softplus, tensors: LayerTensors, inputs: Any, /) -> Any:
    """Return log(1 + exp(x)), exact for every x."""
    del layer, tensors
    return jax.nn.softplus(inputs)


def relu(layer: spec.ReLU, tensors: LayerTensors, inputs: Any, /) -> Any:
    """Return max(x, 0), with gradient 0 at 0; jnp.maximum's there is a half, and jax.nn.relu's of NaN is 0."""
    del layer, tensors
    return jnp.where(inputs <= 0, 0, inputs)


def leaky_relu(layer: spec.LeakyReLU, tensors: LayerTensors, inputs: Any, /) -> Any:
    """Return x where x > 0, slope · x elsewhere; jax.nn.leaky_relu has the gradient 1 at 0, this one the slope."""
    del tensors
    return jnp.where(inputs > 0, inputs, layer.slope * inputs)


def elu(layer: spec.ELU, tensors: LayerTensors, inputs: Any, /) -> Any:
    """Return x where x > 0, alpha · (exp(x) - 1) elsewhere."""
    del tensors
    return jax.nn.elu(inputs, layer.alpha)


def selu(layer: spec.SELU, tensors: LayerTensors, inputs: Any, /) -> Any:
    """Return scale · ELU, with both numbers of Klambauer et al. 2017."""
    del layer, tensors
    return jax.nn.selu(inputs)


def gelu(layer: spec.GELU, tensors: LayerTensors, inputs: Any, /) -> Any:
    """Return x · Φ(x), or the form with tanh that is near it."""
    del tensors
    return jax.nn.gelu(inputs, approximate=layer.form == "tanh")


def silu(layer: spec.SiLU, tensors: LayerTensors, inputs: Any, /) -> Any:
    """Return x · sigmoid(x)."""
    del layer, tensors
    return jax.nn.silu(inputs)


def dropout(layer: spec.Dropout, tensors: LayerTensors, inputs: Any, /) -> Any:
    """Return what a mask keeps, times 1 / (1 - probability); all where there is none. (B, ...)."""
    return inputs * (tensors[FED] * layer.scale) if FED in tensors else inputs


def augment(layer: spec.Augment, tensors: LayerTensors, images: Any, /) -> Any:
    """Return images changed by what is drawn for each, as DiffAugment does. (B, channels, height, width)."""
    if FED not in tensors:
        return images
    if layer.policy == "colour":
        moved, saturation, contrast = (tensors[FED][:, k].reshape(-1, 1, 1, 1) for k in range(3))
        images = images + moved
        mean = jnp.mean(images, axis=1, keepdims=True)
        images = (images - mean) * saturation + mean
        mean = jnp.mean(images, axis=(1, 2, 3), keepdims=True)
        return (images - mean) * contrast + mean
    rows, columns = tensors[FED].astype(int).T
    if layer.policy == "translation":
        return _shifted(_shifted(images, rows, axis=2), columns, axis=3)
    height, width = images.shape[2:]
    inside = _inside(layer, rows, height)[:, None, :, None] & _inside(layer, columns, width)[:, None, None]
    return images * (~inside).astype(images.dtype)


def _shifted(images: Any, moves: Any, *, axis: int) -> Any:
    size = images.shape[axis]
    places = (jnp.arange(size) + moves[:, None]).reshape(-1, 1, *((size, 1) if axis == 2 else (1, size)))
    inside = (places >= 0) & (places < size)
    return jnp.take_along_axis(images, jnp.clip(places, 0, size - 1), axis=axis) * inside.astype(images.dtype)


def _inside(layer: spec.Augment, middles: Any, size: int) -> Any:
    """Return which rows or columns of each image are in its window, (B, size)."""
    width = layer.reach(size)
    starts, places = middles[:, None] - width // 2, jnp.arange(size)
    return (places >= starts) & (places < starts + width)


def class_embedding(layer: spec.ClassEmbedding, tensors: LayerTensors, inputs: Any, /) -> Any:
    """Join each sample to the row of its class, (B, features) to (B, features + num_features), or give that row."""
    table = tensors["weight"].reshape(layer.num_classes, layer.width)
    parts = [table[tensors[FED].astype(int)], inputs]
    if layer.joined == "alone":
        return parts[0]
    return jnp.concatenate(parts if layer.joined == "before" else parts[::-1], axis=1)


def upsample(layer: spec.Upsample, tensors: LayerTensors, inputs: Any, /) -> Any:
    """Return an upsampling. (B, channels, height, width) to (B, channels, height · factor, width · factor)."""
    del tensors
    if layer.mode == "nearest":
        return jnp.repeat(jnp.repeat(inputs, layer.factor, axis=2), layer.factor, axis=3)
    # By a constant number of products; jax.image.resize computes its weights in float32 for any type of images.
    rows, columns = (jnp.asarray(upsampling_weights(layer, size), inputs.dtype) for size in inputs.shape[2:])
    return jnp.einsum("rh,bchw,sw->bcrs", rows, inputs, columns)


def pool2d(layer: spec.Pool2d, tensors: LayerTensors, inputs: Any, /) -> Any:
    """Return the means or the largest of windows. (B, channels, height, width) to (B, channels, ...)."""
    del tensors
    return _pooled(inputs, (layer.kernel_size,) * 2, stride=layer.stride, mode=layer.mode)


def global_pool(layer: spec.GlobalPool, tensors: LayerTensors, inputs: Any, /) -> Any:
    """Return the mean, the sum or the largest of each channel. (B, channels, height, width) to (B, channels).

    jnp.max would share its gradient among equals.
    """
    del tensors
    if layer.mode == "average":
        return jnp.mean(inputs, axis=(2, 3))
    if layer.mode == "sum":
        return jnp.sum(inputs, axis=(2, 3))
    return _pooled(inputs, inputs.shape[2:], stride=1, mode=layer.mode)[:, :, 0, 0]


def pixel_shuffle(layer: spec.PixelShuffle, tensors: LayerTensors, inputs: Any, /) -> Any:
    """Return larger images of fewer channels. (B, channels · factor², ...) to (B, channels, ...)."""
    del tensors
    num_images, num_channels, height, width = inputs.shape
    factors, channels = (layer.factor,) * 2, num_channels // layer.factor**2
    if layer.order == "channel":
        parts = inputs.reshape(num_images, channels, *factors, height, width).transpose(0, 1, 4, 2, 5, 3)
    else:
        parts = inputs.reshape(num_images, *factors, channels, height, width).transpose(0, 3, 4, 1, 5, 2)
    return parts.reshape(num_images, channels, height * layer.factor, width * layer.factor)


def reshape(layer: spec.Reshape, tensors: LayerTensors, inputs: Any, /) -> Any:
    """Return each sample in another shape, in row-major order."""
    del tensors
    return inputs.reshape(len(inputs), *layer.shape)


def recall(layer: spec.Recall, tensors: LayerTensors, inputs: Any, /) -> Any:
    """Return parts of the features of an earlier layer, one behind the other. (B, features) to (B, ...)."""
    del tensors
    return jnp.concatenate([inputs[:, start:stop] for start, stop in layer.parts], axis=1)


def softmax(layer: spec.Softmax, tensors: LayerTensors, inputs: Any, /) -> Any:
    """Return exp(x) / Σ exp(x) along an axis."""
    del tensors
    return jax.nn.softmax(inputs, axis=layer.axis + 1)


def class_cross_entropy(layer: spec.ClassCrossEntropy, tensors: LayerTensors, inputs: Any, /) -> Any:
    """Return -log softmax of each sample's class. (B, logits) to (B, 1)."""
    classes = layer.logit_of(tensors[FED].astype(int))[:, None]
    return -jnp.take_along_axis(jax.nn.log_softmax(inputs, axis=1), classes, axis=1)


def class_contrast(layer: spec.ClassContrast, tensors: LayerTensors, inputs: Any, /) -> Any:
    """Return how near each sample is to its class beside the batch's others. (B, 2 · features) to (B, 1)."""
    temperature, margin = layer.temperature, layer.margin
    units, proxies = (
        part / jnp.sqrt(jnp.maximum(jnp.sum(part**2, axis=1, keepdims=True), layer.epsilon**2))
        for part in jnp.split(inputs, 2, axis=1)
    )
    near, own = units @ units.T, jnp.sum(units * proxies, axis=1, keepdims=True)
    same = tensors[FED][:, None] == tensors[FED]
    itself = jnp.eye(len(inputs), dtype=bool)
    if margin is None:
        powers, own_power = jnp.where(itself, 0, jnp.exp(near / temperature)), jnp.exp(own / temperature)
        total = own_power + jnp.sum(powers, axis=1, keepdims=True)
        kept = own_power + jnp.sum(jnp.where(same, powers, 0), axis=1, keepdims=True)
        return jnp.log(total) - jnp.log(kept)
    shifted, pull = (near + (margin - 1)) / temperature, jax.nn.relu((margin - own) / temperature)
    largest = jnp.max(jnp.where(itself, -jnp.inf, lax.stop_gradient(shifted)), axis=1, keepdims=True)
    powers = jnp.exp(jnp.where(same, -jnp.inf, jax.nn.relu(shifted) - largest))
    return pull + jnp.log(jnp.exp(-pull) + jnp.sum(powers, axis=1, keepdims=True))


def pull_away(layer: spec.PullAway, tensors: LayerTensors, inputs: Any, /) -> Any:
    """Return how alike each sample is to the batch's others. (B, features) to (B, 1)."""
    del layer, tensors
    units = inputs / jnp.sqrt(jnp.sum(inputs**2, axis=1, keepdims=True))
    return (jnp.sum(units @ units.T, axis=1, keepdims=True) - 1) / (len(inputs) - 1)


def code_error(layer: spec.CodeError, tensors: LayerTensors, inputs: Any, /) -> Any:
    """Return how far what is found of each sample's code is from it. (B, width) to (B, 1)."""
    code = tensors[FED][:, layer.start : layer.stop]
    if layer.form == "cross-entropy":
        return -jnp.sum(code * jax.nn.log_softmax(inputs, axis=1), axis=1, keepdims=True)
    return jnp.mean(jnp.square(inputs - code), axis=1, keepdims=True)


def scale(layer: spec.Scale, tensors: LayerTensors, inputs: Any, /) -> Any:
    """Return γ · x."""
    del layer
    return tensors["weight"][0] * inputs


def attention(layer: spec.Branches, query: Any, key: Any, value: Any, /) -> Any:
    """Return the means of the value's places, (B, channels, height, width)."""
    images = query.shape[2:]
    query, key, value = (end.reshape(*end.shape[:2], -1) for end in (query, key, value))
    scores = jnp.einsum("bcn,bcm->bnm", query, key)
    if layer.join == "attend_scaled":
        scores = scores / math.sqrt(query.shape[1])
    means = jnp.einsum("bvm,bnm->bvn", value, jax.nn.softmax(scores, axis=2))
    return means.reshape(*means.shape[:2], *images)


def branches(layer: spec.Branches, tensors: LayerTensors, *ends: Any) -> Any:
    """Return the ends of branches, (B, ...) each, added, multiplied, put one behind the other, or one by its gain."""
    del tensors
    if layer.join == "concatenate":
        return jnp.concatenate(ends, axis=1)
    if layer.join == "dot":
        return jnp.sum(ends[0] * ends[1], axis=1, keepdims=True)
    if layer.join in spec.ERRORS:
        apart = ends[0] - (lax.stop_gradient(ends[1]) if layer.join.endswith("held") else ends[1])
        # JAX's |x| has derivative 1 at 0.
        terms = apart * (apart if layer.join.startswith("squared") else lax.stop_gradient(jnp.sign(apart)))
        return jnp.mean(terms.reshape(len(terms), -1), axis=1, keepdims=True)
    if layer.join in ("attend", "attend_scaled"):
        return attention(layer, *ends)
    if layer.join in ("affine", "modulate"):
        values, gain, bias = ends[0], *(end.reshape(*end.shape, *(1,) * (ends[0].ndim - 2)) for end in ends[1:])
        return values * (1 + gain if layer.join == "modulate" else gain) + bias
    return reduce(jnp.add if layer.join == "add" else jnp.multiply, ends)


LAYERS: dict[type, Callable[..., Any]] = {
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
# Under what short name a layer finds, among its tensors, what its pass is fed for it; absent where it is fed nothing.
FED = "fed"
NOTHING_FED: Mapping[str, Any] = MappingProxyType({})


class Forward(NamedTuple):
    """What a pass gives: the last output, the buffers as the pass leaves them, and each layer's output by name.

    layers: an OrderedDict, which alone keeps its order in JAX's hands; a dict comes back sorted.
    """

    outputs: Any
    buffers: Tensors
    layers: OrderedDict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Network:
    """Layers in order of execution, by the names under which the spec places them; holds no tensor.

    name: its canonical one. sources: whose outputs each layer takes, as PlacedLayer has them.
    """

    name: str
    layers: Mapping[str, tuple[spec.Layer, Callable[..., Any]]]
    sources: Mapping[str, tuple[int, ...]]

    def __call__(
        self, parameters: Tensors, buffers: Tensors, inputs: Any, fed: Mapping[str, Any] = NOTHING_FED, /
    ) -> Forward:
        """Run a training pass on inputs (B, ...). fed: what it is fed beside them, by layer."""
        outputs: dict[int, Any] = {spec.NETWORK_INPUT: inputs}
        moved: Tensors = {}
        shown: OrderedDict[str, Any] = OrderedDict()
        for place, (name, (layer, apply)) in enumerate(self.layers.items()):
            own = {FED: fed[name]} if name in fed else {}
            given = (outputs[source] for source in self.sources[name])
            found = apply(layer, parameters.get(name, {}) | buffers.get(name, {}) | own, *given)
            if name in buffers:
                found, moved[name] = found
            shown[name] = outputs[place] = found
        return Forward(found, moved, shown)


def build_network(
    name: str, network: spec.Network, /, *, device: str, dtype: str, side_by_side: bool = False
) -> Network:
    """Build a network from its spec; raises UnsupportedLayer. side_by_side: for many replicas under jax.vmap."""
    # XLA has no fast convolution of float64 on a CPU: lax's takes ten times as long there as the matrix product.
    multiply = multiply_by_sums if side_by_side and device == "cpu" else multiply_by_products
    convolve = convolve_by_products if (device, dtype) == ("cpu", "float64") else convolve_by_lax
    layers: dict[str, tuple[spec.Layer, Callable[..., Any]]] = {}
    for placed in network.placed:
        if type(placed.layer) not in LAYERS:
            raise UnsupportedLayer(f"JAX has no layer for {type(placed.layer).__name__}; add it to LAYERS in layers.py")
        apply = LAYERS[type(placed.layer)]
        if isinstance(placed.layer, spec.Conv2d | spec.ConvTranspose2d):
            apply = partial(apply, convolve=convolve)
        elif isinstance(placed.layer, spec.Linear | spec.MinibatchDiscrimination):
            apply = partial(apply, multiply=multiply)
        if getattr(placed.layer, "spectral_norm", None) is not None:
            apply = partial(normalised, apply)
        layers[placed.name] = placed.layer, apply
    sources = {placed.name: placed.sources for placed in network.placed}
    return Network(name=name, layers=layers, sources=sources)


def multiply_by_products(inputs: Any, weight: Any, /) -> Any:
    """Return x Wᵀ of inputs (B, in) and a weight (out, in)."""
    return inputs @ weight.T


def multiply_by_sums(inputs: Any, weight: Any, /) -> Any:
    """Return the same, each number as a sum of its own.

    Of many small products at once: XLA calls no library for them on a CPU, and is 2 to 6 times as fast so.
    """
    return jnp.sum(inputs[:, None, :] * weight[None], axis=2)


def convolve_by_lax(
    images: Any, weight: Any, /, *, stride: int, padding: spec.Margins, dilation: int = 1, groups: int = 1
) -> Any:
    """Return the cross-correlation of images (B, in, height, width) with a kernel (out, in / groups, rows, columns)."""
    if 1 in images.shape[2:]:
        # XLA aborts the process over the gradient where a row that its own padding makes is left over.
        images, padding = jnp.pad(images, ((0, 0), (0, 0), *padding)), ((0, 0), (0, 0))
    return lax.conv_general_dilated(
        images,
        weight,
        window_strides=(stride, stride),
        padding=padding,
        rhs_dilation=(dilation, dilation),
        feature_group_count=groups,
    )


def convolve_by_products(
    images: Any, weight: Any, /, *, stride: int, padding: spec.Margins, dilation: int = 1, groups: int = 1
) -> Any:
    """Return the same as one matrix product a group, of what the kernel sees from each place."""
    if groups > 1:
        window: dict[str, Any] = {"stride": stride, "padding": padding, "dilation": dilation}
        pairs = zip(jnp.split(images, groups, axis=1), jnp.split(weight, groups), strict=True)
        return jnp.concatenate([convolve_by_products(*pair, **window) for pair in pairs], axis=1)
    num_out, _, *sizes = weight.shape
    images = jnp.pad(images.transpose(0, 2, 3, 1), ((0, 0), *padding, (0, 0)))
    height, width = (
        stride * ((length - dilation * (size - 1) - 1) // stride) + 1
        for length, size in zip(images.shape[1:3], sizes, strict=True)
    )
    # Without barriers XLA writes what made the images into each of the slices, and compiles for minutes.
    images = lax.optimization_barrier(images)
    # Rows first, then columns: so many slices fewer, each of which XLA compiles by itself, as it does its gradient.
    starts = [[dilation * place for place in range(size)] for size in sizes]
    rows = [lax.slice_in_dim(images, row, row + height, stride, axis=1) for row in starts[0]]
    bands = lax.optimization_barrier(jnp.concatenate(rows, axis=3))  # (B, height, all columns, rows · in)
    columns = [lax.slice_in_dim(bands, column, column + width, stride, axis=2) for column in starts[1]]
    seen = lax.optimization_barrier(jnp.concatenate(columns, axis=3))  # (B, height, width, columns · rows · in)
    return (seen @ weight.transpose(3, 2, 1, 0).reshape(-1, num_out)).transpose(0, 3, 1, 2)


def _pooled(images: Any, kernel: tuple[int, ...], *, stride: int, mode: str) -> Any:
    window = {"window_dimensions": (1, 1, *kernel), "window_strides": (1, 1, stride, stride), "padding": "VALID"}
    if mode == "maximum":
        return lax.reduce_window(images, -math.inf, lax.max, **window)
    return lax.reduce_window(images, 0.0, lax.add, **window) / math.prod(kernel)


def _with_bias(outputs: Any, tensors: LayerTensors) -> Any:
    return outputs + _by_channel(tensors["bias"], outputs) if "bias" in tensors else outputs


def _by_channel(values: Any, outputs: Any) -> Any:
    """Return values (channels,) in a shape that broadcasts against (B, channels, ...)."""
    return values.reshape(-1, *(1,) * (outputs.ndim - 2))
