"""How far what is found of a sample's code is from it."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from gan_rosetta.shared import spec


class CodeError(tf.Module):
    """How far what is found of each sample's code is from it, (batch, width) -> (batch, 1)."""

    def __init__(self, layer: spec.CodeError, /) -> None:
        super().__init__(name="code_error")
        self._layer = layer

    def __call__(self, inputs: Any, *, fed: Any) -> Any:
        code = fed[:, self._layer.start : self._layer.stop]
        if self._layer.form == "cross-entropy":
            return -tf.reduce_sum(code * tf.nn.log_softmax(inputs), axis=1, keepdims=True)
        return tf.reduce_mean(tf.square(inputs - code), axis=1, keepdims=True)
