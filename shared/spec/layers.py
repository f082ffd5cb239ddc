"""The layers a network is made of. Shapes are per sample: the batch axis is left out.

Canonical layouts: Linear weight (out, in); Conv2d (out, in, kh, kw); ConvTranspose2d (in, out, kh, kw);
images (channels, height, width).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

from gan_rosetta.shared.spec.activations import Activation
from gan_rosetta.shared.spec.attention import Scale, Softmax
from gan_rosetta.shared.spec.augment import Augment
from gan_rosetta.shared.spec.checks import (
    require,
    require_choice,
    require_finite,
    require_flag,
    require_positive_integer,
    require_shape,
)
from gan_rosetta.shared.spec.classifying import ClassContrast, ClassCrossEntropy, PullAway
from gan_rosetta.shared.spec.codes import CodeError
from gan_rosetta.shared.spec.convolution import Conv2d, ConvTranspose2d
from gan_rosetta.shared.spec.dropout import Dropout
from gan_rosetta.shared.spec.embedding import ClassEmbedding
from gan_rosetta.shared.spec.group_norm import GroupNorm
from gan_rosetta.shared.spec.initializers import ONES, ZEROS, Initializer
from gan_rosetta.shared.spec.layer import LayerBase, ParameterSpec, Shape, affine_parameters
from gan_rosetta.shared.spec.prelu import PReLU
from gan_rosetta.shared.spec.recall import Recall
from gan_rosetta.shared.spec.resampling import GlobalPool, PixelShuffle, Pool2d, Upsample
from gan_rosetta.shared.spec.spectral import SpectralNorm, spectral_buffers


@dataclass(frozen=True, kw_only=True)
class Linear(LayerBase):
    """y = x Wᵀ + b, with x (in_features,), W (out_features, in_features), b (out_features,).

    `bias_init=None` leaves the bias out. spectral_norm: of the weight; None for none.
    """

    kind: ClassVar[str] = "linear"
    name: str
    in_features: int
    out_features: int
    weight_init: Initializer
    bias_init: Initializer | None
    spectral_norm: SpectralNorm | None = None

    def __post_init__(self) -> None:
        require_positive_integer(self, "in_features")
        require_positive_integer(self, "out_features")

    def output_shape(self, input_shape: Shape, /) -> Shape:
        require(
            input_shape == (self.in_features,),
            f"Linear {self.name!r} takes in_features={self.in_features}, but its input has shape {input_shape}",
        )
        return (self.out_features,)

    def parameters(self) -> dict[str, ParameterSpec]:
        shape = (self.out_features, self.in_features)
        return affine_parameters(shape, self.out_features, self.weight_init, self.bias_init)

    def buffers(self) -> dict[str, ParameterSpec]:
        return spectral_buffers(self.spectral_norm, self.parameters()["weight"].shape)


@dataclass(frozen=True, kw_only=True)
class BatchNorm(LayerBase):
    """Batch normalisation over all axes but the channels, (features,) or (channels, height, width).

    y = weight · (x - mean) / √(variance + epsilon) + bias, with the batch's mean and *biased* variance where
    `statistics` is "batch" (always so in the published GANs), or the running ones where it is "running". Every
    training forward pass moves the buffers, in the order of the passes:
    running ← (1 - momentum) · running + momentum · batch, the variance in its "unbiased" or "biased" form. weight_init:
    how the weight starts, 1 in every framework. affine: whether there are a weight and a bias; without, as conditional
    BatchNorm has it, whose gain and bias are of the class, y is the quotient. Ioffe and Szegedy 2015.
    """

    kind: ClassVar[str] = "batch_norm"
    is_samplewise: ClassVar[bool] = False
    name: str
    num_features: int
    epsilon: float
    momentum: float
    running_variance: Literal["unbiased", "biased"]
    statistics: Literal["batch", "running"]
    weight_init: Initializer = ONES
    affine: bool = True

    def __post_init__(self) -> None:
        require_positive_integer(self, "num_features")
        require_finite(self, "epsilon", above=0)
        require_finite(self, "momentum", minimum=0)
        require(
            self.momentum <= 1, f"BatchNorm {self.name!r}: momentum is {self.momentum}; expected 0 to 1", "momentum"
        )
        require_choice(self, "running_variance", ("unbiased", "biased"))
        require_choice(self, "statistics", ("batch", "running"))
        require_flag(self, "affine")

    def output_shape(self, input_shape: Shape, /) -> Shape:
        require(
            len(input_shape) in (1, 3) and input_shape[0] == self.num_features,
            f"BatchNorm {self.name!r} takes num_features={self.num_features}, but its input has shape {input_shape}",
        )
        return input_shape

    def parameters(self) -> dict[str, ParameterSpec]:
        if not self.affine:
            return {}
        return {
            "weight": ParameterSpec(shape=(self.num_features,), initializer=self.weight_init, fan_in=self.num_features),
            "bias": ParameterSpec(shape=(self.num_features,), initializer=ZEROS, fan_in=self.num_features),
        }

    def buffers(self) -> dict[str, ParameterSpec]:
        return {
            "running_mean": ParameterSpec(shape=(self.num_features,), initializer=ZEROS, fan_in=self.num_features),
            "running_var": ParameterSpec(shape=(self.num_features,), initializer=ONES, fan_in=self.num_features),
        }


@dataclass(frozen=True, kw_only=True)
class MinibatchDiscrimination(LayerBase):
    """Minibatch discrimination: appends to each sample how like it is to the others. Salimans et al. 2016, section 3.2.

    a = x Wᵀ + b, with W (num_kernels · kernel_dims, in_features), reshaped to (batch, num_kernels, kernel_dims);
    c[i, k, j] = Σ_d |a[i, k, d] - a[j, k, d]| + δ_ij where `self_distance`, without the δ_ij where not;
    f[i, k] = Σ_j exp(-c[i, k, j]); returns concat(x, f), (in_features + num_kernels,).
    """

    kind: ClassVar[str] = "minibatch"
    is_samplewise: ClassVar[bool] = False
    name: str
    in_features: int
    num_kernels: int
    kernel_dims: int
    self_distance: bool
    weight_init: Initializer
    bias_init: Initializer | None

    def __post_init__(self) -> None:
        for field in ("in_features", "num_kernels", "kernel_dims"):
            require_positive_integer(self, field)
        require_flag(self, "self_distance")

    def output_shape(self, input_shape: Shape, /) -> Shape:
        require(
            input_shape == (self.in_features,),
            f"MinibatchDiscrimination {self.name!r} takes in_features={self.in_features}, "
            f"but its input has shape {input_shape}",
        )
        return (self.in_features + self.num_kernels,)

    def parameters(self) -> dict[str, ParameterSpec]:
        num_outputs = self.num_kernels * self.kernel_dims
        return affine_parameters((num_outputs, self.in_features), num_outputs, self.weight_init, self.bias_init)


@dataclass(frozen=True, kw_only=True)
class Reshape(LayerBase):
    """Gives each sample another shape, in row-major order of the canonical layout."""

    kind: ClassVar[str] = "reshape"
    shape: Shape

    def __post_init__(self) -> None:
        require_shape(self, "shape")

    def output_shape(self, input_shape: Shape, /) -> Shape:
        require(
            math.prod(input_shape) == math.prod(self.shape),
            f"Reshape cannot give shape {self.shape} to a sample of shape {input_shape}",
        )
        return self.shape


WeightedLayer = Linear | Conv2d | ConvTranspose2d | BatchNorm | GroupNorm | MinibatchDiscrimination | ClassEmbedding
NamedLayer = WeightedLayer | PReLU | Scale | Dropout | Augment
# Branches are layers too; see branches.py.
SingleLayer = (
    NamedLayer
    | Activation
    | Reshape
    | Upsample
    | Pool2d
    | GlobalPool
    | PixelShuffle
    | Softmax
    | ClassCrossEntropy
    | ClassContrast
    | PullAway
    | CodeError
    | Recall
)
