"""What the copies that round at random explain of a difference: the one place that asks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gan_rosetta.shared.compare.distances import tensor_difference
from gan_rosetta.shared.compare.tolerance import Tolerance
from gan_rosetta.shared.interface import Dtype

# The GANs are tiny, so that copies cost nothing.
NUM_COPIES = 8


def row_differences(first: np.ndarray, second: np.ndarray, /, *, scales: np.ndarray) -> NDArray[np.float64]:
    """Return how far results (rows, entries) are apart, row by row, relative to a row's largest entry.

    scales: (rows,), the least that each row is judged beside; 0 where that is its entries alone.
    """
    with np.errstate(all="ignore"):
        return np.array(
            [
                tensor_difference(one, other, scale=float(scale))
                for one, other, scale in zip(first, second, scales, strict=True)
            ],
            np.float64,
        )


def allowed_differences(
    reference: np.ndarray, copies: Sequence[np.ndarray], /, *, scales: np.ndarray, dtype: Dtype
) -> NDArray[np.float64]:
    """Return how far two right programs' results may be apart, row by row, in row_differences' terms."""
    tolerance = Tolerance(num_copies=len(copies), dtype=dtype)
    noise = tolerance.noise([row_differences(copy, reference, scales=scales) for copy in copies])
    return tolerance.allowed_series(noise)
