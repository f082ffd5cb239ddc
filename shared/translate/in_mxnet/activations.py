"""Activations in MXNet, written out where its own have float32's numbers or gradients that are off."""

from __future__ import annotations

from typing import Any

from gan_rosetta.shared import spec
from gan_rosetta.shared.spec import PlacedLayer
from gan_rosetta.shared.translate.layers import Writer, elu, leaky_relu, plain, prelu, selu
from gan_rosetta.shared.translate.parts import Part


def gelu(placed: PlacedLayer, name: str, /) -> Part:
    """Write x · Φ(x), or the form with tanh that is near it, which MXNet has not."""
    del name
    layer: Any = placed.layer
    if layer.form == "tanh":
        return Part(applied="gelu_by_tanh({x})", needs=("gelu_by_tanh",))
    return Part(applied="gelu({x})", needs=("erf", "gelu"))


LAYERS: dict[type, Writer] = {
    spec.Tanh: plain("mx.nd.tanh({x})"),
    spec.Sigmoid: plain("mx.nd.sigmoid({x})"),
    spec.Softplus: plain("softplus({x})", needs=("softplus",)),
    spec.ReLU: plain("mx.nd.relu({x})"),
    spec.LeakyReLU: leaky_relu,
    spec.PReLU: prelu,
    spec.ELU: elu,
    spec.SELU: selu,
    spec.GELU: gelu,
    spec.SiLU: plain("silu({x})", needs=("silu",)),
}

FUNCTIONS: dict[str, str] = {
    "softplus": '''\
def softplus(x: NDArray) -> NDArray:
    """Return log(1 + exp(x)); above 20 MXNet's own returns x itself, which is off by 2e-9."""
    beyond = mx.nd.relu(x - 40)
    return beyond + mx.nd.log1p(mx.nd.exp(x - beyond))''',
    "leaky_relu": '''\
def leaky_relu(x: NDArray, slope: float) -> NDArray:
    """Return x, or slope times x below 0; mx.nd.LeakyReLU rounds the slope to float32."""
    with autograd.pause():
        slopes = (x > 0) + slope * (x <= 0)
    return x * slopes''',
    "elu": '''\
def elu(x: NDArray, alpha: float) -> NDArray:
    """Return x, or alpha times exp(x) - 1 below 0; mx.nd.LeakyReLU rounds alpha to float32."""
    return mx.nd.relu(x) + alpha * mx.nd.expm1(mx.nd.minimum(x, 0))''',
    "erf": '''\
def erf(x: NDArray) -> NDArray:
    """Return the error function; MXNet's derivative of it has π as a float32."""
    found = mx.nd.erf(x)
    scaled = found * (float(np.sqrt(np.float32(math.pi))) / math.sqrt(math.pi))
    return scaled - (scaled - found).detach()''',
    "gelu": '''\
def gelu(x: NDArray) -> NDArray:
    """Return x times the normal distribution's function."""
    return 0.5 * x * (1 + erf(x * math.sqrt(0.5)))''',
    "gelu_by_tanh": '''\
def gelu_by_tanh(x: NDArray) -> NDArray:
    """Return what is near x times the normal distribution's function."""
    return 0.5 * x * (1 + mx.nd.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * (x * x * x))))''',
    "silu": '''\
def silu(x: NDArray) -> NDArray:
    """Return x times its sigmoid."""
    return x * mx.nd.sigmoid(x)''',
}

PRELU = '''\
class PReLU(gluon.Block):
    """A leaky ReLU of learned slopes, one for all or one a channel."""

    def __init__(self, num_parameters: int) -> None:
        super().__init__()
        self.weight = self.params.get("weight", shape=(num_parameters,))

    def slopes(self, x: NDArray) -> NDArray:
        """Return 1, or a slope below 0, of which alone there is a gradient."""
        weight = self.weight.data().reshape((1, -1, *(1,) * (x.ndim - 2)))
        with autograd.pause():
            above, below = x > 0, x <= 0
        return above + mx.nd.broadcast_mul(below, weight)

    def forward(self, x: NDArray) -> NDArray:
        """Return x, or its slope times x below 0."""
        return x * self.slopes(x)'''
