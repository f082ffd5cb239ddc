"""Activations in PyTorch."""

from __future__ import annotations

from typing import Any

from gan_rosetta.shared import spec
from gan_rosetta.shared.spec import PlacedLayer
from gan_rosetta.shared.translate.layers import Writer, plain
from gan_rosetta.shared.translate.parts import Part
from gan_rosetta.shared.translate.writing import number

_SOFTPLUS = "# Above PyTorch's own threshold of 20 softplus returns x itself, which is off by 2e-9."


def leaky_relu(placed: PlacedLayer, name: str, /) -> Part:
    """Write x where x > 0, slope · x elsewhere."""
    del name
    layer: Any = placed.layer
    return Part(applied=f"functional.leaky_relu({{x}}, {number(layer.slope)})")


def prelu(placed: PlacedLayer, name: str, /) -> Part:
    """Write x where x > 0, w · x elsewhere."""
    layer: Any = placed.layer
    return Part(made=("nn.PReLU(", [number(layer.num_parameters)]), applied=f"self.{name}({{x}})", joins=True)


def elu(placed: PlacedLayer, name: str, /) -> Part:
    """Write x where x > 0, alpha · (exp(x) - 1) elsewhere."""
    del name
    layer: Any = placed.layer
    return Part(applied=f"functional.elu({{x}}, {number(layer.alpha)})")


def gelu(placed: PlacedLayer, name: str, /) -> Part:
    """Write x · Φ(x), or the form with tanh that is near it."""
    del name
    layer: Any = placed.layer
    more = "" if layer.form == "erf" else ', approximate="tanh"'
    return Part(applied=f"functional.gelu({{x}}{more})")


LAYERS: dict[type, Writer] = {
    spec.Tanh: plain("torch.tanh({x})"),
    spec.Sigmoid: plain("torch.sigmoid({x})"),
    spec.Softplus: plain("functional.softplus({x}, threshold=40)", remark=_SOFTPLUS),
    spec.ReLU: plain("torch.relu({x})"),
    spec.LeakyReLU: leaky_relu,
    spec.PReLU: prelu,
    spec.ELU: elu,
    spec.SELU: plain("torch.selu({x})"),
    spec.GELU: gelu,
    spec.SiLU: plain("functional.silu({x})"),
}
