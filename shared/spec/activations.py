"""The activations: functions of each number alone, without a parameter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from gan_rosetta.shared.spec.checks import require_choice, require_finite
from gan_rosetta.shared.spec.layer import LayerBase


@dataclass(frozen=True, kw_only=True)
class Tanh(LayerBase):
    """Hyperbolic tangent."""

    kind: ClassVar[str] = "tanh"


@dataclass(frozen=True, kw_only=True)
class Sigmoid(LayerBase):
    """1 / (1 + exp(-x))."""

    kind: ClassVar[str] = "sigmoid"


@dataclass(frozen=True, kw_only=True)
class Softplus(LayerBase):
    """log(1 + exp(x)), exact for every x: torch's own returns x above 20, which is off by 2e-9 there."""

    kind: ClassVar[str] = "softplus"


@dataclass(frozen=True, kw_only=True)
class ReLU(LayerBase):
    """max(x, 0), with gradient 0 at 0."""

    kind: ClassVar[str] = "relu"


@dataclass(frozen=True, kw_only=True)
class LeakyReLU(LayerBase):
    """x where x > 0, slope · x elsewhere; the gradient at 0 is the slope."""

    kind: ClassVar[str] = "leaky_relu"
    slope: float

    def __post_init__(self) -> None:
        require_finite(self, "slope", minimum=0)


@dataclass(frozen=True, kw_only=True)
class ELU(LayerBase):
    """x where x > 0, alpha · (exp(x) - 1) elsewhere; the gradient at 0 is alpha. Clevert et al. 2015, equation 15."""

    kind: ClassVar[str] = "elu"
    alpha: float

    def __post_init__(self) -> None:
        require_finite(self, "alpha", above=0)


@dataclass(frozen=True, kw_only=True)
class SELU(LayerBase):
    """scale · x where x > 0, scale · alpha · (exp(x) - 1) elsewhere; the gradient at 0 is scale · alpha.

    Its two numbers keep mean 0 and variance 1 from layer to layer. Klambauer et al. 2017, equation 2.
    """

    kind: ClassVar[str] = "selu"
    alpha: ClassVar[float] = 1.6732632423543772848170429916717
    scale: ClassVar[float] = 1.0507009873554804934193349852946


@dataclass(frozen=True, kw_only=True)
class GELU(LayerBase):
    """x · Φ(x), Φ the normal distribution's function. Hendrycks and Gimpel 2016.

    form: "erf" is Φ itself, (1 + erf(x / √2)) / 2; "tanh" is near it, (1 + tanh(√(2/π) · (x + 0.044715 · x³))) / 2,
    off by 5e-4 at most.
    """

    kind: ClassVar[str] = "gelu"
    form: Literal["erf", "tanh"]

    def __post_init__(self) -> None:
        require_choice(self, "form", ("erf", "tanh"))


@dataclass(frozen=True, kw_only=True)
class SiLU(LayerBase):
    """x · sigmoid(x), also called swish. Elfwing et al. 2017; Ramachandran et al. 2017."""

    kind: ClassVar[str] = "silu"


Activation = Tanh | Sigmoid | Softplus | ReLU | LeakyReLU | ELU | SELU | GELU | SiLU
