"""The four IDX files: every way of naming them is read, every fault is named in one line."""

from __future__ import annotations

import gzip
import struct

import numpy as np
import pytest

from gan_rosetta.shared.data.digits import DigitSource
from gan_rosetta.shared.data.idx import FILE_NAMES, read_folder
from gan_rosetta.shared.errors import DataError

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


def fault(folder) -> str:
    with pytest.raises(DataError) as caught:
        read_folder(folder)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("dotted", [False, True])
@pytest.mark.parametrize("zipped", [False, True])
def test_reads_every_way_of_naming_the_files(idx_contents, write_folder, dotted, zipped):
    renamed = {
        (name.replace("-idx", ".idx") if dotted else name) + (".gz" if zipped else ""): (
            gzip.compress(content) if zipped else content
        )
        for name, content in idx_contents.items()
    }
    files = read_folder(write_folder(renamed))
    expected = np.frombuffer(idx_contents[IMAGES][16:], np.uint8).reshape(7, 28, 28)
    np.testing.assert_array_equal(files.train_images, expected)
    np.testing.assert_array_equal(files.train_labels, np.arange(7))
    np.testing.assert_array_equal(files.test_images.ravel(), np.frombuffer(idx_contents[FILE_NAMES[2]][16:], np.uint8))
    np.testing.assert_array_equal(files.test_labels, np.arange(3))


@pytest.mark.parametrize("name", FILE_NAMES)
def test_all_four_must_be_there(idx_contents, write_folder, name):
    del idx_contents[name]
    assert f"lacks {name}" in fault(write_folder(idx_contents))


def test_the_folder_must_be_one(tmp_path):
    assert "does not exist" in fault(tmp_path / "nowhere")
    (tmp_path / "file").write_text("x")
    assert "is a file, not a folder" in fault(tmp_path / "file")


@pytest.mark.parametrize("name", FILE_NAMES)
@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda content: content[:-1], "only"),
        (lambda content: content + b"\0", "more bytes"),
        (lambda content: b"\0\0\x0b" + content[3:], "magic number"),
        (lambda content: content[:6], "header"),
        (lambda content: b"", "0 bytes"),
        (lambda content: content[:4] + struct.pack(">I", 0) + content[8:], "at least 1"),
        (lambda content: content[:4] + struct.pack(">I", 2**32 - 1) + content[8:], "at the most"),
        (gzip.compress, "rename it"),
    ],
)
def test_each_fault_of_each_file_is_named(idx_contents, write_folder, name, damage, words):
    idx_contents[name] = damage(idx_contents[name])
    message = fault(write_folder(idx_contents))
    assert name in message
    assert words in message


@pytest.mark.parametrize("name", FILE_NAMES)
@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: whole[:-1],
        lambda whole: whole[: len(whole) // 2],
        lambda whole: whole[:12] + bytes(byte ^ 0x55 for byte in whole[12:-8]) + whole[-8:],
        lambda whole: whole[:-8] + bytes(4) + whole[-4:],
        lambda whole: b"plain" + whole,
        lambda whole: whole + b"trailing",
    ],
    ids=["cut", "halved", "scrambled", "checksum", "no gzip", "trailing"],
)
def test_corrupt_gzip_is_named(idx_contents, write_folder, name, damage):
    contents = {f"{each}.gz": gzip.compress(content, mtime=0) for each, content in idx_contents.items()}
    contents[f"{name}.gz"] = damage(contents[f"{name}.gz"])
    message = fault(write_folder(contents))
    assert f"{name}.gz" in message
    assert "gzip" in message


def test_images_must_be_28_by_28(idx_contents, write_folder):
    idx_contents[IMAGES] = struct.pack(">IIII", 0x803, 7, 28, 14) + bytes(7 * 28 * 14)
    message = fault(write_folder(idx_contents))
    assert "7 × 28 × 14" in message
    assert "28 × 28" in message


def test_there_must_be_a_label_for_each_image(idx_contents, write_folder):
    idx_contents[LABELS] = struct.pack(">II", 0x801, 6) + bytes(6)
    message = fault(write_folder(idx_contents))
    assert "6 labels" in message
    assert "7 images" in message


def test_labels_must_be_digits(idx_contents, write_folder):
    idx_contents[LABELS] = idx_contents[LABELS][:-2] + b"\x0a\x00"
    assert "label 10 at index 5; expected 0 to 9" in fault(write_folder(idx_contents))


def test_a_source_with_a_fault_in_the_test_digits_gives_no_training_digits(idx_contents, write_folder):
    idx_contents["t10k-labels-idx1-ubyte"] += b"\0"
    with pytest.raises(DataError, match="t10k-labels"):
        DigitSource.parse(str(write_folder(idx_contents))).load()
