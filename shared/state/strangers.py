"""Files of other programs that are given for a state: what each is, by its bytes or its name, and what to do."""

from __future__ import annotations

import shlex
import zipfile
from pathlib import Path
from typing import BinaryIO, NamedTuple

from gan_rosetta.shared.gans import CATALOGUE
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.state.schema import state_schema
from gan_rosetta.shared.storage.npz import names_in
from gan_rosetta.shared.storage.opening import open_regular


class _Seen(NamedTuple):
    """What a file is, in words, and which of the formats that are read; None where that is unknown.

    remedy: what to do with it where it is to be neither converted nor loaded by its own program.
    """

    what: str | None = None
    kind: str | None = None
    remedy: str | None = None


_TORCH = _Seen("a file of torch.save", "torch")
_KERAS_WEIGHTS = _Seen("an HDF5 file, as Keras writes weights (.h5)", "keras")
_KERAS_MODEL = _Seen("a model of Keras (.keras)", "keras")
_GLUON = _Seen("a file of MXNet's parameters (.params)", "gluon")
_FLAX = _Seen("a MessagePack file, as Flax writes states (.msgpack)", "flax")
_NPZ = _Seen("an .npz archive of NumPy", "npz")
# What the ending of a name says, the longest first, where nothing inside says more.
_BY_NAME = {
    ".checkpoint.npz": _Seen("a checkpoint of a run"),
    ".keras": _KERAS_MODEL,
    ".h5": _KERAS_WEIGHTS,
    ".hdf5": _KERAS_WEIGHTS,
    ".msgpack": _FLAX,
    ".npz": _NPZ,
    ".params": _GLUON,
    ".pth": _TORCH,
    ".pt": _TORCH,
}
_PICKLE = _Seen("a pickle, which is not loaded here since it may run anything")
_AGAIN = "write or copy it again"
_NUM_HEAD_BYTES = 64
_PICKLE_PROTOCOLS = range(2, 6)
_TORCH_BEFORE_ZIP = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"
_STARTS = {
    _TORCH_BEFORE_ZIP: _Seen("a file of torch.save in its old form", "torch"),
    b"\x89HDF\r\n\x1a\n": _KERAS_WEIGHTS,
    # https://github.com/apache/mxnet/blob/v1.x/src/ndarray/ndarray.cc: kMXAPINDArrayListMagic, and eight zeros.
    (0x112).to_bytes(8, "little") + bytes(8): _GLUON,
    b"\x93NUMPY": _Seen("a single array of NumPy (.npy)"),
    b"\x1f\x8b": _Seen("a gzip file"),
    # https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
    b"version https://git-lfs": _Seen(
        "a pointer of Git LFS and not the file itself", remedy="`git lfs pull` fetches what it stands for"
    ),
}
_PAGE = _Seen("a web page (HTML)", remedy="download the file itself, which may need a login or another address")
# The end of a LevelDB table, which the .index of a TensorFlow checkpoint is.
_LEVEL_DB = bytes.fromhex("57fb808b247547db")


def describe_stranger(path: Path, /) -> str | None:
    """Return what a file of another program is, in words; None for one that is unknown, or cannot be read.

    Nothing in it is loaded: the first and last bytes and the names within an archive say enough. Where they say
    nothing, since the file is empty or damaged, the ending of its name does.
    """
    return _look(path).what or _say_by_name(path)


def format_of(path: Path, /) -> str | None:
    """Return which of the formats that `gan-rosetta convert` reads a file is of; None for another, or no file."""
    return _look(path).kind


def remedy_of(path: Path, /) -> str | None:
    """Return what is to be done before anything can be done with a file: one that is empty, damaged, or stands for it.

    None where it is whole, as far as its first bytes tell, or where nothing is known of it.
    """
    seen = _look(path)
    return _AGAIN if seen.what is None and _say_by_name(path) is not None else seen.remedy


def how_to_bring_in(path: Path, spec: GanSpec, /) -> str:
    """Return what to do with a file of another program, so that it can be an initial state of the GAN."""
    remedy, kind = remedy_of(path), (_look(path).kind or _by_name(path).kind)
    if kind is not None and remedy in (None, _AGAIN):
        # As long as it has these tensors: a run may take other steps, or batches of another size.
        known = CATALOGUE.get(spec.name)
        is_known = known is not None and state_schema(known) == state_schema(spec)
        gan = f"--gan {spec.name}" if is_known else "--spec FILE.toml"
        return (
            f"{'' if remedy is None else f'{remedy}, then '}`gan-rosetta convert {shlex.quote(str(path))} "
            f"state.safetensors {gan}` makes the state of it that is expected here"
        )
    return remedy or (
        f"expected a .safetensors file with the tensors of {spec.name!r} under their canonical names, as `gan-rosetta "
        "train --export-initial-state` writes one: load this one in its own program, and save its arrays under those "
        "names with safetensors.numpy.save_file"
    )


def _by_name(path: Path) -> _Seen:
    return next((seen for suffix, seen in _BY_NAME.items() if path.name.lower().endswith(suffix)), _Seen())


def _say_by_name(path: Path) -> str | None:
    """Say of a file whose bytes say nothing that it is empty, or damaged where its name promises more."""
    promised = _by_name(path).what
    try:
        with open_regular(path) as file:
            is_empty = not file.read(1)
    except OSError:
        return None
    if promised is None:
        return "empty" if is_empty else None
    return f"empty, though by its name {promised}" if is_empty else f"damaged, or not what its name says, {promised}"


def _look(path: Path) -> _Seen:
    try:
        with open_regular(path) as file:
            if zipfile.is_zipfile(file):
                return _look_into_archive(file)
            file.seek(0)
            head = file.read(_NUM_HEAD_BYTES)
            file.seek(0, 2)
            file.seek(max(0, file.tell() - len(_LEVEL_DB)))
            tail = file.read()
    except Exception:  # What zipfile raises for broken bytes is a long list, and grows.
        return _Seen()
    return _look_at_bytes(head, tail)


def _look_into_archive(file: BinaryIO) -> _Seen:
    names = names_in(file)
    if any(name.endswith("data.pkl") for name in names):
        return _TORCH
    if "model.weights.h5" in names:
        return _KERAS_MODEL
    if names and all(name.endswith(".npy") for name in names):
        shown = ", ".join(repr(name.removesuffix(".npy")) for name in names[:3])
        return _NPZ._replace(what=f"{_NPZ.what} with {shown}")
    return _Seen("a zip archive")


def _look_at_bytes(head: bytes, tail: bytes) -> _Seen:
    if head[8:9] == b"{":  # A .safetensors file, or one that is not whole: its header's length may look like anything.
        return _Seen(None, "safetensors")
    if len(head) > 1 and head[0] == 0x80 and head[1] in _PICKLE_PROTOCOLS and not head.startswith(_TORCH_BEFORE_ZIP):
        return _PICKLE if tail.endswith(b".") else _Seen()
    for start, seen in _STARTS.items():
        if head.startswith(start):
            return seen
    if head.lstrip().lower().startswith((b"<!doctype html", b"<html")):
        return _PAGE
    if tail == _LEVEL_DB:
        return _Seen("the index of a TensorFlow checkpoint")
    return _FLAX if _is_message_pack(head) else _Seen()


def _is_message_pack(head: bytes) -> bool:
    """Whether the first bytes are those of a map whose first key is a text."""
    if not head:
        return False
    length_bytes = {0xDE: 2, 0xDF: 4}.get(head[0], 0)
    key = head[1 + length_bytes : 2 + length_bytes]
    is_map = 0x80 < head[0] <= 0x8F or length_bytes > 0
    return is_map and bool(key) and (0xA0 <= key[0] <= 0xBF or key[0] == 0xD9)
