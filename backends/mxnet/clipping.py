"""Gradients held to a bound before an update, in elementary operators; ops.clip rounds its bounds to float32."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gan_rosetta.shared import spec


def clipped(clipping: spec.GradientClipping | None, ops: Any, gradients: Sequence[Any], /) -> Sequence[Any]:
    """Return gradients held to a bound, in the same order; None leaves them."""
    if clipping is None:
        return gradients
    bound = clipping.bound
    if clipping.by == "value":
        return [ops.minimum(ops.maximum(gradient, -bound), bound) for gradient in gradients]
    squares = [ops.sum(ops.square(gradient)) for gradient in gradients]  # (1,) each
    if clipping.by == "global_norm":
        squares = [sum(squares[1:], squares[0])] * len(squares)
    scales = [ops.minimum(bound / (ops.sqrt(square) + clipping.epsilon), 1.0) for square in squares]
    return [ops.broadcast_mul(scale, gradient) for gradient, scale in zip(gradients, scales, strict=True)]
