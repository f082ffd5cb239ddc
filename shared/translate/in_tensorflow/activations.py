"""Activations in TensorFlow, written out where its own have float32's numbers or gradients that are off."""

from __future__ import annotations

from typing import Any

from gan_rosetta.shared import spec
from gan_rosetta.shared.spec import PlacedLayer
from gan_rosetta.shared.translate.in_tensorflow.making import named
from gan_rosetta.shared.translate.layers import Writer, elu, leaky_relu, plain, selu
from gan_rosetta.shared.translate.parts import Part
from gan_rosetta.shared.translate.writing import number


def prelu(placed: PlacedLayer, name: str, /) -> Part:
    """Write x where x > 0, w · x elsewhere; Keras's own has the gradient 0 at 0."""
    layer: Any = placed.layer
    settings = [number(layer.num_parameters), named(placed)]
    return Part(made=("PReLU(", settings), applied=f"self.{name}({{x}})", joins=True, needs=("prelu",))


def gelu(placed: PlacedLayer, name: str, /) -> Part:
    """Write x · Φ(x), or the form with tanh that is near it."""
    del name
    layer: Any = placed.layer
    kind = "gelu" if layer.form == "erf" else "gelu_by_tanh"
    return Part(applied=f"{kind}({{x}})", needs=(kind,))


LAYERS: dict[type, Writer] = {
    spec.Tanh: plain("tf.tanh({x})"),
    spec.Sigmoid: plain("tf.sigmoid({x})"),
    spec.Softplus: plain("tf.math.softplus({x})"),
    spec.ReLU: plain("tf.nn.relu({x})"),
    spec.LeakyReLU: leaky_relu,
    spec.PReLU: prelu,
    spec.ELU: elu,
    spec.SELU: selu,
    spec.GELU: gelu,
    spec.SiLU: plain("tf.nn.silu({x})"),
}

FUNCTIONS: dict[str, str] = {
    "leaky_relu": '''\
def leaky_relu(x: tf.Tensor, slope: float) -> tf.Tensor:
    """Return x, or slope times x below 0; tf.nn.leaky_relu rounds the slope to float32."""
    return tf.where(x > 0, x, slope * x)''',
    "elu": '''\
def elu(x: tf.Tensor, alpha: float) -> tf.Tensor:
    """Return x, or alpha times exp(x) - 1 below 0; tf.nn.elu has alpha 1 alone."""
    return tf.where(x > 0, x, alpha * tf.math.expm1(tf.minimum(x, 0)))''',
    "gelu": '''\
def gelu(x: tf.Tensor) -> tf.Tensor:
    """Return x times the normal distribution's function; tf.nn.gelu has its numbers in float32."""
    return 0.5 * x * tf.math.erfc(-x * math.sqrt(0.5))''',
    "gelu_by_tanh": '''\
def gelu_by_tanh(x: tf.Tensor) -> tf.Tensor:
    """Return what is near it; tf.nn.gelu has its numbers in float32."""
    return 0.5 * x * (1 + tf.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * (x * x * x))))''',
}

PRELU = '''\
class PReLU(keras.layers.Layer):
    """A leaky ReLU of learned slopes, one for all or one a channel, which is last.

    keras.layers.PReLU has the gradient 0 at 0.
    """

    def __init__(self, num_parameters: int, *, name: str) -> None:
        super().__init__(name=name)
        self.weight = self.add_weight(shape=(num_parameters,), name="weight")

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Return x, or its slope times x below 0."""
        return tf.where(x > 0, x, self.weight * x)'''
