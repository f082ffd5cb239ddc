"""How far samples are from a normal distribution that is known exactly: in one dimension, and in several."""

from __future__ import annotations

import numpy as np

from gan_rosetta.shared.compare.distances import Floats


def wasserstein_to_normal(values: Floats, /, *, mean: float, standard_deviation: float) -> float:
    """Return the 1-Wasserstein distance of (n,) samples to N(mean, standard_deviation²), in the unit of the samples.

    The normal distribution is taken by its n quantiles at (i + 1/2) / n.
    """
    from scipy import stats  # noqa: PLC0415 - most of a second of commands that measure nothing

    count = len(values)
    quantiles = stats.norm.ppf((np.arange(count) + 0.5) / count, loc=mean, scale=standard_deviation)
    return float(stats.wasserstein_distance(values, quantiles))


def kolmogorov_smirnov_to_normal(values: Floats, /, *, mean: float, standard_deviation: float) -> float:
    """Return the largest distance, 0 to 1, of the distribution function of (n,) samples from the normal one's."""
    from scipy import stats  # noqa: PLC0415

    return float(stats.kstest(values, stats.norm(loc=mean, scale=standard_deviation).cdf).statistic)


def moments(values: Floats, /) -> tuple[Floats, Floats]:
    """Return the mean (d,) and the covariance (d, d), unbiased, of (n, d) samples; n is 2 or more."""
    return values.mean(axis=0), np.atleast_2d(np.cov(values, rowvar=False))


def mean_error(values: Floats, mean: Floats, /) -> float:
    """Return the Euclidean distance of the mean of (n, d) samples from the true (d,) one, in their own unit."""
    return float(np.linalg.norm(values.mean(axis=0) - mean))


def covariance_error(values: Floats, covariance: Floats, /) -> float:
    """Return the Frobenius distance of the covariance of (n, d) samples from the true (d, d) one, relative to that."""
    _, found = moments(values)
    return float(np.linalg.norm(found - covariance) / np.linalg.norm(covariance))


def frechet_distance(first: tuple[Floats, Floats], second: tuple[Floats, Floats], /) -> float:
    """Return the Fréchet (2-Wasserstein) distance of two normal distributions, (mean (d,), covariance (d, d)) each.

    d² = |m₁ - m₂|² + tr(C₁ + C₂ - 2 (C₁^½ C₂ C₁^½)^½), in the unit of the samples; Dowson and Landau 1982. The last
    trace is taken from eigenvalues, so that covariances without full rank are no special case. Infinite where a moment
    is too large for a float.
    """
    (mean1, covariance1), (mean2, covariance2) = first, second
    if not all(np.isfinite(part).all() for part in (*first, *second)):
        return float("inf")
    from scipy import linalg  # noqa: PLC0415

    values, vectors = linalg.eigh(covariance1)
    root = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    inner = root @ covariance2 @ root
    cross = np.sqrt(np.maximum(linalg.eigvalsh((inner + inner.T) / 2), 0.0)).sum()
    squared = np.sum((mean1 - mean2) ** 2) + np.trace(covariance1) + np.trace(covariance2) - 2 * cross
    return float(np.sqrt(max(0.0, squared)))
