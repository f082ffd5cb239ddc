"""1D Gaussian in its later published form: ReLU, Adam as TensorFlow 1 has it, floored logarithms, no pretraining."""

from gan_rosetta.shared.spec import (
    EVERY_STEP,
    ZEROS,
    Adam,
    ConstantRate,
    GanSpec,
    GaussianReal,
    Layer,
    Linear,
    MinibatchDiscrimination,
    MinimaxDiscriminatorLoss,
    Network,
    NonSaturatingGeneratorLoss,
    Normal,
    ReLU,
    Sigmoid,
    Softplus,
    StratifiedLatent,
    Training,
)

_UNIT = Normal(standard_deviation=1.0)
_FLOOR = 1e-5
_ADAM = Adam(
    learning_rate=ConstantRate(value=0.001),
    beta1=0.9,
    beta2=0.999,
    epsilon=1e-8,
    epsilon_placement="hat",
    bias_correction=True,
)


def _linear(name: str, in_features: int, out_features: int) -> Linear:
    return Linear(name=name, in_features=in_features, out_features=out_features, weight_init=_UNIT, bias_init=ZEROS)


def _build(*, name: str, title: str, third: tuple[Layer, ...], num_features: int) -> GanSpec:
    return GanSpec(
        name=name,
        title=title,
        source="Glover 2016, later revision of the same program",
        batch_size=8,
        real=GaussianReal(mean=4.0, standard_deviation=0.5, sort=True),
        latent=StratifiedLatent(low=-8.0, high=8.0, jitter=0.01),
        generator=Network(input_shape=(1,), layers=(_linear("hidden", 1, 4), Softplus(), _linear("output", 4, 1))),
        discriminator=Network(
            input_shape=(1,),
            layers=(
                _linear("hidden1", 1, 8),
                ReLU(),
                _linear("hidden2", 8, 8),
                ReLU(),
                *third,
                _linear("output", num_features, 1),
                Sigmoid(),
            ),
        ),
        pretraining=None,
        training=Training(
            num_steps=5001,
            first="discriminator",
            fake_batch="regenerated",
            latent_draws="separate",
            detach_fake=True,
            discriminator_steps=EVERY_STEP,
            discriminator_loss=MinimaxDiscriminatorLoss(probability_floor=_FLOOR, reduction="mean", real_label=1),
            generator_loss=NonSaturatingGeneratorLoss(probability_floor=_FLOOR, reduction="mean", real_label=1),
            discriminator_optimizer=_ADAM,
            generator_optimizer=_ADAM,
            stop=None,
        ),
    )


SPEC = _build(
    name="gaussian-1d-adam",
    title="1D Gaussian with ReLU and TensorFlow 1's Adam",
    third=(_linear("hidden3", 8, 8), ReLU()),
    num_features=8,
)
MINIBATCH_SPEC = _build(
    name="gaussian-1d-adam-minibatch",
    title="1D Gaussian with ReLU, Adam and minibatch discrimination",
    third=(
        MinibatchDiscrimination(
            name="minibatch",
            in_features=8,
            num_kernels=5,
            kernel_dims=3,
            self_distance=False,
            weight_init=Normal(standard_deviation=0.02),
            bias_init=ZEROS,
        ),
    ),
    num_features=13,
)
