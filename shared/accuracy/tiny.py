"""The tiny GANs that operations are measured in.

A latent of 1 and weights w make w the first layer's output, each a single product with 1. A Wasserstein loss of a
critic with weight 1 hands the gradient 1 on. And Adam with β1 = 0 keeps each gradient in its slot m, bit for bit.
"""

from __future__ import annotations

import numpy as np

from gan_rosetta.shared.spec import (
    ZEROS,
    Adam,
    ConstantRate,
    Conv2d,
    ConvTranspose2d,
    DiscriminatorLoss,
    GanSpec,
    GeneratorLoss,
    LatentSource,
    Layer,
    Linear,
    LinearGaussianReal,
    Network,
    NormalLatent,
    Optimizer,
    Pretraining,
    RealSource,
    StepPattern,
    Training,
    WassersteinDiscriminatorLoss,
    WassersteinGeneratorLoss,
)
from gan_rosetta.shared.spec.loss_fields import Reduction

# Keeps the gradient; its rate of 0 leaves the parameters alone.
KEEPING = Adam(
    learning_rate=ConstantRate(value=0.0),
    beta1=0.0,
    beta2=0.0,
    epsilon=1.0,
    epsilon_placement="hat",
    bias_correction=False,
)
_SELDOM = StepPattern(period=2, offsets=(1,))
_SOURCE = "made to measure one operation"


def linear(name: str, in_features: int, out_features: int, /) -> Linear:
    """Return a Linear without a bias."""
    return Linear(name=name, in_features=in_features, out_features=out_features, weight_init=ZEROS, bias_init=None)


def conv(name: str, in_channels: int, out_channels: int, /, *, transposed: bool) -> Conv2d | ConvTranspose2d:
    """Return a convolution of kernel 3, or its transpose, that keeps an image's size, without a bias."""
    kind = ConvTranspose2d if transposed else Conv2d
    return kind(
        name=name,
        in_channels=in_channels,
        out_channels=out_channels,
        kernel_size=3,
        stride=1,
        padding=1,
        weight_init=ZEROS,
        bias_init=None,
    )


def reals(num_features: int, /) -> LinearGaussianReal:
    """Return a source of real samples of that many features; its numbers are never drawn."""
    rows = tuple(tuple(float(i == j) for j in range(num_features)) for i in range(num_features))
    return LinearGaussianReal(matrix=rows, offset=(0.0,) * num_features, num_points=1)


def tiny_gan(
    name: str,
    /,
    *,
    generator: tuple[Layer, ...],
    discriminator: tuple[Layer, ...],
    latent: int | LatentSource = 1,
    batch_size: int = 1,
    real: RealSource | None = None,
    losses: tuple[DiscriminatorLoss, GeneratorLoss] | None = None,
    reduction: Reduction = "sum",
    optimizer: Optimizer = KEEPING,
    pretraining: Pretraining | None = None,
) -> GanSpec:
    """Return a GAN of these layers, G's update first. losses: Wasserstein's with D(fake) as G's where not given."""
    if losses is None:
        losses = (
            WassersteinDiscriminatorLoss(penalty=None, reduction=reduction, real_label=0),
            WassersteinGeneratorLoss(reduction=reduction, real_label=0),
        )
    noise = NormalLatent(shape=(latent,), redraw="step") if isinstance(latent, int) else latent
    made = Network(input_shape=noise.sample_shape, layers=generator)
    return GanSpec(
        name=f"accuracy-{name}",
        title=name,
        source=_SOURCE,
        batch_size=batch_size,
        real=real or reals(made.output_shape[0]),
        latent=noise,
        generator=made,
        discriminator=Network(input_shape=made.output_shape, layers=discriminator),
        pretraining=pretraining,
        training=Training(
            num_steps=1,
            first="generator",
            fake_batch="regenerated",
            latent_draws="shared",
            detach_fake=True,
            discriminator_steps=_SELDOM,
            discriminator_loss=losses[0],
            generator_loss=losses[1],
            discriminator_optimizer=KEEPING,
            generator_optimizer=optimizer,
            stop=None,
        ),
    )


def step_arrays(*, latent: np.ndarray, real: np.ndarray, mix: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """Return a chunk's arrays of one step from those of a batch, (batch, ...)."""
    arrays = {"real": real, "latent_d": latent} | ({} if mix is None else {"mix": mix})
    return {name: np.asarray(array, np.float64)[np.newaxis] for name, array in arrays.items()}
