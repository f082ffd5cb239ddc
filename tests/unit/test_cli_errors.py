"""Wrong input: one clear line, status 2, nothing written, no traceback."""

from __future__ import annotations

import gzip
import sys

import numpy as np
import pytest

from gan_rosetta.shared.commands import main as cli
from gan_rosetta.shared.data.digits import DigitSource
from gan_rosetta.shared.data.tape import SeededTape
from gan_rosetta.shared.data.tape_file import write_tape
from gan_rosetta.shared.gans import find_gan
from gan_rosetta.shared.state import initial_state
from gan_rosetta.shared.state.archive import write_state


@pytest.fixture
def fails(tmp_path, monkeypatch, capfd):
    def run(*arguments):
        out = tmp_path / "out"
        monkeypatch.setattr(sys, "argv", ["gan-rosetta", *map(str, arguments), "--out", str(out)])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        captured = capfd.readouterr()
        assert stopped.value.code == 2
        assert "Traceback" not in captured.out + captured.err
        assert not list(tmp_path.glob("out/*/*/record.json"))
        return captured.err.strip()

    return run


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("train", "gausian-1d", "--backend", "numpy"), "did you mean 'gaussian-1d'"),
        (("compare", "sin"), "did you mean 'sine'"),
        (("train", "sine", "--backend", "pytorch"), "did you mean 'torch'"),
        (("compare", "sine", "--backends", "numpy,tensorflo"), "did you mean 'tensorflow'"),
        (("train", "sine", "--backend", "numpy", "--dtype", "float46"), "did you mean 'float64'"),
        (("train", "sine", "--backend", "numpy", "--device", "cudda"), "did you mean 'cuda'"),
        (("train", "sine", "--backend", "numpy", "--execution", "compild"), "did you mean 'compiled'"),
        (("train", "sine", "--backend", "numpy", "--steps", "-3"), "--steps is -3; expected 1 or more"),
        (("train", "sine", "--backend", "numpy", "--pretrain-steps", "-1"), "--pretrain-steps is -1"),
        (("train", "sine", "--backend", "numpy", "--seed", "-1"), "--seed is -1"),
        (("train", "sine", "--backend", "numpy", "--threads", "0"), "--threads is 0"),
        (("compare", "sine", "linear-2d", "--tape", "x.npz"), "belong to one GAN"),
        (("train", "sine", "--backend", "numpy", "--device", "cuda"), "cuda"),
    ],
)
def test_wrong_words_and_numbers(fails, arguments, words):
    line = fails(*arguments)
    assert words in line
    assert len(line.splitlines()) == 1


@pytest.mark.parametrize("fault", ["missing", "extra", "misshapen", "truncated", "absent"])
def test_wrong_state_files(fails, tmp_path, fault):
    spec = find_gan("linear-2d")
    state = initial_state(spec, seed=0)
    name = "generator.output.weight"
    words = name
    if fault == "missing":
        del state[name]
    elif fault == "extra":
        state["generator.other.weight"] = np.zeros(2)
        words = "generator.other.weight"
    elif fault == "misshapen":
        state[name] = np.zeros((3, 2))
    path = tmp_path / "state.safetensors"
    write_state(path, state, metadata={})
    if fault == "truncated":
        path.write_bytes(path.read_bytes()[:-10])
        words = "state.safetensors"
    elif fault == "absent":
        path.unlink()
        words = "state.safetensors"
    line = fails("train", "linear-2d", "--backend", "numpy", "--initial-state", path)
    assert words in line
    assert len(line.splitlines()) == 1


@pytest.mark.parametrize("fault", ["shape", "nan", "missing", "extra", "truncated", "pickle"])
def test_wrong_tapes(fails, tmp_path, fault):
    spec = find_gan("linear-2d").with_steps(training=3)
    path = tmp_path / "tape.npz"
    write_tape(
        path, SeededTape(spec, seed=0, digits=DigitSource.parse(None)), spec, pretraining_steps=0, training_steps=3
    )
    with np.load(path) as loaded:
        arrays = dict(loaded)
    if fault == "shape":
        arrays["real"] = arrays["real"][:, :, :1]
    elif fault == "nan":
        arrays["latent_d"][1, 2, 0] = np.nan
    elif fault == "missing":
        del arrays["latent_d"]
    elif fault == "extra":
        arrays["mix"] = np.zeros((3, 4, 1))
    elif fault == "pickle":
        arrays["real"] = np.array([{"a": 1}], dtype=object)
    np.savez(path, **arrays)
    if fault == "truncated":
        path.write_bytes(path.read_bytes()[:200])
    line = fails("train", "linear-2d", "--backend", "numpy", "--tape", path)
    words = {
        "shape": "real",
        "nan": "latent_d",
        "missing": "latent_d",
        "extra": "mix",
        "truncated": "tape",
        "pickle": "real",
    }
    assert words[fault] in line
    assert len(line.splitlines()) == 1


@pytest.mark.parametrize("fault", ["empty folder", "corrupt", "truncated"])
def test_wrong_digit_files(fails, tmp_path, fault):
    folder = tmp_path / "mnist"
    folder.mkdir()
    names = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
    if fault != "empty folder":
        for name in names:
            content = gzip.compress(b"\x00\x00\x08\x03" + b"\x00" * 40)
            (folder / f"{name}.gz").write_bytes(content[:-9] if fault == "truncated" else b"no gzip" + content)
    line = fails("compare", "mnist-wgan-gp", "--mnist", folder)
    assert "train-images" in line
    assert len(line.splitlines()) == 1
