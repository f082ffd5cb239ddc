"""Reads .npz files, headers first: nothing is read that is not wanted, and nothing is in memory twice."""

from __future__ import annotations

import io
import math
import warnings
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

import numpy as np

from gan_rosetta.shared.errors import GanRosettaError
from gan_rosetta.shared.storage.memory import available_bytes
from gan_rosetta.shared.storage.opening import open_regular

_HEADER_READERS: Mapping[tuple[int, int], Any] = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
# What zipfile reads at once where it trusts an archive: the list of what is in it, some 100 bytes an array.
_MOST_BYTES_AT_ONCE = 1 << 23
_MOST_HEADER_BYTES = 1 << 16
_BLOCK_BYTES = 1 << 20
# Others unpack as much at once as they please.
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class _Header:
    """What an archive says of an array before its numbers. num_bytes: of the header itself."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    is_fortran: bool
    num_bytes: int

    @property
    def data_bytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


def read_npz(path: Path, /, *, require_wanted: Callable[[Arrays], None] | None = None) -> Arrays:
    """Return the arrays of an .npz; raises OSError where there is none, ValueError where it is not a whole one.

    require_wanted: is shown arrays of the names, types and shapes that the file says it has, all zeros and none taking
    memory, before any is read, and raises for what nobody wants; where it is given, arrays may be compressed. Without
    it they must lie there as we write them, so that they take no more memory than the file has bytes.

    Every byte of every array is read, and so checked against the archive's checksums. Nothing is unpickled, and an
    archive that says it holds more than there is memory is refused before any of it is read.
    """
    try:
        with open_regular(path) as file, zipfile.ZipFile(cast(IO[bytes], _Cautious(file))) as archive:
            members = archive.infolist()
            _check_members(members, may_be_compressed=require_wanted is not None)
            headers = {_name_of(member): _read_header(archive, member) for member in members}
            if require_wanted is not None:
                require_wanted({name: stand_in(header.dtype, header.shape) for name, header in headers.items()})
            _require_memory(headers.values())
            return {_name_of(member): _read_member(archive, member, headers[_name_of(member)]) for member in members}
    except (OSError, ValueError, MemoryError, GanRosettaError):
        raise
    except Exception as error:
        # What zipfile, zlib and NumPy raise for broken bytes is a long list, and grows.
        raise ValueError(f"not a whole .npz file: {type(error).__name__}: {error}") from None


@dataclass(frozen=True)
class ArrayType:
    """What an array is to be. kinds: of its type, as NumPy abbreviates them; shape: a word is a size of its own.

    The same word stands for the same size wherever it is. is_finite: whether every number has to be.
    """

    kinds: str
    shape: tuple[int | str, ...]
    is_finite: bool = False


def require_arrays(arrays: Mapping[str, np.ndarray], wanted: Mapping[str, ArrayType], /) -> dict[str, int]:
    """Raise ValueError unless there are exactly the arrays that are wanted, as they are; returns the sizes by word."""
    if set(arrays) != set(wanted):
        found, named = (", ".join(map(repr, sorted(names))) or "none" for names in (arrays, wanted))
        raise ValueError(f"it has the arrays {found}; expected {named}")
    sizes: dict[str, int] = {}
    for name, type_ in wanted.items():
        array = arrays[name]
        good = array.dtype.kind in type_.kinds and array.ndim == len(type_.shape)
        for size, expected in zip(array.shape if good else (), type_.shape, strict=False):
            good = good and size == (expected if isinstance(expected, int) else sizes.setdefault(expected, size))
        if not good:
            shape = ", ".join(str(sizes.get(str(size), size)) for size in type_.shape)
            raise ValueError(f"{name} is {array.dtype} {array.shape}; expected numbers of kind {type_.kinds} ({shape})")
        if type_.is_finite and not np.isfinite(array).all():
            raise ValueError(f"{name} has numbers that are not finite")
    return sizes


def stand_in(dtype: np.dtype[Any], shape: Sequence[int], /) -> np.ndarray:
    """Return zeros of a shape that take no memory; raises ValueError for a shape that no array can have."""
    return np.broadcast_to(np.zeros((), dtype), tuple(shape))


def names_in(file: BinaryIO, /) -> list[str]:
    """Return the names in an open archive, whole or not; raises OSError, ValueError or BadZipFile where that fails."""
    with zipfile.ZipFile(cast(IO[bytes], _Cautious(file))) as archive:
        return archive.namelist()


class _Cautious(io.BufferedIOBase):
    """A file that is never read much of at once: zipfile asks for as much as an archive says that its list takes."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def read(self, size: int | None = -1, /) -> bytes:
        content = self._file.read(_MOST_BYTES_AT_ONCE + 1 if size is None or size < 0 else size)
        if len(content) > _MOST_BYTES_AT_ONCE:
            raise ValueError(f"not a whole .npz file: its list of arrays takes more than {_MOST_BYTES_AT_ONCE:,} bytes")
        return content

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True


def _name_of(member: zipfile.ZipInfo) -> str:
    return member.filename.removesuffix(".npy")


def _check_members(members: Sequence[zipfile.ZipInfo], *, may_be_compressed: bool) -> None:
    names = [member.filename for member in members]
    for member in members:
        if not member.filename.endswith(".npy"):
            raise ValueError(f"{member.filename!r} is not a NumPy array")
        is_stored = member.compress_type == zipfile.ZIP_STORED and member.compress_size == member.file_size
        if member.compress_type not in _COMPRESSIONS or not (is_stored or may_be_compressed):
            raise ValueError(f"{_name_of(member)}: compressed in a way that no such file is")
    if len(set(names)) != len(names):
        raise ValueError("not a whole .npz file: two arrays have one name")


def _require_memory(headers: Iterable[_Header]) -> None:
    size, available = sum(header.data_bytes for header in headers), available_bytes()
    if size > available:
        raise ValueError(f"its arrays take {size:,} bytes, and this machine has {available:,} free")


def _read_header(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> _Header:
    """Return what an array says of itself, which must fit what the archive says of its size."""
    try:
        with archive.open(member) as whole:
            # No more than a header may have: NumPy reads as much as one says that it has.
            stream = io.BytesIO(whole.read(_MOST_HEADER_BYTES))
            version = np.lib.format.read_magic(stream)  # type: ignore[no-untyped-call]
            if version not in _HEADER_READERS:
                expected = ", ".join(map(str, _HEADER_READERS))
                raise ValueError(f"an array of format {version}; expected one of {expected}")
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # About headers that only Python 2 wrote.
                shape, is_fortran, dtype = _read_fields(_HEADER_READERS[version], stream)
            header = _Header(shape, dtype, is_fortran, stream.tell())
        if dtype.hasobject:
            raise ValueError("an array of Python objects, which are never loaded; expected numbers or text")
        left = member.file_size - header.num_bytes
        if min(shape, default=1) < 0 or header.data_bytes != left:
            raise ValueError(f"{left} bytes for an array of {dtype} {shape}")
        stand_in(dtype, shape)
    except Exception as error:
        raise ValueError(f"{_name_of(member)}: {str(error) or type(error).__name__}") from None
    return header


def _read_fields(read: Any, stream: BinaryIO) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    try:
        found: tuple[tuple[int, ...], bool, np.dtype[Any]] = read(stream)
    except Exception as error:
        # It is read as Python, and what NumPy and Python say of another text is long, and helps nobody.
        raise ValueError("its header is none that NumPy writes") from error
    return found


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, header: _Header) -> np.ndarray:
    try:
        flat = np.empty(math.prod(header.shape), header.dtype)
        with archive.open(member) as stream:
            stream.read(header.num_bytes)
            places = memoryview(flat.view(np.uint8).data) if flat.nbytes else memoryview(b"")
            done = 0
            while done < len(places):
                block = stream.read(min(_BLOCK_BYTES, len(places) - done))
                if not block:
                    raise ValueError(f"{done:,} bytes; the archive says {len(places):,}")
                places[done : done + len(block)] = block
                done += len(block)
            if stream.read(1):  # The end, where the checksum is looked at.
                raise ValueError(f"more than the {len(places):,} bytes that the archive says")
        return flat.reshape(header.shape, order="F" if header.is_fortran else "C")
    except MemoryError:  # The machine's, not the file's: its header was checked.
        raise
    except Exception as error:
        raise ValueError(f"{_name_of(member)}: {str(error) or type(error).__name__}") from None
