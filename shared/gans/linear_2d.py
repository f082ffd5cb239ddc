"""A linear generator on a 2D Gaussian; the discriminator gives two logits."""

from gan_rosetta.shared.spec import (
    EVERY_STEP,
    ZEROS,
    Adam,
    ConstantRate,
    CrossEntropyDiscriminatorLoss,
    CrossEntropyGeneratorLoss,
    GanSpec,
    Linear,
    LinearGaussianReal,
    Network,
    Normal,
    NormalLatent,
    Tanh,
    Training,
)

_SMALL = Normal(standard_deviation=0.02)


def _linear(name: str, in_features: int, out_features: int) -> Linear:
    return Linear(name=name, in_features=in_features, out_features=out_features, weight_init=_SMALL, bias_init=ZEROS)


def _adam(learning_rate: float) -> Adam:
    return Adam(
        learning_rate=ConstantRate(value=learning_rate),
        beta1=0.9,
        beta2=0.999,
        epsilon=1e-8,
        epsilon_placement="outside",
        bias_correction=True,
    )


SPEC = GanSpec(
    name="linear-2d",
    title="Linear generator on a 2D Gaussian",
    source="Zhang, Lipton, Li and Smola, Dive into Deep Learning, section Generative Adversarial Networks",
    batch_size=4,
    real=LinearGaussianReal(matrix=((1.0, 2.0), (-0.1, 0.5)), offset=(1.0, 2.0), num_points=1000),
    latent=NormalLatent(shape=(2,), redraw="step"),
    generator=Network(input_shape=(2,), layers=(_linear("output", 2, 2),)),
    discriminator=Network(
        input_shape=(2,),
        layers=(_linear("hidden1", 2, 5), Tanh(), _linear("hidden2", 5, 3), Tanh(), _linear("output", 3, 2)),
    ),
    pretraining=None,
    training=Training(
        num_steps=2500,
        first="discriminator",
        fake_batch="reused",
        latent_draws="shared",
        detach_fake=True,
        discriminator_steps=EVERY_STEP,
        discriminator_loss=CrossEntropyDiscriminatorLoss(reduction="mean", real_label=1),
        generator_loss=CrossEntropyGeneratorLoss(reduction="mean", real_label=1),
        discriminator_optimizer=_adam(0.05),
        generator_optimizer=_adam(0.01),
        stop=None,
    ),
)
