"""How many steps a trainer is given at once."""

from __future__ import annotations

import math

from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.spec.cost import step_flops

_CHUNK_FLOPS = 4e9
_MAXIMUM_CHUNK_STEPS = 500
_MAXIMUM_CHUNK_BYTES = 64e6


def chunk_size(spec: GanSpec, /) -> int:
    """Return how many steps to give a trainer at once: enough to drown its overhead, few enough to show progress."""
    by_memory = _MAXIMUM_CHUNK_BYTES / step_bytes(spec)
    return int(max(1, min(_MAXIMUM_CHUNK_STEPS, _CHUNK_FLOPS / step_flops(spec), by_memory)))


def step_bytes(spec: GanSpec, /) -> int:
    """Return how many bytes a step of the adversarial phase is fed, in float64."""
    sample_bytes = 8 * (math.prod(spec.real.sample_shape) + _noise(spec))
    return sample_bytes * spec.batch_size


def _noise(spec: GanSpec) -> int:
    """Return how many numbers of noise a sample is made of in a step, counted as if each update had its own."""
    return len(spec.training.loss_names) * math.prod(spec.latent.sample_shape)
