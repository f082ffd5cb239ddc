"""States of other programs: each is named for what it is, and nothing in it is loaded."""

from __future__ import annotations

import io
import pickle
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gan_rosetta.shared.errors import StateError
from gan_rosetta.shared.gans import find_gan
from gan_rosetta.shared.runs.saved import read_saved
from gan_rosetta.shared.state import initial_state
from gan_rosetta.shared.state.archive import write_state
from gan_rosetta.shared.state.native.formats import read_checkpoint
from gan_rosetta.shared.state.strangers import describe_stranger

SPEC = find_gan("linear-2d")
WEIGHTS = {"net.0.weight": np.ones((2, 3), np.float32)}


def _torch(path: Path, *, is_old: bool = False) -> None:
    torch = pytest.importorskip("torch")
    tensors = {name: torch.from_numpy(array) for name, array in WEIGHTS.items()}
    torch.save(tensors, path, _use_new_zipfile_serialization=not is_old)


def _keras(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("metadata.json", "config.json", "model.weights.h5"):
            archive.writestr(name, "{}")


def _npz(path: Path) -> None:
    with path.open("wb") as file:
        np.savez(file, **WEIGHTS)


def _zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("notes", "text")


def _npy(path: Path) -> None:
    content = io.BytesIO()
    np.save(content, np.ones(3))
    path.write_bytes(content.getvalue())


WRITERS = {
    "a file of torch.save": _torch,
    "torch.save in its old form": lambda path: _torch(path, is_old=True),
    "Keras (.keras)": _keras,
    "an HDF5 file": lambda path: path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100)),
    "an .npz archive of NumPy with 'net.0.weight'": _npz,
    "a single array of NumPy": _npy,
    "MXNet's parameters": lambda path: path.write_bytes((0x112).to_bytes(8, "little") + bytes(8) + b"\x01" + bytes(40)),
    "a pickle": lambda path: path.write_bytes(pickle.dumps({"weight": [1.0]})),
    "a MessagePack file": lambda path: path.write_bytes(b"\x81\xa6params\x81\xa6weight\x91\xcb" + bytes(8)),
    "a gzip file": lambda path: path.write_bytes(b"\x1f\x8b" + bytes(30)),
    "the index of a TensorFlow": lambda path: path.write_bytes(bytes(60) + bytes.fromhex("57fb808b247547db")),
    "a zip archive": _zip,
}


@pytest.mark.parametrize("what", WRITERS)
def test_a_file_of_another_program_is_named_and_how_to_bring_it_in(what: str, tmp_path: Path) -> None:
    path = tmp_path / "weights"
    WRITERS[what](path)
    before = path.read_bytes()
    with pytest.raises(StateError) as caught:
        read_saved(path, SPEC)
    message = str(caught.value)
    assert "\n" not in message
    assert f"{path} is " in message
    assert what in message
    converts = not any(word in what for word in ("single", "a pickle", "gzip", "index", "a zip"))
    assert ("gan-rosetta convert" if converts else "--export-initial-state") in message
    assert "delete" not in message
    assert path.read_bytes() == before


def test_what_is_of_no_kind_is_left_to_its_reader(tmp_path: Path) -> None:
    path = tmp_path / "state.safetensors"
    write_state(path, initial_state(SPEC, seed=3), metadata={})
    assert describe_stranger(path) is None
    for content in (b"\x80", b"text", path.read_bytes()[:20]):
        path.write_bytes(content)
        assert describe_stranger(path) is None
    assert describe_stranger(tmp_path / "absent") is None


def _cut(path: Path) -> None:
    _npz(path)
    path.write_bytes(path.read_bytes()[:-30])


def _misdirected(path: Path) -> None:
    """An archive whose list of files is spoilt, and whose end is not."""
    _npz(path)
    path.write_bytes(path.read_bytes().replace(b"PK\x01\x02", b"PK\x09\x02"))


BY_NAME = {
    "a.pt": "a file of torch.save",
    "a.pth": "a file of torch.save",
    "A.PTH": "a file of torch.save",
    "a.npz": "an .npz archive of NumPy",
    "a.keras": "a model of Keras",
    "a.weights.h5": "an HDF5 file",
    "a.params": "MXNet's parameters",
    "a.msgpack": "a MessagePack file",
}


@pytest.mark.parametrize("name", BY_NAME)
@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (Path.touch, "is empty, though by its name"),
        (lambda path: path.write_bytes(b"\xfe\xed" * 300), "is damaged, or not what its name says"),
        (_cut, "is damaged, or not what its name says"),
        (_misdirected, "is damaged, or not what its name says"),
    ],
)
def test_an_empty_or_damaged_file_is_what_its_name_says(name: str, spoil, says: str, tmp_path: Path) -> None:
    path = tmp_path / name
    spoil(path)
    with pytest.raises(StateError) as caught:
        read_saved(path, SPEC)
    message = str(caught.value)
    assert f"{path} {says}" in message
    assert BY_NAME[name] in message
    assert f"write or copy it again, then `gan-rosetta convert {path} state.safetensors" in message
    assert ".safetensors file" not in message
    with pytest.raises(StateError, match=r"write or copy it again$") as caught:
        read_checkpoint(path, SPEC)
    assert f"{path} {says}" in str(caught.value)


@pytest.mark.parametrize("spoil", [Path.touch, _cut, _misdirected])
def test_a_damaged_checkpoint_of_ours_is_not_to_be_converted(spoil, tmp_path: Path) -> None:
    path = tmp_path / "numpy.checkpoint.npz"
    spoil(path)
    with pytest.raises(StateError, match=r"a checkpoint of a run; write or copy it again$"):
        read_saved(path, SPEC)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty; write or copy it again$"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
            "Git LFS and not the file itself; `git lfs pull`",
        ),
        (b"\n<!DOCTYPE html><html>404</html>", r"a web page \(HTML\); download the file itself"),
    ],
)
@pytest.mark.parametrize("read", [read_saved, read_checkpoint])
def test_what_stands_where_a_download_failed(read, content: bytes, says: str, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(StateError, match=says):
        read(path, SPEC)


@pytest.mark.parametrize("length", range(0x81, 0x90))
def test_a_header_cut_short_is_no_other_program_s(length: int, tmp_path: Path) -> None:
    path = tmp_path / "state.safetensors"
    path.write_bytes(bytes([length, 0xA1]) + bytes(6) + b'{"weight":')
    with pytest.raises(StateError, match=r"not a whole \.safetensors file"):
        read_saved(path, SPEC)


def test_the_advice_names_the_gan_whatever_its_steps_and_the_file_of_one_of_your_own(tmp_path: Path) -> None:
    path = tmp_path / "weights.npz"
    _npz(path)
    with pytest.raises(StateError, match=r"weights\.npz state\.safetensors --gan linear-2d`"):
        read_saved(path, SPEC.with_steps(pretraining=1, training=3))
    with pytest.raises(StateError, match=r"--spec FILE\.toml"):
        read_saved(path, replace(SPEC, name="mine"))
