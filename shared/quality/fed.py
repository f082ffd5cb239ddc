"""Quality numbers against the real data that a run was fed, where they are not what its spec says.

How good a number can be is read off the fed data themselves: the same of one half of them against the other half.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gan_rosetta.shared.compare.distances import Floats
from gan_rosetta.shared.quality import gaussian
from gan_rosetta.shared.quality.number import Better, QualityNumber, measured
from gan_rosetta.shared.spec import DigitsReal, GanSpec, SineReal

Distance = Callable[[Floats, Floats], float]
_SCALE = "The number of the real samples is that of one half of them against the other."


def measure_against_fed(generated: Floats, fed: Floats, spec: GanSpec, /) -> list[QualityNumber]:
    """Return the numbers of generated samples (n, ...) against fed ones (m, ...), all finite."""
    source = spec.real
    if isinstance(source, DigitsReal):
        return _images(generated, fed, source)
    if isinstance(source, SineReal):
        return _curves(generated, fed)
    if source.sample_shape == (1,):
        return _one_dimensional(generated.ravel(), fed.ravel())
    return _several_dimensions(generated, fed)


def _number(
    name: str,
    unit: str,
    definition: str,
    distance: Distance,
    samples: tuple[Floats, Floats],
    *,
    better: Better = "lower",
) -> QualityNumber:
    generated, fed = samples
    halves = fed[::2], fed[1::2]
    return QualityNumber(
        name=name,
        unit=unit,
        definition=f"{definition} {_SCALE}",
        better=better,
        value=measured(lambda values: distance(values, fed), generated) if len(fed) >= 2 else None,
        real=measured(lambda values: distance(values, halves[1]), halves[0]) if len(halves[1]) >= 2 else None,
    )


def _one_dimensional(generated: Floats, fed: Floats) -> list[QualityNumber]:
    moved = "How far samples have to be moved, on average, to become the fed ones (1-Wasserstein)."
    apart = "The largest distance between the distribution function of the samples and that of the fed ones."
    values = (generated, fed)
    return [
        _number(
            "Wasserstein distance to the fed samples",
            "unit of x",
            moved,
            _wasserstein_distance,
            values,
        ),
        _number(
            "Kolmogorov-Smirnov statistic to the fed samples",
            "0 to 1",
            apart,
            _kolmogorov_smirnov,
            values,
        ),
    ]


def _wasserstein_distance(x: Floats, y: Floats) -> float:
    from scipy import stats  # noqa: PLC0415 - most of a second of commands that measure nothing

    return float(stats.wasserstein_distance(x, y))


def _kolmogorov_smirnov(x: Floats, y: Floats) -> float:
    from scipy import stats  # noqa: PLC0415

    return float(stats.ks_2samp(x, y).statistic)


def _several_dimensions(generated: Floats, fed: Floats) -> list[QualityNumber]:
    apart = "The Euclidean distance of the samples' mean from that of the fed ones."
    spread = "The Frobenius norm of the samples' covariance minus that of the fed ones, relative to theirs."
    frechet = "The 2-Wasserstein distance between the Gaussians with the mean and covariance of samples and fed ones."
    values = (generated, fed)
    return [
        _number("mean error", "unit of x", apart, lambda x, y: gaussian.mean_error(x, y.mean(axis=0)), values),
        _number(
            "covariance error",
            "relative",
            spread,
            lambda x, y: gaussian.covariance_error(x, gaussian.moments(y)[1]),
            values,
        ),
        _number("Fréchet distance to the fed samples", "unit of x", frechet, _frechet, values),
    ]


def _curves(generated: Floats, fed: Floats) -> list[QualityNumber]:
    definition = "The root-mean-square distance of the curves from the nearest that was fed."

    def nearest(x: Floats, y: Floats) -> float:
        from scipy.spatial.distance import cdist  # noqa: PLC0415

        return float(np.sqrt(np.mean(cdist(x, y, "sqeuclidean").min(axis=1)) / x.shape[1]))

    return [_number("distance from the nearest fed curve", "unit of the curves", definition, nearest, (generated, fed))]


def _images(generated: Floats, fed: Floats, source: DigitsReal) -> list[QualityNumber]:
    from gan_rosetta.shared.quality.digits import SIDE, to_pixels, train_judge  # noqa: PLC0415 - scikit-learn

    judge = train_judge(source)
    pixels = to_pixels(generated, source), to_pixels(fed, source)
    features = (
        f"The Fréchet distance between the features of {len(generated)} generated images and of {len(fed)} fed ones. "
        "Features: the 10 class scores that a classifier of MNIST digits gives an image, of whatever it is."
    )
    copied = (
        f"The median distance to the nearest of {len(fed)} fed images, at {SIDE} × {SIDE} grey levels from 0 to 1. "
        "Near 0 the images are copies of those."
    )

    def nearest(x: Floats, y: Floats) -> float:
        from scipy.spatial.distance import cdist  # noqa: PLC0415

        return float(np.median(cdist(x, y).min(axis=1))) / SIDE

    def apart(x: Floats, y: Floats) -> float:
        return _frechet(judge.classifier.decision_function(x), judge.classifier.decision_function(y))

    return [
        _number("Fréchet distance of features", "unit of the scores", features, apart, pixels),
        _number(
            "distance to the nearest fed image",
            "root-mean-square grey level, 0 to 1",
            copied,
            nearest,
            pixels,
            better="near the real samples' own",
        ),
    ]


def _frechet(x: Floats, y: Floats) -> float:
    return gaussian.frechet_distance(gaussian.moments(x), gaussian.moments(y))
