"""GANs and states for the tests of checkpoints: small ones, and one whose images are flattened."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gan_rosetta.shared.gans import CATALOGUE
from gan_rosetta.shared.gans.affordable import narrowed
from gan_rosetta.shared.spec import (
    ZEROS,
    BatchNorm,
    ConstantRate,
    Conv2d,
    ConvTranspose2d,
    GanSpec,
    Layer,
    Linear,
    Network,
    ReLU,
    Reshape,
    RMSprop,
)
from gan_rosetta.shared.state import state_schema

_STEPS = 37
_CONVOLUTIONAL = (
    "mnist-conv",
    "lsgan",
    "sngan",
    "relativistic",
    "acgan",
    "sgan",
    "wgan-gp-conv",
    "dcgan",
    "dcgan-keras",
    "dragan",
    "ebgan",
    "began",
    "context-encoder",
    "infogan",
)


def small(name: str) -> GanSpec:
    """Return a GAN of the catalogue with all its layers, and those of the GANs on digits narrower."""
    spec = CATALOGUE[name]
    if name == "sagan-small":
        return spec
    if name in _CONVOLUTIONAL:
        return narrowed(spec, 128)
    return replace(spec, generator=_narrow(spec.generator), discriminator=_narrow(spec.discriminator))


def _narrow(network: Network) -> Network:
    ends = {network.input_shape[0], network.output_shape[0], int(np.prod(network.output_shape)), 784}

    def size(features: int) -> int:
        return features if features in ends or features < 100 else features // 32

    layers: list[Layer] = []
    shape = network.input_shape
    for layer in network.layers:
        new: Layer = layer
        if isinstance(layer, Linear):
            new = replace(layer, in_features=shape[0], out_features=size(layer.out_features))
        elif isinstance(layer, BatchNorm):
            new = replace(layer, num_features=shape[0])
        layers.append(new)
        shape = new.output_shape(shape)
    return Network(input_shape=network.input_shape, layers=tuple(layers))


def flattening() -> GanSpec:
    """Return a GAN that flattens images of several channels, and makes images of features."""
    convolution = {"kernel_size": 2, "stride": 2, "padding": 0, "weight_init": ZEROS, "bias_init": ZEROS}
    generator = Network(
        input_shape=(2,),
        layers=(
            Linear(name="first", in_features=2, out_features=12, weight_init=ZEROS, bias_init=ZEROS),
            ReLU(),
            Reshape(shape=(3, 2, 2)),
            ConvTranspose2d(name="up", in_channels=3, out_channels=2, **convolution),
        ),
    )
    discriminator = Network(
        input_shape=(2, 4, 4),
        layers=(
            Conv2d(name="down", in_channels=2, out_channels=3, **convolution),
            ReLU(),
            Reshape(shape=(12,)),
            Linear(name="last", in_features=12, out_features=2, weight_init=ZEROS, bias_init=ZEROS),
        ),
    )
    spec = CATALOGUE["linear-2d"]
    real = replace(CATALOGUE["mnist-conv"].real, size=4, num_channels=2)
    return replace(spec, name="flattening", real=real, generator=generator, discriminator=discriminator)


def with_root_mean_squares(spec: GanSpec, *, momentum_of: str) -> GanSpec:
    """Return a GAN trained by RMSprop with all the slots that it can have, of equal shapes."""
    optimizer = RMSprop(
        learning_rate=ConstantRate(value=0.5),
        rho=0.75,
        epsilon=1e-6,
        epsilon_placement="outside" if momentum_of == "direction" else "inside",
        centered=True,
        momentum=0.5,
        momentum_of=momentum_of,  # type: ignore[arg-type]
    )
    training = replace(spec.training, generator_optimizer=optimizer, discriminator_optimizer=optimizer)
    return replace(spec, name=f"rms-{momentum_of}", training=training)


def filled(spec: GanSpec, *, seed: int = 0, dtype: str = "float64", whole: bool = False) -> dict[str, np.ndarray]:
    """Return a state of numbers that differ; whole: small whole ones, in which no forward pass rounds."""
    generator = np.random.default_rng(seed)
    state = {}
    for name, tensor in state_schema(spec).items():
        if tensor.role == "counter":
            state[name] = np.array(_STEPS, np.int64)
        elif tensor.role in ("slot", "buffer", "average"):
            state[name] = np.abs(generator.normal(size=tensor.shape)).astype(dtype)
        elif whole:
            state[name] = generator.integers(-3, 4, size=tensor.shape).astype(dtype)
        else:
            state[name] = generator.normal(size=tensor.shape).astype(dtype)
    return state
