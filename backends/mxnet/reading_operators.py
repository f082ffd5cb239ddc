"""MXNet's operators while a block is read: of symbols, so that it makes a graph; exact, so that a pass of it is judged.

Settings of operators are float32, so that a slope of 0.2 is off by 3e-9; so are the numbers of SELU and GELU;
InstanceNorm takes float32 alone; and above 20 softrelu returns its input.
"""

from __future__ import annotations

import math
import types
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from gan_rosetta.backends.mxnet.framework import mx
from gan_rosetta.shared import spec

_Operator = Callable[..., Any]
ops = mx.nd
_leaky_relu, _activation = ops.LeakyReLU, ops.Activation


@contextmanager
def of_symbols() -> Iterator[None]:
    """Let operators of arrays take symbols too, so that a forward of mx.nd's is read as one of F's."""
    with _replaced({name: _either(name, own) for name, own in _operators().items()}):
        yield


@contextmanager
def exact() -> Iterator[None]:
    """Let operators compute in the digits of float64, and drop nothing."""
    with _replaced(_EXACT):
        yield


@contextmanager
def _replaced(others: Mapping[str, _Operator]) -> Iterator[None]:
    kept = {name: getattr(ops, name) for name in others}
    try:
        for name, other in others.items():
            setattr(ops, name, other)
        yield
    finally:
        for name, own in kept.items():
            setattr(ops, name, own)


def _operators() -> dict[str, _Operator]:
    """Return the operators of arrays that symbols have as well, by name."""
    shared = [name for name in dir(mx.sym) if not name.startswith("_") and hasattr(ops, name)]
    return {name: getattr(ops, name) for name in shared if isinstance(getattr(ops, name), types.FunctionType)}


def _either(name: str, own: _Operator) -> _Operator:
    of_symbol = getattr(mx.sym, name)

    def either(*given: Any, **settings: Any) -> Any:
        values = [*given, *settings.values()]
        values += [each for value in values if isinstance(value, list | tuple) for each in value]
        return (of_symbol if any(isinstance(each, mx.sym.Symbol) for each in values) else own)(*given, **settings)

    return either


def _same(inputs: Any, *_: Any, **__: Any) -> Any:
    return inputs


def _exact_leaky_relu(data: Any, gamma: Any = None, act_type: str = "leaky", slope: float = 0.25, **rest: Any) -> Any:
    """Return an activation of those that MXNet has under this name."""
    below = ops.minimum(data, 0)
    if act_type == "leaky":
        return ops.relu(data) + slope * below
    if act_type == "elu":
        return ops.relu(data) + slope * ops.expm1(below)
    if act_type == "selu":
        return spec.SELU.scale * ops.relu(data) + spec.SELU.scale * spec.SELU.alpha * ops.expm1(below)
    if act_type == "gelu":
        return 0.5 * data * (1 + ops.erf(data * math.sqrt(0.5)))
    return _leaky_relu(data, gamma, act_type=act_type, slope=slope, **rest)


def _exact_activation(data: Any, act_type: str, **rest: Any) -> Any:
    """Return an activation; softplus without a threshold."""
    if act_type != "softrelu":
        return _activation(data, act_type=act_type, **rest)
    return ops.relu(data) + ops.log1p(ops.exp(-ops.abs(data)))


def _exact_group_norm(data: Any, gamma: Any, beta: Any, num_groups: int = 1, eps: float = 1e-5, **_: Any) -> Any:
    """Return samples whose groups of channels are each normalised."""
    groups = ops.reshape(data, shape=(0, num_groups, -1))
    centred = ops.broadcast_sub(groups, ops.mean(groups, axis=2, keepdims=True))
    variance = ops.mean(ops.square(centred), axis=2, keepdims=True)
    outputs = ops.reshape_like(ops.broadcast_div(centred, ops.sqrt(variance + eps)), data)
    per_channel = (1, -1, *[1] * (len(data.shape) - 2))
    scaled = ops.broadcast_mul(outputs, ops.reshape(gamma, shape=per_channel))
    return ops.broadcast_add(scaled, ops.reshape(beta, shape=per_channel))


def _exact_instance_norm(data: Any, gamma: Any, beta: Any, eps: float = 1e-3, **_: Any) -> Any:
    return _exact_group_norm(data, gamma, beta, num_groups=data.shape[1], eps=eps)


def _exact_layer_norm(data: Any, gamma: Any, beta: Any, axis: int = -1, eps: float = 1e-5, **_: Any) -> Any:
    del axis  # Of rows there is one.
    return _exact_group_norm(data, gamma, beta, num_groups=1, eps=eps)


_EXACT: Mapping[str, _Operator] = {
    "Dropout": _same,
    "LeakyReLU": _exact_leaky_relu,
    "Activation": _exact_activation,
    "GroupNorm": _exact_group_norm,
    "InstanceNorm": _exact_instance_norm,
    "LayerNorm": _exact_layer_norm,
}
