"""Activations in JAX."""

from __future__ import annotations

from typing import Any

from gan_rosetta.shared import spec
from gan_rosetta.shared.spec import PlacedLayer
from gan_rosetta.shared.translate.layers import Writer, leaky_relu, plain
from gan_rosetta.shared.translate.parts import Part
from gan_rosetta.shared.translate.writing import number


def prelu(placed: PlacedLayer, name: str, /) -> Part:
    """Write x where x > 0, w · x elsewhere."""
    del placed
    return Part(applied=f'prelu(parameters, "{name}", {{x}})', needs=("prelu",))


def elu(placed: PlacedLayer, name: str, /) -> Part:
    """Write x where x > 0, alpha · (exp(x) - 1) elsewhere."""
    del name
    layer: Any = placed.layer
    return Part(applied=f"jax.nn.elu({{x}}, {number(layer.alpha)})")


def gelu(placed: PlacedLayer, name: str, /) -> Part:
    """Write x · Φ(x), or the form with tanh that is near it, which is JAX's own where nothing is said."""
    del name
    layer: Any = placed.layer
    return Part(applied=f"jax.nn.gelu({{x}}, approximate={layer.form == 'tanh'})")


LAYERS: dict[type, Writer] = {
    spec.Tanh: plain("jnp.tanh({x})"),
    spec.Sigmoid: plain("jax.nn.sigmoid({x})"),
    spec.Softplus: plain("jax.nn.softplus({x})"),
    spec.ReLU: plain("jax.nn.relu({x})"),
    spec.LeakyReLU: leaky_relu,
    spec.PReLU: prelu,
    spec.ELU: elu,
    spec.SELU: plain("jax.nn.selu({x})"),
    spec.GELU: gelu,
    spec.SiLU: plain("jax.nn.silu({x})"),
}

FUNCTIONS: dict[str, str] = {
    "leaky_relu": '''\
def leaky_relu(x: Array, slope: float) -> Array:
    """Return x, or slope times x below 0; jax.nn.leaky_relu has another gradient at 0."""
    return jnp.where(x > 0, x, slope * x)''',
    "prelu": '''\
def prelu(parameters: Tensors, name: str, x: Array) -> Array:
    """Return x, or a learned slope times x below 0, one for all or one a channel."""
    slopes = parameters[f"{name}.weight"].reshape(1, -1, *(1,) * (x.ndim - 2))
    return jnp.where(x > 0, x, slopes * x)''',
}
