"""1D Gaussian, with pretraining and an optional minibatch layer, plain gradient descent.

Eric Jang's "Generative Adversarial Nets in TensorFlow", as completed by John Glover (2016).
"""

from gan_rosetta.shared.spec import (
    EVERY_STEP,
    ZEROS,
    DensityRegression,
    ExponentialDecay,
    GanSpec,
    GaussianReal,
    GradientDescent,
    Layer,
    Linear,
    MeanSquaredErrorLoss,
    MinibatchDiscrimination,
    MinimaxDiscriminatorLoss,
    Network,
    NonSaturatingGeneratorLoss,
    Normal,
    Pretraining,
    Sigmoid,
    Softplus,
    StratifiedLatent,
    Tanh,
    Training,
)

_UNIT = Normal(standard_deviation=1.0)
_RATE = ExponentialDecay(initial=0.005, factor=0.95, every=150, staircase=True)
_OPTIMIZER = GradientDescent(learning_rate=_RATE)


def _linear(name: str, in_features: int, out_features: int) -> Linear:
    return Linear(name=name, in_features=in_features, out_features=out_features, weight_init=_UNIT, bias_init=ZEROS)


def _build(*, name: str, title: str, third: tuple[Layer, ...], num_features: int) -> GanSpec:
    return GanSpec(
        name=name,
        title=title,
        source="Glover 2016, An introduction to Generative Adversarial Networks (with code in TensorFlow)",
        batch_size=12,
        real=GaussianReal(mean=4.0, standard_deviation=0.5, sort=True),
        latent=StratifiedLatent(low=-8.0, high=8.0, jitter=0.01),
        generator=Network(input_shape=(1,), layers=(_linear("hidden", 1, 4), Softplus(), _linear("output", 4, 1))),
        discriminator=Network(
            input_shape=(1,),
            layers=(
                _linear("hidden1", 1, 8),
                Tanh(),
                _linear("hidden2", 8, 8),
                Tanh(),
                *third,
                _linear("output", num_features, 1),
                Sigmoid(),
            ),
        ),
        pretraining=Pretraining(
            num_steps=1000,
            data=DensityRegression(low=-5.0, high=5.0, mean=4.0, standard_deviation=0.5),
            loss=MeanSquaredErrorLoss(reduction="mean"),
            optimizer=_OPTIMIZER,
        ),
        training=Training(
            num_steps=1200,
            first="discriminator",
            fake_batch="regenerated",
            latent_draws="separate",
            detach_fake=True,
            discriminator_steps=EVERY_STEP,
            discriminator_loss=MinimaxDiscriminatorLoss(probability_floor=None, reduction="mean", real_label=1),
            generator_loss=NonSaturatingGeneratorLoss(probability_floor=None, reduction="mean", real_label=1),
            discriminator_optimizer=_OPTIMIZER,
            generator_optimizer=_OPTIMIZER,
            stop=None,
        ),
    )


SPEC = _build(
    name="gaussian-1d",
    title="1D Gaussian with a pretrained discriminator",
    third=(_linear("hidden3", 8, 8), Tanh()),
    num_features=8,
)
MINIBATCH_SPEC = _build(
    name="gaussian-1d-minibatch",
    title="1D Gaussian with pretraining and minibatch discrimination",
    third=(
        MinibatchDiscrimination(
            name="minibatch",
            in_features=8,
            num_kernels=5,
            kernel_dims=3,
            self_distance=True,
            weight_init=Normal(standard_deviation=0.02),
            bias_init=ZEROS,
        ),
    ),
    num_features=13,
)
