"""Holes in real images: where they are, what is left around them and what they leave out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gan_rosetta.shared.spec import HoledLatent

Floats = NDArray[np.float64]


def hole_corners(latent: HoledLatent, uniform: Floats, /) -> NDArray[np.int64]:
    """Return the upper left corner of each image's hole, row and column, by numbers evenly from 0 to 1, (..., 2)."""
    return np.floor(uniform * (latent.size - latent.hole)).astype(np.int64)


def cut_holes(latent: HoledLatent, images: Floats, corners: NDArray[np.int64], /) -> tuple[Floats, Floats]:
    """Return images with their holes filled, and what was there: (..., C, size, size) and (..., C, hole, hole).

    images: (..., C, size, size); corners: (..., 2).
    """
    inside = corners[..., np.newaxis] + np.arange(latent.hole)  # (..., 2, hole)
    rows, columns = (inside[..., axis, :][..., np.newaxis, :] for axis in (0, 1))
    rows, columns = rows[..., :, np.newaxis], columns[..., np.newaxis, :]
    flat = (rows * latent.size + columns).reshape(*corners.shape[:-1], 1, -1)
    pixels = images.reshape(*images.shape[:-2], -1)
    flat = np.broadcast_to(flat, (*pixels.shape[:-1], flat.shape[-1]))
    parts = np.take_along_axis(pixels, flat, axis=-1).reshape(*images.shape[:-2], latent.hole, latent.hole)
    holed = pixels.copy()
    np.put_along_axis(holed, flat, float(latent.fill), axis=-1)
    return holed.reshape(images.shape), parts


def start_of(latent: HoledLatent, images: Floats, holed: Floats, /) -> Floats:
    """Return what G starts from: the holed images, or a vector of them and of the whole ones made smaller.

    images, holed: (..., C, size, size); returns (..., *latent.sample_shape).
    """
    if latent.reduced_by is None:
        return holed
    side = latent.size // latent.reduced_by
    squares = images.reshape(*images.shape[:-2], side, latent.reduced_by, side, latent.reduced_by)
    smaller = squares.mean(axis=(-3, -1))  # (..., C, side, side)
    return np.concatenate([each.reshape(*each.shape[:-3], -1) for each in (holed, smaller)], axis=-1)
