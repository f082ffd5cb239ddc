"""A GAN that draws sine curves: G first, in the saturating form, then D on the batch made before G's update."""

from gan_rosetta.shared.spec import (
    EVERY_STEP,
    Adam,
    ConstantRate,
    GanSpec,
    Linear,
    MinimaxDiscriminatorLoss,
    Network,
    NormalLatent,
    ReLU,
    SaturatingGeneratorLoss,
    Sigmoid,
    SineReal,
    StopRule,
    Training,
    UniformFanIn,
)

_ADAM = Adam(
    learning_rate=ConstantRate(value=1e-4),
    beta1=0.9,
    beta2=0.999,
    epsilon=1e-8,
    epsilon_placement="outside",
    bias_correction=True,
)


def _linear(name: str, in_features: int, out_features: int) -> Linear:
    uniform = UniformFanIn()
    return Linear(name=name, in_features=in_features, out_features=out_features, weight_init=uniform, bias_init=uniform)


SPEC = GanSpec(
    name="sine",
    title="Sine curves from five numbers of noise",
    source="Zhou, PyTorch Tutorial, 406 GAN, with sines in place of parabolas",
    batch_size=64,
    real=SineReal(num_points=16),
    latent=NormalLatent(shape=(5,), redraw="step"),
    generator=Network(
        input_shape=(5,),
        layers=(_linear("hidden1", 5, 64), ReLU(), _linear("hidden2", 64, 128), ReLU(), _linear("output", 128, 16)),
    ),
    discriminator=Network(
        input_shape=(16,),
        layers=(
            _linear("hidden1", 16, 64),
            ReLU(),
            _linear("hidden2", 64, 256),
            ReLU(),
            _linear("output", 256, 1),
            Sigmoid(),
        ),
    ),
    pretraining=None,
    training=Training(
        num_steps=10000,
        first="generator",
        fake_batch="reused",
        latent_draws="shared",
        detach_fake=True,
        discriminator_steps=EVERY_STEP,
        discriminator_loss=MinimaxDiscriminatorLoss(probability_floor=None, reduction="mean", real_label=1),
        generator_loss=SaturatingGeneratorLoss(probability_floor=None, reduction="mean", real_label=1),
        discriminator_optimizer=_ADAM,
        generator_optimizer=_ADAM,
        stop=StopRule(tolerance=1e-6),
    ),
)
