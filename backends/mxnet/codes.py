"""How far what is found of a sample's code is from it."""

from __future__ import annotations

from typing import Any

from gan_rosetta.backends.mxnet.layer import LayerBlock


class CodeError(LayerBlock):
    """How far what is found of each sample's code is from it, (B, width) to (B, 1)."""

    def hybrid_forward(self, ops: Any, inputs: Any, latent: Any) -> Any:
        code = ops.slice_axis(latent, axis=1, begin=self.layer.start, end=self.layer.stop)
        if self.layer.form == "squared-error":
            return ops.mean(ops.square(inputs - code), axis=1, keepdims=True)
        shifted = ops.broadcast_sub(inputs, ops.BlockGrad(ops.max(inputs, axis=1, keepdims=True)))
        normaliser = ops.log(ops.sum(ops.exp(shifted), axis=1, keepdims=True))
        return ops.sum(code * ops.broadcast_sub(normaliser, shifted), axis=1, keepdims=True)
