"""The cross entropy of each sample's class, which a pass is fed, and the contrast with the samples of other classes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gan_rosetta.backends.numpy.layer import FED, Array, Layer, Tensors
from gan_rosetta.shared import spec


class _Cache(NamedTuple):
    shares: Array  # softmax(x), (N, logits)
    classes: NDArray[np.int64]  # (N, 1)


class ClassCrossEntropy(Layer):
    """y = log Σ exp(x) - x[c]: x (N, logits), c (N,), y (N, 1). ∂x = ∂y (softmax(x) - one-hot of c).

    Near 0 a y has the rounding of the logarithm of a number near 1, and a slope that of the share that 1 is taken from.
    """

    rounds = False

    def __init__(self, layer: spec.ClassCrossEntropy, input_shape: spec.Shape) -> None:
        del input_shape
        self._logit_of = layer.logit_of

    def forward(self, x: Array, tensors: Tensors) -> tuple[Array, _Cache]:
        classes = self._logit_of(tensors[FED].astype(np.int64))[:, np.newaxis]
        shifted = x - np.max(x, axis=1, keepdims=True)
        powers = np.exp(shifted)
        total = np.add.reduce(powers, axis=1, keepdims=True)
        own = np.take_along_axis(shifted, classes, axis=1)
        y: Array = np.log(total) - own
        if self.rounding is not None:
            self.rounding.disturb(y, num_terms=x.shape[1], scale=1.0 + np.abs(own) + y)
        return y, _Cache(powers / total, classes)

    def backward(
        self, gradient_y: Array, cache: _Cache, *, gradients: Tensors | None, wants_input: bool
    ) -> Array | None:
        del gradients
        if not wants_input:
            return None
        slopes = cache.shares.copy()
        own = np.take_along_axis(slopes, cache.classes, axis=1)
        np.put_along_axis(slopes, cache.classes, own - 1.0, axis=1)
        gradient: Array = gradient_y * slopes
        if self.rounding is not None:
            sizes = cache.shares.copy()
            np.put_along_axis(sizes, cache.classes, own + 1.0, axis=1)
            self.rounding.disturb(gradient, num_terms=slopes.shape[1], scale=np.abs(gradient_y) * sizes)
        return gradient


class _Sides(NamedTuple):
    """A batch's embeddings or proxies: divided by their sizes, (N, features), which are (N, 1); free: not floored."""

    units: Array
    sizes: Array
    free: NDArray[np.bool_]


class _Contrast(NamedTuple):
    """What a sample's y (N, 1) is, and its slopes by p (N, 1) and by s (N, N)."""

    y: Array
    by_own: Array
    by_near: Array


class ClassContrast(Layer):
    """How near a sample is to its class beside how near to others (see the spec): x = [e, w], y (N, 1).

    With u = e / ‖e‖, v = w / ‖w‖, s = u uᵀ, p_i = u_i · v_i and slopes σ, π of y by s, p: ∂u = (∂y σ + (∂y σ)ᵀ) u
    + ∂y π v, ∂v = ∂y π u, and ∂e = (∂u - u (u · ∂u)) / ‖e‖.
    """

    rounds = False

    def __init__(self, layer: spec.ClassContrast, input_shape: spec.Shape) -> None:
        del input_shape
        self._layer = layer

    def forward(self, x: Array, tensors: Tensors) -> tuple[Array, tuple[_Sides, _Sides, _Contrast]]:
        embeddings, proxies = (self._sides(part) for part in np.split(x, 2, axis=1))
        units = embeddings.units
        near: Array = units @ units.T
        own = np.add.reduce(units * proxies.units, axis=1, keepdims=True)
        self._disturb(near, num_terms=units.shape[1], spread=np.square(units) @ np.square(units).T)
        self._disturb(own, num_terms=units.shape[1], spread=_squares(units * proxies.units))
        classes = tensors[FED].astype(np.int64)
        same = classes[:, np.newaxis] == classes
        contrast = (self._conditional if self._layer.margin is None else self._data_to_data)(near, own, same)
        return contrast.y, (embeddings, proxies, contrast)

    def _conditional(self, near: Array, own: Array, same: NDArray[np.bool_]) -> _Contrast:
        temperature = float(self._layer.temperature)
        powers, own_power = np.exp(near / temperature), np.exp(own / temperature)
        np.fill_diagonal(powers, 0.0)
        total = own_power + np.add.reduce(powers, axis=1, keepdims=True)
        kept = own_power + np.add.reduce(powers * same, axis=1, keepdims=True)
        y: Array = np.log(total) - np.log(kept)
        by_own, by_near = own_power * (1.0 / total - 1.0 / kept), powers * (1.0 / total - same / kept)
        if self.rounding is not None:
            more = len(near)
            self.rounding.disturb(y, num_terms=more, scale=1.0 + np.abs(np.log(total)) + np.abs(np.log(kept)))
            self.rounding.disturb(by_own, num_terms=more, scale=own_power * (1.0 / total + 1.0 / kept))
            self.rounding.disturb(by_near, num_terms=more, scale=powers * (1.0 / total + same / kept))
        return _Contrast(y, by_own / temperature, by_near / temperature)

    def _data_to_data(self, near: Array, own: Array, same: NDArray[np.bool_]) -> _Contrast:
        temperature, margin = float(self._layer.temperature), float(self._layer.margin or 0.0)
        shifted, missing = (near + (margin - 1.0)) / temperature, (margin - own) / temperature
        if self.rounding is not None:
            self.rounding.disturb(shifted, scale=(np.abs(near) + abs(margin - 1.0)) / temperature)
            self.rounding.disturb(missing, scale=(np.abs(own) + abs(margin)) / temperature)
            self.rounding.visit(missing)
        is_other = ~np.eye(len(near), dtype=bool)
        largest = np.max(np.where(is_other, shifted, -np.inf), axis=1, keepdims=True)
        powers = np.exp(np.where(same, -np.inf, np.maximum(shifted, 0.0) - largest))
        pull = np.maximum(missing, 0.0)
        others = np.add.reduce(powers, axis=1, keepdims=True)
        total = np.exp(-pull) + others
        y: Array = pull + np.log(total)
        by_own, by_near = (missing > 0.0) * (-others / total), (shifted > 0.0) * (powers / total)
        if self.rounding is not None:
            self.rounding.disturb(y, num_terms=len(near), scale=1.0 + pull + np.abs(np.log(total)))
            self.rounding.disturb(by_own, num_terms=len(near))
            self.rounding.disturb(by_near, num_terms=len(near))
        return _Contrast(y, by_own / temperature, by_near / temperature)

    def backward(
        self,
        gradient_y: Array,
        cache: tuple[_Sides, _Sides, _Contrast],
        *,
        gradients: Tensors | None,
        wants_input: bool,
    ) -> Array | None:
        del gradients
        if not wants_input:
            return None
        embeddings, proxies, contrast = cache
        of_own, of_near = gradient_y * contrast.by_own, gradient_y * contrast.by_near
        of_near = of_near + of_near.T
        of_units: Array = of_near @ embeddings.units
        spread = np.square(of_near) @ np.square(embeddings.units)
        self._disturb(of_units, num_terms=len(of_near), spread=spread)
        of_units = of_units + of_own * proxies.units
        of_proxies = of_own * embeddings.units
        found = (self._undivided(of_units, embeddings), self._undivided(of_proxies, proxies))
        return np.concatenate(found, axis=1)

    def _sides(self, vectors: Array) -> _Sides:
        squares, floor = _squares(vectors), float(self._layer.epsilon) ** 2
        sizes = np.sqrt(np.maximum(squares, floor))
        units: Array = vectors / sizes
        if self.rounding is not None:
            self.rounding.disturb(units, num_terms=vectors.shape[1])
        return _Sides(units, sizes, squares > floor)

    def _undivided(self, gradient: Array, sides: _Sides) -> Array:
        """Return the gradient by vectors of that by them divided by their sizes."""
        units = sides.units * sides.free
        inner = np.add.reduce(gradient * units, axis=1, keepdims=True)
        result: Array = (gradient - units * inner) / sides.sizes
        if self.rounding is not None:
            spread = np.hypot(inner, np.sqrt(_squares(gradient * units)))
            scale = (np.abs(gradient) + np.abs(units) * spread) / sides.sizes
            self.rounding.disturb(result, num_terms=units.shape[1], scale=scale)
        return result

    def _disturb(self, sums: Array, *, num_terms: int, spread: Array) -> None:
        """Disturb sums whose terms may cancel. spread: of the squares of the terms."""
        if self.rounding is not None:
            self.rounding.disturb(sums, num_terms=num_terms, scale=np.hypot(sums, np.sqrt(spread)))


def _squares(vectors: Array) -> Array:
    total: Array = np.add.reduce(np.square(vectors), axis=1, keepdims=True)
    return total
