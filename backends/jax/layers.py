"""The layers as pure functions of their tensors, and a network of them.

JAX has no layout of its own, so tensors and images keep the canonical one, which is also that of lax's convolutions
where no other is asked for.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from gan_rosetta.backends.jax.augment import augment
from gan_rosetta.backends.jax.branches import branches
from gan_rosetta.backends.jax.classifying import class_contrast, class_cross_entropy
from gan_rosetta.backends.jax.codes import code_error
from gan_rosetta.backends.jax.layer import FED, Convolve, LayerTensors, Multiply, Tensors
from gan_rosetta.backends.jax.pull_away import pull_away
from gan_rosetta.backends.jax.resampling import global_pool, pixel_shuffle, pool2d, upsample
from gan_rosetta.backends.jax.spectral import normalised
from gan_rosetta.shared import spec
from gan_rosetta.shared.errors import UnsupportedLayer


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


def prelu(layer: spec.PReLU, tensors: LayerTensors, inputs: Any, /) -> Any:
    """Return x where x > 0, w · x elsewhere. (B, features) or (B, channels, height, width)."""
    del layer
    return jnp.where(inputs > 0, inputs, _by_channel(tensors["weight"], inputs) * inputs)


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


def class_embedding(layer: spec.ClassEmbedding, tensors: LayerTensors, inputs: Any, /) -> Any:
    """Join each sample to the row of its class, (B, features) to (B, features + num_features), or give that row."""
    table = tensors["weight"].reshape(layer.num_classes, layer.width)
    parts = [table[tensors[FED].astype(int)], inputs]
    if layer.joined == "alone":
        return parts[0]
    return jnp.concatenate(parts if layer.joined == "before" else parts[::-1], axis=1)


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


def scale(layer: spec.Scale, tensors: LayerTensors, inputs: Any, /) -> Any:
    """Return γ · x."""
    del layer
    return tensors["weight"][0] * inputs


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


def _with_bias(outputs: Any, tensors: LayerTensors) -> Any:
    return outputs + _by_channel(tensors["bias"], outputs) if "bias" in tensors else outputs


def _by_channel(values: Any, outputs: Any) -> Any:
    """Return values (channels,) in a shape that broadcasts against (B, channels, ...)."""
    return values.reshape(-1, *(1,) * (outputs.ndim - 2))
