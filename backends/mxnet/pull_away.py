"""How alike a batch's samples are."""

from __future__ import annotations

from typing import Any

from gan_rosetta.backends.mxnet.layer import LayerBlock


class PullAway(LayerBlock):
    """How alike each sample is to the batch's others, (B, features) to (B, 1)."""

    def hybrid_forward(self, ops: Any, inputs: Any) -> Any:
        units = ops.broadcast_div(inputs, ops.sqrt(ops.sum(ops.square(inputs), axis=1, keepdims=True)))
        near = ops.dot(units, units, transpose_b=True)
        # A graph does not know the batch's size: its count is a sum.
        count = ops.sum(ops.ones_like(near), axis=1, keepdims=True)
        return (ops.sum(near, axis=1, keepdims=True) - 1) / (count - 1)
