"""Long series of numbers, thinned for a picture without losing what stands out."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from gan_rosetta.shared.compare.distances import Floats

MAXIMUM_BINS = 800


def thin(values: Floats, /, *, num_bins: int = MAXIMUM_BINS) -> NDArray[np.int64]:
    """Return indices, ascending, that draw the same picture as all of (n,) values.

    Of each of num_bins stretches they keep the ends, the smallest and the largest finite value and the first one that
    is not finite. All indices where there are few.
    """
    count = len(values)
    if count <= 5 * num_bins:
        return np.arange(count)
    kept: list[int] = []
    edges = np.linspace(0, count, num_bins + 1).astype(int)
    for start, stop in pairwise(edges.tolist()):
        part = values[start:stop]
        finite = np.flatnonzero(np.isfinite(part))
        chosen = {0, len(part) - 1}
        if len(finite):
            chosen |= {int(finite[part[finite].argmin()]), int(finite[part[finite].argmax()])}
        if len(finite) < len(part):
            chosen.add(int(np.flatnonzero(~np.isfinite(part))[0]))
        kept += [start + index for index in sorted(chosen)]
    return np.array(kept)


def has_lone_points(values: Floats, /) -> bool:
    """Whether any finite entry of (n,) values has no finite neighbour, so that a line through them does not show it."""
    finite = np.concatenate([[False], np.isfinite(values), [False]])
    return bool(np.any(finite[1:-1] & ~finite[:-2] & ~finite[2:]))


def finite_or_gap(values: np.ndarray, /) -> Floats:
    """Return the values with infinities as NaN, which draws as a gap."""
    numbers = np.asarray(values, dtype=np.float64)
    return np.where(np.isfinite(numbers), numbers, np.nan)
