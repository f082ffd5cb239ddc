"""How a parameter's initial values are drawn. Drawn once by NumPy, from the seed; no framework's own is ever used."""

from __future__ import annotations

from dataclasses import dataclass

from gan_rosetta.shared.spec.checks import require_finite


@dataclass(frozen=True, kw_only=True)
class Normal:
    """Normal with the given standard deviation, about 0 unless a mean is given."""

    standard_deviation: float
    mean: float = 0.0

    def __post_init__(self) -> None:
        require_finite(self, "standard_deviation", above=0)
        require_finite(self, "mean")


@dataclass(frozen=True, kw_only=True)
class UniformFanIn:
    """Uniform on ±1/√fan_in, the form torch gives to Linear and to convolutions.

    fan_in is dimension 1 of the layer's canonical weight times its kernel's height and width; a bias uses its
    layer's. For a transposed convolution dimension 1 is the *output* channels, as in torch.
    """


@dataclass(frozen=True, kw_only=True)
class Uniform:
    """Uniform on ±bound, the form MXNet gives to every weight (bound 0.07)."""

    bound: float

    def __post_init__(self) -> None:
        require_finite(self, "bound", above=0)


@dataclass(frozen=True, kw_only=True)
class GlorotUniform:
    """Uniform on ±√(6 / (fan_in + fan_out)), the form Keras gives to every weight. Glorot and Bengio 2010, section 4.2.

    fan_in + fan_out is the sum of a weight's first two dimensions times its kernel's height and width, so that it is
    the same for a convolution and its transpose; for a tensor of one dimension it is twice its length.
    """


@dataclass(frozen=True, kw_only=True)
class Constant:
    """Every entry the same."""

    value: float

    def __post_init__(self) -> None:
        require_finite(self, "value")


@dataclass(frozen=True, kw_only=True)
class NormalDirection:
    """Standard normal, divided by its 2-norm: a direction drawn evenly, as spectral normalisation starts with."""


Initializer = Normal | UniformFanIn | Uniform | GlorotUniform | Constant | NormalDirection
ZEROS = Constant(value=0.0)
ONES = Constant(value=1.0)
