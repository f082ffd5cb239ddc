"""Files of torch.save that hold dictionaries of tensors: .pt and .pth, in torch's zip form and the one before it.

https://pytorch.org/docs/stable/notes/serialization.html; torch/serialization.py.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gan_rosetta.shared.errors import StateError
from gan_rosetta.shared.state.found_names import belongs_to_a_state
from gan_rosetta.shared.state.layouts import TORCH_SLOTS
from gan_rosetta.shared.state.native.checkpoint import (
    COUNTERS,
    MOST_LEVELS,
    Checkpoint,
    FoundOptimizer,
    count_in,
    read_bounded,
)
from gan_rosetta.shared.state.native.pickle_values import Name, Slice, read_values

FORMAT = "a file of torch.save"
_MAGIC = 0x1950A86A20F9469CFC6C
_STORAGES = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "<i1",
    "ByteStorage": "<u1",
    "BoolStorage": "<u1",
}
_SLOTS = frozenset(TORCH_SLOTS.values())

_MOST_VALUES = 200_000

_Storage = Callable[[str], bytes]


def read_torch(path: Path, /) -> Checkpoint:
    """Read a file of torch.save; raises StateError for one that is broken or holds anything but tensors."""
    content = read_bounded(path)
    try:
        value, storages = _read_archive(content) if zipfile.is_zipfile(path) else _read_old(content)
        return _as_checkpoint(_with_arrays(value, storages))
    except StateError:
        raise
    except Exception as error:  # What zipfile raises for broken bytes is a long list, and grows.
        raise StateError(
            f"{path} is not taken as {FORMAT}: {error or type(error).__name__}; save dictionaries of tensors alone, as "
            "state_dict() gives them"
        ) from None


def _read_archive(content: bytes) -> tuple[Any, _Storage]:
    archive = zipfile.ZipFile(io.BytesIO(content))
    members = {member.filename: member for member in archive.infolist()}
    pickles = [name for name in members if name.endswith("data.pkl")]
    if len(pickles) != 1:
        raise ValueError(f"{len(pickles)} descriptions of tensors in the archive; expected one, data.pkl")
    folder = pickles[0].removesuffix("data.pkl")
    if f"{folder}constants.pkl" in members:
        raise ValueError("it is a TorchScript program")

    num_left = len(content)

    def read(name: str) -> bytes:
        nonlocal num_left
        member = members.get(name)
        if member is None:
            raise ValueError(f"{name} is missing in the archive")
        # torch compresses nothing, and what is compressed can be a thousand times as large as the file.
        if member.compress_type != zipfile.ZIP_STORED or member.file_size != member.compress_size:
            raise ValueError(f"{name} is compressed, as torch.save leaves nothing")
        num_left -= member.file_size
        if num_left < 0:
            raise ValueError("its parts are larger than the whole, so they overlap")
        return archive.read(member)

    if f"{folder}byteorder" in members and read(f"{folder}byteorder") != b"little":
        raise ValueError("its bytes are in big-endian order; save it on another machine")
    value, _ = read_values(read(pickles[0]))
    return value, lambda key: read(f"{folder}data/{key}")


def _read_old(content: bytes) -> tuple[Any, _Storage]:
    """Read the form before torch 1.6: five pickles, then the storages, each after its number of entries."""
    values, start = [], 0
    for _ in range(5):
        value, length = read_values(content[start:])
        values.append(value)
        start += length
    if values[0] != _MAGIC or not isinstance(values[4], list):
        raise ValueError("it does not begin as one")
    sizes = {identity[2]: (identity[4], _item_size(identity)) for identity in _storages_of(values[3])}
    places: dict[str, tuple[int, int]] = {}
    for key in values[4]:
        if key not in sizes:
            raise ValueError(f"storage {key!r} belongs to no tensor")
        num_entries, item_size = sizes[key]
        places[key] = start + 8, num_entries * item_size
        if int.from_bytes(content[start : start + 8], "little") != num_entries:
            raise ValueError(f"storage {key!r} has another number of entries than its tensors say")
        start += 8 + num_entries * item_size

    def read(key: str) -> bytes:
        if key not in places:
            raise ValueError(f"storage {key!r} is missing")
        begin, length = places[key]
        return content[begin : begin + length]

    return values[3], read


def _storages_of(value: Any) -> Iterator[tuple[Any, ...]]:
    for found in _walk(value):
        if isinstance(found, Slice):
            yield found.storage


def _walk(value: Any) -> Iterator[Any]:
    """Yield each value that lies in dictionaries, lists and tuples, each container once."""
    pending, seen = [value], set()
    while pending:
        found = pending.pop()
        if isinstance(found, dict | list | tuple):
            if id(found) not in seen:
                seen.add(id(found))
                pending += found.values() if isinstance(found, dict) else found
        else:
            yield found


def _item_size(identity: tuple[Any, ...]) -> int:
    name = _storage_type(identity)
    return 2 if name == "bfloat16" else np.dtype(name).itemsize


def _storage_type(identity: tuple[Any, ...]) -> str:
    kind = identity[1].text.rpartition(" ")[2] if isinstance(identity[1], Name) else ""
    if kind not in _STORAGES or type(identity[4]) is not int or identity[4] < 0:
        raise ValueError(f"a storage of type {kind or identity[1]!r}; expected one of {', '.join(_STORAGES)}")
    return _STORAGES[kind]


def _with_arrays(value: Any, read: _Storage) -> Any:
    """Return dictionaries and lists with arrays in place of tensors: views, so that one storage stays one."""
    storages: dict[str, np.ndarray] = {}
    num_values = 0

    def array(piece: Slice) -> np.ndarray:
        key, num_entries = piece.storage[2], piece.storage[4]
        if key not in storages:
            kind = _storage_type(piece.storage)
            content = read(str(key))
            if len(content) != num_entries * _item_size(piece.storage):
                raise ValueError(f"storage {key!r} has {len(content):,} bytes; its tensors say {num_entries:,} entries")
            storages[key] = _widened(content) if kind == "bfloat16" else np.frombuffer(content, dtype=kind)
        storage = storages[key]
        last = piece.offset + sum((size - 1) * step for size, step in zip(piece.shape, piece.strides, strict=True))
        if 0 in piece.shape:
            return np.zeros(piece.shape, storage.dtype)
        if last >= len(storage):
            raise ValueError(f"a tensor reaches beyond its storage {key!r}")
        strides = tuple(step * storage.itemsize for step in piece.strides)
        return np.lib.stride_tricks.as_strided(storage[piece.offset :], piece.shape, strides, writeable=False)

    def replaced(found: Any, depth: int) -> Any:
        nonlocal num_values
        num_values += 1
        # A few bytes can say a dictionary of twice the same dictionary of twice the same one, and so on.
        if depth > MOST_LEVELS or num_values > _MOST_VALUES:
            raise ValueError(f"more than {_MOST_VALUES:,} values, or dictionaries more than {MOST_LEVELS} deep")
        if isinstance(found, Slice):
            return array(found)
        if isinstance(found, dict):
            return {key: replaced(entry, depth + 1) for key, entry in found.items()}
        # Of lists and tuples only the optimizers' groups matter, which have no tensors; nothing is made of the others.
        return found

    return replaced(value, 0)


def _widened(content: bytes) -> np.ndarray:
    """Return bfloat16 numbers as float32, which they are the upper half of."""
    return (np.frombuffer(content, dtype="<u2").astype("<u4") << 16).view("<f4")


def _as_checkpoint(value: Any) -> Checkpoint:
    if isinstance(value, np.ndarray) or not isinstance(value, dict):
        raise ValueError(f"it holds one {type(value).__name__}")
    tensors: dict[str, np.ndarray] = {}
    optimizers: dict[str, FoundOptimizer] = {}
    counters: dict[str, int] = {}

    def look(found: dict[Any, Any], name: str) -> None:
        if set(found) >= {"state", "param_groups"} and isinstance(found["state"], dict):
            optimizers[name or "optimizer"] = _optimizer(found["state"])
            return
        for key, entry in found.items():
            path = f"{name}.{key}" if name else str(key)
            if key == COUNTERS and isinstance(entry, dict):
                counters.update({str(each): count for each, count in entry.items() if type(count) is int})
            elif isinstance(entry, dict):
                look(entry, path)
            elif isinstance(entry, np.ndarray) and belongs_to_a_state(path):
                tensors[path] = entry

    look(value, "")
    if not tensors and not optimizers:
        raise ValueError("it holds no tensors")
    return Checkpoint(
        format=FORMAT, tensors=tensors, layout="canonical", is_ordered=True, optimizers=optimizers, counters=counters
    )


def _optimizer(state: Mapping[Any, Any]) -> FoundOptimizer:
    counters: set[int] = set()
    named: dict[int | str, dict[str, np.ndarray]] = {}
    for place, entries in state.items():
        if type(place) is not int or not isinstance(entries, dict):
            raise ValueError("an optimizer's state is not numbered by its parameters")
        if "step" in entries:
            counters.add(count_in(entries["step"]))
        named[place] = {key: array for key, array in entries.items() if key in _SLOTS and array is not None}
    if len(counters) > 1:
        raise ValueError(f"an optimizer's parameters have taken different numbers of steps: {sorted(counters)}")
    return FoundOptimizer(counter=counters.pop() if counters else None, named=named)
