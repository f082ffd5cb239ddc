"""Arrays laid into one vector, so that what is done to each number of all of them is one operator for all.

An operator on a small array costs more than its numbers do, and putting arrays together in each step more than either.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gan_rosetta.backends.mxnet.framework import mx

# Numbers up to which a network is laid into a vector: what the vector's operators pass through stays in the cache.
_MOST_NUMBERS = 1 << 16


@dataclass(frozen=True, kw_only=True)
class Row:
    """A vector, and the views of it that arrays one behind the other are. flat: (all numbers,)."""

    flat: Any
    parts: Sequence[Any]


def row_of(shapes: Sequence[tuple[int, ...]], /, *, context: Any, dtype: str) -> Row:
    """Return zeros of these shapes in one vector."""
    ends = list(itertools.accumulate(map(math.prod, shapes)))
    flat = mx.nd.zeros((ends[-1],), ctx=context, dtype=dtype)
    parts = [flat[a:b].reshape(shape) for a, b, shape in zip([0, *ends], ends, shapes, strict=False)]
    return Row(flat=flat, parts=parts)


def lay_into_rows(
    parameters: Sequence[Any], /, *, axes: tuple[int, ...], context: Any, dtype: str
) -> tuple[Row, Row] | None:
    """Have Gluon's parameters and their gradients be views of two rows, zeros; None where they stay as they are.

    axes: those that come before a parameter's own.
    """
    shapes = [parameter.shape for parameter in parameters]
    # oneDNN takes no view for a convolution's weights ("Check failed: !is_view").
    has_kernels = any(len(shape) - len(axes) > 2 for shape in shapes)
    if not shapes or has_kernels or sum(map(math.prod, shapes)) > _MOST_NUMBERS:
        return None
    weights, gradients = (row_of(shapes, context=context, dtype=dtype) for _ in range(2))
    for parameter, weight, gradient in zip(parameters, weights.parts, gradients.parts, strict=True):
        # Gluon itself only copies into arrays of its own.
        parameter._data, parameter._grad = [weight], [gradient]
        mx.autograd.mark_variables([weight], [gradient], parameter.grad_req)
    return weights, gradients
