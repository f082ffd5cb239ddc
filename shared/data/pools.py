"""Real samples that every epoch goes through, and their classes."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from gan_rosetta.shared.data import streams
from gan_rosetta.shared.data.image_source import ImageSource
from gan_rosetta.shared.errors import DataError
from gan_rosetta.shared.spec import DigitsReal, GanSpec, LinearGaussianReal

# The selection of a data set's images does not follow the run's seed, so that runs with other seeds see the same ones.
_SELECTION_SEED = 0


def batches_per_epoch(spec: GanSpec, num_samples: int, /) -> int:
    """Return how many batches a pass over so many real samples has."""
    if isinstance(spec.real, DigitsReal) and spec.real.short_batch == "dropped":
        return num_samples // spec.batch_size
    return math.ceil(num_samples / spec.batch_size)


def fixed_pool(spec: GanSpec, seed: int, digits: ImageSource, /) -> np.ndarray | None:
    """Return the samples that every epoch goes through, (n, ...), or None where each step draws fresh ones."""
    source = spec.real
    if isinstance(source, LinearGaussianReal):
        matrix, offset = np.array(source.matrix), np.array(source.offset)
        size = source.num_points * len(offset)
        drawn = streams.normal(seed, "points", first_step=0, num_steps=1, size=size)
        # Elementwise, not a matrix product, so that the points do not depend on which BLAS NumPy has.
        points = drawn.reshape(source.num_points, len(offset), 1)
        result: np.ndarray = (points * matrix).sum(axis=1) + offset
        return result
    if isinstance(source, DigitsReal):
        chosen = _selected(spec, source, digits)
        if batches_per_epoch(spec, len(chosen)) == 0:
            raise DataError(
                f"{spec.name!r} leaves short batches out, and {len(chosen)} {digits.noun} do not fill one of "
                f"{spec.batch_size}; name a larger source, or take a smaller batch size (batch_size, or --batch-size "
                "on the command line)"
            )
        return digits.prepare(chosen, source)
    return None


def fixed_classes(spec: GanSpec, digits: ImageSource, /) -> np.ndarray:
    """Return the classes of the samples of fixed_pool, (n,); only images have any."""
    if not isinstance(spec.real, DigitsReal):
        raise TypeError(f"{type(spec.real).__name__} has no classes")
    labels = digits.load_labels()
    if (most := int(labels.max())) >= DigitsReal.num_classes:
        raise DataError(
            f"{digits.describe()} have {most + 1} classes, and {spec.name!r} knows {DigitsReal.num_classes}; give it "
            f"{digits.noun} of as many classes or fewer"
        )
    return labels.astype(np.float64)[_selected(spec, spec.real, digits)]


def _selected(spec: GanSpec, source: DigitsReal, digits: ImageSource) -> NDArray[np.int64]:
    """Return which images the GAN takes, and in which order: all, or so many of them, drawn by a seed of their own."""
    size, count = digits.count(), source.num_images
    if count is None or (count == size and not digits.is_mixed):
        return np.arange(size)
    if size < count:
        found = f"{digits.describe()} are {size} images"
        raise DataError(
            f"{spec.name!r} takes {count} {digits.noun}, but {found}; name a larger source, or a --spec with fewer "
            "(num_images)"
        )
    return streams.permutation(_SELECTION_SEED, "digits", epoch=0, size=size)[:count]
