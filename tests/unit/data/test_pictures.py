"""Pictures that a user gives: their forms, their order, how they are cut to a square, and what is refused."""

from __future__ import annotations

import gzip
import io
import os
import re
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gan_rosetta.shared.data import picture
from gan_rosetta.shared.data.picture import decode_picture
from gan_rosetta.shared.data.pictures import PictureSource, pictures_sha256
from gan_rosetta.shared.data.tape import SeededTape
from gan_rosetta.shared.errors import DataError, UsageError
from gan_rosetta.shared.gans import find_gan
from gan_rosetta.shared.runs.names import parse_runs
from gan_rosetta.shared.runs.plan import plan_compare
from gan_rosetta.shared.runs.request import make_request
from gan_rosetta.shared.spec import DigitsReal

RANDOM = np.random.default_rng(3)
COLOURS = RANDOM.integers(0, 256, (6, 32, 32, 3), dtype=np.uint8)
GREY = DigitsReal(size=32, num_channels=1, low=0.0, high=1.0, num_images=None, reshuffle=False)
RGB = replace(GREY, num_channels=3, low=-1.0)
ALL = np.arange(6)


def save(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)


def content(image: Image.Image, form: str = "PNG", **options) -> bytes:
    written = io.BytesIO()
    image.save(written, form, **options)
    return written.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three classes of two pictures each; of names whose order is not that in which they were written."""
    root = tmp_path / "pictures"
    for place, name in reversed(list(enumerate(("b/1.png", "b/10.png", "b/2.png", "c/x.png", "c/y/z.png", "d/d.png")))):
        save(root / name, COLOURS[place])
    (root / "b" / "notes.txt").write_text("left out")
    return root


def refused(path: Path, says: str, *, real: DigitsReal = GREY) -> None:
    source = PictureSource(path=str(path))
    with pytest.raises(DataError, match=re.escape(says)) as caught:
        source.prepare(np.arange(source.count()), real)
    assert "\n" not in str(caught.value)
    assert str(caught.value).isprintable()


def test_sub_folders_are_classes_in_the_order_of_their_names(folder):
    source = PictureSource(path=str(folder))
    np.testing.assert_array_equal(source.load_labels(), [0, 0, 0, 1, 1, 2])
    np.testing.assert_array_equal(source.prepare(ALL, RGB), COLOURS.transpose(0, 3, 1, 2) / 255 * 2 - 1)


def test_a_folder_without_folders_has_no_classes(tmp_path):
    for place, name in enumerate(("1.png", "10.bmp", "2.tiff")):
        save(tmp_path / "flat" / name, COLOURS[place])
    source = PictureSource(path=str(tmp_path / "flat"))
    np.testing.assert_array_equal(source.prepare(ALL[:3], RGB), COLOURS[:3].transpose(0, 3, 1, 2) / 255 * 2 - 1)
    with pytest.raises(DataError, match="have no classes, which the GAN takes"):
        SeededTape(replace(find_gan("cgan"), batch_size=2), seed=0, digits=source)


def test_every_form_gives_the_same_numbers_and_classes(tmp_path, folder):
    labels = np.array([0, 0, 0, 1, 1, 2], dtype=np.uint8)
    np.savez_compressed(tmp_path / "set.npz", images=COLOURS, labels=labels)
    np.savez(tmp_path / "keras.npz", x_train=COLOURS, y_train=labels[:, None], x_test=COLOURS[:1], y_test=labels[:1])
    records = np.hstack([labels[:, None], COLOURS.transpose(0, 3, 1, 2).reshape(6, -1)])
    (tmp_path / "cifar").mkdir()
    (tmp_path / "cifar" / "data_batch_1.bin").write_bytes(records[:4].tobytes())
    (tmp_path / "cifar" / "data_batch_2.bin").write_bytes(records[4:].tobytes())
    expected = PictureSource(path=str(folder)).prepare(ALL, RGB)
    sources = [PictureSource(path=str(tmp_path / name)) for name in ("set.npz", "keras.npz", "cifar")]
    for source in sources:
        np.testing.assert_array_equal(source.prepare(ALL, RGB), expected)
        np.testing.assert_array_equal(source.load_labels(), labels)
    assert len({source.named for source in sources}) == 1


def test_idx_files_have_the_labels_that_lie_beside_them(tmp_path):
    grey, labels = COLOURS[..., 0], np.arange(6, dtype=np.uint8)
    images = tmp_path / "emnist-letters-train-images-idx3-ubyte.gz"
    images.write_bytes(gzip.compress(struct.pack(">IIII", 0x803, *grey.shape) + grey.tobytes()))
    source = PictureSource(path=str(images))
    np.testing.assert_array_equal(source.prepare(ALL, GREY), grey[:, np.newaxis] / 255)
    with pytest.raises(DataError, match="no classes"):
        source.load_labels()
    beside = tmp_path / "emnist-letters-train-labels-idx1-ubyte"
    beside.write_bytes(struct.pack(">II", 0x801, 6) + labels.tobytes())
    np.testing.assert_array_equal(PictureSource(path=str(images), sha256=None).prepare(ALL, GREY)[0, 0], grey[0] / 255)
    np.testing.assert_array_equal(PictureSource(path=f"{tmp_path}/./{images.name}").load_labels(), labels)
    beside.write_bytes(struct.pack(">II", 0x801, 5) + labels[:5].tobytes())
    refused(tmp_path / "." / ".." / tmp_path.name / images.name, "has 6 images, and", real=GREY)


def test_the_shorter_side_is_resized_and_the_longer_cropped_at_both_ends():
    wide = Image.fromarray(RANDOM.integers(0, 256, (20, 45, 3), dtype=np.uint8))
    found = decode_picture(content(wide), size=8, num_channels=3)
    # 45 / 20 · 8 = 18 wide, of which 5 go on each side.
    resized = np.asarray(wide.resize((18, 8), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(found, resized[:, 5:13].transpose(2, 0, 1))
    high = decode_picture(content(wide.transpose(Image.Transpose.TRANSPOSE)), size=8, num_channels=1)
    assert high.shape == (1, 8, 8)


def test_grey_is_made_of_colours_and_colours_of_grey_palettes_and_transparency():
    grey = Image.fromarray(COLOURS[0, :, :, 0])
    whole = np.asarray(grey)
    for image in (grey, grey.convert("RGB"), grey.convert("LA"), grey.convert("P"), grey.convert("RGBA")):
        np.testing.assert_array_equal(decode_picture(content(image), size=32, num_channels=1)[0], whole)
        np.testing.assert_array_equal(decode_picture(content(image), size=32, num_channels=3), np.stack([whole] * 3))


def test_more_pictures_than_the_gan_takes_are_chosen_and_as_many_are_taken_in_order(tmp_path):
    images = np.arange(8, dtype=np.uint8)[:, None, None] * np.ones((8, 28, 28), dtype=np.uint8)
    np.savez(tmp_path / "set.npz", images=images)
    spec = replace(find_gan("mnist-wgan-gp"), batch_size=4)

    def first(count: int) -> list[int]:
        small = replace(spec, real=replace(spec.real, num_images=count, reshuffle=False, low=0.0, high=255.0))
        tape = SeededTape(small, seed=0, digits=PictureSource(path=str(tmp_path / "set.npz")))
        return [round(image[0, 0, 0]) for image in tape.arrays("adversarial", first_step=0, num_steps=1)["real"][0]]

    assert first(8) == [0, 1, 2, 3]
    assert first(5) != first(8)
    with pytest.raises(DataError, match=r"takes 9 pictures, but the pictures in .* are 8 images"):
        first(9)


def test_pictures_that_have_changed_are_refused(folder):
    before = pictures_sha256(str(folder))
    assert PictureSource(path=str(folder), sha256=before).count() == 6
    (folder / "b" / "1.png").rename(folder / "b" / "0.png")
    assert pictures_sha256(str(folder)) == before
    (folder / "c").rename(folder / "z")
    assert pictures_sha256(str(folder)) != before
    with pytest.raises(DataError, match="are no longer those that the run was ordered with"):
        PictureSource(path=f"{folder}/.", sha256=before).count()


def test_what_is_asked_is_checked_before_any_run(folder):
    asked = make_request("mnist-conv", images=folder)
    assert asked.feed.images == str(folder)
    assert asked.feed.images_sha256 == pictures_sha256(str(folder))
    assert asked.feed.image_source == PictureSource(path=str(folder), sha256=asked.feed.images_sha256)
    for options, says in (
        ({"gan": "linear-2d"}, "'linear-2d' takes no images"),
        ({"mnist": "download"}, "--images and --mnist both say"),
        ({"tape": "tape.npz"}, "--images and --tape both say"),
        ({"images": " "}, "--images is empty"),
    ):
        with pytest.raises(UsageError, match=re.escape(says)):
            make_request(options.pop("gan", "mnist-conv"), **{"images": folder, **options})


def test_gans_of_which_none_takes_images_are_not_compared_on_them(folder, tmp_path):
    request = make_request(None, images=folder, steps=1)
    runs = parse_runs(["numpy"])
    with pytest.raises(UsageError, match=r"'linear-2d' takes no images, .* and 'sine' takes no images"):
        plan_compare(["linear-2d", "sine"], runs, request, tmp_path / "out", threads=1)


def test_more_classes_than_the_gan_knows_are_refused(tmp_path):
    np.savez(tmp_path / "set.npz", images=COLOURS, labels=np.array([0, 1, 2, 3, 4, 10]))
    with pytest.raises(DataError, match="have 11 classes, and 'cgan' knows 10"):
        SeededTape(replace(find_gan("cgan"), batch_size=2), seed=0, digits=PictureSource(path=f"{tmp_path}/set.npz"))


@pytest.mark.parametrize(
    ("name", "written", "says"),
    [
        ("text.png", b"no picture\n", "is no picture of a format that Pillow opens"),
        ("empty.png", b"", "is empty; expected a picture"),
        (
            "cut.jpg",
            content(Image.fromarray(COLOURS[0]), "JPEG")[:-200],
            "is a broken picture (image file is truncated",
        ),
        ("cut.png", content(Image.fromarray(COLOURS[0]))[:-300], "is a broken picture ("),
        ("line.png", content(Image.new("L", (1, 3_000_000))), "too narrow to be resized to 32 and cropped"),
        ("deep.png", content(Image.new("I;16", (40, 40))), "has more than 8 bits a level"),
        ("program.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "holds no pictures"),
        ("a\nb\x1b[31m.png", b"no picture", "a\\nb\\x1b[31m.png is no picture"),
    ],
    ids=["text", "empty", "cut JPEG", "cut PNG", "line", "16 bits", "EPS", "control characters"],
)
def test_a_picture_that_is_none_is_refused_in_a_line(tmp_path, name, written, says):
    (tmp_path / name).write_bytes(written)
    refused(tmp_path, says)


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(picture, "MOST_PIXELS", 1000)
    save(tmp_path / "large.png", COLOURS[0])
    refused(tmp_path, "is 32 × 32; expected 1,000 pixels at the most")


def test_what_is_no_file_is_neither_waited_for_nor_followed_round(tmp_path, folder):
    (folder / "b" / "link").symlink_to(folder)
    refused(folder, "is a link to a folder that it lies in")
    os.mkfifo(tmp_path / "pipe.png")
    refused(tmp_path / "pipe.png", "is a named pipe; expected a folder of pictures")
    (tmp_path / "more").mkdir()
    (tmp_path / "pipe.png").rename(tmp_path / "more" / "pipe.png")
    refused(tmp_path / "more", "it is a named pipe, not a file; expected a picture")
    (tmp_path / "more" / "pipe.png").unlink()
    (tmp_path / "more" / "gone.png").symlink_to(tmp_path / "nowhere")
    refused(tmp_path / "more", "cannot be read: No such file or directory")


def test_a_folder_that_is_no_set_of_pictures_is_refused(tmp_path, folder):
    refused(tmp_path / "nowhere", "does not exist; expected a folder of pictures")
    (tmp_path / "bare").mkdir()
    refused(tmp_path / "bare", "holds no pictures: none of its 0 files")
    save(folder / "stray.png", COLOURS[0])
    refused(folder, "has pictures, such as stray.png, beside the folders of its classes")
    (folder / "stray.png").unlink()
    (folder / "e").mkdir()
    refused(folder, "e holds no pictures; put some there, or move it away")


@pytest.mark.parametrize(
    ("name", "arrays", "says"),
    [
        ("float.npz", {"images": COLOURS / 255}, "images of"),
        ("planes.npz", {"images": COLOURS.transpose(0, 3, 1, 2)}, "expected uint8, (n, height, width) for grey"),
        ("none.npz", {"images": COLOURS[:0]}, "(0, 32, 32, 3); expected uint8"),
        ("other.npz", {"pixels": COLOURS}, "has the arrays 'pixels'; expected one of images, x_train, train_images"),
        ("few.npz", {"images": COLOURS, "labels": np.arange(5)}, "expected whole numbers (6,)"),
        ("far.npz", {"images": COLOURS, "labels": np.arange(6) * 60}, "has 300; expected classes from 0 to 255"),
        ("objects.npz", {"images": np.array([None])}, "never loaded"),
    ],
)
def test_an_npz_of_something_else_is_refused(tmp_path, name, arrays, says):
    np.savez(tmp_path / name, **arrays)
    refused(tmp_path / name, says)


def test_a_cifar_file_of_another_length_or_class_is_refused(tmp_path):
    (tmp_path / "cifar-100.bin").write_bytes(bytes(3074))
    refused(tmp_path / "cifar-100.bin", "has 3,074 bytes; expected CIFAR-10's records of 3,073 bytes each")
    (tmp_path / "cut.bin").write_bytes(b"\x0a" + bytes(3072))
    refused(tmp_path / "cut.bin", "has class 10 at record 0; expected 0 to 9")
