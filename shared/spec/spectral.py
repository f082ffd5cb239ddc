"""Spectral normalisation of a weight, a property of the layer that has it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from gan_rosetta.shared.spec.checks import require_choice, require_finite, require_positive_integer
from gan_rosetta.shared.spec.initializers import NormalDirection
from gan_rosetta.shared.spec.layer import ParameterSpec, Shape

U, V = "weight_u", "weight_v"


@dataclass(frozen=True, kw_only=True)
class SpectralNorm:
    """The layer uses W / σ, σ = uᵀ W v, with W as (out, rest). Miyato et al. 2018, Algorithm 1.

    In each forward pass first, num_iterations times, v ← Wᵀu / |Wᵀu| and u ← W v / |W v|; first: which of the two comes
    first, "v" (the paper, Keras, flax, torch's hook) or "u" (torch's parametrization). Both are constants for the
    gradient, and stay in the buffers weight_u (out,) and weight_v (rest,). A transposed convolution's W has its output
    channels first here too. epsilon_placement: how the division is guarded, |x| + ε "outside", max(|x|, ε) "floor"
    (torch), √(|x|² + ε) "inside" (flax). sigma_gradient: "followed", so that W's gradient goes through σ too, or
    "constant" (Keras, which overwrites its kernel with W / σ).
    """

    num_iterations: int
    first: Literal["v", "u"]
    epsilon: float
    epsilon_placement: Literal["outside", "floor", "inside"]
    sigma_gradient: Literal["followed", "constant"]

    def __post_init__(self) -> None:
        require_positive_integer(self, "num_iterations")
        require_choice(self, "first", ("v", "u"))
        require_finite(self, "epsilon", above=0)
        require_choice(self, "epsilon_placement", ("outside", "floor", "inside"))
        require_choice(self, "sigma_gradient", ("followed", "constant"))

    @property
    def updates(self) -> tuple[str, ...]:
        """The vectors in the order in which a pass moves them, each by its short name."""
        return ((V, U) if self.first == "v" else (U, V)) * self.num_iterations


def spectral_buffers(
    norm: SpectralNorm | None, weight: Shape, /, *, transposed: bool = False
) -> dict[str, ParameterSpec]:
    """Return the buffers of a weight of that shape; transposed: its outputs are its second dimension."""
    if norm is None:
        return {}
    out = weight[1 if transposed else 0]
    sizes = {U: out, V: math.prod(weight) // out}
    return {
        short: ParameterSpec(shape=(size,), initializer=NormalDirection(), fan_in=size) for short, size in sizes.items()
    }
