"""Reads MNIST's four IDX files from a folder, and takes nothing from them until all four have been found right."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import numpy as np
from numpy.typing import NDArray

from gan_rosetta.shared.errors import DataError

TRAIN_IMAGES = "train-images-idx3-ubyte"
TRAIN_LABELS = "train-labels-idx1-ubyte"
TEST_IMAGES = "t10k-images-idx3-ubyte"
TEST_LABELS = "t10k-labels-idx1-ubyte"
FILE_NAMES = (TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS)

_IMAGE_SIZE = (28, 28)
_UNSIGNED_BYTES = 0x0800  # The magic number's third byte is the type, its fourth the number of dimensions.
_GZIP_START = b"\x1f\x8b"
_BLOCK_BYTES = 1 << 20
_REMEDY = "download it again"


@dataclass(frozen=True)
class DigitFiles:
    """The contents of the four files: images (n, 28, 28) and labels (n,), of training and test digits."""

    train_images: NDArray[np.uint8]
    train_labels: NDArray[np.uint8]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.uint8]


def read_folder(folder: Path, /) -> DigitFiles:
    """Read the four files, gzipped or not, under their usual names or with a dot for the hyphen before "idx".

    Raises DataError, naming the file, what it holds and what was expected, for the first fault in any of the four:
    http://yann.lecun.com/exdb/mnist describes the format.
    """
    if not folder.is_dir():
        found = "is not a folder" if folder.exists() else "does not exist"
        raise DataError(f"digits: {folder} {found}; expected a folder with {', '.join(FILE_NAMES)} (or those with .gz)")
    paths = {name: _find(folder, name) for name in FILE_NAMES}
    train_images = _read_array(paths[TRAIN_IMAGES], sample_shape=_IMAGE_SIZE)
    train_labels = _read_labels(paths[TRAIN_LABELS], images=paths[TRAIN_IMAGES], num_images=len(train_images))
    test_images = _read_array(paths[TEST_IMAGES], sample_shape=_IMAGE_SIZE)
    test_labels = _read_labels(paths[TEST_LABELS], images=paths[TEST_IMAGES], num_images=len(test_images))
    return DigitFiles(train_images, train_labels, test_images, test_labels)


def _find(folder: Path, name: str) -> Path:
    dotted = name.replace("-idx", ".idx")
    for candidate in (name, f"{name}.gz", dotted, f"{dotted}.gz"):
        if (folder / candidate).is_file():
            return folder / candidate
    names = f"{name}, {name}.gz, {dotted} and {dotted}.gz"
    raise DataError(f"{folder} lacks {name}: looked for {names}; put all four MNIST files there")


def _read_labels(path: Path, *, images: Path, num_images: int) -> NDArray[np.uint8]:
    labels = _read_array(path, sample_shape=())
    if len(labels) != num_images:
        counts = f"{len(labels)} labels, but {images.name} has {num_images} images"
        raise DataError(f"{path} has {counts}; expected as many; take both files from the same set")
    if labels.max() > 9:
        place = int(np.argmax(labels > 9))
        raise DataError(f"{path} has label {labels[place]} at index {place}; expected 0 to 9; {_REMEDY}")
    return labels


def _read_array(path: Path, *, sample_shape: tuple[int, ...]) -> NDArray[np.uint8]:
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
            return _parse(path, cast(IO[bytes], file), sample_shape)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path} is not a whole gzip file ({error}); expected gzipped IDX data; {_REMEDY}") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}; expected a readable file") from error


def _parse(path: Path, file: IO[bytes], sample_shape: tuple[int, ...]) -> NDArray[np.uint8]:
    num_dimensions = 1 + len(sample_shape)
    num_header_bytes = 4 + 4 * num_dimensions
    header = file.read(num_header_bytes)
    expected_magic = _UNSIGNED_BYTES + num_dimensions
    if header[:2] == _GZIP_START:
        raise DataError(f"{path} is gzip-compressed, but its name does not say so; rename it to {path.name}.gz")
    if len(header) >= 4 and int.from_bytes(header[:4], "big") != expected_magic:
        found = f"0x{header[:4].hex()}"
        raise DataError(f"{path} starts with magic number {found}; expected 0x{expected_magic:08x}; {_REMEDY}")
    if len(header) < num_header_bytes:
        raise DataError(f"{path} has {len(header)} bytes; expected a header of {num_header_bytes}; {_REMEDY}")
    shape = struct.unpack(f">{num_dimensions}I", header[4:])
    if shape[1:] != sample_shape or shape[0] == 0:
        expected = " × ".join(("at least 1", *(str(size) for size in sample_shape)))
        raise DataError(f"{path} has dimensions {' × '.join(map(str, shape))}; expected {expected}; {_REMEDY}")
    num_expected = math.prod(shape)
    data = _read_at_most(file, num_expected + 1)
    if len(data) != num_expected:
        total = num_header_bytes + num_expected
        found = "more" if len(data) > num_expected else f"only {num_header_bytes + len(data)}"
        raise DataError(f"{path} has {found} bytes; expected exactly {total} for {shape[0]} entries; {_REMEDY}")
    return np.frombuffer(data, dtype=np.uint8).reshape(shape).copy()


def _read_at_most(file: IO[bytes], limit: int) -> bytes:
    # In blocks, because a corrupt header can ask for terabytes, and read() sets aside what it is asked for.
    data = bytearray()
    while len(data) < limit:
        block = file.read(min(_BLOCK_BYTES, limit - len(data)))
        if not block:
            break
        data += block
    return bytes(data)
