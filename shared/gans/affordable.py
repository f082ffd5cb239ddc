"""The GANs in sizes that the reference can afford many runs of: fewer steps and, on digits, smaller batches."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from gan_rosetta.shared.spec import (
    BatchNorm,
    Branches,
    Conv2d,
    ConvTranspose2d,
    GanSpec,
    GroupNorm,
    Layer,
    Linear,
    Network,
    Reshape,
    Shape,
)

_DIGIT_BATCHES = {
    "mnist-conv": 8,
    "lsgan": 8,
    "sngan": 8,
    "relativistic": 8,
    "dragan": 8,
    "ebgan": 8,
    "began": 8,
    "context-encoder": 8,
    "infogan": 8,
    "acgan": 8,
    "sgan": 8,
    "wgan-gp-conv": 8,
    "dcgan": 4,
    "dcgan-keras": 8,
    "sagan-small": 4,
}
_DIGIT_BATCH_ELSEWHERE = 16
# Beyond these, sine is chaotic and the others cost more than they show.
_MOST_STEPS = {
    "mnist-conv": 30,
    "mnist-wgan-gp": 20,
    "mnist-wgan-gp-sample": 20,
    "sine": 1000,
    "wgan": 40,
    "lsgan": 20,
    "cgan": 20,
    "sngan": 20,
    "relativistic": 20,
    "dragan": 10,
    "ebgan": 10,
    "began": 10,
    "context-encoder": 10,
    "infogan": 10,
    "acgan": 20,
    "sgan": 20,
    "wgan-gp": 20,
    "wgan-gp-conv": 10,
    "dcgan": 10,
    "dcgan-keras": 10,
    "sagan-small": 10,
}
_MOST_STEPS_ELSEWHERE = 2500
# A step of a whole convolutional GAN costs seconds in NumPy; of its channels a part is left, of its layers all.
_NARROWED = {
    "mnist-conv": 8,
    "lsgan": 8,
    "sngan": 16,
    "relativistic": 8,
    "dragan": 8,
    "ebgan": 8,
    "began": 8,
    "context-encoder": 16,
    "infogan": 8,
    "acgan": 8,
    "sgan": 8,
    "wgan-gp-conv": 16,
    "dcgan": 32,
    "dcgan-keras": 16,
}
_IMAGE_CHANNELS = 3
_IMAGE_RANK = 3


@dataclass(frozen=True, kw_only=True)
class AffordableGan:
    """A GAN as it is measured. differs: in words, what is not as published; empty where everything is."""

    spec: GanSpec
    differs: str


def make_affordable(spec: GanSpec, /) -> AffordableGan:
    """Return the GAN in a size of which the reference can afford some ten runs."""
    differs = []
    num_steps = min(spec.training.num_steps, _MOST_STEPS.get(spec.name, _MOST_STEPS_ELSEWHERE))
    if num_steps < spec.training.num_steps:
        differs.append(f"the first {num_steps} of its {spec.training.num_steps} steps")
        spec = spec.with_steps(training=num_steps)
    batch_size = _DIGIT_BATCHES.get(spec.name, _DIGIT_BATCH_ELSEWHERE)
    if len(spec.real.sample_shape) > 1 and batch_size < spec.batch_size:
        differs.append(f"batches of {batch_size} in place of {spec.batch_size}")
        spec = replace(spec, batch_size=batch_size)
    if spec.name in _NARROWED:
        factor = _NARROWED[spec.name]
        differs.append(f"1/{factor} of its inner channels")
        spec = narrowed(spec, factor)
    return AffordableGan(spec=spec, differs=", ".join(differs))


def narrowed(spec: GanSpec, factor: int, /) -> GanSpec:
    """Return a GAN with every layer, and fewer channels or features everywhere but at its networks' ends."""
    generator, discriminator = _narrowed(spec.generator, factor), _narrowed(spec.discriminator, factor)
    return replace(spec, generator=generator, discriminator=discriminator)


def _narrowed(network: Network, factor: int) -> Network:
    ends = {network.input_shape[0], network.output_shape[0], _IMAGE_CHANNELS}

    def narrow(channels: int) -> int:
        return channels if channels in ends else max(2, channels // factor)

    return replace(network, layers=_narrowed_layers(network.layers, network.input_shape, narrow))


def _narrowed_layers(
    own: Sequence[Layer], shape: Shape, narrow: Callable[[int], int], *, in_branch: bool = False
) -> tuple[Layer, ...]:
    layers: list[Layer] = []
    for index, layer in enumerate(own):
        new = layer
        if isinstance(layer, Conv2d | ConvTranspose2d):
            new = replace(layer, in_channels=shape[0], out_channels=narrow(layer.out_channels))
        elif isinstance(layer, BatchNorm):
            new = replace(layer, num_features=shape[0])
        elif isinstance(layer, GroupNorm):
            groups = layer.num_groups if shape[0] % layer.num_groups == 0 else 1
            new = replace(layer, num_features=shape[0], num_groups=groups)
        elif isinstance(layer, Linear):
            features = _narrowed_features(own, index, narrow, in_branch=in_branch)
            new = replace(layer, in_features=shape[0], out_features=features)
        elif isinstance(layer, Branches):
            narrowed_in = partial(_narrowed_layers, shape=shape, narrow=narrow, in_branch=True)
            new = replace(
                layer, branches=tuple(replace(each, layers=narrowed_in(each.layers)) for each in layer.branches)
            )
        elif isinstance(layer, Reshape) and len(layer.shape) == 1:
            new = Reshape(shape=(math.prod(shape),))
        elif isinstance(layer, Reshape):
            new = Reshape(shape=(narrow(layer.shape[0]), *layer.shape[1:]))
        layers.append(new)
        shape = new.output_shape(shape)
    return tuple(layers)


def _narrowed_features(layers: Sequence[Layer], index: int, narrow: Callable[[int], int], *, in_branch: bool) -> int:
    """Return the outputs that a Linear keeps: of those of another Linear's, or of images that a Reshape makes of them.

    Between the two may be what leaves the shape as it is. What ends a network keeps all, and so do the features in a
    branch, which may be taken up elsewhere by their places.
    """
    layer, after = layers[index], layers[index + 1 :]
    found = next((one for one in after if isinstance(one, Reshape | Linear)), None)
    if isinstance(found, Reshape) and len(found.shape) == _IMAGE_RANK:
        return narrow(found.shape[0]) * math.prod(found.shape[1:])
    features = layer.out_features if isinstance(layer, Linear) else 0
    return narrow(features) if isinstance(found, Linear) and not in_branch else features
