"""Normalisation of each sample by itself: group norm, of which instance norm and layer norm are two ends."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from gan_rosetta.shared.spec.checks import require, require_finite, require_flag, require_positive_integer
from gan_rosetta.shared.spec.initializers import ONES, ZEROS, Initializer
from gan_rosetta.shared.spec.layer import LayerBase, ParameterSpec, Shape


@dataclass(frozen=True, kw_only=True)
class GroupNorm(LayerBase):
    """Normalisation over groups of a sample's channels, (features,) or (channels, height, width). Wu and He 2018.

    y = weight · (x - mean) / √(variance + epsilon) + bias, with the mean and the biased variance of the sample's own
    numbers in each of num_groups groups of neighbouring channels, and a weight and a bias for each channel where
    `affine`, none where not. As many groups as channels make it an instance norm (Ulyanov et al. 2016), one group a
    layer norm (Ba et al. 2016) whose weight is the channel's. weight_init: how the weight starts, 1 in every framework.
    """

    kind: ClassVar[str] = "group_norm"
    name: str
    num_features: int
    num_groups: int
    epsilon: float
    affine: bool
    weight_init: Initializer = ONES

    def __post_init__(self) -> None:
        require_positive_integer(self, "num_features")
        require_positive_integer(self, "num_groups")
        require_finite(self, "epsilon", above=0)
        require_flag(self, "affine")
        require(
            self.num_features % self.num_groups == 0,
            f"GroupNorm {self.name!r}: {self.num_features} channels do not fall into num_groups={self.num_groups}",
            "num_groups",
        )

    def output_shape(self, input_shape: Shape, /) -> Shape:
        require(
            len(input_shape) in (1, 3) and input_shape[0] == self.num_features,
            f"GroupNorm {self.name!r} takes num_features={self.num_features}, but its input has shape {input_shape}",
        )
        size = math.prod(input_shape) // self.num_groups
        require(size > 1, f"GroupNorm {self.name!r} would see one number a group, which has no variance")
        return input_shape

    def parameters(self) -> dict[str, ParameterSpec]:
        if not self.affine:
            return {}
        shape, fan_in = (self.num_features,), self.num_features
        return {
            "weight": ParameterSpec(shape=shape, initializer=self.weight_init, fan_in=fan_in),
            "bias": ParameterSpec(shape=shape, initializer=ZEROS, fan_in=fan_in),
        }
