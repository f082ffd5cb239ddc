"""MessagePack as flax writes it: dictionaries by texts, numbers, and arrays.

https://github.com/msgpack/msgpack/blob/master/spec.md. Of flax.serialization: an array is an
extension of type 1, the packed list of its shape, its type's name and its bytes; a scalar of NumPy is one of type 3, in
the same form.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

from gan_rosetta.shared.state.native.checkpoint import MOST_LEVELS

_ARRAY, _SCALAR = 1, 3
_NUMBERS = {
    0xCA: ">f", 0xCB: ">d", 0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q",
    0xD0: ">b", 0xD1: ">h", 0xD2: ">i", 0xD3: ">q",
}  # fmt: skip
# By their first byte: what follows, and in how many bytes its length stands.
_LENGTHS = {
    0xC4: ("bytes", 1), 0xC5: ("bytes", 2), 0xC6: ("bytes", 4),
    0xC7: ("extension", 1), 0xC8: ("extension", 2), 0xC9: ("extension", 4),
    0xD9: ("text", 1), 0xDA: ("text", 2), 0xDB: ("text", 4),
    0xDC: ("list", 2), 0xDD: ("list", 4), 0xDE: ("map", 2), 0xDF: ("map", 4),
}  # fmt: skip
_SIMPLE = {0xC0: None, 0xC2: False, 0xC3: True}
_FLOATS = ("float64", "float32", "float16", "bfloat16")
_TYPES = (*_FLOATS, "int64", "int32", "int16", "int8", "uint64", "uint32", "uint16", "uint8", "bool")
# A byte of a file can stand for a dictionary, which takes some sixty of memory.
_MOST_VALUES = 200_000
_CHUNKED = "__msgpack_chunked_array__"


def unpack(content: bytes, /) -> Any:
    """Return the value that some bytes hold, all of them; raises ValueError where they are broken."""
    reader = _Reader(content)
    try:
        value = reader.value()
    except (struct.error, UnicodeDecodeError) as error:
        raise ValueError(f"broken bytes ({error})") from None
    if reader.num_left:
        raise ValueError(f"{reader.num_left:,} bytes follow its value")
    return value


def pack(value: Any, /) -> bytes:
    """Return the bytes of dictionaries by texts, lists, texts, numbers, True, False, None and arrays."""
    content = bytearray()
    _pack(value, content)
    return bytes(content)


class _Reader:
    """Reads values one after another. depth: how deep they lie in what is read elsewhere."""

    def __init__(self, content: bytes, /, *, depth: int = 0) -> None:
        self._content = content
        self._place = 0
        self._depth = depth
        self._num_values = 0

    @property
    def num_left(self) -> int:
        """How many bytes are left."""
        return len(self._content) - self._place

    def take(self, length: int) -> bytes:
        """Return the next bytes; raises ValueError where they end before."""
        if length > self.num_left:
            raise ValueError(f"it ends after {len(self._content):,} bytes, within something of {length:,}")
        self._place += length
        return self._content[self._place - length : self._place]

    def value(self) -> Any:
        """Return the next value."""
        self._num_values += 1
        if self._depth > MOST_LEVELS or self._num_values > _MOST_VALUES:
            raise ValueError(f"more than {_MOST_VALUES:,} values, or more than {MOST_LEVELS} deep in one another")
        (first,) = self.take(1)
        if first in _SIMPLE:
            return _SIMPLE[first]
        if first < 0x80 or first >= 0xE0:
            return first if first < 0x80 else first - 0x100
        if first in _NUMBERS:
            form = _NUMBERS[first]
            return struct.unpack(form, self.take(struct.calcsize(form)))[0]
        self._depth += 1
        value = self._composed(*self._kind_and_length(first))
        self._depth -= 1
        return value

    def _composed(self, kind: str, length: int) -> Any:
        if kind == "map":
            return self._map(length)
        if kind == "list":
            return [self.value() for _ in range(min(length, self.num_left + 1))]
        if kind == "extension":
            (code,) = self.take(1)
            return _array(code, _Reader(self.take(length), depth=self._depth))
        return self.take(length).decode() if kind == "text" else self.take(length)

    def _kind_and_length(self, first: int) -> tuple[str, int]:
        if first < 0x90:
            return "map", first & 0x0F
        if first < 0xA0:
            return "list", first & 0x0F
        if first < 0xC0:
            return "text", first & 0x1F
        if 0xD4 <= first <= 0xD8:
            return "extension", 1 << (first - 0xD4)
        if first not in _LENGTHS:
            raise ValueError(f"a value that begins with {first:#x}")
        kind, num_bytes = _LENGTHS[first]
        return kind, int.from_bytes(self.take(num_bytes), "big")

    def _map(self, length: int) -> Any:
        found: dict[str, Any] = {}
        for _ in range(min(length, self.num_left + 1)):
            key = self.value()
            if not isinstance(key, str | int):
                raise ValueError(f"a key of type {type(key).__name__}; expected a text")
            found[str(key)] = self.value()
        if len(found) < length:
            raise ValueError("two entries of a dictionary have one name")
        return _joined(found) if _CHUNKED in found else found


def _array(code: int, reader: _Reader) -> np.ndarray:
    if code not in (_ARRAY, _SCALAR):
        raise ValueError(f"a value of the extension {code}; expected an array")
    parts = reader.value()
    good = isinstance(parts, list) and len(parts) == 3 and isinstance(parts[0], list) and isinstance(parts[2], bytes)
    if not good or not all(type(size) is int and size >= 0 for size in parts[0]):
        raise ValueError("an array without a shape, a type and bytes")
    shape, kind, data = parts
    if kind not in _TYPES:
        raise ValueError(f"an array of type {kind!r}; expected one of {', '.join(_TYPES)}")
    dtype = np.dtype("<u2" if kind == "bfloat16" else kind)
    if math.prod(shape) * dtype.itemsize != len(data):
        raise ValueError(f"{len(data):,} bytes for an array of {kind} {tuple(shape)}")
    array = np.frombuffer(data, dtype=dtype)
    if kind == "bfloat16":  # The upper half of a float32.
        array = (array.astype("<u4") << 16).view("<f4")
    return array.reshape(shape)


def _joined(parts: Mapping[str, Any]) -> np.ndarray:
    """Return an array that flax has cut into pieces, as it does with those of more than a gigabyte."""
    shape, chunks = parts.get("shape"), parts.get("chunks")
    if not isinstance(shape, dict) or not isinstance(chunks, dict):
        raise ValueError("an array in pieces without its shape or its pieces")
    pieces = [chunks.get(str(place)) for place in range(len(chunks))]
    sizes = [shape.get(str(place)) for place in range(len(shape))]
    if (
        not pieces
        or not all(isinstance(piece, np.ndarray) for piece in pieces)
        or not all(type(size) is int for size in sizes)
    ):
        raise ValueError("an array in pieces that are none")
    whole = np.concatenate([np.zeros(0) if piece is None else piece.reshape(-1) for piece in pieces])
    if math.prod(size or 0 for size in sizes) != whole.size:
        raise ValueError(f"pieces of {whole.size:,} entries for an array {tuple(sizes)}")
    return whole.reshape([size or 0 for size in sizes])


def _pack(value: Any, content: bytearray) -> None:
    if value is None or isinstance(value, bool):
        content.append({None: 0xC0, False: 0xC2, True: 0xC3}[value])
    elif isinstance(value, int):
        content += b"\xd3" + struct.pack(">q", value) if not 0 <= value < 0x80 else bytes([value])
    elif isinstance(value, float):
        content += b"\xcb" + struct.pack(">d", value)
    elif isinstance(value, str):
        text = value.encode()
        content += (bytes([0xA0 + len(text)]) if len(text) < 32 else b"\xdb" + struct.pack(">I", len(text))) + text
    elif isinstance(value, bytes):
        content += b"\xc6" + struct.pack(">I", len(value)) + value
    elif isinstance(value, np.ndarray):
        little = np.array(value, dtype=value.dtype.newbyteorder("<"), order="C")
        inner = pack([list(little.shape), little.dtype.name, little.tobytes()])
        content += b"\xc9" + struct.pack(">IB", len(inner), _ARRAY) + inner
    elif isinstance(value, list | tuple):
        content += b"\xdd" + struct.pack(">I", len(value))
        for entry in value:
            _pack(entry, content)
    elif isinstance(value, Mapping):
        content += bytes([0x80 + len(value)]) if len(value) < 16 else b"\xdf" + struct.pack(">I", len(value))
        for key, entry in value.items():
            _pack(str(key), content)
            _pack(entry, content)
    else:
        raise TypeError(f"MessagePack here holds no {type(value).__name__}")
