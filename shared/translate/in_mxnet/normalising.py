"""Normalisations in MXNet, by a batch or by each sample."""

from __future__ import annotations

from typing import Any

from gan_rosetta.shared import spec
from gan_rosetta.shared.spec import PlacedLayer
from gan_rosetta.shared.translate.layers import Writer
from gan_rosetta.shared.translate.parts import Part
from gan_rosetta.shared.translate.writing import number


def batch_norm(placed: PlacedLayer, name: str, /) -> Part:
    """Write a batch normalisation; Gluon's moves its averages in the backward pass."""
    layer: Any = placed.layer
    settings = [number(layer.num_features), f"eps={number(layer.epsilon)}", f"momentum={number(layer.momentum)}"]
    settings += [f"correction={1 if layer.running_variance == 'unbiased' else 0}"]
    settings += [f"by_running={layer.statistics == 'running'}", *([] if layer.affine else ["affine=False"])]
    return Part(made=("BatchNorm(", settings), applied=f"self.{name}({{x}})", joins=True, needs=("batch_norm",))


def group_norm(placed: PlacedLayer, name: str, /) -> Part:
    """Write a normalisation of each sample by itself; Gluon's keeps its ε in float32."""
    layer: Any = placed.layer
    settings = [number(layer.num_features), f"groups={number(layer.num_groups)}", f"eps={number(layer.epsilon)}"]
    settings += [f"affine={bool(layer.affine)}"]
    return Part(made=("GroupNorm(", settings), applied=f"self.{name}({{x}})", joins=True, needs=("group_norm",))


LAYERS: dict[type, Writer] = {
    spec.BatchNorm: batch_norm,
    spec.GroupNorm: group_norm,
}

FUNCTIONS: dict[str, str] = {
    "batch_norm": '''\
class BatchNorm(gluon.Block):
    """Batch normalisation; nn.BatchNorm moves its averages in the backward pass, in float32."""

    def __init__(
        self,
        num_features: int,
        *,
        eps: float,
        momentum: float,
        correction: int,
        by_running: bool,
        affine: bool = True,
    ) -> None:
        super().__init__()
        self.eps, self.momentum, self.affine = eps, momentum, affine
        self.correction, self.by_running = correction, by_running
        shape = (num_features,)
        if affine:
            self.weight = self.params.get("weight", shape=shape)
            self.bias = self.params.get("bias", shape=shape)
        self.running_mean = self.params.get("running_mean", shape=shape, grad_req="null")
        self.running_var = self.params.get("running_var", shape=shape, grad_req="null")

    def forward(self, x: NDArray) -> NDArray:
        """Normalise, and move the running averages."""
        shape = (1, -1, *(1,) * (x.ndim - 2))  # a number a channel
        mean = x.mean(axis=1, exclude=True)
        squares = mx.nd.broadcast_sub(x, mean.reshape(shape)) ** 2
        variance = squares.mean(axis=1, exclude=True)
        with autograd.pause():
            size = x.size // x.shape[1]
            found = (mean, variance * (size / (size - self.correction)))
            averages = (self.running_mean, self.running_var)
            kept = tuple(average.data().copy() for average in averages)
            for average, old, value in zip(averages, kept, found, strict=True):
                average.set_data((1 - self.momentum) * old + self.momentum * value)
        if self.by_running:
            mean, variance = kept
        centred = mx.nd.broadcast_sub(x, mean.reshape(shape))
        y = mx.nd.broadcast_div(centred, mx.nd.sqrt(variance + self.eps).reshape(shape))
        if not self.affine:
            return y
        y = mx.nd.broadcast_mul(y, self.weight.data().reshape(shape))
        return mx.nd.broadcast_add(y, self.bias.data().reshape(shape))''',
    "group_norm": '''\
class GroupNorm(gluon.Block):
    """Normalises each sample over groups of its channels, by its own mean and variance."""

    def __init__(self, num_features: int, *, groups: int, eps: float, affine: bool) -> None:
        super().__init__()
        self.groups, self.eps, self.affine = groups, eps, affine
        if affine:
            self.weight = self.params.get("weight", shape=(num_features,))
            self.bias = self.params.get("bias", shape=(num_features,))

    def forward(self, x: NDArray) -> NDArray:
        """Normalise."""
        parts = x.reshape((len(x), self.groups, -1))
        centred = mx.nd.broadcast_sub(parts, parts.mean(axis=2, keepdims=True))
        deviation = mx.nd.sqrt((centred**2).mean(axis=2, keepdims=True) + self.eps)
        y = mx.nd.broadcast_div(centred, deviation).reshape(x.shape)
        if not self.affine:
            return y
        shape = (1, -1, *(1,) * (x.ndim - 2))  # a number a channel
        y = mx.nd.broadcast_mul(y, self.weight.data().reshape(shape))
        return mx.nd.broadcast_add(y, self.bias.data().reshape(shape))''',
}
