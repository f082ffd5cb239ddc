"""What augments images by what is drawn, in flax: as in JAX, with channels last."""

from __future__ import annotations

from gan_rosetta.shared.translate.in_jax.augmenting import functions

FUNCTIONS = functions(channel_axis=3)
