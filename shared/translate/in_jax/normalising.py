"""Normalisations in JAX, by a batch or by each sample, which has none."""

from __future__ import annotations

from typing import Any

from gan_rosetta.shared import spec
from gan_rosetta.shared.spec import PlacedLayer
from gan_rosetta.shared.translate.layers import Writer
from gan_rosetta.shared.translate.parts import Part
from gan_rosetta.shared.translate.writing import number


def batch_norm(placed: PlacedLayer, name: str, /) -> Part:
    """Write a batch normalisation; JAX has none."""
    layer: Any = placed.layer
    settings = f"eps={number(layer.epsilon)}, momentum={number(layer.momentum)}"
    settings += "" if layer.running_variance == "unbiased" else ", ddof=0"
    settings += "" if layer.statistics == "batch" else ", by_running=True"
    return Part(applied=f'batch_norm(parameters, buffers, "{name}", {{x}}, {settings})', needs=("batch_norm",))


def group_norm(placed: PlacedLayer, name: str, /) -> Part:
    """Write a normalisation of each sample by itself; JAX has none."""
    layer: Any = placed.layer
    settings = f"groups={number(layer.num_groups)}, eps={number(layer.epsilon)}"
    return Part(applied=f'group_norm(parameters, "{name}", {{x}}, {settings})', needs=("group_norm",))


LAYERS: dict[type, Writer] = {
    spec.BatchNorm: batch_norm,
    spec.GroupNorm: group_norm,
}

FUNCTIONS: dict[str, str] = {
    "batch_norm": '''\
def batch_norm(
    parameters: Tensors,
    buffers: Tensors,
    name: str,
    x: Array,
    *,
    eps: float,
    momentum: float,
    ddof: int = 1,
    by_running: bool = False,
) -> Array:
    """Normalise each channel over the batch, and put the moved running averages into `buffers`."""
    axes = tuple(axis for axis in range(x.ndim) if axis != 1)
    mean, variance = jnp.mean(x, axis=axes), jnp.var(x, axis=axes)
    names = f"{name}.running_mean", f"{name}.running_var"
    used = tuple(buffers[own] for own in names) if by_running else (mean, variance)
    size = x.size // x.shape[1]
    for own, value in zip(names, (mean, variance * (size / (size - ddof))), strict=True):
        moved = (1 - momentum) * buffers[own] + momentum * value
        buffers[own] = lax.stop_gradient(moved)
    shape = (-1, *(1,) * (x.ndim - 2))  # a number a channel
    y = (x - used[0].reshape(shape)) / jnp.sqrt(used[1] + eps).reshape(shape)
    if f"{name}.weight" not in parameters:
        return y
    scale, shift = (parameters[f"{name}.{part}"].reshape(shape) for part in ("weight", "bias"))
    return y * scale + shift''',
    "group_norm": '''\
def group_norm(parameters: Tensors, name: str, x: Array, *, groups: int, eps: float) -> Array:
    """Normalise each sample over groups of its channels, by its own mean and variance."""
    parts = x.reshape(len(x), groups, -1)
    mean, variance = (f(parts, axis=2, keepdims=True) for f in (jnp.mean, jnp.var))
    y = ((parts - mean) / jnp.sqrt(variance + eps)).reshape(x.shape)
    if f"{name}.weight" not in parameters:
        return y
    shape = (-1, *(1,) * (x.ndim - 2))  # a number a channel
    scale, shift = (parameters[f"{name}.{part}"].reshape(shape) for part in ("weight", "bias"))
    return y * scale + shift''',
}
