"""A tiny MNIST: the four IDX files with few images, as bytes that a test can damage."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

NUM_TRAIN = 7
NUM_TEST = 3


def _images(count: int, first: int) -> bytes:
    pixels = ((np.arange(count * 784) * 7 + first) % 256).astype(np.uint8)
    return struct.pack(">IIII", 0x803, count, 28, 28) + pixels.tobytes()


def _labels(count: int) -> bytes:
    return struct.pack(">II", 0x801, count) + bytes(index % 10 for index in range(count))


@pytest.fixture
def idx_contents() -> dict[str, bytes]:
    return {
        "train-images-idx3-ubyte": _images(NUM_TRAIN, 5),
        "train-labels-idx1-ubyte": _labels(NUM_TRAIN),
        "t10k-images-idx3-ubyte": _images(NUM_TEST, 90),
        "t10k-labels-idx1-ubyte": _labels(NUM_TEST),
    }


@pytest.fixture
def write_folder(tmp_path: Path) -> Callable[[dict[str, bytes]], Path]:
    def write(contents: dict[str, bytes]) -> Path:
        folder = tmp_path / "digits"
        folder.mkdir()
        for name, content in contents.items():
            (folder / name).write_bytes(content)
        return folder

    return write
