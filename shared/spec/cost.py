"""The arithmetic of a GAN, counted from its spec: what a training step costs on any machine."""

from __future__ import annotations

import math

from gan_rosetta.shared.spec.convolution import Conv2d, ConvTranspose2d
from gan_rosetta.shared.spec.gan import GanSpec
from gan_rosetta.shared.spec.layers import Linear, MinibatchDiscrimination
from gan_rosetta.shared.spec.network import Network

_FLOPS_PER_MULTIPLY_ADD = 2


def forward_flops(network: Network, /) -> int:
    """Return the floating-point operations of one sample's forward pass through the matrix products of a network.

    Activations and normalisations are left out, as is usual; a multiplication and an addition are counted as two.
    """
    total = 0
    for placed in network.placed:
        layer = placed.layer
        if isinstance(layer, Linear):
            total += layer.in_features * layer.out_features
        elif isinstance(layer, MinibatchDiscrimination):
            total += layer.in_features * layer.num_kernels * layer.kernel_dims
        elif isinstance(layer, Conv2d | ConvTranspose2d):
            shape = placed.output_shape if isinstance(layer, Conv2d) else placed.input_shape
            area = math.prod(shape[1:])
            total += layer.in_channels // layer.groups * layer.out_channels * math.prod(layer.kernel) * area
    return total * _FLOPS_PER_MULTIPLY_ADD


def first_layer_flops(network: Network, /) -> int:
    """Return the part of forward_flops that the first layer with a matrix product takes."""
    for placed in network.placed:
        single = Network(input_shape=placed.input_shape, layers=(placed.layer,))
        flops = forward_flops(single)
        if flops:
            return flops
    return 0


def generator_phase_flops(spec: GanSpec, /) -> int:
    """Return the operations of one step's generator phase: G and D forward, D's input gradient, G's full backward."""
    generator, discriminator = forward_flops(spec.generator), forward_flops(spec.discriminator)
    # A backward pass costs two forward passes, one for the inputs and one for the weights; D's weights and G's input
    # need no gradient here.
    sample = generator * 3 - first_layer_flops(spec.generator) + discriminator * 2
    return sample * spec.batch_size


def discriminator_phase_flops(spec: GanSpec, /) -> int:
    """Return the operations of one step's discriminator phase: G forward where it runs anew, D on real and on fake."""
    training = spec.training
    discriminator = forward_flops(spec.discriminator)
    sample = 2 * (3 * discriminator - first_layer_flops(spec.discriminator))
    if training.fake_batch == "regenerated":
        sample += forward_flops(spec.generator)
    if spec.uses_mix:
        # Forward, backward to the input, and the backward pass through both.
        sample += 6 * discriminator - first_layer_flops(spec.discriminator)
    return sample * spec.batch_size


def step_flops(spec: GanSpec, /) -> float:
    """Return the mean operations of an adversarial step, each player's phase weighted by how often it trains."""
    generator, discriminator = (
        len(set(pattern.offsets)) / pattern.period
        for pattern in (spec.training.generator_steps, spec.training.discriminator_steps)
    )
    return generator * generator_phase_flops(spec) + discriminator * discriminator_phase_flops(spec)
