"""A state in small: a fixed sample of each tensor's entries, so that early moments of a run can be kept."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

_MAXIMUM_ENTRIES = 4096


def sketch_state(state: Mapping[str, np.ndarray], /) -> dict[str, np.ndarray]:
    """Return each tensor flattened, or, where it has more than 4096 entries, the same random 4096 of them each time."""
    return {name: _sketch(array) for name, array in state.items()}


def _sketch(array: np.ndarray) -> np.ndarray:
    flat = np.asarray(array).reshape(-1)
    if flat.size <= _MAXIMUM_ENTRIES:
        return flat.copy()
    generator = np.random.Generator(np.random.Philox(key=flat.size))
    return flat[generator.integers(flat.size, size=_MAXIMUM_ENTRIES)]
