"""What `--images` may be given besides pictures: refused in a line, before anything starts."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.mishaps.trial import Mishap

WORDS = ("train", "mnist-wgan-gp", "--backend", "numpy", "--batch-size", 2, "--steps", 2)


def write_digits(folder: Path, count: int = 4) -> Path:
    folder.mkdir()
    for place in range(count):
        levels = np.random.default_rng(place).integers(0, 256, (28, 28), dtype=np.uint8)
        Image.fromarray(levels).save(folder / f"{place}.png")
    return folder


def _text(folder: Path) -> None:
    (folder / "a\n\x1b[31mname.png").write_text("no picture")


def _cut(folder: Path) -> None:
    Image.effect_noise((300, 300), 90).save(folder / "cut.jpg")
    (folder / "cut.jpg").write_bytes((folder / "cut.jpg").read_bytes()[:9000])


def _bomb(folder: Path) -> None:
    # 30 000 × 30 000 in some hundred bytes: a claim with nothing behind it.
    Image.new("1", (8, 8)).save(folder / "bomb.png")
    content = bytearray((folder / "bomb.png").read_bytes())
    content[16:24] = (30_000).to_bytes(4, "big") * 2

    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    (folder / "bomb.png").write_bytes(content)


def _pipe(folder: Path) -> None:
    os.mkfifo(folder / "pipe.png")


def _loop(folder: Path) -> None:
    inner = folder / "class"
    inner.mkdir()
    for file in folder.glob("*.png"):
        file.rename(inner / file.name)
    (inner / "round").symlink_to(folder)


SPOILT = {
    "a text file called .png, its name with a new line and a colour in it": (
        _text,
        "a\\n\\x1b[31mname.png is no picture",
    ),
    "a JPEG that is cut off": (_cut, "cut.jpg is a broken picture"),
    "a picture that says it is 30 000 × 30 000": (_bomb, "pixels"),
    "a named pipe called .png": (_pipe, "is a named pipe, not a file"),
    "a link to the folder itself": (_loop, "is a link to a folder that it lies in"),
}


@pytest.mark.parametrize("what", SPOILT)
def test_a_folder_with_something_else(mishap: Mishap, what: str) -> None:
    spoil: Callable[[Path], None]
    spoil, says = SPOILT[what]
    folder, out = write_digits(mishap.folder / "pictures"), mishap.folder / "runs"
    spoil(folder)
    finished = mishap.refused(*WORDS, "--images", folder, "--out", out, says=says)
    assert not out.exists()
    mishap.account(f"`--images` of a folder with {what}", finished, "the folder")


def test_other_pictures_are_refused_by_a_run_that_goes_on(mishap: Mishap) -> None:
    folder, out = write_digits(mishap.folder / "pictures"), mishap.folder / "runs"
    state = out / "mnist-wgan-gp" / "numpy" / "state.safetensors"
    assert mishap.run(*WORDS, "--images", folder, "--out", out).status == 0
    again = ("train", "mnist-wgan-gp", "--backend", "torch", "--batch-size", 2, "--steps", 3, "--initial-state", state)
    assert mishap.run(*again, "--images", folder, "--out", mishap.folder / "same").status == 0
    (folder / "0.png").write_bytes((folder / "1.png").read_bytes())
    says = "give the same --tape, --mnist, --images or --seed"
    finished = mishap.refused(*again, "--images", folder, "--out", mishap.folder / "other", says=says)
    mishap.account("training goes on, with a picture that has changed since", finished, "the run that was")
