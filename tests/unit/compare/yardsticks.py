"""Yardsticks with the noise that a test wants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from gan_rosetta.shared.compare.tolerance import Tolerance
from gan_rosetta.shared.compare.yardstick import LOSS_NAMES, Yardstick

NUM_COPIES = 8


def yardstick_of(
    noise: Mapping[str, Sequence[float]],
    /,
    *,
    tensors: Mapping[str, Mapping[str, float]] | None = None,
    scales: Mapping[str, Sequence[float]] | None = None,
    losses: Mapping[str, Sequence[float]] | None = None,
    dtype: str = "float64",
) -> Yardstick:
    """A yardstick measured on 8 copies; the reference's losses go from 0.5 to 1.5 where not given, of scale 0."""
    names = [name for name in LOSS_NAMES if name in noise or name != "joint"]
    series = {name: np.asarray(noise.get(name, ()), dtype=np.float64) for name in names}
    own = {name: np.linspace(0.5, 1.5, len(values)) for name, values in series.items()}
    return Yardstick(
        tolerance=Tolerance(num_copies=NUM_COPIES, dtype=dtype),
        noise=series,
        scales={n: np.asarray((scales or {}).get(n, np.zeros(len(v)))) for n, v in series.items()},
        losses=own | {name: np.asarray(values, dtype=np.float64) for name, values in (losses or {}).items()},
        tensors=tensors or {},
    )
