"""Convolutions as TensorFlow modules; on a CPU it has no gradient of gaps or of groups."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from gan_rosetta.backends.tensorflow.layer import Weighted
from gan_rosetta.shared import spec


class Conv2d(Weighted):
    """Cross-correlation, (batch, height, width, in) -> (batch, height, width, out)."""

    def __init__(self, layer: spec.Conv2d, /, *, dtype: Any) -> None:
        super().__init__(layer, dtype=dtype)
        self._window = {"strides": layer.stride, "padding": _explicit_padding(layer.margins)}
        self._dilation, self._groups = layer.dilation, layer.groups

    def __call__(self, inputs: Any, *, buffer_moves: int) -> Any:
        weight = _dilated(self.used_weight(buffer_moves), self._dilation)
        # On a CPU TensorFlow has no gradient of convolutions in groups.
        pairs = zip(_split(inputs, self._groups), _split(weight, self._groups), strict=True)
        outputs = _joined([tf.nn.conv2d(*pair, **self._window) for pair in pairs])
        return outputs if self.bias is None else outputs + self.bias


class ConvTranspose2d(Weighted):
    """The gradient of Conv2d with respect to its input, (batch, height, width, in) -> (batch, height, width, out).

    Keras's Conv2DTranspose does the same with padding="valid"; its "same" has no equal padding on both sides.
    """

    def __init__(self, layer: spec.ConvTranspose2d, /, *, output_shape: spec.Shape, dtype: Any) -> None:
        super().__init__(layer, dtype=dtype)
        self._window = {"strides": layer.stride, "padding": _explicit_padding(layer.margins)}
        self._dilation, self._groups = layer.dilation, layer.groups
        channels, height, width = output_shape
        self._sample_shape = (height, width, channels // layer.groups)

    def __call__(self, inputs: Any, *, buffer_moves: int) -> Any:
        output_shape = (inputs.shape[0], *self._sample_shape)
        weight = _dilated(self.used_weight(buffer_moves), self._dilation)
        pairs = zip(_split(inputs, self._groups), _split(weight, self._groups), strict=True)
        outputs = _joined([tf.nn.conv2d_transpose(*pair, output_shape, **self._window) for pair in pairs])
        return outputs if self.bias is None else outputs + self.bias


def _explicit_padding(margins: spec.Margins) -> str | list[list[int]]:
    return [[0, 0], *map(list, margins), [0, 0]] if any(map(any, margins)) else "VALID"


def _dilated(weight: Any, dilation: int) -> Any:
    """Return a kernel (height, width, ...) with zeros in between; TensorFlow's dilation has no gradient on a CPU."""
    if dilation == 1:
        return weight
    height, width, *channels = weight.shape
    apart = tf.reshape(weight, (height, 1, width, 1, *channels))
    apart = tf.pad(apart, [[0, 0], [0, dilation - 1], [0, 0], [0, dilation - 1], [0, 0], [0, 0]])
    apart = tf.reshape(apart, (height * dilation, width * dilation, *channels))
    return apart[: dilation * (height - 1) + 1, : dilation * (width - 1) + 1]


def _split(tensor: Any, groups: int) -> list[Any]:
    return [tensor] if groups == 1 else tf.split(tensor, groups, axis=-1)


def _joined(parts: list[Any]) -> Any:
    return parts[0] if len(parts) == 1 else tf.concat(parts, axis=-1)
