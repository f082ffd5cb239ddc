from __future__ import annotations

import numpy as np
import pytest

from gan_rosetta.shared.data.digits import DigitSource, prepare_digits
from gan_rosetta.shared.gans import CATALOGUE, find_gan
from gan_rosetta.shared.quality.digits import to_pixels, train_judge
from gan_rosetta.shared.quality.measure import measure_quality


def measured(name, generated, real=None):
    spec = find_gan(name)
    generated = np.asarray(generated, float).reshape(-1, *spec.real.sample_shape)
    real = generated if real is None else np.asarray(real, float).reshape(-1, *spec.real.sample_shape)
    return {number.name: number for number in measure_quality({"generated": generated, "real": real}, spec)}


def good_and_bad(name):
    """Samples of the true distribution, and of another one."""
    spec, random = find_gan(name), np.random.default_rng(5)
    if name == "gaussian-1d":
        good = random.normal(spec.real.mean, spec.real.standard_deviation, 5000)
        return good, good * 1.5 + 1
    if name == "linear-2d":
        good = random.normal(size=(3000, 2)) @ np.array(spec.real.matrix) + spec.real.offset
        return good, 0.5 * good + 1
    truth = np.sin(np.linspace(0, 2 * np.pi, spec.real.num_points))
    return np.tile(truth, (64, 1)), np.tile(truth + 0.3, (64, 1))


@pytest.mark.parametrize("name", ["gaussian-1d", "linear-2d", "sine"])
def test_a_wrong_distribution_is_worse_in_every_number(name):
    good, bad = (measured(name, samples) for samples in good_and_bad(name))
    for what, number in good.items():
        assert number.better == "lower"
        assert number.value == pytest.approx(number.real)
        if what != "samples that are not numbers":
            assert number.value < 0.2 * bad[what].value, what


def test_the_sines_error_is_the_root_mean_square():
    _, shifted = good_and_bad("sine")
    assert measured("sine", shifted)["distance from the sine"].value == pytest.approx(0.3)


@pytest.fixture(scope="module")
def digits():
    spec = find_gan("mnist-wgan-gp")
    images = DigitSource(kind="packaged").load()
    labels = DigitSource(kind="packaged").load_labels()
    chosen = np.random.default_rng(6).permutation(len(images))[:64]
    return prepare_digits(images[chosen], spec.real), labels[chosen]


def test_the_classifier_reads_digits_and_is_the_same_each_time(digits):
    real, labels = digits
    source = find_gan("mnist-wgan-gp").real
    judge = train_judge(source)
    assert 0.85 < judge.accuracy < 1
    assert np.mean(judge.classifier.predict(to_pixels(real, source)) == labels) > 0.85
    train_judge.cache_clear()
    assert train_judge(source).frechet(to_pixels(real, source)) == judge.frechet(to_pixels(real, source))


def test_digits_score_by_their_looks_and_copies_are_seen(digits):
    real, _ = digits
    noise = np.random.default_rng(7).uniform(-1, 1, real.shape)
    one_digit = np.repeat(real[:1], len(real), axis=0)
    frechet = "Fréchet distance of features"
    scores = [measured("mnist-wgan-gp", samples, real)[frechet].value for samples in (real, one_digit, noise)]
    assert scores[0] < 0.5 * min(scores[1:])
    near = "distance to the nearest real digit"
    copies, apart = measured("mnist-wgan-gp", real, real)[near], measured("mnist-wgan-gp", noise, real)[near]
    assert copies.value == pytest.approx(0.0, abs=1e-6)
    assert 0.05 < copies.real < 0.2
    assert apart.value > 2 * apart.real


def test_broken_samples_are_counted_and_left_out():
    good, _ = good_and_bad("gaussian-1d")
    broken = good.copy()
    broken[:50] = np.nan
    broken[50:100] = np.inf
    numbers = measured("gaussian-1d", broken, good)
    assert numbers["samples that are not numbers"].value == pytest.approx(100 / len(good))
    distance = numbers["Wasserstein distance to the true Gaussian"]
    assert distance.value == pytest.approx(measured("gaussian-1d", good[100:])[distance.name].value)


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_no_number_where_nothing_is_finite(name):
    spec = find_gan(name)
    shape = (16, *spec.real.sample_shape)
    real = np.random.default_rng(8).normal(size=shape)
    *numbers, broken = measure_quality({"generated": np.full(shape, np.nan), "real": real}, spec)
    assert broken.value == 1.0
    assert numbers
    assert all(number.value is None and number.real is not None for number in numbers)
