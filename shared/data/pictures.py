"""Pictures that a user gives in place of digits, as a GAN sees them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gan_rosetta.shared.data.digits import scale_levels
from gan_rosetta.shared.data.picture import decode_picture, square
from gan_rosetta.shared.data.picture_files import PictureSet, find_pictures, read_picture_file
from gan_rosetta.shared.errors import DataError
from gan_rosetta.shared.spec import DigitsReal
from gan_rosetta.shared.storage.memory import available_bytes
from gan_rosetta.shared.storage.opening import shown

_BYTES_PER_LEVEL = 1 + 8  # As it is read, and as float64.


@dataclass(frozen=True)
class PictureSource:
    """Pictures at a path, in one of the forms of picture_files.py.

    sha256: of all of them, when they were first looked at; None to take them as they are. Pictures with another are
    refused, so that a run that goes on, or a worker that starts later, has what was ordered.
    """

    noun: ClassVar[str] = "pictures"
    # In the order of their names, as a program that reads the folder has them.
    is_mixed: ClassVar[bool] = False
    path: str
    sha256: str | None = None

    def count(self) -> int:
        """Return how many pictures there are; raises DataError."""
        return len(self._found().pictures)

    def load_labels(self) -> NDArray[np.uint8]:
        """Return the class of each, (count,); raises DataError where they have none."""
        labels = self._found().labels
        if labels is None:
            raise DataError(
                f"{self.describe()} have no classes, which the GAN takes; put those of each class into a folder of its "
                "own, or labels beside the images"
            )
        return labels

    def prepare(self, chosen: NDArray[np.int64], real: DigitsReal, /) -> NDArray[np.float64]:
        """Return the chosen pictures, (n, num_channels, size, size) in [low, high]; raises DataError for a broken one.

        picture.py says how they are resized and cropped.
        """
        needed = len(chosen) * real.num_channels * real.size**2 * _BYTES_PER_LEVEL
        if needed > (available := available_bytes()):
            raise DataError(
                f"{len(chosen)} of {self.describe()} take {needed:,} bytes of memory, and {available:,} are free; give "
                "fewer, or a --spec that takes fewer (num_images)"
            )
        levels = _levels(self, real.size, real.num_channels, chosen.astype("<i8").tobytes())
        return scale_levels(levels, real)

    @property
    def named(self) -> str:
        """What a state that was trained on them is said to have been fed, wherever they lie by now."""
        return f"pictures of SHA-256 {self._found().sha256}"

    def describe(self) -> str:
        """Return the source in words, for reports and errors."""
        return f"the pictures in {shown(Path(self.path))}"

    def _found(self) -> PictureSet:
        return _find(self)


def pictures_sha256(path: str, /) -> str:
    """Return the SHA-256 of the pictures at a path and their classes; raises DataError where there are none."""
    return find_pictures(Path(path)).sha256


@lru_cache(maxsize=2)
def _find(source: PictureSource) -> PictureSet:
    found = find_pictures(Path(source.path))
    if source.sha256 not in (None, found.sha256):
        raise DataError(
            f"{source.describe()} are no longer those that the run was ordered with (SHA-256 {found.sha256[:12]}… in "
            f"place of {str(source.sha256)[:12]}…); put them back as they were, or start a new run"
        )
    return found


@lru_cache(maxsize=2)
def _levels(source: PictureSource, size: int, num_channels: int, chosen: bytes) -> NDArray[np.uint8]:
    """Return the chosen pictures as squares, (n, num_channels, size, size), read-only."""
    pictures, places = _find(source).pictures, np.frombuffer(chosen, dtype="<i8")
    levels = np.empty((len(places), num_channels, size, size), dtype=np.uint8)
    for row, place in enumerate(places):
        levels[row] = _square_of(pictures, int(place), size=size, num_channels=num_channels)
    levels.flags.writeable = False
    return levels


def _square_of(
    pictures: Sequence[Path] | NDArray[np.uint8], place: int, *, size: int, num_channels: int
) -> NDArray[np.uint8]:
    if isinstance(pictures, np.ndarray):
        return square(Image.fromarray(pictures[place]), size=size, num_channels=num_channels)
    path = pictures[place]
    try:
        return decode_picture(read_picture_file(path), size=size, num_channels=num_channels)
    except ValueError as error:
        raise DataError(f"{shown(path)} {error}") from error
