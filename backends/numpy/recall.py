"""Features of an earlier layer taken up again: they are copied, and their gradient goes back to where they stood."""

from __future__ import annotations

import numpy as np

from gan_rosetta.backends.numpy.layer import Array, LinearMap, Tensors
from gan_rosetta.shared import spec


class Recall(LinearMap):
    """y = the parts of x one behind the other: x (N, features), y (N, Σ (stop - start)). ∂x is 0 between the parts."""

    takes_copies = True
    rounds = False

    def __init__(self, layer: spec.Recall, input_shape: spec.Shape) -> None:
        self._places = np.concatenate([np.arange(start, stop) for start, stop in layer.parts])
        self._num_features = input_shape[0]

    def forward(self, x: Array, tensors: Tensors) -> tuple[Array, None]:
        del tensors
        return x[..., self._places], None

    def backward(self, gradient_y: Array, cache: None, *, gradients: Tensors | None, wants_input: bool) -> Array | None:
        del cache, gradients
        if not wants_input:
            return None
        gradient_x: Array = np.zeros((*gradient_y.shape[:-1], self._num_features), gradient_y.dtype)
        gradient_x[..., self._places] = gradient_y
        return gradient_x
