"""How many of a toy's modes samples reach, and how many samples lie beside one."""

from __future__ import annotations

import numpy as np

from gan_rosetta.shared.compare.distances import Floats
from gan_rosetta.shared.data.toys import arm_angles, directions, mode_centres, nearest_modes, num_modes
from gan_rosetta.shared.quality.number import Better, QualityNumber, measured
from gan_rosetta.shared.spec import SpiralReal, ToyReal

_NUM_DEVIATIONS = 3
_NUM_REFINEMENTS = 6
_OWN: Better = "near the real samples' own"


def measure_toy(generated: Floats, real: Floats, source: ToyReal, /) -> list[QualityNumber]:
    """Return the numbers of finite points (n, 2), as Srivastava et al. 2017 (VEEGAN) count them."""
    place = "an arm of the spiral" if isinstance(source, SpiralReal) else "the centre of a mode"
    share = QualityNumber(
        name="samples beside an arm" if isinstance(source, SpiralReal) else "samples beside a mode",
        unit="share, 0 to 1",
        definition=f"The share of samples within {_NUM_DEVIATIONS} standard deviations of {place}.",
        better=_OWN,
        value=measured(lambda points: float(is_near(source, points).mean()), generated),
        real=measured(lambda points: float(is_near(source, points).mean()), real),
    )
    if isinstance(source, SpiralReal):
        return [share]
    found = QualityNumber(
        name="modes found",
        unit=f"of {num_modes(source)}",
        definition=f"How many modes have a sample within {_NUM_DEVIATIONS} standard deviations of their centre.",
        better=_OWN,
        value=measured(lambda points: float(modes_found(source, points)), generated),
        real=measured(lambda points: float(modes_found(source, points)), real),
    )
    return [found, share]


def modes_found(source: ToyReal, points: Floats, /) -> int:
    """Return how many modes of a ring or grid have one of the finite points (n, 2) beside them; 0 of a spiral."""
    if isinstance(source, SpiralReal):
        return 0
    return len(np.unique(nearest_modes(source, points[is_near(source, points)])))


def is_near(source: ToyReal, points: Floats, /) -> np.ndarray:
    """Return of each of the finite points (n, 2) whether it is beside a mode or an arm."""
    if isinstance(source, SpiralReal):
        distances = _to_arms(source, points)
    else:
        distances = _lengths(points - mode_centres(source, nearest_modes(source, points)))
    return distances <= _NUM_DEVIATIONS * source.standard_deviation


def _lengths(vectors: Floats) -> Floats:
    return np.hypot(vectors[..., 0], vectors[..., 1])


def _to_arms(source: SpiralReal, points: Floats) -> Floats:
    """Return the distances (n,) to the nearest arm, by steps along it from where it passes in angle or in radius.

    It is the least distance for points that are not much further from an arm than arms from each other; beyond, a
    point of an arm that is not the very nearest may be what is found.
    """
    turns = np.arctan2(points[:, 1], points[:, 0]) / (2 * np.pi)
    out = np.clip(_lengths(points) / source.radius, 0, 1)
    # All arms together pass the point's angle where num_turns · s is `turns` and a whole number of arms' distances.
    between = source.num_arms * (source.num_turns * out - turns)
    best = np.full(len(points), np.inf)
    for passed in (np.floor(between), np.ceil(between)):
        arms = np.mod(-passed, source.num_arms)
        at_angle = (turns + passed / source.num_arms) / source.num_turns
        for start in (np.clip(at_angle, 0, 1), out):
            best = np.minimum(best, _along_arm(source, points, start, arms))
    return best


def _along_arm(source: SpiralReal, points: Floats, start: Floats, arms: Floats) -> Floats:
    """Return the least distance (n,) that Gauss-Newton's steps along the arm find."""
    along, winding = start, 2 * np.pi * source.num_turns
    best = np.full(len(points), np.inf)
    for _ in range(_NUM_REFINEMENTS):
        outward = source.radius * directions(arm_angles(source, along, arms))
        on_arm = along[:, np.newaxis] * outward
        left = points - on_arm
        best = np.minimum(best, _lengths(left))
        slope = outward + winding * np.stack([-on_arm[:, 1], on_arm[:, 0]], axis=-1)
        along = np.clip(along + (left * slope).sum(axis=-1) / (slope**2).sum(axis=-1), 0, 1)
    return best
