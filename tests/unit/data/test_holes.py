"""Holes in real images: what G starts from is the image around them, what D is shown may be what they leave out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gan_rosetta.shared.data.digits import DigitSource
from gan_rosetta.shared.data.holes import cut_holes, hole_corners, start_of
from gan_rosetta.shared.data.tape import SeededTape, array_shapes, repeats
from gan_rosetta.shared.data.tape_file import FileTape, write_tape
from gan_rosetta.shared.gans import MADE_UP
from gan_rosetta.shared.runs.samples import num_samples, sample_latent
from gan_rosetta.shared.spec import DigitsReal, GanSpec, HoledLatent

SPEC = MADE_UP["holed-digits"]
LATENT = HoledLatent(num_channels=2, size=5, hole=2, fill=9.0)


def _with_real(**changes: object) -> GanSpec:
    assert isinstance(SPEC.real, DigitsReal)
    return replace(SPEC, real=replace(SPEC.real, **changes))


def _tape(spec: GanSpec, *, seed: int = 3) -> SeededTape:
    return SeededTape(spec, seed=seed, digits=DigitSource.parse(None))


def test_holes_are_cut_where_their_corners_are():
    images = np.random.default_rng(0).standard_normal((3, 4, 2, 5, 5))
    corners = np.random.default_rng(1).integers(0, 4, (3, 4, 2))
    holed, parts = cut_holes(LATENT, images, corners)
    for place in np.ndindex(3, 4):
        row, column = corners[place]
        expected = images[place].copy()
        hole = expected[:, row : row + 2, column : column + 2]
        np.testing.assert_array_equal(parts[place], hole)
        hole[...] = 9.0
        np.testing.assert_array_equal(holed[place], expected)


def test_a_start_is_the_holed_image_or_a_vector_of_it_and_of_the_whole_one_made_smaller():
    images, holed = np.arange(32.0).reshape(1, 2, 4, 4), np.zeros((1, 2, 4, 4))
    latent = replace(LATENT, size=4)
    assert start_of(latent, images, holed) is holed
    start = start_of(replace(latent, reduced_by=2), images, holed)
    assert start.shape == (1, 40) == (1, *replace(latent, reduced_by=2).sample_shape)
    np.testing.assert_array_equal(start[0, 32:], [2.5, 4.5, 10.5, 12.5, 18.5, 20.5, 26.5, 28.5])


def test_corners_are_even_over_all_places_but_the_last():
    corners = hole_corners(LATENT, np.random.default_rng(2).uniform(size=(9000, 2)))
    for axis in (0, 1):
        counts = np.bincount(corners[:, axis])
        assert len(counts) == 3
        assert counts.min() > 2800


def test_a_part_is_what_the_image_that_g_starts_from_lacks():
    arrays = _tape(SPEC).arrays("adversarial", first_step=0, num_steps=5)
    assert {name: array.shape[2:] for name, array in arrays.items()} == array_shapes(SPEC, "adversarial")
    assert isinstance(SPEC.real, DigitsReal)
    source = DigitSource.parse(None)
    images = {image.tobytes() for image in source.prepare(np.arange(source.count()), SPEC.real)}
    for start, part in zip(arrays["latent_d"].reshape(-1, 80), arrays["real"].reshape(-1, 1, 4, 4), strict=True):
        found, holed, smaller = 0, start[:64].reshape(1, 8, 8), start[64:].reshape(4, 4)
        for row, column in np.ndindex(4, 4):
            filled = holed.copy()
            hole = filled[:, row : row + 4, column : column + 4]
            if (hole == 1.0).all():
                hole[...] = part
                if filled.tobytes() in images:
                    found += 1
                    quarters = sum(filled[0, row::2, column::2] for row in (0, 1) for column in (0, 1)) / 4
                    np.testing.assert_allclose(smaller, quarters, rtol=1e-15, atol=1e-16)
        assert found == 1


def test_holes_are_fresh_in_each_batch_and_stay_for_the_steps_that_it_serves():
    still = _with_real(reshuffle=False)
    arrays = _tape(still).arrays("adversarial", first_step=0, num_steps=32)
    assert not repeats(still, "real")
    assert not np.array_equal(arrays["real"][0], arrays["real"][16])
    served = replace(still, training=replace(still.training, steps_per_batch=2))
    arrays = _tape(served).arrays("adversarial", first_step=1, num_steps=4)
    for name in ("real", "latent_d"):
        np.testing.assert_array_equal(arrays[name][1], arrays[name][2])
        assert not np.array_equal(arrays[name][0], arrays[name][1])


def test_a_chunk_of_steps_holds_what_each_step_has_and_a_file_gives_it_again(tmp_path):
    tape = _tape(SPEC)
    together = tape.arrays("adversarial", first_step=14, num_steps=4)
    write_tape(tmp_path / "tape.npz", tape, SPEC, pretraining_steps=0, training_steps=18)
    read = FileTape.read(tmp_path / "tape.npz", SPEC)
    again = read.arrays("adversarial", first_step=14, num_steps=4)
    for name, array in together.items():
        np.testing.assert_array_equal(again[name], array)
        for step in range(4):
            one = tape.arrays("adversarial", first_step=14 + step, num_steps=1)[name]
            np.testing.assert_array_equal(one[0], array[step])


@pytest.mark.parametrize("seed", [1, 2])
def test_samples_are_made_of_the_images_that_the_tape_has_first(seed):
    tape = _tape(SPEC)
    latent = sample_latent(SPEC, tape, seed=seed)
    assert len(latent) == num_samples(SPEC)
    np.testing.assert_array_equal(latent, tape.arrays("adversarial", first_step=0, num_steps=1)["latent_d"][0])
