"""The forms in which pictures come: a folder of them, an .npz, IDX files with labels, CIFAR-10's binary files."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gan_rosetta.shared.data.idx import read_array
from gan_rosetta.shared.data.picture import ends_as_picture
from gan_rosetta.shared.errors import DataError
from gan_rosetta.shared.storage.npz import read_npz
from gan_rosetta.shared.storage.opening import read_regular, shown, what_is

FORMS = (
    "a folder of pictures (sub-folders are classes), an .npz with images, an IDX file of images, "
    "or CIFAR-10's binary files"
)
MOST_CLASSES = 256
MOST_FILE_BYTES = 1 << 28
_CIFAR_SHAPE = (3, 32, 32)
_CIFAR_RECORD = 1 + 3 * 32 * 32
_CIFAR_BATCH = "data_batch_*.bin"
_IDX_IMAGES, _IDX_LABELS = "images-idx3-ubyte", "labels-idx1-ubyte"
# As we would name them, as Keras's mnist.npz does, and as MedMNIST's files do.
_NPZ_NAMES = (("images", "labels"), ("x_train", "y_train"), ("train_images", "train_labels"))
_GREY_RANK, _COLOUR_RANK = 3, 4


@dataclass(frozen=True)
class PictureSet:
    """Pictures in their order, and the class of each, None where they have none.

    pictures: paths of files, or levels (n, height, width) or (n, height, width, 3). labels: (n,). sha256: of classes
    and contents, in order; what the files are called and where they lie is no part of it.
    """

    pictures: Sequence[Path] | NDArray[np.uint8]
    labels: NDArray[np.uint8] | None
    sha256: str


def find_pictures(path: Path, /) -> PictureSet:
    """Return the pictures at a path, in whichever form they are; raises DataError, in a line, for what is none."""
    found = what_is(path)
    if found == "a folder":
        return _from_folder(path)
    if found != "a file":
        raise DataError(f"--images {shown(path)} {f'is {found}' if found else 'does not exist'}; expected {FORMS}")
    name = path.name.lower()
    if name.endswith(".npz"):
        return _from_arrays(*_read_npz(path))
    if name.endswith(".bin"):
        return _from_cifar([path])
    if "idx" in name:
        return _from_idx(path)
    raise DataError(
        f"--images {shown(path)} is a file whose name ends in none of .npz, .bin and -ubyte; expected {FORMS}"
    )


def _from_folder(folder: Path) -> PictureSet:
    entries = _entries(folder)
    names = {entry.name for entry in entries}
    batches = sorted(folder.glob(_CIFAR_BATCH))
    if batches:
        return _from_cifar(batches)
    for name in (f"train-{_IDX_IMAGES}", f"train-{_IDX_IMAGES}.gz"):
        if name in names:
            return _from_idx(folder / name)
    classes = [entry.name for entry in entries if entry.is_dir()]
    loose = [folder / entry.name for entry in entries if _is_picture(entry)]
    if not classes:
        if not loose:
            raise DataError(
                f"--images {shown(folder)} holds no pictures: none of its {len(entries)} files ends as a format that "
                "Pillow opens does, such as .png or .jpg"
            )
        return _from_files(loose, None)
    if loose:
        raise DataError(
            f"--images {shown(folder)} has pictures, such as {shown(loose[0].name)}, beside the folders of its "
            "classes; put each into a folder of a class, or all into one folder without others"
        )
    if len(classes) > MOST_CLASSES:
        raise DataError(f"--images {shown(folder)} has {len(classes)} classes; expected {MOST_CLASSES} at the most")
    return _from_classes(folder, classes)


def _from_classes(folder: Path, classes: Sequence[str]) -> PictureSet:
    """Classes are numbered in the order of their names, files come in theirs: as torchvision's ImageFolder has it."""
    files: list[Path] = []
    labels: list[int] = []
    for number, name in enumerate(classes):
        inside = list(_walk(folder / name, above=(_identity(folder),)))
        if not inside:
            raise DataError(f"the class {shown(folder / name)} holds no pictures; put some there, or move it away")
        files += inside
        labels += [number] * len(inside)
    return _from_files(files, np.array(labels, dtype=np.uint8))


def _walk(folder: Path, *, above: tuple[tuple[int, int], ...]) -> Iterator[Path]:
    """Yield a folder's pictures, then those of the folders in it; a link that leads back up is refused."""
    identity = _identity(folder)
    if identity in above:
        raise DataError(f"{shown(folder)} is a link to a folder that it lies in, and so has no end; remove the link")
    entries = _entries(folder)
    yield from (folder / entry.name for entry in entries if _is_picture(entry))
    for entry in entries:
        if entry.is_dir():
            yield from _walk(folder / entry.name, above=(*above, identity))


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        raise DataError(f"{shown(folder)} cannot be read: {error.strerror or error}") from error


def _identity(folder: Path) -> tuple[int, int]:
    try:
        found = folder.stat()
    except OSError as error:
        raise DataError(f"{shown(folder)} cannot be read: {error.strerror or error}") from error
    return found.st_dev, found.st_ino


def _is_picture(entry: os.DirEntry[str]) -> bool:
    """Whether a name ends as a picture's does, whatever is there: a pipe of that name is refused, and not passed by."""
    return ends_as_picture(entry.name) and not entry.is_dir()


def _from_files(files: Sequence[Path], labels: NDArray[np.uint8] | None) -> PictureSet:
    def contents() -> Iterator[bytes]:
        for file in files:
            yield read_picture_file(file)

    return PictureSet(files, labels, _sha256(contents(), labels))


def read_picture_file(path: Path, /) -> bytes:
    """Return a picture's file; raises DataError where it cannot be read, is no file, or larger than a picture is."""
    try:
        content = read_regular(path, most_bytes=MOST_FILE_BYTES)
    except OSError as error:
        raise DataError(f"{shown(path)} cannot be read: {error.strerror or error}; expected a picture") from error
    if not content:
        raise DataError(f"{shown(path)} is empty; expected a picture")
    return content


def _from_arrays(images: NDArray[np.uint8], labels: NDArray[np.uint8] | None) -> PictureSet:
    content = f"{images.shape} ".encode() + np.ascontiguousarray(images).tobytes()
    return PictureSet(images, labels, _sha256(iter([content]), labels))


def _sha256(contents: Iterator[bytes], labels: NDArray[np.uint8] | None) -> str:
    digest = hashlib.sha256(b"" if labels is None else labels.tobytes())
    for content in contents:
        digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()


def _read_npz(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    try:
        arrays = read_npz(path, require_wanted=lambda headers: _require_images(path, headers))
    except (OSError, ValueError) as error:
        raise DataError(f"{shown(path)} cannot be read: {' '.join(str(error).split())}") from error
    image_name, label_name = _names_in(path, arrays)
    images = np.asarray(arrays[image_name])
    if images.ndim == _COLOUR_RANK and images.shape[-1] == 1:
        images = images[..., 0]
    if label_name not in arrays:
        return images, None
    labels = arrays[label_name].reshape(-1)
    if labels.min() < 0 or labels.max() >= MOST_CLASSES:
        wrong = labels.min() if labels.min() < 0 else labels.max()
        raise DataError(f"{label_name} of {shown(path)} has {wrong}; expected classes from 0 to {MOST_CLASSES - 1}")
    return images, labels.astype(np.uint8)


def _names_in(path: Path, arrays: Mapping[str, np.ndarray]) -> tuple[str, str]:
    for pair in _NPZ_NAMES:
        if pair[0] in arrays:
            return pair
    found = ", ".join(map(repr, arrays)) or "none"
    expected = ", ".join(images for images, _ in _NPZ_NAMES)
    raise DataError(f"{shown(path)} has the arrays {shown(found)}; expected one of {expected}, and labels beside it")


def _require_images(path: Path, headers: Mapping[str, np.ndarray]) -> None:
    """Raise DataError unless there are images of 8 bits, grey or of three colours, and whole numbers for classes."""
    image_name, label_name = _names_in(path, headers)
    images = headers[image_name]
    fits = images.ndim == _GREY_RANK or (images.ndim == _COLOUR_RANK and images.shape[-1] in (1, 3))
    if images.dtype != np.uint8 or not fits or 0 in images.shape:
        raise DataError(
            f"{image_name} of {shown(path)} is {images.dtype} {images.shape}; expected uint8, (n, height, width) for "
            "grey or (n, height, width, 3) for colours"
        )
    labels = headers.get(label_name)
    if labels is not None and (labels.dtype.kind not in "iu" or labels.shape not in ((len(images),), (len(images), 1))):
        raise DataError(
            f"{label_name} of {shown(path)} is {labels.dtype} {labels.shape}; expected whole numbers ({len(images)},), "
            "a class for each image"
        )


def _from_idx(path: Path) -> PictureSet:
    """An IDX file of images; the labels are those of the file of that name, where it is beside it."""
    images = read_array(path, sample_shape=(None, None))
    beside = path.with_name(path.name.replace("images", "labels").replace("idx3", "idx1"))
    labels = None
    for candidate in (beside, beside.with_name(f"{beside.name}.gz"), beside.with_name(beside.name.removesuffix(".gz"))):
        if beside != path and labels is None and what_is(candidate) == "a file":
            labels = read_array(candidate, sample_shape=())
    if labels is not None and len(labels) != len(images):
        raise DataError(f"{shown(path)} has {len(images)} images, and {shown(beside.name)} {len(labels)} labels")
    return _from_arrays(images, labels)


def _from_cifar(paths: Sequence[Path]) -> PictureSet:
    """CIFAR-10's records: a byte for the class, then 32 × 32 of red, of green, of blue (its page describes them)."""
    parts = [_read_cifar(path) for path in paths]
    records = np.concatenate(parts)
    images = records[:, 1:].reshape(-1, *_CIFAR_SHAPE).transpose(0, 2, 3, 1)
    return _from_arrays(np.ascontiguousarray(images), np.ascontiguousarray(records[:, 0]))


def _read_cifar(path: Path) -> NDArray[np.uint8]:
    try:
        content = read_regular(path, most_bytes=MOST_FILE_BYTES)
    except OSError as error:
        raise DataError(f"{shown(path)} cannot be read: {error.strerror or error}") from error
    if not content or len(content) % _CIFAR_RECORD:
        raise DataError(
            f"{shown(path)} has {len(content):,} bytes; expected CIFAR-10's records of {_CIFAR_RECORD:,} bytes each, a "
            "class and 32 × 32 × 3 levels; download it again"
        )
    records = np.frombuffer(content, dtype=np.uint8).reshape(-1, _CIFAR_RECORD)
    if records[:, 0].max() > 9:
        place = int(np.argmax(records[:, 0] > 9))
        raise DataError(f"{shown(path)} has class {records[place, 0]} at record {place}; expected 0 to 9")
    return records
