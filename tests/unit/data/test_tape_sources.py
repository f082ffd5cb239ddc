"""What the seeded tape draws of each source: the numbers that it is said to have."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from gan_rosetta.shared.data.digits import DigitSource, prepare_digits
from gan_rosetta.shared.data.noise import picture_latent
from gan_rosetta.shared.data.tape import SeededTape
from gan_rosetta.shared.data.toys import mode_centres, nearest_modes, num_modes
from gan_rosetta.shared.errors import DataError, SpecError
from gan_rosetta.shared.gans import find_gan
from gan_rosetta.shared.spec import GridReal, RingReal, SpiralReal
from tests.unit.data.tapes import PACKAGED, joined, tape_of

RING = RingReal(num_modes=8, radius=3.0, standard_deviation=0.1)
GRID = GridReal(side=3, spacing=2.0, standard_deviation=0.1)
SPIRAL = SpiralReal(num_arms=3, num_turns=1.5, radius=2.0, standard_deviation=0.05)
TOYS = (RING, GRID, SPIRAL)


def test_gaussian_samples():
    spec = find_gan("gaussian-1d")
    arrays = tape_of(spec).arrays("adversarial", first_step=0, num_steps=400)
    assert np.all(np.diff(arrays["real"], axis=1) >= 0)
    assert stats.kstest(arrays["real"].ravel(), stats.norm(4.0, 0.5).cdf).pvalue > 0.01
    jitter = arrays["latent_d"][..., 0] - np.linspace(-8, 8, 12)
    assert stats.kstest(jitter.ravel(), stats.uniform(0, 0.01).cdf).pvalue > 0.01
    assert not np.isclose(arrays["latent_d"], arrays["latent_g"]).all()
    unsorted = replace(spec, real=replace(spec.real, sort=False))
    drawn = tape_of(unsorted).arrays("adversarial", first_step=0, num_steps=400)["real"]
    assert np.any(np.diff(drawn, axis=1) < 0)
    np.testing.assert_array_equal(np.sort(drawn, axis=1), arrays["real"])


def test_pretraining_targets_are_scipys_density():
    spec = find_gan("gaussian-1d")
    arrays = tape_of(spec).arrays("pretraining", first_step=0, num_steps=500)
    assert stats.kstest(arrays["pretrain_input"].ravel(), stats.uniform(-5, 10).cdf).pvalue > 0.01
    np.testing.assert_array_equal(arrays["pretrain_target"], stats.norm.pdf(arrays["pretrain_input"], 4.0, 0.5))


def test_linear_points_are_one_cloud_in_a_new_order_each_epoch():
    spec = find_gan("linear-2d")
    real = tape_of(spec).arrays("adversarial", first_step=0, num_steps=500)["real"]
    first, second = real[:250].reshape(1000, 2), real[250:].reshape(1000, 2)
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(np.sort(first.view("f8,f8"), axis=0), np.sort(second.view("f8,f8"), axis=0))
    assert len(np.unique(first, axis=0)) == 1000
    matrix = np.array(spec.real.matrix)
    whitened = (first - spec.real.offset) @ np.linalg.inv(matrix)
    assert stats.kstest(whitened.ravel(), "norm").pvalue > 0.01
    assert abs(np.corrcoef(whitened.T)[0, 1]) < 0.1


def test_sine_rows():
    spec = find_gan("sine")
    real = tape_of(spec).arrays("adversarial", first_step=9_000, num_steps=2)["real"]
    np.testing.assert_array_equal(real, np.broadcast_to(np.sin(np.linspace(0, 2 * np.pi, 16)), (2, 64, 16)))


def test_mnist_conv_repeats_after_nine_steps():
    spec = find_gan("mnist-conv")
    tape = tape_of(spec)
    first, again = (tape.arrays("adversarial", first_step=step, num_steps=9) for step in (0, 1791))
    for name in ("real", "latent_d", "latent_g"):
        np.testing.assert_array_equal(first[name], again[name])
    assert len(np.unique(first["real"].reshape(900, -1), axis=0)) == 900
    for name in ("latent_d", "latent_g"):
        assert np.all(first[name] == first[name][:1])
        assert stats.kstest(first[name][0].ravel(), "norm").pvalue > 0.01
    picture = picture_latent(spec, seed=4, num_samples=100)
    assert picture.shape == (100, 100, 1, 1)
    for other in (first["latent_d"][0], first["latent_g"][0]):
        assert not np.isclose(picture, other).any(axis=1).all()


def test_the_selection_of_digits_is_mixed():
    spec = find_gan("mnist-conv")
    real = tape_of(spec).arrays("adversarial", first_step=0, num_steps=9)["real"]
    pool = prepare_digits(PACKAGED.load(), spec.real).reshape(5000, -1)
    places = {image.tobytes(): index // 500 for index, image in enumerate(pool)}
    classes = np.array([[places[image.tobytes()] for image in batch.reshape(100, -1)] for batch in real])
    assert all(len(set(batch)) == 10 for batch in classes)
    assert np.bincount(classes.ravel()).min() > 60


def test_mix_is_uniform():
    spec = find_gan("mnist-wgan-gp")
    mix = tape_of(spec).arrays("adversarial", first_step=0, num_steps=70)["mix"]
    assert stats.kstest(mix.ravel(), "uniform").pvalue > 0.01


def test_too_small_a_source_is_named(idx_contents, write_folder):
    source = DigitSource.parse(str(write_folder(idx_contents)))
    with pytest.raises(DataError, match=r"takes 900 digits.* 7 images"):
        SeededTape(find_gan("mnist-conv"), seed=0, digits=source)


def test_real_digits_have_their_own_classes_and_asked_ones_are_even():
    spec = find_gan("cgan")
    labels = PACKAGED.load_labels()
    by_image = {
        image.tobytes(): label
        for image, label in zip(prepare_digits(PACKAGED.load(), spec.real), labels.tolist(), strict=True)
    }
    last = joined(tape_of(spec), spec, "adversarial", size=1, stop=81)
    for step in (0, 78, 79, 80):
        found = [by_image[image.tobytes()] for image in last["real"][step]]
        np.testing.assert_array_equal(last["real_label"][step], found)
        assert len(set(found)) > 4
    asked = np.concatenate(last["label_d"])
    counts = np.bincount(asked.astype(int), minlength=10)
    assert len(counts) == 10
    assert counts.min() > 0.8 * len(asked) / 10
    few = replace(spec, real=replace(spec.real, num_images=70, reshuffle=False))
    steps = joined(tape_of(few), few, "adversarial", size=1, stop=4)
    np.testing.assert_array_equal(steps["real_label"][1], steps["real_label"][3])
    found = [by_image[image.tobytes()] for image in steps["real"][1]]
    np.testing.assert_array_equal(steps["real_label"][1], found)


def test_digits_that_do_not_fill_a_batch_are_refused():
    spec = find_gan("sngan")
    with pytest.raises(SpecError, match="11 images do not fill one of batch_size 64"):
        replace(spec, real=replace(spec.real, num_images=11))
    with pytest.raises(DataError, match="5000 digits do not fill one of 5001"):
        SeededTape(replace(spec, batch_size=5001), seed=0, digits=PACKAGED)


@pytest.mark.parametrize("real", TOYS)
def test_a_toys_points_are_its_own_however_they_are_cut(real):
    spec = replace(find_gan("linear-2d"), real=real, batch_size=3)
    steps = joined(tape_of(spec), spec, "adversarial", size=8, stop=20)["real"]
    alone = joined(tape_of(spec), spec, "adversarial", size=1, first_step=7, stop=8)["real"]
    np.testing.assert_array_equal(steps[7], alone[0])
    assert not np.array_equal(steps[7], steps[8])
    often = replace(spec, training=replace(spec.training, steps_per_batch=2))
    served = joined(tape_of(often), often, "adversarial", size=3, first_step=1, stop=6)["real"]
    for step, batch in enumerate(served, start=1):
        np.testing.assert_array_equal(batch, steps[step // 2])
    assert tape_of(spec).steps_per_epoch() is None


def test_modes_are_as_likely_and_as_wide_as_said():
    count = 20_000
    for real in (RING, GRID):
        spec = replace(find_gan("linear-2d"), real=real, batch_size=count)
        (points,) = tape_of(spec).arrays("adversarial", first_step=0, num_steps=1)["real"]
        modes = nearest_modes(real, points).astype(int)
        assert stats.chisquare(np.bincount(modes, minlength=num_modes(real))).pvalue > 0.01
        beside = (points - mode_centres(real, modes)) / real.standard_deviation
        assert stats.kstest(beside.ravel(), "norm").pvalue > 0.01


def test_a_ring_begins_on_the_axis_and_a_grid_lies_around_0():
    corner = RING.radius / np.sqrt(2)
    np.testing.assert_allclose(mode_centres(RING, np.arange(2.0)), [[RING.radius, 0], [corner, corner]])
    np.testing.assert_array_equal(mode_centres(GRID, np.arange(3.0)), [[-2, -2], [-2, 0], [-2, 2]])
    np.testing.assert_array_equal(mode_centres(GRID, np.arange(3.0, 5)), [[0, -2], [0, 0]])


def test_a_spirals_arms_are_as_likely_and_its_points_even_in_the_square_of_their_distance():
    still = replace(SPIRAL, standard_deviation=1e-9)
    spec = replace(find_gan("linear-2d"), real=still, batch_size=20_000)
    (points,) = tape_of(spec).arrays("adversarial", first_step=0, num_steps=1)["real"]
    out = np.hypot(*points.T) / SPIRAL.radius
    assert stats.kstest(out**2, "uniform").pvalue > 0.01
    turns = np.arctan2(points[:, 1], points[:, 0]) / (2 * np.pi) - SPIRAL.num_turns * out
    arms = np.round(SPIRAL.num_arms * turns)
    assert np.abs(SPIRAL.num_arms * turns - arms)[out > 0.01].max() < 1e-6
    assert stats.chisquare(np.bincount(np.mod(arms, SPIRAL.num_arms).astype(int))).pvalue > 0.01
