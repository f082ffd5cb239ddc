"""Where a run's numbers come from: what is real, what is noise. Drawn by shared/data/tape.py, never by a framework."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

from gan_rosetta.shared.spec.checks import (
    require,
    require_choice,
    require_finite,
    require_flag,
    require_positive_integer,
    require_shape,
)
from gan_rosetta.shared.spec.layer import Shape
from gan_rosetta.shared.spec.toys import ToyReal


@dataclass(frozen=True, kw_only=True)
class GaussianReal:
    """N(mean, standard_deviation²) samples of shape (1,), fresh each step; ascending within the batch where sorted."""

    mean: float
    standard_deviation: float
    sort: bool

    def __post_init__(self) -> None:
        require_finite(self, "mean")
        require_finite(self, "standard_deviation", above=0)
        require_flag(self, "sort")

    @property
    def sample_shape(self) -> Shape:
        return (1,)


@dataclass(frozen=True, kw_only=True)
class LinearGaussianReal:
    """A fixed cloud of num_points: N(0, I) · matrix + offset, drawn once and reshuffled each epoch.

    matrix: (d, d) rows; offset: (d,). The true mean is the offset and the true covariance matrixᵀ · matrix.
    """

    matrix: tuple[tuple[float, ...], ...]
    offset: tuple[float, ...]
    num_points: int

    def __post_init__(self) -> None:
        require_positive_integer(self, "num_points")
        size = len(self.offset)
        good = size >= 1 and len(self.matrix) == size and all(len(row) == size for row in self.matrix)
        require(
            good, f"LinearGaussianReal: matrix {self.matrix} and offset {self.offset} do not fit; expected d×d and d"
        )
        entries = [entry for row in (*self.matrix, self.offset) for entry in row]
        finite = all(isinstance(entry, int | float) and math.isfinite(entry) for entry in entries)
        require(finite, "LinearGaussianReal: matrix and offset must be finite numbers")

    @property
    def sample_shape(self) -> Shape:
        return (len(self.offset),)


@dataclass(frozen=True, kw_only=True)
class SineReal:
    """sin(x) at num_points of linspace(0, 2π) with both ends; every row of every batch is the same."""

    num_points: int

    def __post_init__(self) -> None:
        require_positive_integer(self, "num_points")

    @property
    def sample_shape(self) -> Shape:
        return (self.num_points,)


@dataclass(frozen=True, kw_only=True)
class DigitsReal:
    """MNIST digits, size × size (bilinear from 28 × 28), the grey level in each channel, scaled to [low, high].

    Pictures that a user gives take their place, in colours where there are three channels.

    num_images: how many, a fixed seeded mixed selection, or None for all. reshuffle: a new order each epoch, or the
    same one. The last batch of an epoch is short where the batch size does not divide the number of images, or it is
    left out: short_batch "kept" or "dropped". part: what is shown of each, a square of so many pixels a side, namely
    what a HoledLatent of such a hole leaves out; None for the whole.
    """

    num_classes: ClassVar[int] = 10
    size: int
    num_channels: int
    low: float
    high: float
    num_images: int | None
    reshuffle: bool
    short_batch: Literal["kept", "dropped"] = "kept"
    part: int | None = None

    def __post_init__(self) -> None:
        for field in ("size", "num_channels"):
            require_positive_integer(self, field)
        if self.part is not None:
            require_positive_integer(self, "part")
        require_choice(self, "short_batch", ("kept", "dropped"))
        require_flag(self, "reshuffle")
        if self.num_images is not None:
            require_positive_integer(self, "num_images")
        require_finite(self, "low")
        require_finite(self, "high", above=self.low)

    @property
    def sample_shape(self) -> Shape:
        side = self.size if self.part is None else self.part
        return (self.num_channels, side, side)


RealSource = GaussianReal | LinearGaussianReal | SineReal | DigitsReal | ToyReal


@dataclass(frozen=True, kw_only=True)
class StratifiedLatent:
    """linspace(low, high, batch) plus U[0, jitter) an entry; shape (1,)."""

    low: float
    high: float
    jitter: float

    def __post_init__(self) -> None:
        require_finite(self, "low")
        require_finite(self, "high", above=self.low)
        require_finite(self, "jitter", minimum=0)

    @property
    def sample_shape(self) -> Shape:
        return (1,)


@dataclass(frozen=True, kw_only=True)
class NormalLatent:
    """N(0, 1) entries of the given shape a sample; redraw "step": fresh each step, "never": drawn once for the run."""

    shape: Shape
    redraw: Literal["step", "never"]

    def __post_init__(self) -> None:
        require_shape(self, "shape")
        require_choice(self, "redraw", ("step", "never"))

    @property
    def sample_shape(self) -> Shape:
        return self.shape


@dataclass(frozen=True, kw_only=True)
class UniformLatent:
    """Entries drawn evenly from low to high, of the given shape a sample; redraw as in NormalLatent."""

    shape: Shape
    low: float
    high: float
    redraw: Literal["step", "never"]

    def __post_init__(self) -> None:
        require_shape(self, "shape")
        require_finite(self, "low")
        require_finite(self, "high", above=self.low)
        require_choice(self, "redraw", ("step", "never"))

    @property
    def sample_shape(self) -> Shape:
        return self.shape


@dataclass(frozen=True, kw_only=True)
class CategoryLatent:
    """One of so many categories, drawn evenly: a row (num_categories,) of a 1 among zeros; redraw as in NormalLatent.

    Where the categories are the digits that G learns to draw by itself, this is InfoGAN's c1; Chen et al. 2016.
    """

    num_categories: int
    redraw: Literal["step", "never"]

    def __post_init__(self) -> None:
        require_positive_integer(self, "num_categories")
        require_choice(self, "redraw", ("step", "never"))

    @property
    def sample_shape(self) -> Shape:
        return (self.num_categories,)


@dataclass(frozen=True, kw_only=True)
class JoinedLatent:
    """Parts, each a vector a sample, one behind the other: noise, and codes beside it that D may find again.

    Each part is drawn by itself; all are redrawn alike. A CodeError names a part by where it starts and stops.
    """

    parts: tuple[NormalLatent | UniformLatent | CategoryLatent, ...]

    def __post_init__(self) -> None:
        require(len(self.parts) >= 1, "JoinedLatent: parts is empty; expected one at least", "parts")
        for index, part in enumerate(self.parts):
            require(
                isinstance(part, NormalLatent | UniformLatent | CategoryLatent) and len(part.sample_shape) == 1,
                f"JoinedLatent: a part is {part!r}; expected a NormalLatent, a UniformLatent or a CategoryLatent of "
                "vectors",
                "parts",
                index,
            )
            require(
                part.redraw == self.parts[0].redraw,
                f"JoinedLatent: a part is redrawn {part.redraw!r}, the first {self.parts[0].redraw!r}; expected all "
                "alike",
                "parts",
                index,
                "redraw",
            )

    @property
    def redraw(self) -> Literal["step", "never"]:
        """When all parts are drawn anew."""
        return self.parts[0].redraw

    @property
    def sample_shape(self) -> Shape:
        return (sum(part.sample_shape[0] for part in self.parts),)

    @property
    def places(self) -> dict[tuple[int, int], NormalLatent | UniformLatent | CategoryLatent]:
        """The parts by the features (start, stop) that they are."""
        widths = [part.sample_shape[0] for part in self.parts]
        starts = [sum(widths[:index]) for index in range(len(widths))]
        return {(start, start + width): part for start, width, part in zip(starts, widths, self.parts, strict=True)}


@dataclass(frozen=True, kw_only=True)
class HoledLatent:
    """The step's real images with a square hole each: what a G starts from that is to fill it, or to make it whole.

    num_channels, size: those of the images. hole: its side in pixels; fill: what stands in it. Its upper left corner is
    drawn anew for each image of each batch, row and column evenly from 0 to size - hole - 1, as numpy.random.randint
    has it from 0 to size - hole. Pathak et al. 2016; Denton et al. 2016. A tape of another program's may hold any
    images of that shape, each beside its real one: pairs, as pix2pix has them (Isola et al. 2017).

    reduced_by: where given, G starts from the whole image too, made smaller by so many rows and columns to one, their
    means: a vector of the holed image's pixels and of those, channel by channel and row by row, of which a Recall takes
    up either.
    """

    num_channels: int
    size: int
    hole: int
    fill: float
    reduced_by: int | None = None

    def __post_init__(self) -> None:
        for field in ("num_channels", "size", "hole"):
            require_positive_integer(self, field)
        if self.reduced_by is not None:
            require_positive_integer(self, "reduced_by")
            require(
                self.size % self.reduced_by == 0,
                f"HoledLatent: reduced_by is {self.reduced_by}, and images of {self.size} are no rows of squares "
                "of that side; expected a divisor",
                "reduced_by",
            )
        require(
            self.hole < self.size,
            f"HoledLatent: a hole of {self.hole} leaves no place to draw in images of {self.size}; expected it smaller",
            "hole",
        )
        require_finite(self, "fill")

    @property
    def sample_shape(self) -> Shape:
        if self.reduced_by is None:
            return (self.num_channels, self.size, self.size)
        return (self.num_channels * (self.size**2 + (self.size // self.reduced_by) ** 2),)


LatentSource = StratifiedLatent | NormalLatent | UniformLatent | CategoryLatent | JoinedLatent | HoledLatent


def drawn_once(source: LatentSource, /) -> bool:
    """Whether noise is drawn once for a whole run."""
    return not isinstance(source, StratifiedLatent | HoledLatent) and source.redraw == "never"


@dataclass(frozen=True, kw_only=True)
class DensityRegression:
    """Pretraining data: inputs U(low, high) of shape (1,), targets the N(mean, standard_deviation²) density."""

    low: float
    high: float
    mean: float
    standard_deviation: float

    def __post_init__(self) -> None:
        require_finite(self, "low")
        require_finite(self, "high", above=self.low)
        require_finite(self, "mean")
        require_finite(self, "standard_deviation", above=0)
