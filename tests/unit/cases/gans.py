"""The GANs of these tests that are none of the catalogue's, small enough to be judged in seconds."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import gan_rosetta as gr
from gan_rosetta.shared.gans.affordable import narrowed
from gan_rosetta.shared.spec import (
    BatchNorm,
    ConstantRate,
    Conv2d,
    ConvTranspose2d,
    DigitsReal,
    ExponentialDecay,
    GanSpec,
    GradientDescent,
    HingeDiscriminatorLoss,
    Linear,
    Network,
    NormalLatent,
    Reshape,
    SpectralNorm,
    Tanh,
    UniformFanIn,
    WassersteinDiscriminatorLoss,
    WassersteinGeneratorLoss,
)

_CRITIC = {"reduction": "mean", "real_label": 1}


def descending(spec: GanSpec, rate: float) -> GanSpec:
    """Return a GAN with gradient descent for both players."""
    descent = GradientDescent(learning_rate=ConstantRate(value=rate))
    optimizers = {"discriminator_optimizer": descent, "generator_optimizer": descent}
    return replace(spec, training=replace(spec.training, **optimizers))


def normalised(*, both: bool = False) -> GanSpec:
    """Return linear-2d with a BatchNorm in G, or in both networks."""
    spec = gr.spec("linear-2d")
    norm = BatchNorm(
        name="norm", num_features=2, epsilon=1e-5, momentum=0.1, running_variance="biased", statistics="batch"
    )
    (output,) = spec.generator.layers
    layers = (replace(output, name="hidden"), norm, output)
    training = replace(spec.training, fake_batch="regenerated")
    generator = Network(input_shape=(2,), layers=layers)
    changed = replace(spec, name="normalised", generator=generator, training=training)
    if not both:
        return changed
    hidden, *rest = spec.discriminator.layers
    layers = (hidden, replace(norm, num_features=5, running_variance="unbiased"), *rest)
    return replace(changed, discriminator=Network(input_shape=(2,), layers=layers))


def decaying() -> GanSpec:
    """Return linear-2d on 16 points, two steps of 8 an epoch, after each of which D's rate is multiplied by 0.9."""
    spec = gr.spec("linear-2d")
    rate = ExponentialDecay(initial=0.05, factor=0.9, every=1, staircase=True, counted="epochs")
    optimizer = replace(spec.training.discriminator_optimizer, learning_rate=rate)
    training = replace(spec.training, discriminator_optimizer=optimizer)
    return replace(in_short_epochs(), name="decaying", training=training)


def in_short_epochs() -> GanSpec:
    """Return linear-2d on 16 points, two steps of 8 an epoch."""
    spec = gr.spec("linear-2d")
    return replace(spec, name="short-epochs", real=replace(spec.real, num_points=16), batch_size=8)


def narrow_wgan_gp() -> GanSpec:
    """Return mnist-wgan-gp with an eighth of its inner features."""
    return replace(narrowed(gr.spec("mnist-wgan-gp"), 8), name="narrow-wgan-gp")


def spectral_2d(*, first: Literal["u", "v"]) -> GanSpec:
    """Return linear-2d with a hinge loss on one score of a D whose weights are under spectral norms."""
    spec = gr.spec("linear-2d")
    norm = SpectralNorm(
        num_iterations=1, first=first, epsilon=1e-12, epsilon_placement="floor", sigma_gradient="followed"
    )
    layers = [
        replace(layer, spectral_norm=norm) if isinstance(layer, Linear) else layer
        for layer in spec.discriminator.layers
    ]
    layers[-1] = replace(layers[-1], out_features=1)
    training = replace(
        spec.training,
        discriminator_loss=HingeDiscriminatorLoss(**_CRITIC),
        generator_loss=WassersteinGeneratorLoss(**_CRITIC),
    )
    discriminator = replace(spec.discriminator, layers=tuple(layers))
    return replace(spec, name="spectral-2d", discriminator=discriminator, training=training)


def images() -> GanSpec:
    """Return a convolutional GAN on digits of 8 by 8: two convolutions of stride 2 down, two transposed ones up."""
    own = {"weight_init": UniformFanIn(), "bias_init": UniformFanIn()}
    up = {"kernel_size": 4, "stride": 2, "padding": 1, **own}
    down = {"kernel_size": 3, "stride": 2, "padding": 1, **own}
    generator = (
        Linear(name="linear", in_features=5, out_features=12, **own),
        Reshape(shape=(3, 2, 2)),
        ConvTranspose2d(name="up1", in_channels=3, out_channels=3, **up),
        Tanh(),
        ConvTranspose2d(name="up2", in_channels=3, out_channels=1, **up),
        Tanh(),
    )
    discriminator = (
        Conv2d(name="down1", in_channels=1, out_channels=4, **down),
        Tanh(),
        Conv2d(name="down2", in_channels=4, out_channels=3, **down),
        Tanh(),
        Reshape(shape=(12,)),
        Linear(name="output", in_features=12, out_features=1, **own),
    )
    spec = descending(gr.spec("linear-2d"), 0.05)
    training = replace(
        spec.training,
        discriminator_loss=WassersteinDiscriminatorLoss(penalty=None, **_CRITIC),
        generator_loss=WassersteinGeneratorLoss(**_CRITIC),
    )
    return replace(
        spec,
        name="images",
        batch_size=8,
        real=DigitsReal(size=8, num_channels=1, low=-1.0, high=1.0, num_images=64, reshuffle=True),
        latent=NormalLatent(shape=(5,), redraw="step"),
        generator=Network(input_shape=(5,), layers=generator),
        discriminator=Network(input_shape=(1, 8, 8), layers=discriminator),
        training=training,
    )
