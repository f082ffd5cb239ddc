"""Files of MXNet's arrays, .params, as Gluon's save_parameters and mx.nd.save leave them.

https://github.com/apache/mxnet/blob/v1.x/src/ndarray/ndarray.cc, NDArray::Save: a magic number, the arrays, each with
its shape, device and type, then the names.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from gan_rosetta.shared.errors import StateError
from gan_rosetta.shared.state.native.checkpoint import Checkpoint, read_bounded

FORMAT = "a file of MXNet's parameters"
_LIST_MAGIC = 0x112
_DENSE_MAGICS = (0xF993FAC9, 0xF993FACA)  # Of the second, shapes have NumPy's meaning: () is a scalar.
_TYPES = {0: "<f4", 1: "<f8", 2: "<f2", 3: "<u1", 4: "<i4", 5: "<i1", 6: "<i8"}
_MOST_AXES = 32


def read_gluon(path: Path, /) -> Checkpoint:
    """Read a file of MXNet's arrays; raises StateError for one that is broken or holds sparse ones."""
    try:
        tensors = _parse(read_bounded(path))
    except ValueError as error:
        raise StateError(f"{path} is not a whole file of MXNet's parameters: {error}; save or copy it again") from None
    return Checkpoint(format=FORMAT, tensors=tensors, layout="canonical", is_ordered=True)


def gluon_bytes(tensors: Mapping[str, np.ndarray], /) -> bytes:
    """Return the bytes of a file that mx.nd.load and Gluon's load_parameters read; arrays of at least one axis."""
    codes = {kind: code for code, kind in _TYPES.items()}
    content = bytearray(struct.pack("<QQQ", _LIST_MAGIC, 0, len(tensors)))
    for array in tensors.values():
        little = np.array(array, dtype=array.dtype.newbyteorder("<"), order="C")
        content += struct.pack("<Iii", _DENSE_MAGICS[0], 0, little.ndim)
        content += struct.pack(f"<{little.ndim}q", *little.shape)
        content += struct.pack("<iii", 1, 0, codes[little.dtype.str])
        content += little.tobytes()
    content += struct.pack("<Q", len(tensors))
    for name in tensors:
        text = name.encode()
        content += struct.pack("<Q", len(text)) + text
    return bytes(content)


class _Cursor:
    """Reads numbers and arrays one after another."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._place = 0

    def take(self, length: int) -> memoryview:
        """Return the next bytes; raises ValueError where the file ends before."""
        if length > len(self._content) - self._place:
            raise ValueError(f"it ends after {len(self._content):,} bytes, within something of {length:,}")
        self._place += length
        return memoryview(self._content)[self._place - length : self._place]

    def numbers(self, form: str) -> tuple[int, ...]:
        """Return numbers in a form of struct's."""
        return struct.unpack(form, self.take(struct.calcsize(form)))

    @property
    def num_left(self) -> int:
        return len(self._content) - self._place


def _parse(content: bytes) -> dict[str, np.ndarray]:
    cursor = _Cursor(content)
    magic, reserved, count = cursor.numbers("<QQQ")
    if magic != _LIST_MAGIC or reserved != 0:
        raise ValueError("it does not begin as one")
    # Each array takes more than a byte, so that a file says how many it can have at most.
    arrays = [_array(cursor) for _ in range(min(count, cursor.num_left))]
    (num_names,) = cursor.numbers("<Q")
    if not len(arrays) == count == num_names:
        raise ValueError(f"it says that it has {count} arrays and {num_names} names; expected a name for each")
    names = []
    for _ in arrays:
        (length,) = cursor.numbers("<Q")
        names.append(bytes(cursor.take(length)).decode("utf-8"))
    if cursor.num_left or len(set(names)) < len(names):
        raise ValueError("something follows its names, or two are the same")
    # Module.save_checkpoint says whether an array is an argument or a buffer.
    return {name.removeprefix("arg:").removeprefix("aux:"): array for name, array in zip(names, arrays, strict=True)}


def _array(cursor: _Cursor) -> np.ndarray:
    magic, storage, num_axes = cursor.numbers("<Iii")
    if magic not in _DENSE_MAGICS or storage != 0:
        raise ValueError("an array that is sparse, or of a format before MXNet 1.0")
    if not 0 <= num_axes <= _MOST_AXES:
        raise ValueError(f"an array of {num_axes} axes")
    shape = cursor.numbers(f"<{num_axes}q")
    _, _, code = cursor.numbers("<iii")
    if code not in _TYPES or min(shape, default=1) < 0:
        raise ValueError(f"an array of type {code} and shape {shape}")
    kind = np.dtype(_TYPES[code])
    return np.frombuffer(cursor.take(math.prod(shape) * kind.itemsize), dtype=kind).reshape(shape)
