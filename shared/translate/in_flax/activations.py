"""Activations in flax: JAX's, and one with slopes of its own."""

from __future__ import annotations

from gan_rosetta.shared import spec
from gan_rosetta.shared.translate.in_jax import activations as of_jax
from gan_rosetta.shared.translate.layers import Writer, prelu

LAYERS: dict[type, Writer] = {
    **of_jax.LAYERS,
    spec.PReLU: prelu,
}

FUNCTIONS: dict[str, str] = {
    "leaky_relu": of_jax.FUNCTIONS["leaky_relu"],
}

PRELU = '''\
class PReLU(nnx.Module):
    """A leaky ReLU of learned slopes, one for all or one a channel, which is last.

    flax's own has one slope for all, and the gradient 1 at 0.
    """

    def __init__(self, num_parameters: int) -> None:
        self.weight = nnx.Param(jnp.zeros(num_parameters))

    def __call__(self, x: Array) -> Array:
        """Return x, or its slope times x below 0."""
        return jnp.where(x > 0, x, self.weight[...] * x)'''
