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
    for content in (b"", b"\x80", b"text", path.read_bytes()[:20]):
        path.write_bytes(content)
        assert describe_stranger(path) is None
    assert describe_stranger(tmp_path / "absent") is None


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
