"""Layers that are fed classes and say how far samples are from them."""

from __future__ import annotations

from typing import Any

from gan_rosetta.backends.mxnet.layer import LayerBlock

# Less than any similarity; infinity times 0 would be NaN.
_FAR = 1e30


class ClassCrossEntropy(LayerBlock):
    """-log softmax of each sample's class, (B, logits) to (B, 1); oneDNN's log_softmax is off by 1e-6."""

    def hybrid_forward(self, ops: Any, inputs: Any, classes: Any) -> Any:
        shifted = ops.broadcast_sub(inputs, ops.BlockGrad(ops.max(inputs, axis=1, keepdims=True)))
        normaliser = ops.log(ops.sum(ops.exp(shifted), axis=1, keepdims=True))
        return normaliser - ops.pick(shifted, self.layer.logit_of(classes), axis=1, keepdims=True)


class ClassContrast(LayerBlock):
    """How near each sample is to its class beside the batch's others, (B, 2 · features) to (B, 1)."""

    def hybrid_forward(self, ops: Any, inputs: Any, classes: Any) -> Any:
        temperature, margin = self.layer.temperature, self.layer.margin
        units, proxies = (self._divided(ops, part) for part in ops.split(inputs, num_outputs=2, axis=1))
        near = ops.dot(units, units, transpose_b=True)
        own = ops.sum(units * proxies, axis=1, keepdims=True)
        same = _equals(ops, classes)
        itself = _equals(ops, ops.contrib.arange_like(classes, axis=0))
        if margin is None:
            powers, own_power = ops.exp(near / temperature) * (1 - itself), ops.exp(own / temperature)
            total = own_power + ops.sum(powers, axis=1, keepdims=True)
            return ops.log(total) - ops.log(own_power + ops.sum(powers * same, axis=1, keepdims=True))
        shifted, pull = (near + (margin - 1)) / temperature, ops.relu((margin - own) / temperature)
        largest = ops.max(ops.BlockGrad(shifted) - _FAR * itself, axis=1, keepdims=True)
        powers = ops.exp(ops.broadcast_sub(ops.relu(shifted), largest) * (1 - same)) * (1 - same)
        return pull + ops.log(ops.exp(-pull) + ops.sum(powers, axis=1, keepdims=True))

    def _divided(self, ops: Any, vectors: Any) -> Any:
        squares = ops.sum(ops.square(vectors), axis=1, keepdims=True)
        return ops.broadcast_div(vectors, ops.sqrt(ops.maximum(squares, self.layer.epsilon**2)))


def _equals(ops: Any, numbers: Any) -> Any:
    """Return 1 where the numbers of two samples are the same, 0 elsewhere, (B, B)."""
    return ops.broadcast_equal(ops.reshape(numbers, shape=(-1, 1)), ops.reshape(numbers, shape=(1, -1)))
