"""Normalisations in flax, by a batch or by each sample: nnx's own where they compute what the spec says."""

from __future__ import annotations

from typing import Any

from gan_rosetta.shared import spec
from gan_rosetta.shared.spec import PlacedLayer
from gan_rosetta.shared.translate.layers import Writer
from gan_rosetta.shared.translate.parts import Part
from gan_rosetta.shared.translate.writing import number


def batch_norm(placed: PlacedLayer, name: str, /) -> Part:
    """Write a batch normalisation, nnx's own where it normalises by the batch and keeps the biased variance."""
    layer: Any = placed.layer
    settings = [number(layer.num_features), f"epsilon={number(layer.epsilon)}"]
    applied = f"self.{name}({{x}})"
    if layer.statistics == "batch" and layer.running_variance == "biased":
        settings += [f"momentum={number(1 - layer.momentum)}", *_norm_settings(layer)]
        return Part(made=("nnx.BatchNorm(", settings), applied=applied, joins=True)
    settings += [f"momentum={number(layer.momentum)}", *([] if layer.affine else ["affine=False"])]
    settings += [f"ddof={1 if layer.running_variance == 'unbiased' else 0}"]
    settings += ["by_running=True"] if layer.statistics == "running" else []
    return Part(made=("BatchNorm(", settings), applied=applied, joins=True, needs=("batch_norm",))


def group_norm(placed: PlacedLayer, name: str, /) -> Part:
    """Write a normalisation of each sample by itself."""
    layer: Any = placed.layer
    settings = [number(layer.num_features), number(layer.num_groups), f"epsilon={number(layer.epsilon)}"]
    made = ("nnx.GroupNorm(", [*settings, *_norm_settings(layer)])
    return Part(made=made, applied=f"self.{name}({{x}})", joins=True)


def _norm_settings(layer: Any) -> list[str]:
    """Return the arguments of nnx's own norms, whose fast variance loses digits where a mean is large."""
    settings = [] if layer.affine else ["use_scale=False", "use_bias=False"]
    return [*settings, "use_fast_variance=False", "rngs=rngs"]


LAYERS: dict[type, Writer] = {
    spec.BatchNorm: batch_norm,
    spec.GroupNorm: group_norm,
}

FUNCTIONS: dict[str, str] = {
    "batch_norm": '''\
class BatchNorm(nnx.Module):
    """Batch normalisation that keeps another running variance, or uses it, than nnx.BatchNorm."""

    def __init__(
        self,
        num_features: int,
        *,
        epsilon: float,
        momentum: float,
        affine: bool = True,
        ddof: int,
        by_running: bool = False,
    ) -> None:
        self.epsilon, self.momentum, self.affine = epsilon, momentum, affine
        self.ddof, self.by_running = ddof, by_running
        if affine:
            self.scale = nnx.Param(jnp.ones(num_features))
            self.bias = nnx.Param(jnp.zeros(num_features))
        self.mean = nnx.BatchStat(jnp.zeros(num_features))
        self.var = nnx.BatchStat(jnp.ones(num_features))

    def __call__(self, x: Array) -> Array:
        """Normalise, and move the running averages."""
        axes = tuple(range(x.ndim - 1))
        mean, variance = jnp.mean(x, axis=axes), jnp.var(x, axis=axes)
        averages = self.mean[...], self.var[...]
        size = x.size // x.shape[-1]
        found = mean, variance * (size / (size - self.ddof))
        for kept, value in zip((self.mean, self.var), found, strict=True):
            moved = (1 - self.momentum) * kept[...] + self.momentum * value
            kept[...] = lax.stop_gradient(moved)
        if self.by_running:
            mean, variance = averages
        y = (x - mean) / jnp.sqrt(variance + self.epsilon)
        return y * self.scale[...] + self.bias[...] if self.affine else y''',
}
