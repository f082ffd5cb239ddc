"""What a D has to be for a gradient penalty: of layers that every backend differentiates twice."""

from __future__ import annotations

import math
from typing import get_args

from gan_rosetta.shared.spec.activations import Activation
from gan_rosetta.shared.spec.branches import DIFFERENTIATED_TWICE, Branches
from gan_rosetta.shared.spec.checks import require
from gan_rosetta.shared.spec.convolution import Conv2d, ConvTranspose2d
from gan_rosetta.shared.spec.dropout import Dropout
from gan_rosetta.shared.spec.group_norm import GroupNorm
from gan_rosetta.shared.spec.layers import BatchNorm, Linear, Reshape
from gan_rosetta.shared.spec.network import Network
from gan_rosetta.shared.spec.penalty import GradientPenalty
from gan_rosetta.shared.spec.prelu import PReLU
from gan_rosetta.shared.spec.resampling import GlobalPool, PixelShuffle, Pool2d, Upsample

# Those that are fed no classes, and that every backend differentiates twice.
_LAYERS = (
    Linear,
    Conv2d,
    ConvTranspose2d,
    BatchNorm,
    Dropout,
    GroupNorm,
    Upsample,
    Pool2d,
    GlobalPool,
    PixelShuffle,
    Reshape,
    Branches,
    *get_args(Activation),
    PReLU,
)


def check_penalty(penalty: GradientPenalty, discriminator: Network, /, *, batch_size: int) -> None:
    """Raise SpecError where a gradient penalty cannot go through a D, or be taken at its samples."""
    require(
        penalty.at != "perturbed" or batch_size * math.prod(discriminator.input_shape) > 1,
        "a penalty at perturbed samples takes the standard deviation of a batch, which one number has none of; "
        "take a batch size of 2 or more (batch_size, or --batch-size on the command line)",
        "batch_size",
    )
    allowed = ", ".join(kind.__name__ for kind in _LAYERS)
    for placed in discriminator.placed:
        layer = placed.layer
        require(
            isinstance(layer, _LAYERS),
            f"a gradient penalty needs a discriminator of {allowed}; it has a {type(layer).__name__}",
            "discriminator",
            *placed.path,
        )
        require(
            not isinstance(layer, Branches) or layer.join in DIFFERENTIATED_TWICE,
            f"a gradient penalty needs branches that are joined by {', '.join(DIFFERENTIATED_TWICE)}; "
            f"{placed.name!r} has {getattr(layer, 'join', None)!r}",
            "discriminator",
            *placed.path,
            "join",
        )
        require(
            getattr(layer, "spectral_norm", None) is None,
            "a gradient penalty needs a discriminator without spectral_norm; leave one of the two out",
            "discriminator",
            *placed.path,
            "spectral_norm",
        )
        require(
            not isinstance(layer, BatchNorm) or layer.statistics == "batch",
            "a gradient penalty needs BatchNorms by the batch's own statistics; expected statistics 'batch'",
            "discriminator",
            *placed.path,
            "statistics",
        )
        require(
            penalty.at != "both" or not isinstance(layer, BatchNorm | Dropout),
            "a gradient penalty at 'both' takes the real and the fake samples in one pass, in which a "
            f"{type(layer).__name__} would do another thing than in two; take it at one of them, or without",
            "discriminator",
            *placed.path,
        )
