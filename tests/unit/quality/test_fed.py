"""Numbers against what was fed: good where the generated are like it, whatever the spec says of its own data."""

from __future__ import annotations

import numpy as np
import pytest

from gan_rosetta.shared.data.digits import DigitSource, prepare_digits
from gan_rosetta.shared.gans import CATALOGUE, find_gan
from gan_rosetta.shared.quality.measure import measure_quality

BROKEN = "samples that are not numbers"


def measured(name, generated, real):
    numbers = measure_quality({"generated": generated, "real": real}, find_gan(name), is_as_declared=False)
    return {number.name: number for number in numbers}


def drawn(name, seed):
    """Samples of a distribution that no spec of the catalogue says."""
    random = np.random.default_rng(seed)
    if name == "gaussian-1d":
        return random.exponential(3.0, (4000, 1)) - 20
    if name == "linear-2d":
        return random.normal(size=(3000, 2)) * [4.0, 0.2] + [50.0, -9.0]
    phases = random.choice([0.0, 1.0], (64, 1))
    return 3 * np.cos(np.linspace(0, 2 * np.pi, 16) + phases)


@pytest.mark.parametrize("name", ["gaussian-1d", "linear-2d", "sine"])
def test_what_is_like_the_fed_is_good_and_what_is_like_the_spec_is_not(name):
    fed, alike = drawn(name, 1), drawn(name, 2)
    spec = find_gan(name)
    declared = np.random.default_rng(3).normal(size=fed.shape)
    good, bad = measured(name, alike, fed), measured(name, declared, fed)
    assert set(good) == set(bad)
    for what, number in good.items():
        if what == BROKEN:
            continue
        assert number.better == "lower"
        assert number.value < 0.2 * bad[what].value, what
        assert number.real < 0.3 * bad[what].value, what
        assert "true" not in what
        assert spec.title not in number.definition


def test_images_that_are_no_digits_are_measured_by_those_that_were_fed():
    spec = find_gan("mnist-wgan-gp")
    images = 255 - DigitSource(kind="packaged").load()[:120].transpose(0, 2, 1)
    fed, alike = (prepare_digits(part, spec.real) for part in (images[:60], images[60:]))
    digits = prepare_digits(DigitSource(kind="packaged").load()[:60], spec.real)
    good, bad, copies = (measured(spec.name, generated, fed) for generated in (alike, digits, fed))
    for what in ("Fréchet distance of features", "distance to the nearest fed image"):
        assert good[what].value < 0.6 * bad[what].value, what
        assert good[what].real is not None
    assert copies["distance to the nearest fed image"].value == pytest.approx(0.0, abs=1e-6)
    assert "60 fed" in good["Fréchet distance of features"].definition


@pytest.mark.parametrize("name", sorted(CATALOGUE))
@pytest.mark.parametrize("count", [1, 2, 5])
def test_few_fed_samples_give_no_number_or_one_that_is_said(name, count):
    shape = find_gan(name).real.sample_shape
    random = np.random.default_rng(8)
    numbers = measured(name, random.normal(size=(16, *shape)), random.normal(size=(count, *shape)))
    for what, number in numbers.items():
        if what != BROKEN:
            assert (number.value is None) == (count < 2)
            assert (number.real is None) == (count < 4)
    nothing = measured(name, np.full((16, *shape), np.nan), random.normal(size=(9, *shape)))
    assert all(number.value is None for what, number in nothing.items() if what != BROKEN)
