"""Where a GAN's images come from: digits that come with a package, MNIST's files, or pictures that a user gives."""

from __future__ import annotations

from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from gan_rosetta.shared.data.digits import DigitSource
from gan_rosetta.shared.data.pictures import PictureSource
from gan_rosetta.shared.spec import DigitsReal


class ImageSource(Protocol):
    """Real images for a GAN, and their classes where they have any.

    noun: what they are, such as "digits". is_mixed: whether even all of them are taken in an order drawn by seed.
    """

    noun: ClassVar[str]
    is_mixed: ClassVar[bool]

    @property
    def named(self) -> str:
        """What a state that was trained on it is said to have been fed; the same for the same numbers."""
        ...

    def count(self) -> int:
        """Return how many images there are; raises DataError where they cannot be read."""
        ...

    def prepare(self, chosen: NDArray[np.int64], real: DigitsReal, /) -> NDArray[np.float64]:
        """Return the chosen images as a GAN sees them, (n, channels, size, size); raises DataError."""
        ...

    def load_labels(self) -> NDArray[np.uint8]:
        """Return the class of each image, (count,); raises DataError where they have none."""
        ...

    def describe(self) -> str:
        """Return the source in words."""
        ...


def image_source(*, mnist: str | None = None, images: str | None = None, sha256: str | None = None) -> ImageSource:
    """Return the source that a user names: pictures where there are any, else digits.

    sha256: what the pictures had when they were first read, None to take them as they are.
    """
    return DigitSource.parse(mnist) if images is None else PictureSource(path=images, sha256=sha256)
