"""The arithmetic of a GAN, counted from its spec: what a training step costs on any machine."""

from __future__ import annotations

import math

from gan_rosetta.shared.spec.branches import Branches
from gan_rosetta.shared.spec.convolution import Conv2d, ConvTranspose2d
from gan_rosetta.shared.spec.gan import GanSpec
from gan_rosetta.shared.spec.layers import Linear, MinibatchDiscrimination
from gan_rosetta.shared.spec.network import Network, PlacedLayer

_FLOPS_PER_MULTIPLY_ADD = 2


def forward_flops(network: Network, /) -> int:
    """Return the floating-point operations of one sample's forward pass through the matrix products of a network.

    Activations and normalisations are left out, as is usual; a multiplication and an addition are counted as two.
    """
    return sum(map(_layer_flops, network.placed))


def first_layer_flops(network: Network, /) -> int:
    """Return the part of forward_flops that the first layers with a matrix product take: one, or one a branch."""
    total, is_behind = 0, dict[int, bool]()
    for place, placed in enumerate(network.placed):
        flops = _layer_flops(placed)
        behind = any(is_behind.get(source, False) for source in placed.sources)
        total += 0 if behind else flops
        is_behind[place] = behind or flops > 0
    return total


def _layer_flops(placed: PlacedLayer) -> int:
    layer, products = placed.layer, 0
    if isinstance(layer, Branches):
        products = layer.attention_products(placed.input_shape)
    elif isinstance(layer, Linear):
        products = layer.in_features * layer.out_features
    elif isinstance(layer, MinibatchDiscrimination):
        products = layer.in_features * layer.num_kernels * layer.kernel_dims
    elif isinstance(layer, Conv2d | ConvTranspose2d):
        shape = placed.output_shape if isinstance(layer, Conv2d) else placed.input_shape
        area = math.prod(layer.kernel) * math.prod(shape[1:])
        products = layer.in_channels // layer.groups * layer.out_channels * area
    return products * _FLOPS_PER_MULTIPLY_ADD


def generator_phase_flops(spec: GanSpec, /) -> int:
    """Return the operations of one step's generator phase: G and D forward, D's input gradient, G's full backward."""
    generator, discriminator = forward_flops(spec.generator), forward_flops(spec.discriminator)
    # A backward pass costs two forward passes, one for the inputs and one for the weights; D's weights and G's input
    # need no gradient here.
    sample = generator * 3 - first_layer_flops(spec.generator) + discriminator * 2
    sample += discriminator if spec.training.generator_sees_real else 0
    sample += discriminator * 2 if spec.training.shows_fake_twice else 0
    return sample * spec.batch_size


def discriminator_phase_flops(spec: GanSpec, /) -> int:
    """Return the operations of one step's discriminator phase: G forward where it runs anew, D on real and on fake."""
    training = spec.training
    discriminator = forward_flops(spec.discriminator)
    sample = 2 * (3 * discriminator - first_layer_flops(spec.discriminator))
    if training.fake_batch == "regenerated":
        sample += forward_flops(spec.generator)
    if spec.penalty is not None:
        # Forward, backward to the input, and the backward pass through both.
        batches = 2 if spec.penalty.at == "both" else 1
        sample += batches * (6 * discriminator - first_layer_flops(spec.discriminator))
    return sample * spec.batch_size


def joint_phase_flops(spec: GanSpec, /) -> int:
    """Return the operations of one step's third update: G and D forward, and the full backward pass of both."""
    if spec.training.joint_optimizer is None:
        return 0
    generator, discriminator = forward_flops(spec.generator), forward_flops(spec.discriminator)
    return (3 * (generator + discriminator) - first_layer_flops(spec.generator)) * spec.batch_size


def step_flops(spec: GanSpec, /) -> float:
    """Return the mean operations of an adversarial step, each player's phase weighted by how often it trains."""
    generator, discriminator = (
        len(set(pattern.offsets)) / pattern.period
        for pattern in (spec.training.generator_steps, spec.training.discriminator_steps)
    )
    own = generator * generator_phase_flops(spec) + discriminator * discriminator_phase_flops(spec)
    return own + joint_phase_flops(spec)
