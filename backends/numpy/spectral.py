"""Spectral normalisation: the weight that a layer uses is W / σ, σ = uᵀ W v, with u and v moved first.

u and v are constants for the gradient, so that ∂σ/∂W = u vᵀ, and with W̄ = W / σ

    ∂W = (∂W̄ - Σ(∂W̄ ∘ W̄) · u vᵀ) / σ,

without its second term where σ is a constant too. Miyato et al. 2018, Algorithm 1 and equation 12.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gan_rosetta.backends.numpy.layer import Array, Layer, Tensors
from gan_rosetta.shared import spec
from gan_rosetta.shared.spec.spectral import U, V

if TYPE_CHECKING:
    from gan_rosetta.backends.numpy.rounding import RandomRounding

_WEIGHT = "weight"


class SpectralCache(NamedTuple):
    """What a pass leaves: the layer's own cache; u, v and σ; W̄ as (out, rest)."""

    of_layer: Any
    u: Array
    v: Array
    sigma: Any
    weight: Array


class SpectralLayer(Layer):
    """A layer whose weight is under a spectral norm.

    transposed: its outputs are the weight's second dimension. num_terms: of what sum a weight's gradient is, a sample.
    """

    def __init__(self, layer: Layer, norm: spec.SpectralNorm, /, *, transposed: bool, num_terms: int) -> None:
        self._layer = layer
        self._norm = norm
        self._transposed = transposed
        self._num_terms = num_terms

    def forward(self, x: Array, tensors: Tensors) -> tuple[Array, SpectralCache]:
        own, cache = self._normalised(tensors)
        y, of_layer = self._layer.forward(x, own)
        return y, cache._replace(of_layer=of_layer)

    def move_buffers(self, cache: SpectralCache, tensors: Tensors) -> None:
        """Keep the pass's u and v."""
        tensors[U][...] = cache.u
        tensors[V][...] = cache.v

    def backward(
        self, gradient_y: Array, cache: SpectralCache, *, gradients: Tensors | None, wants_input: bool
    ) -> Array | None:
        gradient_x = self._layer.backward(gradient_y, cache.of_layer, gradients=gradients, wants_input=wants_input)
        if gradients is not None:
            self._through_sigma(gradients[_WEIGHT], cache, num_terms=len(gradient_y) * self._num_terms)
        return gradient_x

    def _normalised(self, tensors: Tensors) -> tuple[Tensors, SpectralCache]:
        """Return the tensors with W / σ for W, and what `backward` and `move_buffers` need; of_layer is left None."""
        matrix = self._matrix(tensors[_WEIGHT])
        vectors = {U: tensors[U], V: tensors[V]}
        for short in self._norm.updates:
            vectors[short] = self._moved(short, matrix, vectors)
        u, v = vectors[U], vectors[V]
        sigma = _product(u[np.newaxis], _product(matrix, v, self.rounding), self.rounding)[0]
        normalised = matrix / sigma
        if self.rounding is not None:
            self.rounding.disturb(normalised)
        own = {**tensors, _WEIGHT: self._weight(normalised, tensors[_WEIGHT])}
        return own, SpectralCache(None, u, v, sigma, normalised)

    def _through_sigma(self, gradient: Array, cache: SpectralCache, *, num_terms: int) -> None:
        """Turn ∂W̄ into ∂W, in place. num_terms: of what sums ∂W̄'s entries are."""
        matrix, rounding = self._matrix(gradient).copy(), self.rounding
        scale = None
        if rounding is not None:
            # Before anything is taken away from it: what is left may be little beside what rounded here.
            rounding.disturb(matrix, num_terms=num_terms)
        if self._norm.sigma_gradient == "followed":
            terms = matrix * cache.weight
            total = np.array([np.add.reduce(terms, axis=None)], gradient.dtype)
            if rounding is not None:
                spread = np.sqrt(np.add.reduce(np.square(terms), axis=None, keepdims=True)).reshape(1)
                rounding.disturb(total, num_terms=terms.size, scale=np.hypot(total, spread))
                scale = np.abs(matrix)
            taken = total[0] * (cache.u[:, np.newaxis] * cache.v)
            matrix -= taken
            if scale is not None:
                scale += np.abs(taken)
                scale /= abs(cache.sigma)
        matrix /= cache.sigma
        if rounding is not None:
            rounding.disturb(matrix, scale=scale)
        gradient[...] = self._weight(matrix, gradient)

    def _moved(self, short: str, matrix: Array, vectors: Tensors) -> Array:
        """Return u or v moved by the other, of length 1."""
        rounding = self.rounding
        vector = _product(matrix.T, vectors[U], rounding) if short == V else _product(matrix, vectors[V], rounding)
        epsilon, placement = float(self._norm.epsilon), self._norm.epsilon_placement
        squares = np.add.reduce(vector * vector)
        if placement == "inside":
            length = np.sqrt(squares + epsilon)
        else:
            root = np.sqrt(squares)
            length = root + epsilon if placement == "outside" else np.maximum(root, epsilon)
        length = vector.dtype.type(length)
        if rounding is not None:
            length = rounding.disturbed(length, num_terms=vector.size)
        moved: Array = vector / length
        if rounding is not None:
            rounding.disturb(moved)
        return moved

    def _matrix(self, weight: Array) -> Array:
        """Return a weight or its gradient as (out, rest)."""
        rows = weight.swapaxes(0, 1) if self._transposed else weight
        return np.ascontiguousarray(rows).reshape(rows.shape[0], -1)

    def _weight(self, matrix: Array, like: Array) -> Array:
        """Return (out, rest) in the shape of the weight."""
        if not self._transposed:
            return matrix.reshape(like.shape)
        rows = matrix.reshape(like.shape[1], like.shape[0], *like.shape[2:])
        return np.ascontiguousarray(rows.swapaxes(0, 1))


def under_its_norm(layer: Layer, described: spec.Layer, /, *, num_terms: int) -> Layer:
    """Return a layer under the spectral norm that its description has, or as it is where it has none.

    num_terms: of SpectralLayer.
    """
    norm = getattr(described, "spectral_norm", None)
    if norm is None:
        return layer
    transposed = isinstance(described, spec.ConvTranspose2d)
    return SpectralLayer(layer, norm, transposed=transposed, num_terms=num_terms)


def _product(matrix: Array, vector: Array, rounding: RandomRounding | None) -> Array:
    result: Array = matrix @ vector
    if rounding is not None:
        # Its terms may cancel: what rounds is their partial sums.
        spread = np.sqrt(np.square(matrix) @ np.square(vector))
        rounding.disturb(result, num_terms=vector.size, scale=np.hypot(result, spread))
    return result
