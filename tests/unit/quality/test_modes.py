"""A toy's modes: which are found, and how many samples lie beside one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gan_rosetta.shared.data.toys import arm_points, mode_centres, num_modes
from gan_rosetta.shared.gans import find_gan
from gan_rosetta.shared.quality.measure import measure_quality
from gan_rosetta.shared.quality.modes import is_near
from gan_rosetta.shared.spec import GridReal, RingReal, SpiralReal

RING = RingReal(num_modes=5, radius=2.0, standard_deviation=0.02)
GRID = GridReal(side=4, spacing=1.0, standard_deviation=0.05)


def numbers_of(source, generated, real):
    spec = replace(find_gan("linear-2d"), real=source)
    return {each.name: each for each in measure_quality({"generated": generated, "real": real}, spec)}


@pytest.mark.parametrize("source", [RING, GRID])
def test_lost_modes_are_counted_and_samples_between_them_are_not_beside_one(source):
    centres = mode_centres(source, np.arange(float(num_modes(source))))
    random = np.random.default_rng(3)
    real = np.repeat(centres, 400, axis=0)
    real += source.standard_deviation * random.normal(size=real.shape)
    between = (centres[:1] + centres[1:2]) / 2
    generated = np.concatenate([np.repeat(centres[1:4], 2, axis=0), between, 100 * centres[:1]])
    numbers = numbers_of(source, generated, real)
    assert (numbers["modes found"].value, numbers["modes found"].real) == (3, num_modes(source))
    assert numbers["samples beside a mode"].value == 6 / 8
    # Within 3 standard deviations in the plane: 1 - exp(-9/2).
    assert numbers["samples beside a mode"].real == pytest.approx(1 - np.exp(-4.5), abs=0.006)


@pytest.mark.parametrize(("num_arms", "num_turns"), [(1, 6.0), (3, 0.1), (2, 1.5)])
def test_the_nearest_point_of_a_spiral_is_found_wherever_one_is_near(num_arms, num_turns):
    spiral = SpiralReal(num_arms=num_arms, num_turns=num_turns, radius=3.0, standard_deviation=0.05)
    points = np.random.default_rng(0).uniform(-3.6, 3.6, (500, 2))
    along = np.linspace(0, 1, 4001)
    arms = np.concatenate([arm_points(spiral, along, np.full_like(along, arm)) for arm in range(num_arms)])
    least = np.array([np.hypot(*(arms - point).T).min() for point in points])
    certain = np.abs(least - 0.15) > 0.001
    assert 5 < np.count_nonzero(least < 0.15) < 400
    np.testing.assert_array_equal(is_near(spiral, points)[certain], (least < 0.15)[certain])


def test_a_spirals_own_samples_are_beside_it_and_others_are_not():
    spiral = SpiralReal(num_arms=2, num_turns=1.5, radius=1.0, standard_deviation=0.01)
    random = np.random.default_rng(1)
    real = arm_points(spiral, random.random(2000), random.integers(2, size=2000))
    real += 0.01 * random.normal(size=real.shape)
    numbers = numbers_of(spiral, random.normal(size=(2000, 2)), real)
    assert list(numbers) == ["samples beside an arm", "samples that are not numbers"]
    assert numbers["samples beside an arm"].real == pytest.approx(0.997, abs=0.005)
    assert numbers["samples beside an arm"].value < 0.3
