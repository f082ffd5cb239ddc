"""How large the partial sums are that a layer's results come from: where they cancel, that is what is rounded.

A sum of terms t of either sign has partial sums of about √Σt². Squares in place of terms give it: the layer itself,
applied to squared numbers. In a large tensor some entry does not cancel, and differences are judged by the largest
entry, so that only small tensors need this.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from gan_rosetta.backends.numpy.layer import Array, Layer, Tensors

_LARGEST = 4096


def output_scale(layer: Layer, x: Array, tensors: Tensors, y: Array, /, *, num_copies: int = 1) -> Array | None:
    """Return the size of the partial sums behind y, shaped as it is, or None for a layer or tensors without need.

    num_copies: that the arrays are of, side by side; what is small is one copy's.
    """
    largest = num_copies * _LARGEST
    if not layer.is_affine or x.size > largest or y.size > largest or any(t.size > largest for t in tensors.values()):
        return None
    squares, _ = layer.forward(x * x, _squared(tensors))
    return np.hypot(y, np.sqrt(squares))


def gradient_spreads(
    layer: Layer, gradient_y: Array, cache: Any, gradients: Tensors | None, /, *, num_copies: int = 1
) -> tuple[Array, Mapping[str, Array]] | None:
    """Return √Σt² of the input's gradient and, by short name, of the parameters', or None as in output_scale."""
    largest = num_copies * _LARGEST
    if not layer.is_affine or gradient_y.size > largest or any(array.size > largest for array in cache):
        return None
    squares = {short: np.empty_like(gradient) for short, gradient in (gradients or {}).items()}
    squared_cache = tuple(array * array for array in cache)
    of_input = layer.backward(
        gradient_y * gradient_y, squared_cache, gradients=squares if gradients is not None else None, wants_input=True
    )
    if of_input is None:
        return None
    return np.sqrt(of_input), {short: np.sqrt(square) for short, square in squares.items()}


def _squared(tensors: Tensors) -> dict[str, Array]:
    return {short: tensor * tensor for short, tensor in tensors.items()}
