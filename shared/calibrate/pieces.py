"""What the regimes' GANs are put together from: small networks on a cloud of points in the plane."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gan_rosetta.shared.spec import (
    EVERY_STEP,
    Adadelta,
    Adam,
    BatchNorm,
    BinaryCrossEntropyDiscriminatorLoss,
    BinaryCrossEntropyGeneratorLoss,
    ConstantRate,
    CrossEntropyDiscriminatorLoss,
    CrossEntropyGeneratorLoss,
    GanSpec,
    GradientDescent,
    GradientPenalty,
    Initializer,
    Layer,
    LeakyReLU,
    Linear,
    LinearGaussianReal,
    MinimaxDiscriminatorLoss,
    Network,
    NonSaturatingGeneratorLoss,
    NormalLatent,
    Optimizer,
    ReLU,
    SaturatingGeneratorLoss,
    Sigmoid,
    Tanh,
    Training,
    UniformFanIn,
    WassersteinDiscriminatorLoss,
    WassersteinGeneratorLoss,
)

Losses = tuple[Any, Any]

_NUM_POINTS = 64
_LATENT = 3


def linear(name: str, inputs: int, outputs: int, /, *, weight: Initializer | None = None, bias: bool = True) -> Linear:
    """Return a Linear layer; weight: how it starts, torch's way where not given."""
    start = weight or UniformFanIn()
    return Linear(
        name=name,
        in_features=inputs,
        out_features=outputs,
        weight_init=start,
        bias_init=UniformFanIn() if bias else None,
    )


def norm(name: str, features: int, /, *, epsilon: float = 1e-5) -> BatchNorm:
    """Return a BatchNorm on the batch's statistics."""
    return BatchNorm(
        name=name,
        num_features=features,
        epsilon=epsilon,
        momentum=0.1,
        running_variance="unbiased",
        statistics="batch",
    )


def sgd(rate: float, /) -> GradientDescent:
    """Return gradient descent."""
    return GradientDescent(learning_rate=ConstantRate(value=rate))


def adam(rate: float, /, *, beta1: float = 0.5, epsilon: float = 1e-8, hat: bool = False) -> Adam:
    """Return Adam; hat: ε in TensorFlow's place."""
    return Adam(
        learning_rate=ConstantRate(value=rate),
        beta1=beta1,
        beta2=0.999,
        epsilon=epsilon,
        epsilon_placement="hat" if hat else "outside",
        bias_correction=True,
    )


def adadelta(rate: float, /) -> Adadelta:
    """Return Adadelta."""
    return Adadelta(learning_rate=ConstantRate(value=rate), rho=0.9, epsilon=1e-6)


def minimax(*, floor: float | None = None, saturating: bool = False, real_label: Any = 1) -> Losses:
    """Return the losses of plain logarithms."""
    generator = SaturatingGeneratorLoss if saturating else NonSaturatingGeneratorLoss
    how: dict[str, Any] = {"probability_floor": floor, "reduction": "mean", "real_label": real_label}
    return MinimaxDiscriminatorLoss(**how), generator(**how)


def binary_cross_entropy(*, real_label: Any = 1) -> Losses:
    """Return torch's BCE for both networks."""
    how: dict[str, Any] = {"log_floor": -100.0, "denominator_floor": 1e-12, "reduction": "mean"}
    how |= {"real_label": real_label}
    return BinaryCrossEntropyDiscriminatorLoss(**how), BinaryCrossEntropyGeneratorLoss(**how)


def cross_entropy(*, reduction: Any = "mean") -> Losses:
    """Return the losses on two logits."""
    return (
        CrossEntropyDiscriminatorLoss(reduction=reduction, real_label=1),
        CrossEntropyGeneratorLoss(reduction=reduction, real_label=1),
    )


def wasserstein(*, penalty: float | None = None) -> Losses:
    """Return a critic's losses; penalty: the weight of the gradient penalty, if any."""
    own = None if penalty is None else GradientPenalty(weight=penalty, norm="sample")
    return (
        WassersteinDiscriminatorLoss(penalty=own, reduction="mean", real_label=1),
        WassersteinGeneratorLoss(reduction="mean", real_label=1),
    )


GENERATOR = (linear("hidden", 3, 8), Tanh(), linear("output", 8, 2))
WIDE_GENERATOR = (linear("hidden", 3, 16), ReLU(), linear("output", 16, 2))


def judging(*, outputs: int = 1, sigmoid: bool = True, width: int = 8) -> tuple[Layer, ...]:
    """Return a discriminator of one hidden layer; sigmoid: ends in a probability."""
    end = (Sigmoid(),) if sigmoid else ()
    return (linear("hidden", 2, width), LeakyReLU(slope=0.2), linear("output", width, outputs), *end)


def plane_gan(
    name: str,
    title: str,
    /,
    *,
    generator: Sequence[Layer],
    discriminator: Sequence[Layer],
    losses: Losses,
    optimizers: tuple[Optimizer, Optimizer],
    num_steps: int,
    batch_size: int = 8,
    centre: float = 1.0,
    **training: Any,
) -> GanSpec:
    """Return a GAN from three numbers to a cloud in the plane around (centre, centre).

    optimizers: D's, then G's. training: what of Training is not as in most GANs.
    """
    usual: dict[str, Any] = {
        "first": "discriminator",
        "fake_batch": "regenerated",
        "latent_draws": "shared",
        "detach_fake": True,
        "discriminator_steps": EVERY_STEP,
        "stop": None,
    }
    return GanSpec(
        name=name,
        title=title,
        source="made to calibrate the judge",
        batch_size=batch_size,
        real=LinearGaussianReal(matrix=((1.0, 0.5), (0.0, 1.0)), offset=(centre, centre), num_points=_NUM_POINTS),
        latent=NormalLatent(shape=(_LATENT,), redraw="step"),
        generator=Network(input_shape=(_LATENT,), layers=tuple(generator)),
        discriminator=Network(input_shape=(2,), layers=tuple(discriminator)),
        pretraining=None,
        training=Training(
            num_steps=num_steps,
            discriminator_loss=losses[0],
            generator_loss=losses[1],
            discriminator_optimizer=optimizers[0],
            generator_optimizer=optimizers[1],
            **(usual | training),
        ),
    )
