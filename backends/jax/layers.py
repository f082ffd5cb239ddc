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

from gan_rosetta.backends.jax.activations import elu, gelu, leaky_relu, prelu, relu, selu, sigmoid, silu, softplus, tanh
from gan_rosetta.backends.jax.augment import augment
from gan_rosetta.backends.jax.branches import branches
from gan_rosetta.backends.jax.classifying import class_contrast, class_cross_entropy
from gan_rosetta.backends.jax.codes import code_error
from gan_rosetta.backends.jax.convolution import conv2d, conv_transpose2d, convolve_by_lax, convolve_by_products
from gan_rosetta.backends.jax.layer import FED, LayerTensors, Multiply, Tensors, by_channel, with_bias
from gan_rosetta.backends.jax.pull_away import pull_away
from gan_rosetta.backends.jax.resampling import global_pool, pixel_shuffle, pool2d, upsample
from gan_rosetta.backends.jax.spectral import normalised
from gan_rosetta.shared import spec
from gan_rosetta.shared.errors import UnsupportedLayer


def linear(layer: spec.Linear, tensors: LayerTensors, inputs: Any, /, *, multiply: Multiply) -> Any:
    """Return x Wᵀ + b. (B, in_features) to (B, out_features)."""
    del layer
    return with_bias(multiply(inputs, tensors["weight"]), tensors)


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
    outputs = (inputs - by_channel(used_mean, inputs)) * by_channel(scale, inputs)
    if layer.running_variance == "unbiased":
        num_values = inputs.size // layer.num_features
        variance = variance * (num_values / (num_values - 1) if num_values > 1 else math.nan)
    kept, momentum = 1 - layer.momentum, layer.momentum
    moved = {
        "running_mean": kept * tensors["running_mean"] + momentum * mean,
        "running_var": kept * tensors["running_var"] + momentum * variance,
    }
    if layer.affine:
        outputs = outputs + by_channel(tensors["bias"], inputs)
    return outputs, lax.stop_gradient(moved)


def group_norm(layer: spec.GroupNorm, tensors: LayerTensors, inputs: Any, /) -> Any:
    """Return each sample normalised by itself. (B, features) or (B, channels, height, width). Wu and He 2018."""
    groups = inputs.reshape(len(inputs), layer.num_groups, -1)
    mean, variance = jnp.mean(groups, axis=2, keepdims=True), jnp.var(groups, axis=2, keepdims=True)
    outputs = ((groups - mean) / jnp.sqrt(variance + layer.epsilon)).reshape(inputs.shape)
    if not layer.affine:
        return outputs
    return outputs * by_channel(tensors["weight"], inputs) + by_channel(tensors["bias"], inputs)


def minibatch_discrimination(
    layer: spec.MinibatchDiscrimination, tensors: LayerTensors, inputs: Any, /, *, multiply: Multiply
) -> Any:
    """Append to each sample how like it is to the others. Salimans et al. 2016, section 3.2.

    (B, in_features) to (B, in_features + num_kernels).
    """
    rows = with_bias(multiply(inputs, tensors["weight"]), tensors)
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
