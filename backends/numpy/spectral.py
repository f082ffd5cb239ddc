"""Spectral normalisation: the weight that a layer uses is W / σ, σ = uᵀ W v, with u and v moved first.

u and v are constants for the gradient, so that ∂σ/∂W = u vᵀ, and with W̄ = W / σ

    ∂W = (∂W̄ - Σ(∂W̄ ∘ W̄) · u vᵀ) / σ,

without its second term where σ is a constant too. Miyato et al. 2018, Algorithm 1 and equation 12.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gan_rosetta.backends.numpy.layer import Array, Tensors
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


class SpectralWeight:
    """A layer's weight under a spectral norm. transposed: its outputs are its second dimension."""

    def __init__(self, norm: spec.SpectralNorm, /, *, transposed: bool) -> None:
        self._norm = norm
        self._transposed = transposed

    def normalise(self, tensors: Tensors, rounding: RandomRounding | None) -> tuple[Tensors, SpectralCache]:
        """Return the tensors with W / σ for W, and what `backward` and `move` need; of_layer is left None."""
        matrix = self._matrix(tensors[_WEIGHT])
        vectors = {U: tensors[U], V: tensors[V]}
        for short in self._norm.updates:
            vectors[short] = self._moved(short, matrix, vectors, rounding)
        u, v = vectors[U], vectors[V]
        sigma = _product(u[np.newaxis], _product(matrix, v, rounding), rounding)[0]
        normalised = matrix / sigma
        if rounding is not None:
            rounding.disturb(normalised)
        own = {**tensors, _WEIGHT: self._weight(normalised, tensors[_WEIGHT])}
        return own, SpectralCache(None, u, v, sigma, normalised)

    def move(self, cache: SpectralCache, tensors: Tensors) -> None:
        """Keep the pass's u and v, in place."""
        tensors[U][...] = cache.u
        tensors[V][...] = cache.v

    def backward(
        self, gradient: Array, cache: SpectralCache, rounding: RandomRounding | None, *, num_terms: int
    ) -> None:
        """Turn ∂W̄ into ∂W, in place. num_terms: of what sums ∂W̄'s entries are."""
        matrix = self._matrix(gradient).copy()
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

    def _moved(self, short: str, matrix: Array, vectors: Tensors, rounding: RandomRounding | None) -> Array:
        """Return u or v moved by the other, of length 1."""
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


def spectral_weight(layer: spec.Layer, /) -> SpectralWeight | None:
    """Return the spectral norm of a layer's weight, or None where it has none."""
    norm = getattr(layer, "spectral_norm", None)
    return None if norm is None else SpectralWeight(norm, transposed=isinstance(layer, spec.ConvTranspose2d))


def _product(matrix: Array, vector: Array, rounding: RandomRounding | None) -> Array:
    result: Array = matrix @ vector
    if rounding is not None:
        # Its terms may cancel: what rounds is their partial sums.
        spread = np.sqrt(np.square(matrix) @ np.square(vector))
        rounding.disturb(result, num_terms=vector.size, scale=np.hypot(result, spread))
    return result
