"""Activations as torch modules."""

from __future__ import annotations

from torch import nn
from torch.nn.utils import skip_init

from gan_rosetta.shared import spec

# From here on log1p(exp(x)) rounds to x in float64 too; torch's default of 20 is off by 2e-9.
SOFTPLUS_THRESHOLD = 40.0


def tanh(layer: spec.Tanh, /) -> nn.Module:
    """Build the hyperbolic tangent."""
    del layer
    return nn.Tanh()


def sigmoid(layer: spec.Sigmoid, /) -> nn.Module:
    """Build 1 / (1 + exp(-x))."""
    del layer
    return nn.Sigmoid()


def softplus(layer: spec.Softplus, /) -> nn.Module:
    """Build log(1 + exp(x)), exact for every x."""
    del layer
    return nn.Softplus(threshold=SOFTPLUS_THRESHOLD)


def relu(layer: spec.ReLU, /) -> nn.Module:
    """Build max(x, 0)."""
    del layer
    return nn.ReLU()


def leaky_relu(layer: spec.LeakyReLU, /) -> nn.Module:
    """Build x where x > 0, slope · x elsewhere."""
    return nn.LeakyReLU(layer.slope)


def prelu(layer: spec.PReLU, /) -> nn.Module:
    """Build x where x > 0, w · x elsewhere. (B, features) or (B, channels, height, width)."""
    return skip_init(nn.PReLU, layer.num_parameters)


def elu(layer: spec.ELU, /) -> nn.Module:
    """Build x where x > 0, alpha · (exp(x) - 1) elsewhere."""
    return nn.ELU(layer.alpha)


def selu(layer: spec.SELU, /) -> nn.Module:
    """Build scale · ELU, with both numbers of Klambauer et al. 2017."""
    del layer
    return nn.SELU()


def gelu(layer: spec.GELU, /) -> nn.Module:
    """Build x · Φ(x), or the form with tanh that is near it."""
    return nn.GELU("none" if layer.form == "erf" else "tanh")


def silu(layer: spec.SiLU, /) -> nn.Module:
    """Build x · sigmoid(x)."""
    del layer
    return nn.SiLU()
