"""Files of other programs that are given for a state: what each is, by its first bytes, and how to bring it in."""

from __future__ import annotations

import shlex
import zipfile
from pathlib import Path
from typing import BinaryIO

from gan_rosetta.shared.gans import CATALOGUE
from gan_rosetta.shared.spec import GanSpec
from gan_rosetta.shared.state.schema import state_schema
from gan_rosetta.shared.storage.npz import names_in
from gan_rosetta.shared.storage.opening import open_regular

# What a file is, in words, and which of the formats that are read; None where that is unknown.
_Seen = tuple[str | None, str | None]
_PICKLE = "a pickle, which is not loaded here since it may run anything"
_NOTHING: _Seen = (None, None)
_NUM_HEAD_BYTES = 16
_HDF5 = b"\x89HDF\r\n\x1a\n"
_PICKLE_PROTOCOLS = range(2, 6)
_TORCH_BEFORE_ZIP = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"
# https://github.com/apache/mxnet/blob/v1.x/src/ndarray/ndarray.cc: kMXAPINDArrayListMagic, and eight bytes of zeros.
_MXNET = (0x112).to_bytes(8, "little") + bytes(8)
# The end of a LevelDB table, which the .index of a TensorFlow checkpoint is.
_LEVEL_DB = bytes.fromhex("57fb808b247547db")


def describe_stranger(path: Path, /) -> str | None:
    """Return what a file of another program is, in words; None for one that is unknown, or cannot be read.

    Nothing in it is loaded: the first and last bytes and the names within an archive say enough.
    """
    return _look(path)[0]


def format_of(path: Path, /) -> str | None:
    """Return which of the formats that `gan-rosetta convert` reads a file is of; None for another, or no file."""
    return _look(path)[1]


def how_to_bring_in(path: Path, spec: GanSpec, /) -> str:
    """Return what to do with a file of another program, so that it can be an initial state of the GAN."""
    if format_of(path) is not None:
        # As long as it has these tensors: a run may take other steps, or batches of another size.
        known = CATALOGUE.get(spec.name)
        is_known = known is not None and state_schema(known) == state_schema(spec)
        gan = f"--gan {spec.name}" if is_known else "--spec FILE.toml"
        return (
            f"`gan-rosetta convert {shlex.quote(str(path))} state.safetensors {gan}` makes the state of it that is "
            "expected here"
        )
    return (
        f"expected a .safetensors file with the tensors of {spec.name!r} under their canonical names, as `gan-rosetta "
        "train --export-initial-state` writes one: load this one in its own program, and save its arrays under those "
        "names with safetensors.numpy.save_file"
    )


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
        return _NOTHING
    return _look_at_bytes(head, tail)


def _look_into_archive(file: BinaryIO) -> _Seen:
    names = names_in(file)
    if any(name.endswith("data.pkl") for name in names):
        return "a file of torch.save", "torch"
    if "model.weights.h5" in names:
        return "a model of Keras (.keras)", "keras"
    if names and all(name.endswith(".npy") for name in names):
        shown = ", ".join(repr(name.removesuffix(".npy")) for name in names[:3])
        return f"an .npz archive of NumPy with {shown}", "npz"
    return "a zip archive", None


def _look_at_bytes(head: bytes, tail: bytes) -> _Seen:
    if head[8:9] == b"{":  # A .safetensors file, or one that is not whole: its header's length may look like anything.
        return None, "safetensors"
    if len(head) > 1 and head[0] == 0x80 and head[1] in _PICKLE_PROTOCOLS and not head.startswith(_TORCH_BEFORE_ZIP):
        return (_PICKLE, None) if tail.endswith(b".") else _NOTHING
    for start, what, kind in (
        (_TORCH_BEFORE_ZIP, "a file of torch.save in its old form", "torch"),
        (_HDF5, "an HDF5 file, as Keras writes weights (.h5)", "keras"),
        (_MXNET, "a file of MXNet's parameters (.params)", "gluon"),
        (b"\x93NUMPY", "a single array of NumPy (.npy)", None),
        (b"\x1f\x8b", "a gzip file", None),
    ):
        if head.startswith(start):
            return what, kind
    if tail == _LEVEL_DB:
        return "the index of a TensorFlow checkpoint", None
    return ("a MessagePack file, as Flax writes states (.msgpack)", "flax") if _is_message_pack(head) else _NOTHING


def _is_message_pack(head: bytes) -> bool:
    """Whether the first bytes are those of a map whose first key is a text."""
    if not head:
        return False
    length_bytes = {0xDE: 2, 0xDF: 4}.get(head[0], 0)
    key = head[1 + length_bytes : 2 + length_bytes]
    is_map = 0x80 < head[0] <= 0x8F or length_bytes > 0
    return is_map and bool(key) and (0xA0 <= key[0] <= 0xBF or key[0] == 0xD9)
