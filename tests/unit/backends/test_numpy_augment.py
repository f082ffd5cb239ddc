"""Augmentations change images as DiffAugment's own code does, and gradients pass them as slopes."""

from __future__ import annotations

import numpy as np
import pytest

from gan_rosetta.backends.numpy.augment import Augment
from gan_rosetta.backends.numpy.layer import FED
from gan_rosetta.shared import spec
from gan_rosetta.shared.errors import SpecError

SHAPE = (3, 6, 5)
LAYERS = {
    "colour": spec.Augment(name="augment", policy="colour", ratio=None),
    "translation": spec.Augment(name="augment", policy="translation", ratio=0.25),
    "cutout": spec.Augment(name="augment", policy="cutout", ratio=0.5),
}


def colour(x, brightness, saturation, contrast):
    x = x + brightness
    mean = x.mean(axis=0, keepdims=True)
    x = (x - mean) * saturation + mean
    mean = x.mean()
    return (x - mean) * contrast + mean


def translation(x, move_x, move_y):
    """As rand_translation: clamped places in an image with a border of zeros."""
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    rows = np.clip(np.arange(x.shape[1]) + int(move_x) + 1, 0, x.shape[1] + 1)
    columns = np.clip(np.arange(x.shape[2]) + int(move_y) + 1, 0, x.shape[2] + 1)
    return padded[:, rows][:, :, columns]


def cutout(x, offset_x, offset_y, *, ratio=0.5):
    """As rand_cutout: the clamped places of a window are 0."""
    sizes = int(x.shape[1] * ratio + 0.5), int(x.shape[2] * ratio + 0.5)
    rows = np.clip(np.arange(sizes[0]) + int(offset_x) - sizes[0] // 2, 0, x.shape[1] - 1)
    columns = np.clip(np.arange(sizes[1]) + int(offset_y) - sizes[1] // 2, 0, x.shape[2] - 1)
    mask = np.ones(x.shape[1:])
    mask[np.ix_(rows, columns)] = 0
    return x * mask


ORIGINAL = {"colour": colour, "translation": translation, "cutout": cutout}


def drawn_for(layer, count):
    return layer.drawn(np.random.default_rng(4).random((count, *layer.mask_shape(SHAPE))), SHAPE)


@pytest.mark.parametrize("policy", LAYERS)
def test_images_are_changed_as_diffaugment_does(policy):
    layer = LAYERS[policy]
    images, drawn = np.random.default_rng(3).standard_normal((40, *SHAPE)), drawn_for(layer, 40)
    found, _ = Augment(layer, SHAPE).forward(images, {FED: drawn})
    expected = [ORIGINAL[policy](image, *numbers) for image, numbers in zip(images, drawn, strict=True)]
    np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-13)
    left, _ = Augment(layer, SHAPE).forward(images, {})
    np.testing.assert_array_equal(left, images)


@pytest.mark.parametrize("policy", LAYERS)
def test_gradients_pass_as_slopes(policy):
    layer = LAYERS[policy]
    random = np.random.default_rng(5)
    x, direction, upstream = random.standard_normal((3, 6, *SHAPE))
    augment, drawn = Augment(layer, SHAPE), drawn_for(layer, 6)
    y, cache = augment.forward(x, {FED: drawn})
    moved, _ = augment.forward(x + 1e-3 * direction, {FED: drawn})
    gradient = augment.backward(upstream, cache, gradients=None, wants_input=True)
    # Each is affine in x.
    np.testing.assert_allclose((upstream * (moved - y)).sum() / 1e-3, (gradient * direction).sum(), rtol=1e-9)


def test_what_is_drawn_has_the_bounds_of_diffaugment():
    bounds = {"colour": ([-0.5, 0, 0.5], [0.5, 2, 1.5]), "translation": ([-2, -1], [2, 1]), "cutout": ([0, 0], [5, 4])}
    for policy, (low, high) in bounds.items():
        found = drawn_for(LAYERS[policy], 2000)
        if policy == "colour":
            assert (found.min(axis=0) >= low).all()
            assert (found.max(axis=0) < high).all()
        else:
            np.testing.assert_array_equal(found.min(axis=0), low)
            np.testing.assert_array_equal(found.max(axis=0), high)
            np.testing.assert_array_equal(found, np.round(found))


def test_a_ratio_is_of_all_but_colours_and_at_most_the_whole():
    for policy, ratio in (("colour", 0.5), ("cutout", None), ("translation", 1.5), ("cutout", 0.0)):
        with pytest.raises(SpecError, match="ratio"):
            spec.Augment(name="augment", policy=policy, ratio=ratio)
    with pytest.raises(SpecError, match="changes images, but its input has shape"):
        LAYERS["colour"].output_shape((4,))
