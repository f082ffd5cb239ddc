"""The trainers. A real one wraps a framework; these stand on the suite's own NumPy, which every test has."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from gan_rosetta.backends.numpy.trainer import NumpyTrainer
from gan_rosetta.shared.interface import Chunk


class ExampleTrainer(NumpyTrainer):
    """Trains like the reference."""


class HastyTrainer(NumpyTrainer):
    """Takes its batches in half precision on the way, as a port that saves memory might: right to three digits."""

    def stage(self, chunk: Chunk, /) -> Any:
        """Cast a chunk, and lose most of its digits."""
        arrays = {name: array.astype(np.float16).astype(np.float64) for name, array in chunk.arrays.items()}
        return super().stage(replace(chunk, arrays=arrays))
