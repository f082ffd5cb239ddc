"""The embedding of classes that a pass is fed, joined to its samples, or by itself."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gan_rosetta.backends.numpy.layer import FED, Array, Layer, Tensors
from gan_rosetta.shared import spec


class _Cache(NamedTuple):
    classes: NDArray[np.int64]  # (N,)
    num_inputs: int


class ClassEmbedding(Layer):
    """y = [W[c], x], [x, W[c]] or W[c]: x (N, features), W (classes, width), c (N,). ∂W[k] = Σ ∂y of class k.

    What the rows of W are joined to is copied: only the sums of the gradient round, whose terms may cancel.
    """

    rounds = False

    def __init__(self, layer: spec.ClassEmbedding, input_shape: spec.Shape) -> None:
        del input_shape
        self._layer = layer

    def forward(self, x: Array, tensors: Tensors) -> tuple[Array, _Cache]:
        classes = tensors[FED].astype(np.int64)
        weight = tensors["weight"].reshape(self._layer.num_classes, self._layer.width)
        if self._layer.joined == "alone":
            return weight[classes], _Cache(classes, 0)
        parts = [weight[classes], x]
        y = np.concatenate(parts if self._layer.joined == "before" else parts[::-1], axis=1)
        return y, _Cache(classes, x.shape[1])

    def backward(
        self, gradient_y: Array, cache: _Cache, *, gradients: Tensors | None, wants_input: bool
    ) -> Array | None:
        after = self._layer.joined == "after"
        of_rows, of_x = np.split(gradient_y, [cache.num_inputs if after else self._layer.width], axis=1)
        if after:
            of_rows, of_x = of_x, of_rows
        if gradients is not None:
            own = gradients["weight"].reshape(self._layer.num_classes, self._layer.width)
            sums = _sums_by_class(of_rows, cache.classes, into=own)
            if self.rounding is not None:
                squares = _sums_by_class(np.square(of_rows), cache.classes, into=np.empty_like(sums))
                self.rounding.disturb(sums, num_terms=len(of_rows), scale=np.hypot(sums, np.sqrt(squares)))
        return np.ascontiguousarray(of_x) if wants_input and self._layer.joined != "alone" else None


def _sums_by_class(rows: Array, classes: NDArray[np.int64], *, into: Array) -> Array:
    into[...] = 0.0
    np.add.at(into, classes, rows)
    return into
