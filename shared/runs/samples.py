"""What a trained GAN is looked at by: generated and real samples; for 1D data the decision boundary and histograms."""

from __future__ import annotations

import numpy as np

from gan_rosetta.shared.data.noise import picture_latent
from gan_rosetta.shared.data.tape import Tape, chunks
from gan_rosetta.shared.interface import Trainer
from gan_rosetta.shared.spec import (
    DigitsReal,
    GanSpec,
    HoledLatent,
    LinearGaussianReal,
    Shape,
    SineReal,
    ToyReal,
)

NUM_BOUNDARY_POINTS = 10_000
_NUM_SAMPLES_1D = 10_000
# A hundred for each mode of the grid of 25 that is most in use.
_NUM_SAMPLES_TOY = 2500
_BOUNDARY = (-8.0, 8.0)
_NUM_BINS = 100
_STEPS_AT_ONCE = 500


def num_samples(spec: GanSpec, /) -> int:
    """Return how many samples of a GAN are kept."""
    if isinstance(spec.real, DigitsReal):
        return spec.batch_size
    if isinstance(spec.real, SineReal):
        return 64
    if isinstance(spec.real, ToyReal):
        return _NUM_SAMPLES_TOY
    return spec.real.num_points if isinstance(spec.real, LinearGaussianReal) else _NUM_SAMPLES_1D


def sample_latent(spec: GanSpec, tape: Tape, /, *, seed: int) -> np.ndarray:
    """Return the fixed latent of a run's samples, (num_samples, ...): images are those that the tape has first."""
    if isinstance(spec.latent, HoledLatent):
        return _first_of(spec, tape, "latent_d", spec.latent.sample_shape)
    return picture_latent(spec, seed=seed, num_samples=num_samples(spec))


def make_samples(trainer: Trainer, spec: GanSpec, tape: Tape, /, *, seed: int) -> dict[str, np.ndarray]:
    """Return the arrays of samples.npz.

    latent, generated, real: (n, ...). For 1D data also boundary_x and boundary_y (10000,), the discriminator's output
    over linspace(-8, 8), in batches of the GAN's size where D looks at the whole batch; histogram_edges (101,),
    histogram_real and histogram_generated (100,), densities.
    """
    latent = sample_latent(spec, tape, seed=seed)
    generated = trainer.generate(latent)
    real = _first_of(spec, tape, "real", spec.real.sample_shape)
    result = {"latent": latent, "generated": generated, "real": real}
    if spec.discriminator.input_shape == (1,):
        positions, edges = boundary_positions(), histogram_edges()
        result |= {
            "boundary_x": positions,
            "boundary_y": discriminate(trainer, spec, positions[:, np.newaxis])[:, 0],
            "histogram_edges": edges,
            "histogram_real": density(real, edges),
            "histogram_generated": density(generated, edges),
        }
    return result


def boundary_positions() -> np.ndarray:
    """Return the positions, (10000,), at which a decision boundary is looked at."""
    return np.linspace(*_BOUNDARY, NUM_BOUNDARY_POINTS)


def histogram_edges() -> np.ndarray:
    """Return the edges, (101,), of the histograms of 1D data."""
    return np.linspace(*_BOUNDARY, _NUM_BINS + 1)


def discriminate(trainer: Trainer, spec: GanSpec, samples: np.ndarray, /) -> np.ndarray:
    """Return D's output for samples (n, ...) as (n, outputs), in the GAN's batches where D looks at whole ones.

    A last sample that a BatchNorm of D cannot see alone is seen beside those before it.
    """
    size = spec.batch_size if spec.couples_samples else len(samples)
    is_lone = len(samples) % size == 1 < size and spec.discriminator.batch_norm_of_one(1) is not None
    stop = len(samples) - 1 if is_lone else len(samples)
    parts = [trainer.discriminate(samples[start : min(start + size, stop)]) for start in range(0, stop, size)]
    if is_lone:
        parts.append(trainer.discriminate(samples[-size:])[-1:])
    return np.concatenate(parts).reshape(len(samples), -1)


def _first_of(spec: GanSpec, tape: Tape, name: str, shape: Shape) -> np.ndarray:
    """Return what the tape feeds first of an array: as many as are kept, or as it has before it begins again."""
    count = num_samples(spec)
    num_steps = min(-(-count // spec.batch_size), tape.num_steps("adversarial") or count)
    parts = [
        chunk.arrays[name].reshape(-1, *shape)
        for chunk in chunks(tape, spec, "adversarial", first_step=0, stop=num_steps, size=_STEPS_AT_ONCE)
    ]
    return np.concatenate(parts)[:count]


def density(samples: np.ndarray, edges: np.ndarray, /) -> np.ndarray:
    """Return the density of the finite samples between each two edges; the share of those beyond is missing."""
    finite = samples[np.isfinite(samples)]
    counts, _ = np.histogram(finite, bins=edges)
    width = edges[1] - edges[0]
    return counts / (max(len(finite), 1) * width)
