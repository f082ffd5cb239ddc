"""Reads MNIST's four IDX files from a folder, and takes nothing from them until all four have been found right."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from gan_rosetta.shared.errors import DataError
from gan_rosetta.shared.storage.memory import available_bytes
from gan_rosetta.shared.storage.opening import open_regular, what_is

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
# EMNIST, the largest set that comes in these files, has 814,255 images.
MOST_ENTRIES = 1_000_000
# A side of an image; that of the largest sets in these files is 64.
MOST_PIXELS = 1024


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
    found = what_is(folder)
    if found != "a folder":
        found = "does not exist" if found is None else f"is {found}, not a folder"
        raise DataError(f"digits: {folder} {found}; expected a folder with {', '.join(FILE_NAMES)} (or those with .gz)")
    paths = {name: _find(folder, name) for name in FILE_NAMES}
    train_images = read_array(paths[TRAIN_IMAGES], sample_shape=_IMAGE_SIZE)
    train_labels = _read_labels(paths[TRAIN_LABELS], images=paths[TRAIN_IMAGES], num_images=len(train_images))
    test_images = read_array(paths[TEST_IMAGES], sample_shape=_IMAGE_SIZE)
    test_labels = _read_labels(paths[TEST_LABELS], images=paths[TEST_IMAGES], num_images=len(test_images))
    return DigitFiles(train_images, train_labels, test_images, test_labels)


def _find(folder: Path, name: str) -> Path:
    dotted = name.replace("-idx", ".idx")
    for candidate in (name, f"{name}.gz", dotted, f"{dotted}.gz"):
        if what_is(folder / candidate) == "a file":
            return folder / candidate
    names = f"{name}, {name}.gz, {dotted} and {dotted}.gz"
    raise DataError(f"{folder} lacks {name}: looked for {names}; put all four MNIST files there")


def _read_labels(path: Path, *, images: Path, num_images: int) -> NDArray[np.uint8]:
    labels = read_array(path, sample_shape=())
    if len(labels) != num_images:
        counts = f"{len(labels)} labels, but {images.name} has {num_images} images"
        raise DataError(f"{path} has {counts}; expected as many; take both files from the same set")
    if labels.max() > 9:
        place = int(np.argmax(labels > 9))
        raise DataError(f"{path} has label {labels[place]} at index {place}; expected 0 to 9; {_REMEDY}")
    return labels


def read_array(path: Path, /, *, sample_shape: tuple[int | None, ...]) -> NDArray[np.uint8]:
    """Return an IDX file's bytes as an array, (n, *sample_shape), gzipped where its name ends in .gz.

    sample_shape: None for a size that may be any up to MOST_PIXELS. Raises DataError, naming the file, what it holds
    and what was expected.
    """
    try:
        with open_regular(path) as file:
            if path.suffix != ".gz":
                return _parse(path, file, sample_shape)
            with gzip.GzipFile(fileobj=file, mode="rb") as unpacked:
                return _parse(path, cast(BinaryIO, unpacked), sample_shape)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path} is not a whole gzip file ({error}); expected gzipped IDX data; {_REMEDY}") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}; expected a readable file") from error


def _parse(path: Path, file: BinaryIO, sample_shape: tuple[int | None, ...]) -> NDArray[np.uint8]:
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
    fits = (
        1 <= found <= MOST_PIXELS if size is None else found == size
        for size, found in zip(sample_shape, shape[1:], strict=True)
    )
    if not all(fits) or shape[0] == 0:
        sizes = (f"1 to {MOST_PIXELS}" if size is None else str(size) for size in sample_shape)
        expected = " × ".join(("at least 1", *sizes))
        raise DataError(f"{path} has dimensions {' × '.join(map(str, shape))}; expected {expected}; {_REMEDY}")
    if shape[0] > MOST_ENTRIES:
        raise DataError(f"{path} has {shape[0]} entries; expected {MOST_ENTRIES} at the most; take a part of it")
    num_expected = math.prod(shape)
    if num_expected > available_bytes():
        raise DataError(
            f"{path} says that it holds {num_expected:,} bytes, more than there is memory; take a part of it"
        )
    # Memory that is set aside is not taken before it is written to: what a header claims costs nothing.
    data = np.empty(num_expected, dtype=np.uint8)
    num_found = 0
    while block := file.read(min(_BLOCK_BYTES, num_expected - num_found) or 1):
        if num_found == num_expected:
            raise DataError(_wrong_length(path, "more", num_header_bytes + num_expected, shape[0]))
        data[num_found : num_found + len(block)] = np.frombuffer(block, dtype=np.uint8)
        num_found += len(block)
    if num_found < num_expected:
        found = f"only {num_header_bytes + num_found}"
        raise DataError(_wrong_length(path, found, num_header_bytes + num_expected, shape[0]))
    return data.reshape(shape)


def _wrong_length(path: Path, found: str, expected: int, num_entries: int) -> str:
    return f"{path} has {found} bytes; expected exactly {expected} for {num_entries} entries; {_REMEDY}"
