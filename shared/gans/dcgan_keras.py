"""Deep convolutional GAN on MNIST digits, as TensorFlow's tutorial has it.

It shows G's batch to D once, before either update, and leads both losses back from there: so G's update comes first
here, D's loss is of the batch that G made before it, and D's dropouts drop the same in both. Its last batch of an epoch
is short while its noise is not; short batches are left out here.
"""

from gan_rosetta.shared.spec import (
    EVERY_STEP,
    ZEROS,
    Adam,
    BatchNorm,
    ConstantRate,
    Conv2d,
    ConvTranspose2d,
    DigitsReal,
    Dropout,
    GanSpec,
    GlorotUniform,
    Layer,
    LeakyReLU,
    Linear,
    LogisticDiscriminatorLoss,
    LogisticGeneratorLoss,
    Network,
    NormalLatent,
    Reshape,
    Tanh,
    Training,
)

_KERNEL = 5
# What "same" leaves out of a transposed convolution of stride 2, and adds for one of stride 2: one more at the end.
_SAME_AT_STRIDE_2 = (1, 2, 1, 2)
_LEAKY = LeakyReLU(slope=0.3)
_ADAM = Adam(
    learning_rate=ConstantRate(value=1e-4),
    beta1=0.9,
    beta2=0.999,
    epsilon=1e-7,
    epsilon_placement="hat",
    bias_correction=True,
)


def _norm(name: str, num_features: int) -> BatchNorm:
    return BatchNorm(
        name=name,
        num_features=num_features,
        epsilon=1e-3,
        momentum=0.01,
        running_variance="biased",
        statistics="batch",
    )


def _up(name: str, in_channels: int, out_channels: int, *, stride: int) -> ConvTranspose2d:
    return ConvTranspose2d(
        name=name,
        in_channels=in_channels,
        out_channels=out_channels,
        kernel_size=_KERNEL,
        stride=stride,
        padding=2 if stride == 1 else 0,
        sides=None if stride == 1 else _SAME_AT_STRIDE_2,
        weight_init=GlorotUniform(),
        bias_init=None,
    )


def _down(index: int, in_channels: int, out_channels: int) -> tuple[Layer, ...]:
    conv = Conv2d(
        name=f"conv{index}",
        in_channels=in_channels,
        out_channels=out_channels,
        kernel_size=_KERNEL,
        stride=2,
        padding=0,
        sides=_SAME_AT_STRIDE_2,
        weight_init=GlorotUniform(),
        bias_init=ZEROS,
    )
    return (conv, _LEAKY, Dropout(name=f"drop{index}", probability=0.3, unit="entry"))


def _linear(name: str, in_features: int, out_features: int, *, has_bias: bool) -> Linear:
    return Linear(
        name=name,
        in_features=in_features,
        out_features=out_features,
        weight_init=GlorotUniform(),
        bias_init=ZEROS if has_bias else None,
    )


SPEC = GanSpec(
    name="dcgan-keras",
    title="Deep convolutional GAN on MNIST digits, padded as SAME, with dropout and logits",
    source="TensorFlow tutorials, dcgan; Radford, Metz and Chintala 2015",
    batch_size=256,
    real=DigitsReal(
        size=28, num_channels=1, low=-1.0, high=1.0, num_images=None, reshuffle=True, short_batch="dropped"
    ),
    latent=NormalLatent(shape=(100,), redraw="step"),
    generator=Network(
        input_shape=(100,),
        layers=(
            _linear("linear", 100, 256 * 7 * 7, has_bias=False),
            _norm("norm", 256 * 7 * 7),
            _LEAKY,
            Reshape(shape=(256, 7, 7)),
            _up("up1", 256, 128, stride=1),
            _norm("norm1", 128),
            _LEAKY,
            _up("up2", 128, 64, stride=2),
            _norm("norm2", 64),
            _LEAKY,
            _up("up3", 64, 1, stride=2),
            Tanh(),
        ),
    ),
    discriminator=Network(
        input_shape=(1, 28, 28),
        layers=(
            *_down(1, 1, 64),
            *_down(2, 64, 128),
            Reshape(shape=(128 * 7 * 7,)),
            _linear("output", 128 * 7 * 7, 1, has_bias=True),
        ),
    ),
    pretraining=None,
    training=Training(
        num_steps=950,
        first="generator",
        fake_batch="reused",
        latent_draws="shared",
        detach_fake=True,
        discriminator_steps=EVERY_STEP,
        discriminator_loss=LogisticDiscriminatorLoss(real_target=1.0, fake_target=0.0, factor=1.0, reduction="mean"),
        generator_loss=LogisticGeneratorLoss(target=1.0, factor=1.0, reduction="mean"),
        discriminator_optimizer=_ADAM,
        generator_optimizer=_ADAM,
        stop=None,
        dropout_masks="shared",
    ),
)
