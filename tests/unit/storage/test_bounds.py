"""A small file takes little memory, whatever it says that it holds."""

from __future__ import annotations

import gzip
import io
import json
import struct
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest

from gan_rosetta.shared.data import tape_file
from gan_rosetta.shared.data.idx import FILE_NAMES, read_folder
from gan_rosetta.shared.data.tape_file import FileTape
from gan_rosetta.shared.errors import GanRosettaError, RecordError
from gan_rosetta.shared.gans import find_gan
from gan_rosetta.shared.runs.checkpoint import read_checkpoint
from gan_rosetta.shared.runs.saved import read_saved
from gan_rosetta.shared.spec.toml_file import read_spec
from gan_rosetta.shared.storage import memory, npz
from gan_rosetta.shared.storage.documents import read_document
from gan_rosetta.shared.storage.memory import available_bytes
from gan_rosetta.shared.storage.npz import read_npz

SPEC = find_gan("linear-2d")
MOST_BYTES = 64 << 20
LARGE = 1 << 28


def peak_of(function) -> tuple[int, str]:
    """The most memory that a call takes, and what it says."""
    tracemalloc.start()
    try:
        function()
    except (GanRosettaError, ValueError) as error:
        said = str(error)
    else:
        said = ""
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak, said


def deflated_zeros(num_bytes: int, head: bytes) -> tuple[bytes, int]:
    """What a head and so many zeros are compressed to, and their checksum, without all of them at once."""
    block, compress = bytes(1 << 24), zlib.compressobj(9, zlib.DEFLATED, -15)
    content, checksum = compress.compress(head), zlib.crc32(head)
    for _ in range(num_bytes >> 24):
        content += compress.compress(block)
        checksum = zlib.crc32(block, checksum)
    return content + compress.flush(), checksum


def write_bomb(path: Path, shapes: dict[str, tuple[int, ...]]) -> None:
    """Write an .npz of zeros, compressed, its checksums right."""
    packed: dict[str, bytes] = {}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, shape in shapes.items():
            head = io.BytesIO()
            np.lib.format.write_array_header_1_0(head, {"descr": "<f8", "fortran_order": False, "shape": shape})
            num_bytes = 8 * int(np.prod(shape))
            packed[name], checksum = deflated_zeros(num_bytes, head.getvalue())
            member = zipfile.ZipInfo(f"{name}.npy")
            member.compress_type = zipfile.ZIP_DEFLATED
            member.header_offset = archive.fp.tell()
            member.file_size, member.compress_size = len(head.getvalue()) + num_bytes, len(packed[name])
            member.CRC = checksum
            archive.fp.write(member.FileHeader(zip64=False) + packed[name])
            archive.start_dir = archive.fp.tell()
            archive.filelist.append(member)
            archive.NameToInfo[member.filename] = member
            archive._didModify = True


@pytest.fixture(scope="module")
def bomb(tmp_path_factory) -> Path:
    """A quarter of a gibibyte in a quarter of a megabyte, in the shape of a tape."""
    path = tmp_path_factory.mktemp("bomb") / "tape.npz"
    batch = (SPEC.batch_size, 2)
    steps = LARGE // (8 * SPEC.batch_size * 2)
    write_bomb(path, {"real": (steps // 2, *batch), "latent_d": (steps // 2, *batch)})
    assert path.stat().st_size < 1 << 20
    return path


def test_a_tape_that_fits_is_read_in_no_more_than_it_takes(bomb):
    peak, said = peak_of(lambda: FileTape.read(bomb, SPEC))
    assert said == ""
    # Both arrays, and of one whether it is finite.
    assert LARGE <= peak < 1.2 * LARGE


def test_a_tape_that_does_not_fit_is_not_read(bomb, monkeypatch):
    monkeypatch.setattr(tape_file, "available_bytes", lambda: LARGE)
    peak, said = peak_of(lambda: FileTape.read(bomb, SPEC))
    assert "469,762,048 bytes of memory, and 268,435,456 are free" in said
    assert peak < MOST_BYTES


@pytest.mark.parametrize("gan", ["gaussian-1d", "sine"])
def test_of_a_tape_of_another_gan_only_headers_are_read(bomb, gan):
    peak, said = peak_of(lambda: FileTape.read(bomb, find_gan(gan)))
    assert "real of" in said or "lacks" in said, said
    assert peak < MOST_BYTES


def test_files_that_runs_leave_are_not_compressed(bomb):
    for read in (read_npz, lambda path: read_checkpoint(path, SPEC)):
        peak, said = peak_of(lambda read=read: read(bomb))
        assert "compressed in a way that no such file is" in said
        assert peak < MOST_BYTES


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_compression_without_bounds_is_refused(tmp_path, method):
    path = tmp_path / "tape.npz"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("real.npy", bytes(1 << 26))
    peak, said = peak_of(lambda: FileTape.read(path, SPEC))
    assert "compressed in a way" in said
    assert peak < MOST_BYTES


def test_a_header_of_an_array_has_bounds(tmp_path):
    path = tmp_path / "tape.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("real.npy", b"\x93NUMPY\x02\x00" + struct.pack("<I", LARGE) + b" " * LARGE)
    peak, said = peak_of(lambda: FileTape.read(path, SPEC))
    assert "its header is none that NumPy writes" in said
    assert peak < MOST_BYTES


def test_a_list_of_arrays_has_bounds(tmp_path):
    path = tmp_path / "tape.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for index in range(200):
            archive.writestr(f"{index:060000}.npy", b"")
    peak, said = peak_of(lambda: FileTape.read(path, SPEC))
    assert "its list of arrays takes more than 8,388,608 bytes" in said
    assert peak < MOST_BYTES


def test_an_archive_is_read_as_far_as_memory_goes(tmp_path, monkeypatch):
    path = tmp_path / "losses.npz"
    np.savez(path, generator=np.zeros(1000))
    monkeypatch.setattr(npz, "available_bytes", lambda: 7999)
    with pytest.raises(ValueError, match="take 8,000 bytes, and this machine has 7,999 free"):
        read_npz(path)


@pytest.mark.parametrize("count", [1_000_001, 4_000_000_000])
def test_digits_that_claim_or_unpack_to_gigabytes(tmp_path, count):
    head = struct.pack(">IIII", 0x803, count, 28, 28)
    body, _ = deflated_zeros(LARGE, head)
    packed = b"\x1f\x8b\x08" + bytes(7) + body + bytes(8)
    for name in FILE_NAMES:
        (tmp_path / f"{name}.gz").write_bytes(packed)
    peak, said = peak_of(lambda: read_folder(tmp_path))
    assert f"has {count} entries; expected 1000000 at the most" in said
    assert peak < MOST_BYTES


def test_digits_that_claim_more_than_there_is(tmp_path):
    head = struct.pack(">IIII", 0x803, 900_000, 28, 28)
    (tmp_path / f"{FILE_NAMES[0]}.gz").write_bytes(gzip.compress(head + bytes(7840)))
    for name in FILE_NAMES[1:]:
        (tmp_path / name).write_bytes(b"")
    _, said = peak_of(lambda: read_folder(tmp_path))
    assert "only 7856 bytes" in said


@pytest.mark.parametrize(
    "text",
    [
        "a." * 20_000 + "a = 1",
        "[" + " a  . 'a' ." * 20_000 + "a]",
        "x = {" + '"a".' * 20_000 + "a = 1}",
        "x = " + "[" * 40_000,
        "x = " + "{a = " * 20_000,
        'x = """a"""" \n' + "a." * 20_000 + "a = 1",
        'x = [ """a""""", {' + "a." * 20_000 + 'a = 1}, "x" ]',
        "x = [ '''a'''', {" + "a." * 20_000 + "a = 1}, 'x' ]",
        "\n".join("[[a]]" for _ in range(7000)),
    ],
)
def test_a_spec_of_40_kb(tmp_path, text):
    path = tmp_path / "gan.toml"
    path.write_text(text)
    peak, said = peak_of(lambda: read_spec(path))
    assert "line " in said
    assert peak < MOST_BYTES


def test_texts_and_comments_in_a_spec_are_no_keys(tmp_path):
    title = ".".join("abcdefghijklmnopqrstuvwxyz")
    text = "\n".join((f"# {title} [[[[", f'title = "{title} \\" {title}"', f"source = '''{title}\n{'[' * 40}'''"))
    _, said = peak_of(lambda: read_spec_text(tmp_path, text))
    assert "lacks name" in said


def read_spec_text(folder: Path, text: str):
    (folder / "gan.toml").write_text(text)
    return read_spec(folder / "gan.toml")


def test_only_the_header_of_a_state_of_another_gan_is_read(tmp_path):
    path = tmp_path / "state.safetensors"
    entry = {"dtype": "F64", "shape": [LARGE // 8], "data_offsets": [0, LARGE]}
    header = json.dumps({"generator.output.bias": entry}).encode()
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        file.truncate(8 + len(header) + LARGE)
    peak, said = peak_of(lambda: read_saved(path, SPEC))
    assert "lacks" in said
    assert peak < MOST_BYTES


def test_a_header_of_a_state_has_bounds(tmp_path):
    path = tmp_path / "state.safetensors"
    with path.open("wb") as file:
        file.write(struct.pack("<Q", LARGE) + b'{"a":' + b" " * 1000)
        file.truncate(8 + LARGE)
    peak, said = peak_of(lambda: read_saved(path, SPEC))
    assert "is not a whole .safetensors file" in said
    assert peak < MOST_BYTES


def test_a_document_has_bounds(tmp_path):
    path = tmp_path / "record.json"
    path.write_bytes(b"[" + b"[]," * 4_000_000 + b"0]")

    def read():
        try:
            read_document(path, number=1, remedy="measure again")
        except RecordError as error:
            raise ValueError(str(error)) from error

    peak, said = peak_of(read)
    assert "more than 3,000,000 parts" in said
    assert peak < MOST_BYTES


def test_memory_that_a_group_of_processes_may_have(tmp_path, monkeypatch):
    inner = tmp_path / "memory" / "outer" / "inner"
    inner.mkdir(parents=True)
    (tmp_path / "groups").write_text("4:memory:/outer/inner\n0::/\n")
    for folder, limit, used in ((inner, 9 << 60, 1), (inner.parent, 5000, 2000)):
        (folder / "memory.limit_in_bytes").write_text(str(limit))
        (folder / "memory.usage_in_bytes").write_text(str(used))
        (folder / "memory.stat").write_text("total_inactive_file 700\nother 3\n")
    monkeypatch.setattr(memory, "_GROUPS", tmp_path / "groups")
    monkeypatch.setattr(memory, "_MOUNT", tmp_path)
    assert available_bytes() == 3700
    (tmp_path / "memory.max").write_text("max")
    (tmp_path / "memory.current").write_text("5")
    (tmp_path / "memory.stat").write_text("inactive_file 1\n")
    assert available_bytes() == 3700
    (tmp_path / "memory.max").write_text("100")
    assert available_bytes() == 96


def test_a_machine_without_memory_is_no_broken_file(tmp_path, monkeypatch):
    path = tmp_path / "whole.npz"
    np.savez(path, array=np.ones(3))

    def no_memory(*_arguments):
        raise MemoryError

    monkeypatch.setattr(npz.np, "empty", no_memory)
    with pytest.raises(MemoryError):
        npz.read_npz(path)
