from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import sqrtm

from gan_rosetta.shared.quality.gaussian import (
    covariance_error,
    frechet_distance,
    kolmogorov_smirnov_to_normal,
    mean_error,
    moments,
    wasserstein_to_normal,
)

NORMAL = np.random.default_rng(1).normal(3.0, 0.5, 20_000)
TRUTH = {"mean": 3.0, "standard_deviation": 0.5}


def test_a_shift_moves_the_wasserstein_distance_by_itself():
    assert wasserstein_to_normal(NORMAL, **TRUTH) < 0.02
    assert wasserstein_to_normal(NORMAL + 2.0, **TRUTH) == pytest.approx(2.0, abs=0.02)


def test_the_wasserstein_distance_of_a_single_point_is_the_mean_absolute_deviation():
    collapsed = np.full(20_000, 3.0)
    assert wasserstein_to_normal(collapsed, **TRUTH) == pytest.approx(0.5 * np.sqrt(2 / np.pi), rel=1e-3)


def test_kolmogorov_smirnov_is_a_half_for_a_point_at_the_mean_and_one_for_samples_beyond():
    assert kolmogorov_smirnov_to_normal(NORMAL, **TRUTH) < 0.02
    assert kolmogorov_smirnov_to_normal(np.full(50, 3.0), **TRUTH) == pytest.approx(0.5)
    assert kolmogorov_smirnov_to_normal(NORMAL + 100.0, **TRUTH) == pytest.approx(1.0)


def test_mean_and_covariance_errors_are_those_that_were_put_in():
    matrix = np.array([[1.0, 0.4], [0.0, 0.7]])
    values = np.random.default_rng(2).normal(size=(50_000, 2)) @ matrix
    covariance = matrix.T @ matrix
    assert mean_error(values, np.zeros(2)) < 0.02
    assert mean_error(values + np.array([3.0, 4.0]), np.zeros(2)) == pytest.approx(5.0, abs=0.02)
    assert covariance_error(values, covariance) < 0.03
    assert covariance_error(2 * values, covariance) == pytest.approx(3.0, rel=0.05)


def test_the_frechet_distance_is_that_of_the_formula_with_a_matrix_root():
    random = np.random.default_rng(3)
    first, second = (moments(random.normal(size=(40, 3)) @ random.normal(size=(3, 3))) for _ in range(2))
    squared = np.sum((first[0] - second[0]) ** 2) + np.trace(first[1] + second[1] - 2 * sqrtm(first[1] @ second[1]))
    assert frechet_distance(first, second) == pytest.approx(np.sqrt(squared), rel=1e-9)
    assert frechet_distance(first, second) == pytest.approx(frechet_distance(second, first), rel=1e-9)
    assert frechet_distance(first, first) == pytest.approx(0.0, abs=1e-6)


def test_the_frechet_distance_of_known_gaussians():
    unit, origin = np.eye(2), np.zeros(2)
    assert frechet_distance((origin, unit), (np.array([3.0, 4.0]), unit)) == pytest.approx(5.0)
    assert frechet_distance((origin, unit), (origin, 9 * unit)) == pytest.approx(2 * np.sqrt(2))
    assert frechet_distance((origin, 0 * unit), (origin, unit)) == pytest.approx(np.sqrt(2))
