"""Where the points of a toy lie: on a mode of a ring or a grid, or along an arm of a spiral, and what is beside it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gan_rosetta.shared.spec import GridReal, RingReal, SpiralReal
from gan_rosetta.shared.spec.toys import ToyReal

Floats = NDArray[np.float64]


def toy_points(source: ToyReal, places: Floats, noise: Floats, /) -> Floats:
    """Return points (..., 2) for places (...), even in (0, 1), and N(0, 1) noise (..., 2)."""
    return _centres(source, places) + source.standard_deviation * noise


def _centres(source: ToyReal, places: Floats) -> Floats:
    """Return (..., 2): the mode that a place stands for, or the point of an arm."""
    if isinstance(source, SpiralReal):
        # The whole part chooses the arm, and what is left how far out.
        left, arms = np.modf(places * source.num_arms)
        return arm_points(source, np.sqrt(left), arms)
    return mode_centres(source, np.floor(places * num_modes(source)))


def num_modes(source: RingReal | GridReal, /) -> int:
    """Return how many Gaussians there are."""
    return source.num_modes if isinstance(source, RingReal) else source.side**2


def mode_centres(source: RingReal | GridReal, modes: Floats, /) -> Floats:
    """Return the centres (..., 2) of modes (...) by their numbers; a grid's are counted along x₂ first."""
    if isinstance(source, RingReal):
        angles = 2 * np.pi * modes / source.num_modes
        return source.radius * directions(angles)
    cells = np.stack(np.divmod(modes, source.side), axis=-1)
    return source.spacing * (cells - (source.side - 1) / 2)


def nearest_modes(source: RingReal | GridReal, points: Floats, /) -> Floats:
    """Return the numbers (n,) of the modes that are nearest to finite points (n, 2)."""
    if isinstance(source, RingReal):
        turns = np.arctan2(points[:, 1], points[:, 0]) / (2 * np.pi)
        return np.mod(np.round(turns * source.num_modes), source.num_modes)
    cells = np.clip(np.round(points / source.spacing + (source.side - 1) / 2), 0, source.side - 1)
    numbers: Floats = cells[:, 0] * source.side + cells[:, 1]
    return numbers


def arm_points(source: SpiralReal, along: Floats, arms: Floats, /) -> Floats:
    """Return the points (..., 2) of arms (...) so far out (...), 0 to 1."""
    return source.radius * along[..., np.newaxis] * directions(arm_angles(source, along, arms))


def arm_angles(source: SpiralReal, along: Floats, arms: Floats, /) -> Floats:
    """Return at which angles (...) the points of arms are, in radians."""
    return 2 * np.pi * (source.num_turns * along + arms / source.num_arms)


def directions(angles: Floats, /) -> Floats:
    """Return the points (..., 2) of the unit circle at angles (...)."""
    return np.stack([np.cos(angles), np.sin(angles)], axis=-1)
