"""Layers that give images another size without a parameter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from gan_rosetta.shared.spec.checks import require, require_choice, require_positive_integer
from gan_rosetta.shared.spec.layer import LayerBase, Shape


@dataclass(frozen=True, kw_only=True)
class Upsample(LayerBase):
    """Images `factor` times as high and wide: (channels, height, width) to (channels, height·factor, width·factor).

    mode: "nearest" repeats each pixel. "bilinear" interpolates between the pixels' centres, and beyond the outermost
    has their values: torch's align_corners=False, TensorFlow 2's resize, JAX's.
    """

    kind: ClassVar[str] = "upsample"
    factor: int
    mode: Literal["nearest", "bilinear"]

    def __post_init__(self) -> None:
        require_positive_integer(self, "factor")
        require_choice(self, "mode", ("nearest", "bilinear"))

    def output_shape(self, input_shape: Shape, /) -> Shape:
        require(len(input_shape) == 3, f"Upsample takes images, but its input has shape {input_shape}")
        channels, height, width = input_shape
        return (channels, height * self.factor, width * self.factor)


def upsampling_weights(layer: Upsample, size: int, /) -> NDArray[np.float64]:
    """Return the matrix (size · factor, size) that takes a row of pixels to the upsampled row."""
    centres = (np.arange(size * layer.factor) + 0.5) / layer.factor - 0.5
    weights = np.zeros((size * layer.factor, size))
    rows = np.arange(len(centres))
    if layer.mode == "nearest":
        weights[rows, rows // layer.factor] = 1.0
        return weights
    inside = np.clip(centres, 0, size - 1)
    below = np.minimum(np.floor(inside).astype(int), max(size - 2, 0))
    weights[rows, below] = 1 - (inside - below)
    weights[rows, np.minimum(below + 1, size - 1)] += inside - below
    return weights
