"""The quality numbers of a run's samples, as fits the GAN's real data."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from gan_rosetta.shared.compare.distances import Floats
from gan_rosetta.shared.quality import gaussian
from gan_rosetta.shared.quality.fed import measure_against_fed
from gan_rosetta.shared.quality.modes import measure_toy
from gan_rosetta.shared.quality.number import Better, QualityNumber, measured
from gan_rosetta.shared.spec import DigitsReal, GanSpec, LinearGaussianReal, SineReal, ToyReal
from gan_rosetta.shared.spec.sources import GaussianReal

_LOWER: Better = "lower"


def measure_quality(
    samples: Mapping[str, np.ndarray], spec: GanSpec, /, *, is_as_declared: bool = True
) -> tuple[QualityNumber, ...]:
    """Return the numbers for the arrays of a run's samples.npz; the share that is not finite comes last.

    Samples with a NaN or an infinity are left out of all numbers but that one. is_as_declared: the real data are what
    the spec says; False where a run was fed a tape or images of somebody's own, which are then what is measured by.
    """
    generated = np.asarray(samples["generated"], dtype=np.float64)
    finite, real = _finite(generated), _finite(np.asarray(samples["real"], dtype=np.float64))
    source = spec.real
    shows_parts = isinstance(source, DigitsReal) and source.part is not None
    if not is_as_declared or shows_parts:
        numbers = measure_against_fed(finite, real, spec)
    elif isinstance(source, GaussianReal):
        numbers = _one_dimensional(finite, real, source)
    elif isinstance(source, LinearGaussianReal):
        numbers = _several_dimensions(finite, real, source)
    elif isinstance(source, SineReal):
        numbers = _sine(finite, source)
    elif isinstance(source, ToyReal):
        numbers = measure_toy(finite, real, source)
    else:
        numbers = _digits(finite, real, source)
    broken = QualityNumber(
        name="samples that are not numbers",
        unit="share, 0 to 1",
        definition="The share of samples with a NaN or an infinity; the other numbers leave them out.",
        better=_LOWER,
        value=1.0 - len(finite) / max(1, len(generated)),
        real=0.0,
    )
    return (*numbers, broken)


def _finite(values: Floats) -> Floats:
    return values[np.isfinite(values.reshape(len(values), -1)).all(axis=1)]


def _number(
    name: str,
    unit: str,
    definition: str,
    function: Callable[[Floats], float],
    generated_and_real: tuple[Floats, Floats],
) -> QualityNumber:
    """Measure generated and real samples with one function; a number needs two samples."""
    value, scale = (measured(function, values) for values in generated_and_real)
    return QualityNumber(name=name, unit=unit, definition=definition, better=_LOWER, value=value, real=scale)


def _one_dimensional(generated: Floats, real: Floats, source: GaussianReal) -> list[QualityNumber]:
    mean, deviation = source.mean, source.standard_deviation
    truth = f"N({mean:g}, {deviation:g}²)"
    values = (generated.ravel(), real.ravel())

    def wasserstein(x: Floats) -> float:
        return gaussian.wasserstein_to_normal(x, mean=mean, standard_deviation=deviation)

    def smirnov(x: Floats) -> float:
        return gaussian.kolmogorov_smirnov_to_normal(x, mean=mean, standard_deviation=deviation)

    moved = f"How far samples have to be moved, on average, to become {truth} (1-Wasserstein)."
    apart = f"The largest distance between the distribution function of the samples and that of {truth}."
    return [
        _number("Wasserstein distance to the true Gaussian", "unit of x", moved, wasserstein, values),
        _number("Kolmogorov-Smirnov statistic to the true Gaussian", "0 to 1", apart, smirnov, values),
    ]


def _several_dimensions(generated: Floats, real: Floats, source: LinearGaussianReal) -> list[QualityNumber]:
    values = (generated, real)
    matrix, mean = np.array(source.matrix), np.array(source.offset)
    covariance = matrix.T @ matrix
    apart = "The Euclidean distance of the samples' mean from the true one."
    spread = "The Frobenius norm of the samples' covariance minus the true one, relative to the true one's."
    frechet = (
        "The 2-Wasserstein distance between the true Gaussian and the one with the samples' mean and covariance: "
        "d² = |m₁ - m₂|² + tr(C₁ + C₂ - 2 (C₁^½ C₂ C₁^½)^½)."
    )

    def distance(x: Floats) -> float:
        return gaussian.frechet_distance(gaussian.moments(x), (mean, covariance))

    return [
        _number("mean error", "unit of x", apart, lambda x: gaussian.mean_error(x, mean), values),
        _number("covariance error", "relative", spread, lambda x: gaussian.covariance_error(x, covariance), values),
        _number("Fréchet distance to the true Gaussian", "unit of x", frechet, distance, values),
    ]


def _sine(generated: Floats, source: SineReal) -> list[QualityNumber]:
    truth = np.sin(np.linspace(0.0, 2 * np.pi, source.num_points))

    def error(curves: Floats) -> float:
        return float(np.sqrt(np.mean((curves.reshape(-1, source.num_points) - truth) ** 2)))

    definition = f"The root-mean-square distance of the curves from sin(x), over {source.num_points} points of [0, 2π]."
    # Every real curve is the sine itself.
    exact = np.tile(truth, (2, 1))
    return [_number("distance from the sine", "unit of sin(x)", definition, error, (generated, exact))]


def _digits(generated: Floats, real: Floats, source: DigitsReal) -> list[QualityNumber]:
    from gan_rosetta.shared.quality.digits import NUM_COMPONENTS, SIDE, to_pixels, train_judge  # noqa: PLC0415 - scikit-learn

    judge = train_judge(source)
    pixels, real_pixels = to_pixels(generated, source), to_pixels(real, source)
    features = (
        f"The Fréchet distance between the features of {len(generated)} generated digits and of 5000 real MNIST ones. "
        f"Features: the 10 class scores of a logistic regression on {NUM_COMPONENTS} principal components of the digit "
        f"at {SIDE} × {SIDE} grey levels, fitted to 4000 of them, which gets {judge.accuracy:.1%} of the other 1000 "
        "right. It falls with the number of samples, so read it beside that of as many real digits."
    )
    copied = (
        f"The median distance to the nearest of 5000 real MNIST digits, at {SIDE} × {SIDE} grey levels from 0 to 1. "
        "Near 0 the digits are copies; far above the real digits' own they are no digits."
    )
    near = QualityNumber(
        name="distance to the nearest real digit",
        unit="root-mean-square grey level, 0 to 1",
        definition=copied,
        better="near the real samples' own",
        value=measured(judge.nearest, pixels),
        real=measured(lambda x: judge.nearest(x, other_than_itself=True), real_pixels),
    )
    return [
        _number("Fréchet distance of features", "unit of the scores", features, judge.frechet, (pixels, real_pixels)),
        near,
    ]
