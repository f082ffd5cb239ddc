"""Both losses in flax, and the gradient penalty: those in JAX, of channels that are last."""

from __future__ import annotations

from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.translate import in_jax


def losses_section(gan: GanSpec, /) -> str:
    """Return both losses as functions of what D says, and the gradient penalty."""
    return in_jax.losses_section(gan, channel_axis=-1)
