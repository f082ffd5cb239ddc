"""Dropout, whose masks are on the tape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from gan_rosetta.shared.spec.checks import require, require_choice, require_finite
from gan_rosetta.shared.spec.layer import Fed, LayerBase, Shape


@dataclass(frozen=True, kw_only=True)
class Dropout(LayerBase):
    """x · m / (1 - probability), with a mask m of 0 and 1 from the tape, each 0 with that probability; Srivastava 2014.

    unit: "entry" drops numbers one by one; "channel" whole channels of images, (channels, height, width). Where a
    network is only asked, and not trained, nothing is dropped.
    """

    kind: ClassVar[str] = "dropout"
    fed: ClassVar[Fed] = "mask"
    name: str
    probability: float
    unit: Literal["entry", "channel"]

    def __post_init__(self) -> None:
        require_finite(self, "probability", minimum=0)
        require(
            self.probability < 1,
            f"Dropout {self.name!r}: probability is {self.probability}; expected less than 1",
            "probability",
        )
        require_choice(self, "unit", ("entry", "channel"))

    @property
    def scale(self) -> float:
        """What is kept is multiplied by this."""
        return 1 / (1 - self.probability)

    def mask_shape(self, input_shape: Shape, /) -> Shape:
        """Return the per-sample shape of the mask, which broadcasts over the input's."""
        return input_shape if self.unit == "entry" else (input_shape[0], *(1 for _ in input_shape[1:]))

    def drawn(self, uniform: NDArray[np.float64], input_shape: Shape, /) -> NDArray[np.float64]:
        """Return masks by as many numbers evenly from 0 to 1."""
        del input_shape
        return (uniform >= self.probability).astype(np.float64)

    def output_shape(self, input_shape: Shape, /) -> Shape:
        require(
            self.unit == "entry" or len(input_shape) == 3,
            f"Dropout {self.name!r} drops channels of images, but its input has shape {input_shape}",
        )
        return input_shape
