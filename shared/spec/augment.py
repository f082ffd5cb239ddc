"""Augmentation of images that gradients pass, whose random numbers are on the tape."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from gan_rosetta.shared.spec.checks import label, require, require_choice, require_finite
from gan_rosetta.shared.spec.layer import Fed, LayerBase, Shape

_IMAGE_RANK = 3


@dataclass(frozen=True, kw_only=True)
class Augment(LayerBase):
    """What DiffAugment does to each image, (channels, height, width), before D sees it; Zhao et al. 2020.

    policy "colour": with b, s and k from the tape, x ← x + b; then x ← s · (x - m) + m with m the mean over the
    channels at each place; then x ← k · (x - m) + m with m the mean of the whole image; b from -½ to ½, s from 0 to 2,
    k from ½ to 3/2. "translation": the number at (i, j) becomes that at (i + d, j + e), 0 where there is none, d a
    whole number from -a to a with a = ⌊ratio · height + ½⌋, and e likewise of the width. "cutout": 0 in a window of
    ⌊ratio · height + ½⌋ by ⌊ratio · width + ½⌋ numbers, whose middle is anywhere, so that a part may lie outside of the
    image. ratio: None for "colour". Each pass draws anew. Where a network is only asked, and not trained, images are
    left as they are.
    """

    kind: ClassVar[str] = "augment"
    fed: ClassVar[Fed] = "mask"
    name: str
    policy: Literal["colour", "translation", "cutout"]
    ratio: float | None

    def __post_init__(self) -> None:
        require_choice(self, "policy", ("colour", "translation", "cutout"))
        require(
            (self.ratio is None) == (self.policy == "colour"),
            f"{label(self)}: policy is {self.policy!r} and ratio {self.ratio!r}; expected None for 'colour' alone",
            "ratio",
        )
        if self.ratio is not None:
            require_finite(self, "ratio", above=0)
            require(self.ratio <= 1, f"{label(self)}: ratio is {self.ratio}; expected at most 1", "ratio")

    def reach(self, size: int, /) -> int:
        """Return how far an image of that height or width may be moved, or how large a part of it is cut out."""
        return math.floor(size * float(self.ratio or 0) + 0.5)

    def mask_shape(self, input_shape: Shape, /) -> Shape:
        """Return the per-sample shape of what is drawn: three numbers for colours, else one a direction."""
        del input_shape
        return (3,) if self.policy == "colour" else (2,)

    def drawn(self, uniform: NDArray[np.float64], input_shape: Shape, /) -> NDArray[np.float64]:
        """Return what is on the tape, (..., numbers), by as many numbers evenly from 0 to 1."""
        if self.policy == "colour":
            return uniform * (1.0, 2.0, 1.0) + (-0.5, 0.0, 0.5)
        sizes = np.array(input_shape[1:])
        reaches = np.array([self.reach(size) for size in input_shape[1:]])
        if self.policy == "translation":
            return np.floor(uniform * (2 * reaches + 1)) - reaches
        return np.floor(uniform * (sizes + 1 - reaches % 2))

    def output_shape(self, input_shape: Shape, /) -> Shape:
        require(
            len(input_shape) == _IMAGE_RANK,
            f"{label(self)} changes images, but its input has shape {input_shape}; expected (channels, height, width)",
        )
        return input_shape
