"""Broken, huge and hostile files: one clear line each, nothing executed, nothing large made of something small."""

from __future__ import annotations

import io
import os
import pickle
import resource
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gan_rosetta.shared.errors import GanRosettaError, StateError
from gan_rosetta.shared.state.archive import safetensors_bytes
from gan_rosetta.shared.state.native.assemble import assemble
from gan_rosetta.shared.state.native.formats import FORMATS, read_checkpoint
from gan_rosetta.shared.state.native.mapping import NameMapping
from gan_rosetta.shared.state.native.message_pack import pack
from tests.unit.state.native.native_gans import filled, small

h5py = pytest.importorskip("h5py")
SPEC = small("linear-2d")
STATE = filled(SPEC)
BOTH = ("generator", "discriminator")
CONTENTS = {name: found.write(SPEC, STATE, BOTH) for name, found in FORMATS.items()}
_MOST_MEGABYTES = 300


def read(content: bytes, folder: Path) -> None:
    path = folder / "file"
    path.write_bytes(content)
    assemble(SPEC, {"": read_checkpoint(path, SPEC)}, NameMapping())


def refused(content: bytes, folder: Path, *words: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(StateError) as caught:
        read(content, folder)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown < _MOST_MEGABYTES
    message = str(caught.value)
    assert "\n" not in message
    assert str(folder / "file") in message
    assert all(word in message for word in words), message


def archive(entries: dict[str, bytes], *, compression: int = zipfile.ZIP_STORED) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", compression) as file:
        for name, entry in entries.items():
            file.writestr(name, entry)
    return content.getvalue()


class Touch:
    """What a pickle may do: it makes a file when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return os.mkdir, (self.path,)


def test_a_pickle_that_runs_something_is_refused_and_nothing_runs(tmp_path: Path) -> None:
    bait = tmp_path / "made"
    for protocol in range(6):
        attack = pickle.dumps({"weight": Touch(bait)}, protocol=protocol)
        refused(archive({"a/data.pkl": attack, "a/version": b"3"}), tmp_path, "may run anything")
        assert not bait.exists()
    pickle.loads(attack)  # noqa: S301 - it does work
    assert bait.exists()


def storage(key: str = "0", entries: int = 4) -> bytes:
    name = key.encode()
    head = b"(X\x07\x00\x00\x00storagectorch\nDoubleStorage\nX" + struct.pack("<I", len(name)) + name
    return head + b"X\x03\x00\x00\x00cpuJ" + struct.pack("<i", entries) + b"tQ"


def tensor(offset: int, shape: tuple[int, ...], strides: tuple[int, ...], **options) -> bytes:
    def numbers(values: tuple[int, ...]) -> bytes:
        return b"(" + b"".join(b"\x8a\x08" + struct.pack("<q", value) for value in values) + b"t"

    content = b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage(**options) + b"J" + struct.pack("<i", offset)
    return content + numbers(shape) + numbers(strides) + b"\x89ccollections\nOrderedDict\n)RtR"


def torch_archive(description: bytes, **entries: bytes) -> bytes:
    return archive({"a/data.pkl": b"\x80\x02" + description + b".", "a/data/0": bytes(32)} | entries)


DEEP = b"".join(b"}X\x01\x00\x00\x00a" for _ in range(2000)) + b"}" + b"s" * 2000
TORCH = {
    "beyond its storage": torch_archive(b"}X\x01\x00\x00\x00w" + tensor(0, (5,), (1,)) + b"s"),
    "a tensor without a shape": torch_archive(b"}X\x01\x00\x00\x00w" + tensor(0, (-5,), (1,)) + b"s"),
    "is missing in the archive": torch_archive(b"}X\x01\x00\x00\x00w" + tensor(0, (4,), (1,), key="../7") + b"s"),
    "its tensors say 1,000,000,000": torch_archive(
        b"}X\x01\x00\x00\x00w" + tensor(0, (4,), (1,), entries=1_000_000_000) + b"s"
    ),
    "may run anything": torch_archive(b"cbuiltins\neval\n(X\x03\x00\x00\x001+1tR"),
    "opcode INST": torch_archive(b"(ios\nsystem\n"),
    "sets an object's attributes": torch_archive(b"ctorch\nFloatStorage\n}b"),
    "a broken pickle": torch_archive(b"h\x09"),
    "before seeing STOP": archive({"a/data.pkl": b"\x80\x02}}"}),
    "deep": torch_archive(DEEP),
    "it holds no tensors": torch_archive(b"}"),
    "is compressed": archive({"a/data.pkl": b"\x80\x02}."}, compression=zipfile.ZIP_DEFLATED),
    "expected at most": archive({"a/data.pkl": bytes(17 * 2**20)}),
    "opcodes": torch_archive(b"}0" * 1_100_000 + b"}"),
    "a TorchScript program": archive({"a/data.pkl": b"\x80\x02}.", "a/constants.pkl": b""}),
    "2 descriptions": archive({"a/data.pkl": b"", "b/data.pkl": b""}),
    "big-endian": archive({"a/data.pkl": b"\x80\x02}.", "a/byteorder": b"big"}),
}


@pytest.mark.parametrize("words", TORCH)
def test_a_file_of_torch_that_is_none_is_refused(words: str, tmp_path: Path) -> None:
    refused(TORCH[words], tmp_path, words)


def test_dictionaries_of_twice_the_same_dictionary_are_refused_in_no_time(tmp_path: Path) -> None:
    # Thirty, each with the one before it twice, are a thousand million values.
    content = b"}q\x000"
    for place in range(30):
        both = b"".join(b"X\x01\x00\x00\x00" + name + b"h" + bytes([place]) for name in (b"a", b"b"))
        content += b"}(" + both + b"uq" + bytes([place + 1]) + b"0"
    refused(torch_archive(content + b"h\x1e"), tmp_path, "values")


def h5(make: Callable[[h5py.File], object]) -> bytes:
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        make(file)
    return content.getvalue()


def cycle(file: h5py.File) -> None:
    group = file.create_group("layers")
    group["again"] = group


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout(shape=(4,), dtype="f8")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", shape=(4,))
    file.create_virtual_dataset("vars/0", layout)


def external(file: h5py.File) -> None:
    file.create_group("vars").create_dataset("0", shape=(4,), dtype="f8", external=[("/etc/hostname", 0, 32)])


KERAS = {
    "is a link": h5(lambda file: file.__setitem__("layers", h5py.ExternalLink("/etc/passwd", "/"))),
    "layers is a link": h5(lambda file: file.__setitem__("layers", h5py.SoftLink("/layers"))),
    "lie in themselves": h5(cycle),
    "lies in another file": h5(virtual),
    "0 lies in another file": h5(external),
    "says that it has 8,000,000,000,000 bytes": h5(
        lambda file: file.create_dataset("vars/0", shape=(10**12,), dtype="f8", chunks=(1024,))
    ),
    "and": h5(lambda file: file.create_dataset("vars/0", data=np.zeros(10**6), compression="gzip")),
    "expected numbers": h5(lambda file: file.create_dataset("vars/0", data="text")),
    "no weights": h5(lambda file: file.create_group("layers")),
    "deep in one another": h5(lambda file: file.create_group("/".join("a" * 40))),
}


@pytest.mark.parametrize("words", KERAS)
def test_a_file_of_keras_that_leads_elsewhere_is_refused(words: str, tmp_path: Path) -> None:
    refused(KERAS[words], tmp_path, words)


def test_a_model_of_keras_is_read_for_its_weights_alone(tmp_path: Path) -> None:
    entries = {"config.json": b"{not even JSON", "metadata.json": b"", "model.weights.h5": CONTENTS["keras"]}
    read(archive(entries), tmp_path)
    refused(archive(entries, compression=zipfile.ZIP_DEFLATED), tmp_path, "is compressed")


FLAX = {
    "deep in one another": b"\x81\xa1a" * 2000 + b"\x80",
    "values": b"\x81\xa1a\xdd\x00\x10\x00\x00" + b"\x80" * 2**20,
    "it ends after": b"\x81\xa1a\xc6\xff\xff\xff\xff",
    "ends after": b"\x81\xa1a\xdd\xff\xff\xff\xff\x01",
    "extension 5": b"\x81\xa1a\xd4\x05\x00",
    "bytes for an array": pack({"a": 1})[:3]
    + b"\xc7\x14\x01"
    + b"\x93\x91\xce\xff\xff\xff\xff\xa7float64\xc4\x03\x00\x00\x00",
    "of type 'object'": pack({"a": 1})[:3] + b"\xc7\x0e\x01" + b"\x93\x91\x01\xa6object\xc4\x01\x00" + b"\x00",
    "one name": b"\x82\xa1a\x01\xa1a\x01",
    "follow its value": pack({"a": 1}) + b"\x00",
    "in pieces": pack({"a": {"__msgpack_chunked_array__": True, "shape": {"0": 2**40}, "chunks": {}}}),
    "it holds no arrays": pack({"a": 1}),
}


@pytest.mark.parametrize("words", FLAX)
def test_a_state_of_flax_that_is_none_is_refused(words: str, tmp_path: Path) -> None:
    refused(FLAX[words], tmp_path, words)


def gluon(count: int, *arrays: bytes, names: int = 0) -> bytes:
    return struct.pack("<QQQ", 0x112, 0, count) + b"".join(arrays) + struct.pack("<Q", names)


GLUON = {
    "it ends after": gluon(2**60),
    "a name for each": gluon(0, names=3),
    "sparse": gluon(1, struct.pack("<Iii", 0xF993FAC9, 1, 0)),
    "axes": gluon(1, struct.pack("<Iii", 0xF993FAC9, 0, 2**30)),
    "within something of": gluon(1, struct.pack("<Iiiqqiii", 0xF993FAC9, 0, 2, 2**40, 2**40, 1, 0, 0)),
    "of type 99": gluon(1, struct.pack("<Iiiqiii", 0xF993FAC9, 0, 1, 1, 1, 0, 99)),
}


@pytest.mark.parametrize("words", GLUON)
def test_a_file_of_mxnet_that_is_none_is_refused(words: str, tmp_path: Path) -> None:
    refused(GLUON[words], tmp_path, words)


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_that_is_cut_short_or_changed_is_refused_in_one_line_or_read_whole(name: str, tmp_path: Path) -> None:
    content = CONTENTS[name]
    read(content, tmp_path)
    lengths = np.linspace(0, len(content) - 1, 60).astype(int)
    for length in lengths:
        refused(content[:length], tmp_path)
    generator = np.random.default_rng(5)
    num_refused = 0
    for _ in range(150):
        changed = bytearray(content)
        for place in generator.integers(len(content), size=3):
            changed[place] = generator.integers(256)
        try:
            read(bytes(changed), tmp_path)
        except GanRosettaError as error:
            assert "\n" not in str(error)  # noqa: PT017
            num_refused += 1
    assert num_refused > 10


def test_a_changed_state_of_ours_is_refused(tmp_path: Path) -> None:
    content = bytearray(safetensors_bytes(STATE, metadata={}))
    content[-1] ^= 1
    refused(bytes(content), tmp_path, "was changed after it was written")


@pytest.mark.parametrize("content", [b"", b"text", bytes(100), pickle.dumps({"a": 1})])
def test_what_is_of_no_format_is_said(content: bytes, tmp_path: Path) -> None:
    refused(content, tmp_path, "expected a file of torch.save" if content else "is empty; write or copy it again")
