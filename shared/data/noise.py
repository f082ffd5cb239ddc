"""What G starts from, by the seed and the step."""

from __future__ import annotations

import math

import numpy as np

from gan_rosetta.shared.data import streams
from gan_rosetta.shared.spec import (
    CategoryLatent,
    GanSpec,
    HoledLatent,
    JoinedLatent,
    LatentSource,
    NormalLatent,
    StratifiedLatent,
    UniformLatent,
)


def latent_noise(source: LatentSource, seed: int, name: str, steps: range, /, *, batch: int, full: int) -> np.ndarray:
    """Return noise (len(steps), batch, ...), the first `batch` of `full` samples drawn."""
    if isinstance(source, HoledLatent):
        raise TypeError("images with holes are made of the tape's real ones")
    if isinstance(source, StratifiedLatent):
        grid = np.linspace(source.low, source.high, batch)
        drawn = streams.uniform(seed, name, first_step=steps.start, num_steps=len(steps), size=full)[:, :batch]
        return (grid + source.jitter * drawn)[..., np.newaxis]
    if isinstance(source, JoinedLatent):
        parts = [
            latent_noise(part, seed, f"{name}.{place}", steps, batch=batch, full=full)
            for place, part in enumerate(source.parts)
        ]
        return np.concatenate(parts, axis=-1)
    shape = () if isinstance(source, CategoryLatent) else source.sample_shape
    first, count = (0, 1) if source.redraw == "never" else (steps.start, len(steps))
    draw = streams.normal if isinstance(source, NormalLatent) else streams.uniform
    drawn = draw(seed, name, first_step=first, num_steps=count, size=full * math.prod(shape))
    drawn = np.broadcast_to(drawn.reshape(count, full, *shape), (len(steps), full, *shape))[:, :batch].copy()
    if isinstance(source, UniformLatent):
        return source.low + (source.high - source.low) * drawn
    if isinstance(source, CategoryLatent):
        return np.eye(source.num_categories)[np.floor(drawn * source.num_categories).astype(np.int64)]
    return drawn


def picture_latent(spec: GanSpec, /, *, seed: int, num_samples: int) -> np.ndarray:
    """Return the fixed latent (num_samples, ...) on which a run's pictures and samples are made."""
    latent: np.ndarray = latent_noise(
        spec.latent, seed, "latent_picture", range(1), batch=num_samples, full=num_samples
    )[0]
    return latent
