"""The layers of the vocabulary, each with its derivative, and the table that builds them. Why: see layer.py."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from gan_rosetta.backends.numpy.activations import (
    ELU,
    GELU,
    SELU,
    LeakyReLU,
    ReLU,
    Sigmoid,
    SiLU,
    Softplus,
    Tanh,
)
from gan_rosetta.backends.numpy.attention import Attention, Scale, Softmax
from gan_rosetta.backends.numpy.augment import Augment
from gan_rosetta.backends.numpy.branches import JOINS, Join
from gan_rosetta.backends.numpy.classifying import ClassContrast, ClassCrossEntropy
from gan_rosetta.backends.numpy.codes import CodeError
from gan_rosetta.backends.numpy.convolution import Conv2d, ConvTranspose2d
from gan_rosetta.backends.numpy.dropout import Dropout
from gan_rosetta.backends.numpy.embedding import ClassEmbedding
from gan_rosetta.backends.numpy.formulas import BIAS_GRADIENT, WEIGHT_GRADIENT, evaluate, reduces_one_by_one
from gan_rosetta.backends.numpy.group_norm import GroupNorm
from gan_rosetta.backends.numpy.layer import Array, Layer, LinearMap, Tensors
from gan_rosetta.backends.numpy.network import Copies, Network
from gan_rosetta.backends.numpy.prelu import PReLU
from gan_rosetta.backends.numpy.pull_away import PullAway
from gan_rosetta.backends.numpy.recall import Recall
from gan_rosetta.backends.numpy.resampling import GlobalPool, PixelShuffle, Pool2d, Upsample
from gan_rosetta.backends.numpy.rounding import RandomRounding
from gan_rosetta.shared import spec
from gan_rosetta.shared.errors import UnsupportedLayer

_NUMBERS_IN_CACHE = 2**15
# E[(x - E x)²] and E[x²] - (E x)².
_VARIANCE_FORMULAS = 2


class Linear(Layer):
    """y = x Wᵀ + b: x (N, in), W (out, in), b (out,)."""

    takes_copies = True
    is_affine = True

    def forward(self, x: Array, tensors: Tensors) -> tuple[Array, tuple[Array, Array]]:
        x, weight = self.factor(x), self.factor(tensors["weight"])
        y = np.matmul(x, weight.swapaxes(-1, -2))
        if "bias" in tensors:
            bias = tensors["bias"]
            y += bias if bias.ndim == 1 else bias[..., np.newaxis, :]  # or of copies
        return y, (x, weight)

    def backward(
        self, gradient_y: Array, cache: tuple[Array, Array], *, gradients: Tensors | None, wants_input: bool
    ) -> Array | None:
        x, weight = cache
        factor_y = self.factor(gradient_y)
        if gradients is not None and self.rounding is not None:
            self._round_gradients(self.rounding, gradient_y, factor_y, x, gradients)
        elif gradients is not None:
            np.matmul(factor_y.swapaxes(-1, -2), x, out=gradients["weight"])
            if "bias" in gradients:
                np.add.reduce(gradient_y, axis=-2, out=gradients["bias"])
        return np.matmul(factor_y, weight) if wants_input else None

    @staticmethod
    def _round_gradients(
        rounding: RandomRounding, gradient_y: Array, factor_y: Array, x: Array, gradients: Tensors, /
    ) -> None:
        """Write ∂W and ∂b by the formulas that a copy has drawn; ∂W's of few terms alone."""
        num_terms = gradient_y.shape[-2] * gradient_y.shape[-1] * x.shape[-1]
        own = rounding if num_terms <= _NUMBERS_IN_CACHE else None
        gradients["weight"][...] = evaluate(WEIGHT_GRADIENT, own, factor_y, x)
        if "bias" in gradients:
            own = None if reduces_one_by_one(gradient_y) else rounding  # by either formula the same numbers
            gradients["bias"][...] = evaluate(BIAS_GRADIENT, own, gradient_y)

    def forward_tangent(self, tangent_x: Array, cache: tuple[Array, Array]) -> Array:
        _, weight = cache
        tangent_y: Array = np.matmul(self.factor(tangent_x), weight.T)
        return tangent_y

    def backward_tangent(
        self,
        gradient_y: Array | None,
        gradient_tangent_y: Array,
        cache: tuple[Array, Array],
        tangent_x: Array,
        *,
        gradients: Tensors,
        wants_input: bool,
    ) -> tuple[Array | None, Array | None]:
        gradient_tangent_x = self.backward(
            gradient_tangent_y, (self.factor(tangent_x), cache[1]), gradients=gradients, wants_input=wants_input
        )
        if gradient_y is None:
            if "bias" in gradients:
                gradients["bias"][...] = 0.0
            return None, gradient_tangent_x
        x, weight = cache
        factor_y = self.factor(gradient_y)
        gradients["weight"][...] += np.matmul(factor_y.T, x)
        if "bias" in gradients:
            np.add.reduce(gradient_y, axis=0, out=gradients["bias"])
        return (np.matmul(factor_y, weight) if wants_input else None), gradient_tangent_x


class BatchNorm(Layer):
    """y = weight · x̂ + bias, x̂ = (x - mean) / √(variance + ε), over all axes but the channels. Ioffe and Szegedy 2015.

    With batch statistics the mean and the variance depend on x too, so that with n numbers a channel
    ∂x = weight / √(variance + ε) · (∂y - Σ∂y / n - x̂ · Σ(∂y x̂) / n); with running ones only the first term is left.
    The tangent, of batch statistics alone, is that of GroupNorm, of a channel's numbers in place of a group's.
    """

    def __init__(self, layer: spec.BatchNorm, input_shape: spec.Shape) -> None:
        self._layer = layer
        images = len(input_shape) == 3
        self._axes = (0, 2, 3) if images else (0,)
        self._spread = (slice(None), np.newaxis, np.newaxis) if images else (slice(None),)

    def forward(self, x: Array, tensors: Tensors) -> tuple[Array, dict[str, Any]]:
        spread, count = self._spread, x.size // x.shape[1]
        mean = self._sum(x)
        mean /= count
        centred = x - mean[spread]
        variance = self._variance(x, centred, mean, count)
        cache = {"mean": mean, "variance": variance, "count": count, "weight": tensors.get("weight")}
        if self._layer.statistics == "running":
            np.subtract(x, tensors["running_mean"][spread], out=centred)
            variance = tensors["running_var"]
        inverse = 1.0 / np.sqrt(variance + self._layer.epsilon)
        centred *= inverse[spread]
        y = centred
        if self._layer.affine:
            y = centred * tensors["weight"][spread]
            y += tensors["bias"][spread]
        return y, cache | {"normalised": centred, "inverse": inverse}

    def backward(
        self, gradient_y: Array, cache: dict[str, Any], *, gradients: Tensors | None, wants_input: bool
    ) -> Array | None:
        spread, normalised = self._spread, cache["normalised"]
        sum_gradient = self._sum(gradient_y)
        sum_product = self._sum(gradient_y * normalised)
        if gradients is not None and self._layer.affine:
            gradients["weight"][...] = sum_product
            gradients["bias"][...] = sum_gradient
        if not wants_input:
            return None
        scale = cache["weight"] * cache["inverse"] if self._layer.affine else cache["inverse"]
        if self._layer.statistics == "batch":
            self._project(gradient_y, cache, sum_gradient, sum_product)
        gradient_y *= scale[spread]
        return gradient_y

    def forward_tangent(self, tangent_x: Array, cache: dict[str, Any]) -> Array:
        return self._weighed(self._projected(tangent_x, cache), cache)

    def backward_tangent(
        self,
        gradient_y: Array | None,
        gradient_tangent_y: Array,
        cache: dict[str, Any],
        tangent_x: Array,
        *,
        gradients: Tensors,
        wants_input: bool,
    ) -> tuple[Array | None, Array | None]:
        normalised, affine = cache["normalised"], self._layer.affine
        projected = self._projected(tangent_x, cache)
        by_tangent = self._sum(gradient_tangent_y * projected)
        gradient_x = np.zeros_like(tangent_x)
        if gradient_y is not None:
            of_value = self.backward(gradient_y, cache, gradients=gradients, wants_input=wants_input)
            gradient_x = gradient_x if of_value is None else of_value
        elif affine:
            gradients["weight"][...] = gradients["bias"][...] = 0.0
        if affine:
            gradients["weight"][...] += by_tangent
        if not wants_input:
            return None, None
        of_tangent = self._weighed(gradient_tangent_y, cache)
        turned = of_tangent * self._mean(tangent_x * normalised, cache)
        turned += tangent_x * self._mean(of_tangent * normalised, cache)
        change = self._projected(turned, cache) + normalised * self._mean(of_tangent * projected, cache)
        gradient_x -= cache["inverse"][self._spread] * change
        return gradient_x, self._projected(of_tangent, cache)

    def _project(self, array: Array, cache: dict[str, Any], total: Array, total_product: Array) -> None:
        """Take from numbers, in place, their mean and their part along x̂; their sums by channel are given."""
        normalised, spread = cache["normalised"], self._spread
        common, slope = (total / cache["count"])[spread], (total_product / cache["count"])[spread]
        terms = None if self.rounding is None else np.abs(array) + np.abs(common) + np.abs(normalised * slope)
        array -= common
        array -= normalised * slope
        if self.rounding is not None:
            # Of a batch of two next to nothing is left: what is rounded is the terms.
            self.rounding.disturb(array, scale=terms)

    def _projected(self, array: Array, cache: dict[str, Any]) -> Array:
        """Return the derivative of x̂ in the direction of an array like x."""
        result = array.copy()
        self._project(result, cache, self._sum(array), self._sum(array * cache["normalised"]))
        result *= cache["inverse"][self._spread]
        return result

    def _weighed(self, array: Array, cache: dict[str, Any]) -> Array:
        return array * cache["weight"][self._spread] if self._layer.affine else array

    def _mean(self, terms: Array, cache: dict[str, Any]) -> Array:
        return np.asarray((self._sum(terms) / cache["count"])[self._spread])

    def _variance(self, x: Array, centred: Array, mean: Array, count: int) -> Array:
        """Return the batch variance of each channel; half of the copies that round at random take the one-pass form."""
        if self.rounding is not None and self.rounding.seed % _VARIANCE_FORMULAS == 1:
            squares = self._sum(np.square(x))
            squares /= count
            return np.maximum(squares - mean * mean, 0.0)
        # Sums of products by `reduce`, which adds in pairs: einsum and BLAS lose a digit over 100 000 numbers.
        variance = self._sum(np.square(centred))
        variance /= count
        return variance

    def _sum(self, terms: Array) -> Array:
        """Return the sum over all axes but the channels.

        Half of the copies that round at random add one by one, as some libraries do: images are mostly background, and
        sums of equal terms err to one side, by more than chance. And terms may cancel: what is rounded is their partial
        sums.
        """
        if self.rounding is None:
            return np.asarray(np.add.reduce(terms, axis=self._axes))
        one_by_one = self.rounding.seed // _VARIANCE_FORMULAS % 2 == 0
        num_channels, num_terms = terms.shape[1], terms.size // terms.shape[1]
        total, spread = np.empty((2, num_channels), terms.dtype)
        # Channels at a time whose numbers stay in the cache: a call for each costs more than the sums of a small batch.
        size = max(1, _NUMBERS_IN_CACHE // num_terms)
        for part in (slice(first, first + size) for first in range(0, num_channels, size)):
            rows = np.ascontiguousarray(np.moveaxis(terms[:, part], 1, 0)).reshape(-1, num_terms)
            total[part] = np.add.accumulate(rows, axis=1)[:, -1] if one_by_one else np.add.reduce(rows, axis=1)
            spread[part] = np.add.reduce(np.square(rows), axis=1)
        np.sqrt(spread, out=spread)
        self.rounding.disturb(total, num_terms=num_terms, scale=np.hypot(total, spread))
        return total

    def move_buffers(self, cache: dict[str, Any], tensors: Tensors) -> None:
        count, momentum = cache["count"], float(self._layer.momentum)
        factor = momentum
        if self._layer.running_variance == "unbiased":
            factor = momentum * (count / (count - 1)) if count > 1 else float("nan")
        for name, batch, share in (("running_mean", "mean", momentum), ("running_var", "variance", factor)):
            running = tensors[name]
            running *= 1.0 - momentum
            running += cache[batch] * share


class MinibatchDiscrimination(Layer):
    """concat(x, f): f[i, k] = Σ_j exp(-Σ_d |a[i,k,d] - a[j,k,d]| - δ_ij), a = x Wᵀ + b. Salimans et al. 2016.

    a[i] occurs in row i and in column j = i of the distances, and |·|' is the sign, 0 at 0: with
    s[i, j, k] = -exp(-c[i, j, k]) (∂f[i, k] + ∂f[j, k]), ∂a[i, k, d] = Σ_j sign(a[i, k, d] - a[j, k, d]) s[i, j, k].
    """

    takes_copies = True

    def __init__(self, layer: spec.MinibatchDiscrimination, input_shape: spec.Shape) -> None:
        self._linear = Linear(layer, input_shape)
        self._layer = layer

    def forward(self, x: Array, tensors: Tensors) -> tuple[Array, Any]:
        layer, (*copies, size, _) = self._layer, x.shape
        self._linear.factors_by = self.rounding
        projected, linear_cache = self._linear.forward(x, tensors)
        if self.rounding is not None:
            self.rounding.disturb(projected, num_terms=layer.in_features)
        projected = projected.reshape(*copies, size, layer.num_kernels, layer.kernel_dims)
        differences = projected[..., :, np.newaxis, :, :] - projected[..., np.newaxis, :, :, :]  # (N, N, K, D)
        if self.rounding is not None:
            self._visit(differences, size)
        distances = np.add.reduce(np.abs(differences), axis=-1)  # (N, N, K)
        if layer.self_distance:
            distances.reshape(*copies, size * size, -1)[..., :: size + 1, :] += 1.0
        likeness = np.exp(-distances)
        y = np.concatenate((x, np.add.reduce(likeness, axis=-2)), axis=-1)
        return y, (linear_cache, differences, likeness)

    def _visit(self, differences: Array, size: int) -> None:
        """Lead copies across the kink of the absolute value, each pair of samples as one."""
        assert self.rounding is not None  # noqa: S101 - the caller asked
        first, second = np.triu_indices(size, 1)
        pairs = differences[..., first, second, :, :]
        if self.rounding.visit(pairs):
            differences[..., first, second, :, :] = pairs
            differences[..., second, first, :, :] = -pairs

    def backward(self, gradient_y: Array, cache: Any, *, gradients: Tensors | None, wants_input: bool) -> Array | None:
        linear_cache, differences, likeness = cache
        num_features = self._layer.in_features
        gradient_f = gradient_y[..., num_features:]
        shared_gradient = gradient_f[..., :, np.newaxis, :] + gradient_f[..., np.newaxis, :, :]  # (N, N, K)
        shared_gradient *= likeness
        signs = np.sign(differences)
        signs *= shared_gradient[..., np.newaxis]
        if self.rounding is not None:
            # Their sum over the batch, the bias's gradient, is exactly 0: what is left of it is rounding of its terms.
            self.rounding.disturb(signs)
        gradient_projected = -np.add.reduce(signs, axis=-3).reshape(*gradient_y.shape[:-1], -1)
        gradient_x = self._linear.backward(
            gradient_projected, linear_cache, gradients=gradients, wants_input=wants_input
        )
        if gradient_x is not None:
            gradient_x += gradient_y[..., :num_features]
        return gradient_x


class Reshape(LinearMap):
    """Another shape for each sample, row-major in the canonical layout; the derivative is the shape back."""

    takes_copies = True
    rounds = False

    def __init__(self, layer: spec.Reshape, input_shape: spec.Shape) -> None:
        self._input_shape, self._output_shape = input_shape, layer.shape

    def forward(self, x: Array, tensors: Tensors) -> tuple[Array, None]:
        del tensors
        return self._reshaped(x, self._input_shape, self._output_shape), None

    def backward(self, gradient_y: Array, cache: None, *, gradients: Tensors | None, wants_input: bool) -> Array | None:
        del cache, gradients, wants_input
        return self._reshaped(gradient_y, self._output_shape, self._input_shape)

    @staticmethod
    def _reshaped(array: Array, old: spec.Shape, new: spec.Shape) -> Array:
        return array.reshape(*array.shape[: array.ndim - len(old)], *new)


LAYERS: dict[type[spec.Layer], type[Layer]] = {
    spec.Linear: Linear,
    spec.Conv2d: Conv2d,
    spec.ConvTranspose2d: ConvTranspose2d,
    spec.BatchNorm: BatchNorm,
    spec.GroupNorm: GroupNorm,
    spec.MinibatchDiscrimination: MinibatchDiscrimination,
    spec.Tanh: Tanh,
    spec.Sigmoid: Sigmoid,
    spec.Softplus: Softplus,
    spec.ReLU: ReLU,
    spec.LeakyReLU: LeakyReLU,
    spec.PReLU: PReLU,
    spec.ELU: ELU,
    spec.SELU: SELU,
    spec.GELU: GELU,
    spec.SiLU: SiLU,
    spec.Reshape: Reshape,
    spec.Recall: Recall,
    spec.Dropout: Dropout,
    spec.Augment: Augment,
    spec.ClassEmbedding: ClassEmbedding,
    spec.Upsample: Upsample,
    spec.Pool2d: Pool2d,
    spec.GlobalPool: GlobalPool,
    spec.PixelShuffle: PixelShuffle,
    spec.Softmax: Softmax,
    spec.ClassCrossEntropy: ClassCrossEntropy,
    spec.ClassContrast: ClassContrast,
    spec.PullAway: PullAway,
    spec.CodeError: CodeError,
    spec.Scale: Scale,
    spec.Branches: Join,
}
JOINS |= {"attend": Attention, "attend_scaled": Attention}


def build_network(network: spec.Network, /, *, name: str, dtype: DTypeLike, copies: Copies = ()) -> Network:
    """Build a network, its tensors at zero. name: "generator" or "discriminator". Raises UnsupportedLayer.

    copies: see network.py; only of layers that take them.
    """
    layers = []
    for placed in network.placed:
        builder = LAYERS.get(type(placed.layer))
        if builder is None:
            raise UnsupportedLayer(f"numpy has no layer {type(placed.layer).__name__} ({name}.{placed.name})")
        layers.append(builder(placed.layer, placed.input_shape))
    return Network(network, layers, name=name, dtype=dtype, copies=copies)
