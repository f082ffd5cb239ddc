"""What holds each sample against the others of its batch, in flax: as in JAX."""

from __future__ import annotations

from gan_rosetta.shared.translate.in_jax.contrast import FUNCTIONS

__all__ = ["FUNCTIONS"]
