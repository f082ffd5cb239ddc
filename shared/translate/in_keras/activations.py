"""Activations in Keras: its own where they compute what the spec says."""

from __future__ import annotations

from typing import Any

from gan_rosetta.shared import spec
from gan_rosetta.shared.spec import PlacedLayer
from gan_rosetta.shared.translate.in_keras.making import keras_layer, layers, own_class
from gan_rosetta.shared.translate.layers import Writer
from gan_rosetta.shared.translate.parts import Part
from gan_rosetta.shared.translate.writing import number


def activation(kind: str, /) -> Writer:
    """Return what writes an activation without settings."""
    return lambda *_: layers(keras_layer("Activation", [f'"{kind}"']))


def leaky_relu(placed: PlacedLayer, name: str, /) -> Part:
    """Write x where x > 0, slope · x elsewhere."""
    del name
    layer: Any = placed.layer
    return layers(f"LeakyReLU({number(layer.slope)})", needs=("leaky_relu",))


def elu(placed: PlacedLayer, name: str, /) -> Part:
    """Write x where x > 0, alpha · (exp(x) - 1) elsewhere."""
    del name
    layer: Any = placed.layer
    return layers(f"ELU({number(layer.alpha)})", needs=("elu",))


def selu(placed: PlacedLayer, name: str, /) -> Part:
    """Write scale · ELU, of numbers that every SELU has."""
    del placed, name
    return layers(keras_layer("Activation", ["selu"]), needs=("selu",))


def gelu(placed: PlacedLayer, name: str, /) -> Part:
    """Write x · Φ(x), or the form with tanh that is near it."""
    del name
    layer: Any = placed.layer
    kind = "gelu" if layer.form == "erf" else "gelu_by_tanh"
    return layers(keras_layer("Activation", [kind]), needs=(kind,))


LAYERS: dict[type, Writer] = {
    spec.Tanh: activation("tanh"),
    spec.Sigmoid: activation("sigmoid"),
    spec.Softplus: activation("softplus"),
    spec.ReLU: activation("relu"),
    spec.LeakyReLU: leaky_relu,
    spec.PReLU: own_class,
    spec.ELU: elu,
    spec.SELU: selu,
    spec.GELU: gelu,
    spec.SiLU: activation("silu"),
}

FUNCTIONS: dict[str, str] = {
    "leaky_relu": '''\
class LeakyReLU(keras.layers.LeakyReLU):
    """keras.layers.LeakyReLU, which rounds its slope to float32."""

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Return x, or the slope times x below 0."""
        return ops.where(x > 0, x, self.negative_slope * x)''',
    "elu": '''\
class ELU(keras.layers.ELU):
    """keras.layers.ELU, whose gradient loses digits far below 0."""

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Return x, or alpha times exp(x) - 1 below 0."""
        return ops.where(x > 0, x, self.alpha * ops.expm1(ops.minimum(x, 0)))''',
    "selu": f'''\
def selu(x: tf.Tensor) -> tf.Tensor:
    """Return x, or exp(x) - 1 below 0, scaled; keras.activations.selu's gradient loses digits."""
    below = {number(spec.SELU.alpha)} * ops.expm1(ops.minimum(x, 0))
    return {number(spec.SELU.scale)} * ops.where(x > 0, x, below)''',
}
