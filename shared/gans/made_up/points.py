"""GANs of no published program on points of a plane: losses, optimizers, penalties and codes that no other has."""

from __future__ import annotations

from dataclasses import replace

from gan_rosetta.shared.gans.made_up.parts import SOURCE, adam, linear
from gan_rosetta.shared.spec import (
    ELU,
    EVERY_STEP,
    GELU,
    SELU,
    Adagrad,
    BalancedDiscriminatorLoss,
    BatchNorm,
    BinaryCrossEntropyDiscriminatorLoss,
    BoundarySeekingGeneratorLoss,
    Branch,
    Branches,
    CategoryLatent,
    ClassLoss,
    CodeError,
    ConstantRate,
    CosineDecay,
    Dropout,
    GanSpec,
    GradientClipping,
    GradientDescent,
    GradientPenalty,
    JoinedLatent,
    LeakyReLU,
    LinearDecay,
    LinearGaussianReal,
    LogisticDiscriminatorLoss,
    LogisticGeneratorLoss,
    MovingAverage,
    Network,
    Normal,
    NormalLatent,
    PiecewiseRate,
    PReLU,
    RelativisticDiscriminatorLoss,
    RelativisticGeneratorLoss,
    Sigmoid,
    SiLU,
    Tanh,
    Training,
    UniformLatent,
    WarmUp,
    WassersteinGeneratorLoss,
    WeightDecay,
)

_PLANE = LinearGaussianReal(matrix=((1.0, 2.0), (-0.1, 0.5)), offset=(1.0, 2.0), num_points=96)

SMOOTH_SPEC = GanSpec(
    name="smooth-2d",
    title="Smooth activations, a gate, a residual block and a balance on a 2D Gaussian, with a penalty of a power",
    source=SOURCE,
    batch_size=8,
    real=_PLANE,
    latent=NormalLatent(shape=(3,), redraw="step"),
    generator=Network(
        input_shape=(3,),
        layers=(
            linear("hidden1", 3, 6),
            SELU(),
            Branches(
                name="gate",
                join="multiply",
                branches=(
                    Branch(name="values", layers=(linear("hidden2", 6, 6), GELU(form="tanh"))),
                    Branch(name="gates", layers=(linear("hidden2", 6, 6), Sigmoid())),
                ),
            ),
            linear("hidden3", 6, 6),
            SiLU(),
            linear("output", 6, 2),
        ),
    ),
    discriminator=Network(
        input_shape=(2,),
        layers=(
            linear("hidden1", 2, 8),
            ELU(alpha=0.7),
            linear("hidden2", 8, 8),
            GELU(form="erf"),
            linear("hidden3", 8, 6),
            Branches(
                name="block1",
                join="add",
                branches=(
                    Branch(
                        name="main",
                        layers=(SELU(), linear("hidden4", 6, 6), GELU(form="tanh"), linear("hidden5", 6, 6)),
                    ),
                    Branch(name="shortcut"),
                ),
            ),
            SiLU(),
            linear("output", 6, 1),
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
        discriminator_loss=BalancedDiscriminatorLoss(
            initial_balance=0.3,
            diversity=0.5,
            rate=0.4,
            reduction="mean",
            penalty=GradientPenalty(weight=1.0, norm="sample", at="both", target=0.0, power=6),
        ),
        generator_loss=WassersteinGeneratorLoss(reduction="mean", real_label=0),
        discriminator_optimizer=adam(0.002),
        generator_optimizer=adam(0.001),
        stop=None,
    ),
)


_WARMED_UP = WarmUp(initial=0.01, duration=2, after=PiecewiseRate(values=(0.05, 0.02), boundaries=(2,)))

LOGISTIC_SPEC = replace(
    SMOOTH_SPEC,
    name="logistic-2d",
    title="Cross entropy of one logit, a smoothed label and learned slopes on a 2D Gaussian, by momentum and Adagrad",
    discriminator=Network(
        input_shape=(2,),
        layers=(
            linear("hidden1", 2, 8),
            Tanh(),
            linear("hidden2", 8, 6),
            PReLU(name="slopes", num_parameters=6, weight_init=Normal(standard_deviation=0.1, mean=0.25)),
            linear("output", 6, 1),
        ),
    ),
    training=replace(
        SMOOTH_SPEC.training,
        detach_fake=False,
        discriminator_loss=LogisticDiscriminatorLoss(real_target=0.9, fake_target=0.0, factor=0.5, reduction="mean"),
        generator_loss=LogisticGeneratorLoss(target=1.0, factor=1.0, reduction="mean"),
        generator_optimizer=GradientDescent(
            learning_rate=_WARMED_UP,
            momentum=0.9,
            momentum_of="step",
            nesterov=True,
            weight_decay=WeightDecay(share=0.1, by="parameter"),
        ),
        discriminator_optimizer=Adagrad(
            learning_rate=ConstantRate(value=0.01),
            epsilon=1e-7,
            epsilon_placement="inside",
            initial_sum=0.1,
            weight_decay=WeightDecay(share=0.05, by="gradient"),
        ),
    ),
)


RELATIVISTIC_SPEC = replace(
    LOGISTIC_SPEC,
    name="relativistic-2d",
    title="Relativistic average loss on a 2D Gaussian, with rates that fall in a line and by a cosine",
    training=replace(
        LOGISTIC_SPEC.training,
        discriminator_optimizer=replace(
            adam(0.002), learning_rate=LinearDecay(initial=0.002, final=0.0005, begin=1, duration=8)
        ),
        discriminator_clipping=GradientClipping(by="global_norm", bound=0.1, epsilon=1e-6),
        generator_optimizer=replace(
            adam(0.001), learning_rate=CosineDecay(initial=0.001, final=0.0001, duration=3, beyond="mirrored")
        ),
        discriminator_loss=RelativisticDiscriminatorLoss(
            average=True,
            factor=0.5,
            reduction="mean",
            penalty=GradientPenalty(
                weight=0.5,
                norm="sample",
                at="perturbed",
                mixing="entry",
                perturbation=0.5,
                deviation="unbiased",
                over="largest",
            ),
        ),
        generator_loss=RelativisticGeneratorLoss(average=True, terms="both", factor=0.5, reduction="mean"),
    ),
)

BOUNDARY_SPEC = replace(
    LOGISTIC_SPEC,
    name="boundary-2d",
    title="Boundary seeking loss of G on a 2D Gaussian, D by a penalty through dropout and batch norm alone",
    generator=Network(
        input_shape=(3,),
        layers=(
            replace(linear("hidden1", 3, 6), bias_init=None),
            BatchNorm(
                name="norm1",
                num_features=6,
                epsilon=1e-5,
                momentum=0.1,
                running_variance="unbiased",
                statistics="running",
            ),
            SELU(),
            linear("hidden2", 6, 6),
            GELU(form="tanh"),
            linear("output", 6, 2),
        ),
    ),
    discriminator=Network(
        input_shape=(2,),
        layers=(
            linear("hidden1", 2, 8),
            Tanh(),
            Dropout(name="drop1", probability=0.3, unit="entry"),
            BatchNorm(
                name="norm1",
                num_features=8,
                epsilon=0.1,
                momentum=0.1,
                running_variance="biased",
                statistics="batch",
                weight_init=Normal(standard_deviation=0.3, mean=1.0),
            ),
            linear("hidden2", 8, 6),
            LeakyReLU(slope=0.2),
            linear("output", 6, 1),
            Sigmoid(),
        ),
    ),
    training=replace(
        LOGISTIC_SPEC.training,
        detach_fake=True,
        discriminator_loss=BinaryCrossEntropyDiscriminatorLoss(
            log_floor=-100.0,
            denominator_floor=1e-12,
            factor=0.5,
            reduction="mean",
            real_label=1,
            penalty=GradientPenalty(weight=2.0, norm="sample", at="mixed", alone=True),
        ),
        generator_loss=BoundarySeekingGeneratorLoss(factor=0.5, reduction="mean"),
        discriminator_optimizer=replace(
            adam(0.002), amsgrad="as_kept", weight_decay=WeightDecay(share=0.1, by="parameter")
        ),
        generator_optimizer=replace(adam(0.001), amsgrad="as_kept"),
        discriminator_clipping=GradientClipping(by="norm", bound=0.02, epsilon=0.0),
        generator_clipping=GradientClipping(by="value", bound=0.01, epsilon=0.0),
        generator_average=MovingAverage(decay=0.9, start=1, warm_up="none", buffers="averaged"),
    ),
)


CODED_SPEC = replace(
    LOGISTIC_SPEC,
    name="coded-2d",
    title="A category and a code beside the noise of a 2D Gaussian, which D finds again, in an update of both too",
    latent=JoinedLatent(
        parts=(
            NormalLatent(shape=(2,), redraw="step"),
            CategoryLatent(num_categories=3, redraw="step"),
            UniformLatent(shape=(2,), low=-1.0, high=1.0, redraw="step"),
        )
    ),
    generator=Network(input_shape=(7,), layers=(linear("hidden1", 7, 6), Tanh(), linear("output", 6, 2))),
    discriminator=Network(
        input_shape=(2,),
        layers=(
            linear("hidden1", 2, 8),
            Tanh(),
            Branches(
                name="h",
                join="concatenate",
                branches=(
                    Branch(name="score", layers=(linear("linear", 8, 1),)),
                    Branch(
                        name="category",
                        layers=(linear("linear", 8, 3), CodeError(form="cross-entropy", start=2, stop=5)),
                    ),
                    Branch(
                        name="code",
                        layers=(linear("linear", 8, 2), CodeError(form="squared-error", start=5, stop=7)),
                    ),
                ),
            ),
        ),
    ),
    training=replace(
        LOGISTIC_SPEC.training,
        generator_optimizer=adam(0.001),
        discriminator_optimizer=adam(0.002),
        class_loss=ClassLoss(on_real=0.0, on_fake=0.5, of_generator=1.0, of_joint=0.75),
        second_class_loss=ClassLoss(on_real=0.0, on_fake=1.0, of_generator=0.25, of_joint=0.5),
        joint_optimizer=adam(0.004),
    ),
)
