"""What joins the ends of branches, attention among it."""

from __future__ import annotations

import math
from functools import reduce
from typing import Any

from gan_rosetta.backends.mxnet.layer import LayerBlock
from gan_rosetta.shared import spec


class Branches(LayerBlock):
    """The ends of branches, (B, ...) each, added, multiplied, put one behind the other, or one by its gain."""

    def hybrid_forward(self, ops: Any, *ends: Any) -> Any:
        if self.layer.join == "concatenate":
            return ops.concat(*ends, dim=1)
        if self.layer.join == "dot":
            return ops.sum(ends[0] * ends[1], axis=1, keepdims=True)
        if self.layer.join in spec.ERRORS:
            apart = ends[0] - (ops.BlockGrad(ends[1]) if self.layer.join.endswith("held") else ends[1])
            terms = ops.square(apart) if self.layer.join.startswith("squared") else ops.abs(apart)
            return ops.reshape(ops.mean(terms, axis=0, exclude=True), shape=(-1, 1))
        if self.layer.join in ("attend", "attend_scaled"):
            query, key, value = (ops.reshape(end, shape=(0, 0, -1)) for end in ends)  # (B, channels, places)
            scores = ops.batch_dot(query, key, transpose_a=True)
            if self.layer.join == "attend_scaled":
                scores = scores / math.sqrt(self.layer.branches[0].output_shape(self.input_shape)[0])
            means = ops.batch_dot(value, ops.softmax(scores, axis=2), transpose_b=True)
            return ops.reshape(means, shape=(0, *self.layer.output_shape(self.input_shape)))
        if self.layer.join in ("affine", "modulate"):
            spread = [1] * (len(self.layer.output_shape(self.input_shape)) - 1)
            gain, bias = (ops.reshape(end, shape=(0, 0, *spread)) for end in ends[1:])
            scaled = ops.broadcast_mul(ends[0], 1 + gain if self.layer.join == "modulate" else gain)
            return ops.broadcast_add(scaled, bias)
        return reduce(ops.elemwise_add if self.layer.join == "add" else ops.elemwise_mul, ends)
