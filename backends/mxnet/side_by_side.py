"""Operators on many replicas at once: what a layer or a loss says of one is done to each, along an axis that is first.

MXNet 1.9.1 has nothing that puts an axis under what is written for one, as jax.vmap does. This does it, operator by
operator, for those that small GANs are made of.
"""

from __future__ import annotations

from typing import Any

from gan_rosetta.shared import spec
from gan_rosetta.shared.errors import UnsupportedLayer
from gan_rosetta.shared.state import gradient_clipping, optimizers

# They take each number by itself, or two tensors that have the axis both.
_AS_THEY_ARE = {
    *("abs", "BlockGrad", "broadcast_add", "broadcast_equal", "broadcast_mul", "broadcast_sub", "cast", "erf", "exp"),
    *("expm1", "log", "log1p", "maximum", "minimum", "ones_like", "relu", "sigmoid", "sqrt", "square", "tanh"),
}
# Made of those operators and of the ones below, in the canonical layout.
SIDE_BY_SIDE_LAYERS = (
    spec.Linear,
    spec.MinibatchDiscrimination,
    spec.Tanh,
    spec.Sigmoid,
    spec.Softplus,
    spec.ReLU,
    spec.LeakyReLU,
    spec.PReLU,
    spec.ELU,
    spec.SELU,
    spec.GELU,
    spec.SiLU,
    spec.Dropout,
    spec.Recall,
    spec.CodeError,
)


class SideBySide:
    """What Gluon hands to hybrid_forward, mx.nd or mx.sym, for tensors of R replicas, (R, ...); axes as of one."""

    def __init__(self, ops: Any, /) -> None:
        self._ops = ops

    def __getattr__(self, name: str) -> Any:
        if name not in _AS_THEY_ARE:
            raise AttributeError(f"{name} of many replicas is not written; add it to side_by_side.py")
        return getattr(self._ops, name)

    @property
    def contrib(self) -> SideBySide:
        """The operators that MXNet has there."""
        return self

    def arange_like(self, inputs: Any, /, *, axis: int) -> Any:
        """Return 0, 1, … along an axis, (1, size): the same for all replicas."""
        return self._ops.expand_dims(self._ops.contrib.arange_like(inputs, axis=axis + 1), axis=0)

    def FullyConnected(  # noqa: N802 - MXNet's name
        self, inputs: Any, weight: Any, bias: Any = None, /, *, num_hidden: int, no_bias: bool
    ) -> Any:
        """Return x Wᵀ + b of inputs (R, B, in) and a weight (R, out, in)."""
        del num_hidden
        outputs = self._ops.batch_dot(inputs, weight, transpose_b=True)
        return outputs if no_bias else self._ops.broadcast_add(outputs, self._ops.expand_dims(bias, axis=1))

    def mean(self, values: Any, /, **options: Any) -> Any:
        """Return the mean of each replica's numbers, (R,), or along an axis."""
        return self._ops.mean(values, **_of_each(options))

    def sum(self, values: Any, /, **options: Any) -> Any:
        """Return the sum of each replica's numbers, (R,), or along an axis."""
        return self._ops.sum(values, **_of_each(options))

    def max(self, values: Any, /, **options: Any) -> Any:
        """Return the largest of each replica's numbers, (R,), or along an axis."""
        return self._ops.max(values, **_of_each(options))

    def expand_dims(self, values: Any, /, *, axis: int) -> Any:
        """Put an axis in."""
        return self._ops.expand_dims(values, axis=axis + 1)

    def slice_axis(self, values: Any, /, *, axis: int, begin: int, end: int) -> Any:
        """Return a part along an axis."""
        return self._ops.slice_axis(values, axis=axis + 1, begin=begin, end=end)

    def split(self, values: Any, /, *, num_outputs: int, axis: int) -> Any:
        """Return equal parts along an axis."""
        return self._ops.split(values, num_outputs=num_outputs, axis=axis + 1)

    def concat(self, *parts: Any, dim: int) -> Any:
        """Put parts one behind the other."""
        return self._ops.concat(*parts, dim=dim + 1)

    def reshape(self, values: Any, /, *, shape: tuple[int, ...]) -> Any:
        """Give each sample another shape; shape begins with 0, the batch as it is."""
        if shape[0] != 0:
            raise ValueError(f"shape is {shape}; expected one that begins with 0, the batch as it is")
        return self._ops.reshape(values, shape=(0, *shape))


def _of_each(options: dict[str, Any]) -> dict[str, Any]:
    return {**options, "axis": options["axis"] + 1} if "axis" in options else {**options, "axis": 0, "exclude": True}


def require_side_by_side(gan: spec.GanSpec, /) -> None:
    """Raise UnsupportedLayer, saying what is in the way, unless replicas of a GAN can be trained side by side."""
    layers = (*gan.generator.all_layers, *gan.discriminator.all_layers)
    found = {type(layer).__name__ for layer in layers if not isinstance(layer, SIDE_BY_SIDE_LAYERS) or layer.buffers()}
    found |= {"gradient penalty"} if gan.penalty is not None else set()
    clippings = [gradient_clipping(gan, name) for name in optimizers(gan)]
    found |= {"clipping by a norm" for clipping in clippings if clipping is not None and clipping.by != "value"}
    if found:
        raise UnsupportedLayer(f"MXNet trains no replicas of a GAN with {', '.join(sorted(found))} side by side")
