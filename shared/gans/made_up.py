"""GANs of no published program, small ones: what the catalogue has in none, for laws and planted faults to reach."""

from __future__ import annotations

from gan_rosetta.shared.spec import (
    ELU,
    EVERY_STEP,
    GELU,
    SELU,
    Adam,
    ConstantRate,
    GanSpec,
    GradientPenalty,
    Linear,
    LinearGaussianReal,
    Network,
    NormalLatent,
    SiLU,
    Training,
    UniformFanIn,
    WassersteinDiscriminatorLoss,
    WassersteinGeneratorLoss,
)

_SOURCE = "made up for gan-rosetta's laws"
_PLANE = LinearGaussianReal(matrix=((1.0, 2.0), (-0.1, 0.5)), offset=(1.0, 2.0), num_points=96)


def _linear(name: str, in_features: int, out_features: int) -> Linear:
    return Linear(
        name=name,
        in_features=in_features,
        out_features=out_features,
        weight_init=UniformFanIn(),
        bias_init=UniformFanIn(),
    )


def _adam(learning_rate: float) -> Adam:
    return Adam(
        learning_rate=ConstantRate(value=learning_rate),
        beta1=0.5,
        beta2=0.9,
        epsilon=1e-8,
        epsilon_placement="outside",
        bias_correction=True,
    )


SMOOTH_SPEC = GanSpec(
    name="smooth-2d",
    title="Smooth activations on a 2D Gaussian, with a gradient penalty through them",
    source=_SOURCE,
    batch_size=8,
    real=_PLANE,
    latent=NormalLatent(shape=(3,), redraw="step"),
    generator=Network(
        input_shape=(3,),
        layers=(
            _linear("hidden1", 3, 6),
            SELU(),
            _linear("hidden2", 6, 6),
            GELU(form="tanh"),
            _linear("hidden3", 6, 6),
            SiLU(),
            _linear("output", 6, 2),
        ),
    ),
    discriminator=Network(
        input_shape=(2,),
        layers=(
            _linear("hidden1", 2, 8),
            ELU(alpha=0.7),
            _linear("hidden2", 8, 8),
            GELU(form="erf"),
            _linear("hidden3", 8, 6),
            SELU(),
            _linear("hidden4", 6, 6),
            GELU(form="tanh"),
            _linear("hidden5", 6, 6),
            SiLU(),
            _linear("output", 6, 1),
        ),
    ),
    pretraining=None,
    training=Training(
        num_steps=400,
        first="discriminator",
        fake_batch="regenerated",
        latent_draws="separate",
        detach_fake=True,
        discriminator_steps=EVERY_STEP,
        discriminator_loss=WassersteinDiscriminatorLoss(
            reduction="mean", real_label=1, penalty=GradientPenalty(weight=1.0, norm="sample")
        ),
        generator_loss=WassersteinGeneratorLoss(reduction="mean", real_label=1),
        discriminator_optimizer=_adam(0.002),
        generator_optimizer=_adam(0.001),
        stop=None,
    ),
)

SPECS = (SMOOTH_SPEC,)
