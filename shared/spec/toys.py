"""Toys in the plane on which generators are seen to lose modes: a ring and a grid of Gaussians, and spirals."""

from __future__ import annotations

from dataclasses import dataclass

from gan_rosetta.shared.spec.checks import label, require, require_finite, require_positive_integer
from gan_rosetta.shared.spec.layer import Shape

# No picture and no number tells more of them apart.
_MOST = 1000
_PLANE: Shape = (2,)


def _require_few(owner: object, field: str) -> None:
    require_positive_integer(owner, field)
    value = getattr(owner, field)
    require(value <= _MOST, f"{label(owner)}: {field} is {value!r}; expected at most {_MOST}", field)


@dataclass(frozen=True, kw_only=True)
class RingReal:
    """num_modes Gaussians at even angles of a circle around 0, the first at (radius, 0); fresh samples (2,) each step.

    All modes are as likely, and N(0, standard_deviation²) is added to both coordinates.
    """

    num_modes: int
    radius: float
    standard_deviation: float

    def __post_init__(self) -> None:
        _require_few(self, "num_modes")
        require_finite(self, "radius", above=0)
        require_finite(self, "standard_deviation", above=0)

    @property
    def sample_shape(self) -> Shape:
        return _PLANE


@dataclass(frozen=True, kw_only=True)
class GridReal:
    """side · side Gaussians on a square grid around 0, `spacing` apart; fresh samples (2,) each step.

    All modes are as likely, and N(0, standard_deviation²) is added to both coordinates.
    """

    side: int
    spacing: float
    standard_deviation: float

    def __post_init__(self) -> None:
        _require_few(self, "side")
        require_finite(self, "spacing", above=0)
        require_finite(self, "standard_deviation", above=0)

    @property
    def sample_shape(self) -> Shape:
        return _PLANE


@dataclass(frozen=True, kw_only=True)
class SpiralReal:
    """num_arms Archimedean spirals from 0, of num_turns out to the radius; fresh samples (2,) each step.

    Arm k is at radius · s (cos a, sin a) with a = 2π (num_turns · s + k / num_arms). All arms are as likely, s is the
    root of a number drawn evenly from 0 to 1, and N(0, standard_deviation²) is added to both coordinates.
    """

    num_arms: int
    num_turns: float
    radius: float
    standard_deviation: float

    def __post_init__(self) -> None:
        _require_few(self, "num_arms")
        require_finite(self, "num_turns", above=0)
        require_finite(self, "radius", above=0)
        require_finite(self, "standard_deviation", above=0)

    @property
    def sample_shape(self) -> Shape:
        return _PLANE


ToyReal = RingReal | GridReal | SpiralReal
