"""What layers have in common: their variables, and a weight that may be under a spectral norm."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from gan_rosetta.backends.tensorflow.spectral import normalised_weight
from gan_rosetta.shared import spec
from gan_rosetta.shared.state.layouts import shape_in_layout

Multiply = Callable[[Any, Any], Any]


def variable(layer: spec.WeightedLayer | spec.PReLU | spec.Scale, short_name: str, /, *, dtype: Any) -> Any:
    """Return a variable for a parameter or a buffer of a layer, all 0, in Keras's layout."""
    parameters = layer.parameters()
    trainable = short_name in parameters
    shape = (parameters if trainable else layer.buffers())[short_name].shape
    zeros = np.zeros(shape_in_layout(shape, layer, layout="keras"))
    return tf.Variable(zeros, dtype=dtype, trainable=trainable, name=short_name)


def bias_variable(layer: spec.WeightedLayer, /, *, dtype: Any) -> Any:
    """Return a variable for a layer's bias, None where it has none."""
    return variable(layer, "bias", dtype=dtype) if "bias" in layer.parameters() else None


class Weighted(tf.Module):
    """A layer with a weight, which may be under a spectral norm."""

    def __init__(
        self, layer: spec.Linear | spec.Conv2d | spec.ConvTranspose2d | spec.ClassEmbedding, /, *, dtype: Any
    ) -> None:
        super().__init__(name=layer.name)
        self.weight = variable(layer, "weight", dtype=dtype)
        self.bias = bias_variable(layer, dtype=dtype)
        for short_name in layer.buffers():
            setattr(self, short_name, variable(layer, short_name, dtype=dtype))
        self._normalise = None if layer.spectral_norm is None else partial(normalised_weight, layer, self)

    def used_weight(self, buffer_moves: int) -> Any:
        """Return the weight that a pass uses; of a spectral norm the vectors move so many times, and are kept."""
        return self.weight if self._normalise is None else self._normalise(buffer_moves)
