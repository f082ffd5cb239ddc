"""The picture that a program leaves: a PNG that others read, of what G made, whatever it made."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from gan_rosetta.shared.conformance.small import small_gan
from gan_rosetta.shared.translate.picture import picture_section
from tests.unit.translate.proving import run_here

IMPORTS = """\
import struct
import zlib
from argparse import Namespace
from pathlib import Path

import numpy as np

options = Namespace(out=Path())
"""


def draw(folder, gan, samples):
    """Run the section alone, on samples; return the pixels that another reader finds."""
    np.savez(folder / "samples.npz", generated=samples)
    (folder / "program.py").write_text(IMPORTS + picture_section(gan), encoding="utf-8")
    run_here(folder, [])
    with Image.open(folder / "samples.png") as picture:
        return np.array(picture)


def test_images_stand_in_rows_of_eight_from_black_to_white(tmp_path):
    gan = small_gan("lsgan")
    channels, height, width = gan.real.sample_shape
    samples = np.full((64, channels, height, width), gan.real.low)
    samples[9] = gan.real.high  # the second row's second
    samples[10, :, 0, 0] = np.nan
    found = draw(tmp_path, gan, samples)
    assert found.shape == (8 * height, 8 * width)
    assert np.all(found[height : 2 * height, width : 2 * width] == 255)
    assert found.sum() == 255 * height * width


def test_points_of_a_plane_stand_at_their_places(tmp_path):
    samples = np.repeat([[0.0, 0.0], [1.0, 0.0], [1.0, 3.0], [np.inf, 0.0]], 16, axis=0)
    found = draw(tmp_path, small_gan("linear-2d"), samples)
    rows, columns = np.nonzero(found == 0)
    # Upwards is larger, and each point is four pixels wide.
    places = {(252, 0), (252, 252), (0, 252)}
    assert {(row - row % 4, column - column % 4) for row, column in zip(rows, columns, strict=True)} == places


@pytest.mark.parametrize("name", ["gaussian-1d", "sine", "linear-2d", "mnist-wgan-gp"])
@pytest.mark.parametrize("value", [0.5, np.nan, np.inf])
def test_whatever_g_made_is_drawn(tmp_path, name, value):
    gan = small_gan(name)
    samples = np.full((64, *gan.real.sample_shape), value)
    found = draw(tmp_path, gan, samples)
    if np.isfinite(value) and name != "mnist-wgan-gp":
        assert (found == 0).any()
        assert (found == 255).any()
