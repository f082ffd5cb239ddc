"""How far generated digits are from real ones, seen by a small classifier, and how near to a copy they are.

The classifier and its digits are the same for every run, whatever it was trained on: the 5000 MNIST digits that come
with a package, as the GAN sees them, each brought to 14 × 14 grey levels from 0 to 1 by averaging. On four fifths of
them, a principal component analysis of 32 whitened components and a multinomial logistic regression are fitted; the 10
scores that the regression gives a digit, one a class, are its features.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from PIL import Image
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import Pipeline, make_pipeline

from gan_rosetta.shared.compare.distances import Floats
from gan_rosetta.shared.data.digits import DigitSource, prepare_digits
from gan_rosetta.shared.quality.gaussian import frechet_distance, moments
from gan_rosetta.shared.spec import DigitsReal

SIDE = 14
NUM_COMPONENTS = 32
_HELD_OUT = 0.2
_AT_ONCE = 500
_RANDOM_STATE = 0


@dataclass(frozen=True, kw_only=True)
class DigitJudge:
    """The classifier, the real digits that it knows, and what it sees in them.

    accuracy: 0 to 1, on the digits that it was not fitted to. real: mean (10,) and covariance (10, 10) of the features
    of all real digits.
    """

    classifier: Pipeline
    neighbours: NearestNeighbors
    accuracy: float
    real: tuple[Floats, Floats]

    def frechet(self, pixels: Floats, /) -> float:
        """Return the Fréchet distance of (n, SIDE²) digits' features to those of real ones, in units of the scores."""
        return frechet_distance(moments(self.classifier.decision_function(pixels)), self.real)

    def nearest(self, pixels: Floats, /, *, other_than_itself: bool = False) -> float:
        """Return the median distance of (n, SIDE²) digits to the nearest real one: root-mean-square grey level, 0 to 1.

        other_than_itself: a real digit that is equal does not count, which is right for real digits.
        """
        distances, _ = self.neighbours.kneighbors(pixels, n_neighbors=2)
        rounding = 1e-6
        nearest = np.where(other_than_itself & (distances[:, 0] < rounding), distances[:, 1], distances[:, 0])
        return float(np.median(nearest)) / SIDE


@lru_cache(maxsize=4)
def train_judge(source: DigitsReal, /) -> DigitJudge:
    """Fit the classifier to the packaged digits as a GAN with this source sees them; the same each time."""
    packaged = DigitSource(kind="packaged")
    images, labels = packaged.load(), packaged.load_labels()
    grey = replace(source, num_channels=1)
    parts = [
        to_pixels(prepare_digits(images[start : start + _AT_ONCE], grey), grey)
        for start in range(0, len(images), _AT_ONCE)
    ]
    pixels = np.concatenate(parts)
    fitted, held_out, fitted_labels, held_out_labels = train_test_split(
        pixels, labels, test_size=_HELD_OUT, random_state=_RANDOM_STATE, stratify=labels
    )
    classifier = make_pipeline(
        PCA(NUM_COMPONENTS, whiten=True, svd_solver="full"), LogisticRegression(C=1.0, max_iter=1000)
    )
    classifier.fit(fitted, fitted_labels)
    return DigitJudge(
        classifier=classifier,
        neighbours=NearestNeighbors(algorithm="brute").fit(pixels),
        accuracy=float(classifier.score(held_out, held_out_labels)),
        real=moments(classifier.decision_function(pixels)),
    )


def to_pixels(images: Floats, source: DigitsReal, /) -> Floats:
    """Return (n, channels, size, size) finite images as (n, SIDE²) grey levels from 0 to 1, clipped to the range."""
    grey = (np.asarray(images, dtype=np.float64).mean(axis=1) - source.low) / (source.high - source.low)
    clipped = np.clip(grey, 0.0, 1.0).astype(np.float32)
    result = np.empty((len(clipped), SIDE * SIDE))
    for index, image in enumerate(clipped):
        shrunk = Image.fromarray(image).resize((SIDE, SIDE), Image.Resampling.BOX)
        result[index] = np.asarray(shrunk, dtype=np.float64).ravel()
    return result
