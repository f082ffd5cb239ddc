"""Hypothesis strategies for whole GANs: every layer, loss and optimizer of the vocabulary, with every field varied.

Specs are valid by construction. Degenerate corners, in which rounding decides and so nothing could be compared, are
left out where they are known; each is named where it is.
"""

from __future__ import annotations

import math
from typing import Any

from hypothesis import strategies as st

from gan_rosetta.shared.generate.regimes import REGIMES
from gan_rosetta.shared.generate.stack import MAX_WIDTH, Stack, convolutions_to, decimals
from gan_rosetta.shared.spec import (
    EVERY_STEP,
    Adadelta,
    Adagrad,
    Adam,
    BalancedDiscriminatorLoss,
    BinaryCrossEntropyDiscriminatorLoss,
    BinaryCrossEntropyGeneratorLoss,
    BoundarySeekingGeneratorLoss,
    ClassLoss,
    ConstantRate,
    Conv2d,
    CosineDecay,
    CrossEntropyDiscriminatorLoss,
    CrossEntropyGeneratorLoss,
    DensityRegression,
    DigitsReal,
    DistanceLoss,
    Dropout,
    ExponentialDecay,
    GanSpec,
    GaussianReal,
    GradientClipping,
    GradientDescent,
    GradientPenalty,
    GridReal,
    HingeDiscriminatorLoss,
    HoledLatent,
    LatentSource,
    LearningRate,
    LeastSquaresDiscriminatorLoss,
    LeastSquaresGeneratorLoss,
    LinearDecay,
    LinearGaussianReal,
    LogisticDiscriminatorLoss,
    LogisticGeneratorLoss,
    MarginDiscriminatorLoss,
    MeanSquaredErrorLoss,
    MinimaxDiscriminatorLoss,
    MovingAverage,
    Network,
    NonSaturatingGeneratorLoss,
    NormalLatent,
    Optimizer,
    PiecewiseRate,
    Pretraining,
    RealSource,
    RelativisticDiscriminatorLoss,
    RelativisticGeneratorLoss,
    RingReal,
    RMSprop,
    SaturatingGeneratorLoss,
    Shape,
    SineReal,
    SpiralReal,
    StepPattern,
    StopRule,
    StratifiedLatent,
    ToyReal,
    Training,
    Upsample,
    WarmUp,
    WassersteinDiscriminatorLoss,
    WassersteinGeneratorLoss,
    WeightClipping,
    WeightDecay,
)

NUM_STEPS = 3
_MAX_BATCH = 8

_REDUCTIONS = st.sampled_from(["mean", "sum"])
_LABELS = st.sampled_from([1, 0])
# Not 0.5, which is what a discriminator gives whose every unit is dead: there the floor would be met exactly.
_FLOORS = st.sampled_from([None, 1e-12, 0.3])
_LOG_FLOORS = st.sampled_from([-100.0, -0.5])
# Well inside of what is drawn as weights, or beyond it; none in most.
_AVERAGES = st.one_of(
    st.none(),
    st.none(),
    st.builds(
        MovingAverage,
        decay=st.sampled_from([0.0, 0.5, 0.9, 0.999]),
        start=st.integers(0, 2),
        warm_up=st.sampled_from(["none", "counted"]),
        buffers=st.sampled_from(["averaged", "copied"]),
    ),
)
_GRADIENTS = st.one_of(
    st.none(),
    st.none(),
    st.builds(GradientClipping, by=st.just("value"), bound=decimals(0.01, 1, digits=2), epsilon=st.just(0.0)),
    st.builds(
        GradientClipping,
        by=st.sampled_from(["norm", "global_norm"]),
        bound=decimals(0.01, 1, digits=2),
        epsilon=st.sampled_from([0.0, 1e-8, 1e-6]),
    ),
)
_WEIGHTS_OF_CLASSES = st.sampled_from([0.5, 1.0, 0.0])
_CLASS_LOSSES = st.builds(
    ClassLoss,
    on_real=_WEIGHTS_OF_CLASSES,
    on_fake=_WEIGHTS_OF_CLASSES,
    of_generator=st.sampled_from([0.5, 1.0, 0.0, -0.5]),
)
_DISTANCES = st.one_of(
    st.none(),
    st.none(),
    st.none(),
    st.builds(DistanceLoss, by=st.sampled_from(["absolute", "squares"]), weight=decimals(0.1, 10, digits=1)),
)
_CLIPPINGS = st.sampled_from([None, None, WeightClipping(bound=0.1), WeightClipping(bound=1.0)])
_TARGETS = decimals(-1, 1, digits=1)
_SHARES = st.sampled_from([1.0, 0.0, 0.9, 0.3])
_FACTORS = st.sampled_from([0.5, 1.0, 2.0])
_DENOMINATOR_FLOORS = st.sampled_from([1e-12, 0.2])


@st.composite
def gan_specs(draw: Any) -> GanSpec:
    """Draw a GAN of three steps; a third of all are sent where GANs go badly, or far on."""
    score = draw(st.sampled_from(["probability", "logits", "logit", "critic", "squares"]))
    penalised = score != "logits" and draw(st.integers(0, 3)) in ((2, 3) if score == "critic" else (3,))
    batch_size = draw(_batch_sizes(score))
    real = draw(_real_sources(batch_size, powers_of_two=score == "critic"))
    shape = real.sample_shape
    normalised = batch_size >= 2
    # Every row of the sine is the same: in D its batch variance would be rounding noise, divided by itself, and the
    # signs of its samples' distances from each other those of rounding.
    varied = not isinstance(real, SineReal)
    # A penalty in both batches at once goes through layers that treat samples alone.
    together = penalised and draw(st.integers(0, 3)) == 3
    discriminator = draw(
        _discriminators(
            real, score, plain=penalised, normalised=normalised and varied and not together, minibatch=varied
        )
    )
    penalties: _Penalties = st.none()
    alone = False
    if penalised:
        alone = draw(st.integers(0, 3)) == 3
        penalties = _penalties(deviates=batch_size * math.prod(shape) > 1, together=together, alone=alone)
    generator, latent = draw(_generators(real, normalised=normalised))
    epochs = isinstance(real, LinearGaussianReal | DigitsReal)
    pretraining = None
    if shape == (1,) and discriminator.output_shape == (1,) and draw(st.booleans()):
        pretraining = draw(_pretrainings())
    spec = GanSpec(
        name="generated",
        title="Generated",
        source="drawn at random",
        batch_size=batch_size,
        real=real,
        latent=latent,
        generator=generator,
        discriminator=discriminator,
        pretraining=pretraining,
        training=draw(
            _trainings(
                score,
                penalties=penalties,
                alone=alone,
                generator=generator,
                holed=isinstance(latent, HoledLatent),
                epochs=epochs,
                num_told=discriminator.output_shape[0] - 1 if score != "logits" else 0,
                drops=any(isinstance(layer, Dropout) for layer in discriminator.all_layers),
            )
        ),
    )
    regime = draw(st.sampled_from([None] * (2 * len(REGIMES)) + list(REGIMES)))
    return spec if regime is None else REGIMES[regime](spec)


def _batch_sizes(score: str) -> st.SearchStrategy[int]:
    # A critic's last bias has the gradient -1 + 1, sums of batch_size times 1/batch_size, exactly 0 in every program
    # only where 1/batch_size and all its multiples are exact: for powers of two.
    return st.sampled_from([4, 2, 8, 1]) if score == "critic" else st.integers(1, _MAX_BATCH)


@st.composite
def _real_sources(draw: Any, batch_size: int, *, powers_of_two: bool) -> RealSource:
    def pool_size() -> int:
        # The last batch of an epoch may be short; never of one sample, which has no variance, where others have more.
        short = [size for size in range(2, batch_size) if not powers_of_two or size in (2, 4)]
        return batch_size * draw(st.integers(1, 2)) + draw(st.sampled_from([0, *short]))

    kind = draw(st.sampled_from([GaussianReal, LinearGaussianReal, SineReal, DigitsReal, DigitsReal, ToyReal]))
    if kind is GaussianReal:
        return GaussianReal(
            mean=draw(decimals(-2, 2, digits=1)),
            standard_deviation=draw(decimals(0.3, 2, digits=1)),
            sort=draw(st.booleans()),
        )
    if kind is LinearGaussianReal:
        size = draw(st.integers(1, 3))
        row = st.lists(decimals(-1, 1, digits=1), min_size=size, max_size=size).map(tuple)
        # A matrix without rank would give points that are all alike.
        offset = draw(row)
        matrix = tuple(
            tuple(entry + (1.5 if i == j else 0.0) for j, entry in enumerate(draw(row))) for i in range(size)
        )
        return LinearGaussianReal(matrix=matrix, offset=offset, num_points=pool_size())
    if kind is SineReal:
        return SineReal(num_points=draw(st.integers(2, MAX_WIDTH)))
    if kind is ToyReal:
        return draw(_toys())
    low, size = draw(st.sampled_from([-1.0, 0.0])), draw(st.integers(2, 8))
    return DigitsReal(
        size=size,
        num_channels=draw(st.integers(1, 3)),
        low=low,
        high=1.0,
        num_images=pool_size(),
        reshuffle=draw(st.booleans()),
        short_batch=draw(st.sampled_from(["kept", "kept", "dropped"])),
        part=draw(st.one_of(st.none(), st.none(), st.none(), st.integers(1, size - 1))),
    )


def _toys() -> st.SearchStrategy[ToyReal]:
    spread, size = decimals(0.1, 1, digits=1), decimals(0.5, 2, digits=1)
    return st.one_of(
        st.builds(RingReal, num_modes=st.integers(1, 9), radius=size, standard_deviation=spread),
        st.builds(GridReal, side=st.integers(1, 5), spacing=size, standard_deviation=spread),
        st.builds(SpiralReal, num_arms=st.integers(1, 3), num_turns=size, radius=size, standard_deviation=spread),
    )


@st.composite
def _discriminators(
    draw: Any, real: RealSource, score: str, *, plain: bool, normalised: bool, minibatch: bool
) -> Network:
    shape, classes = real.sample_shape, isinstance(real, DigitsReal)
    stack = Stack(draw, shape, plain=plain, normalised=normalised, classes=classes)
    image = len(shape) == 3
    if image:
        stack.perhaps_augmented()
        for _ in range(draw(st.integers(0, 2))):
            stack.perhaps_upsample()
            stack.perhaps_shuffle()
            stack.any_convolution()
            stack.after()
            stack.perhaps_modulated()
            stack.perhaps_attention()
            stack.perhaps_block()
            stack.perhaps_pool()
    # A convolution as wide as its image ends in (1, 1, 1), which a score may be; one of an entry in a map of scores.
    kernel = stack.shape[1] if image and len(set(stack.shape[1:])) == 1 else 0
    if image and score != "logits" and draw(st.integers(0, 3)) == 3 and _may_be_map(stack.shape, score):
        stack.convolution(Conv2d, 1, kernel=1, stride=1, padding=0)
    elif kernel and score != "logits" and draw(st.booleans()):
        stack.convolution(Conv2d, 1, kernel=kernel, stride=draw(st.integers(1, 2)), padding=0)
    else:
        stack.perhaps_global_pool()
        stack.flatten()
        stack.perhaps_class()
        for _ in range(draw(st.integers(0, 2))):
            stack.hidden(minibatch=minibatch)
        if score not in ("logits", "critic") and classes and not plain and draw(st.booleans()):
            stack.heads(is_probability=score == "probability")
            return stack.network()
        if score != "logits" and classes and not plain and draw(st.integers(0, 2)) == 2:
            stack.projected()
        elif score not in ("logits", "probability") and not plain and draw(st.integers(0, 5)) == 5:
            stack.energy()
        else:
            stack.linear(2 if score == "logits" else 1)
        if score != "logits" and draw(st.integers(0, 5)) == 5:
            stack.reshape((1, 1, 1))
    if score == "probability":
        stack.sigmoid()
    return stack.network()


def _may_be_map(shape: Shape, score: str) -> bool:
    """Whether D may give a score for each place; of a critic's see _batch_sizes."""
    return score != "critic" or math.prod(shape[1:]) in (1, 2, 4, 8, 16, 32, 64)


@st.composite
def _generators(draw: Any, real: RealSource, *, normalised: bool) -> tuple[Network, LatentSource]:
    """Draw a generator and its latent source. Convolutions are drawn from the last to the first, so that sizes fit."""
    shape = real.sample_shape
    convolutions: list[tuple[type, int, int, int, int]] = []
    start = shape
    if len(shape) == 3:
        size = shape[1]
        for _ in range(draw(st.integers(0, 2))):
            step = draw(st.sampled_from(convolutions_to(size)))
            convolutions.insert(0, step)
            size = step[1]
            if size % 2 == 0 and draw(st.integers(0, 3)) == 3:
                convolutions.insert(0, (Upsample, size // 2, 2, 1, 0))
                size //= 2
        if convolutions:
            start = (draw(st.integers(1, 3)), size, size)
    holed = _perhaps_holed(draw, real)
    if holed is None and len(start) == 3 and convolutions and draw(st.booleans()):
        latent: LatentSource = _normal_latent(draw, start)
        stack = Stack(draw, start, plain=False, normalised=normalised, classes=isinstance(real, DigitsReal))
    else:
        latent = draw(_latent_sources()) if holed is None else holed
        classes = isinstance(real, DigitsReal)
        stack = Stack(draw, latent.sample_shape, plain=False, normalised=normalised, classes=classes)
        stack.flatten()
        stack.perhaps_class()
        for _ in range(draw(st.integers(0, 2))):
            stack.hidden(minibatch=False)
        stack.linear(math.prod(start))
        if convolutions:
            stack.after()
        stack.reshape(start)
    for index, (kind, _, kernel, stride, padding) in enumerate(convolutions):
        if kind is Upsample:
            stack.upsample(kernel)
            continue
        last = index == len(convolutions) - 1
        channels = shape[0] if last else draw(st.integers(1, 3))
        stack.convolution(kind, channels, kernel=kernel, stride=stride, padding=padding)
        if not last:
            stack.after()
            stack.perhaps_modulated()
            stack.perhaps_attention()
            stack.perhaps_block()
    if draw(st.integers(0, 2)) == 2:
        stack.activation()
    return stack.network(), latent


def _perhaps_holed(draw: Any, real: RealSource) -> HoledLatent | None:
    """Draw images with holes where D is shown what these leave out, and now and then where it is shown whole ones."""
    if not isinstance(real, DigitsReal) or (real.part is None and draw(st.integers(0, 5)) != 5):
        return None
    hole = draw(st.integers(1, real.size - 1)) if real.part is None else real.part
    fill = draw(st.sampled_from([1.0, -1.0, 0.0]))
    return HoledLatent(num_channels=real.num_channels, size=real.size, hole=hole, fill=fill)


@st.composite
def _latent_sources(draw: Any) -> LatentSource:
    if draw(st.integers(0, 3)) == 3:
        return StratifiedLatent(low=-2.0, high=draw(decimals(1, 3, digits=1)), jitter=draw(decimals(0, 0.5, digits=2)))
    shape = draw(st.sampled_from([(1,), (2,), (3,), (5,), (2, 1, 1), (1, 2, 2)]))
    return _normal_latent(draw, shape)


def _normal_latent(draw: Any, shape: Shape) -> NormalLatent:
    return NormalLatent(shape=shape, redraw=draw(st.sampled_from(["step", "never"])))


@st.composite
def _trainings(
    draw: Any,
    score: str,
    *,
    penalties: _Penalties,
    alone: bool,
    generator: Network,
    holed: bool,
    epochs: bool,
    num_told: int,
    drops: bool,
) -> Training:
    first = draw(st.sampled_from(["discriminator", "generator"]))
    may_reuse = not (first == "discriminator" and generator.has_buffers)
    reused = may_reuse and draw(st.booleans())
    separate = not reused and not holed and draw(st.booleans())
    stops = score == "probability" and not num_told and draw(st.booleans())
    detached = alone or first == "generator" or draw(st.booleans())
    masks: Any = draw(st.sampled_from(["separate", "shared"])) if drops else "separate"
    may_ask_again = num_told > 1 and masks == "separate"
    return Training(
        num_steps=NUM_STEPS,
        first=first,
        fake_batch="reused" if reused else "regenerated",
        latent_draws="separate" if separate else "shared",
        detach_fake=detached,
        discriminator_steps=EVERY_STEP if reused else draw(_patterns(epochs)),
        generator_steps=EVERY_STEP if reused or not detached else draw(_patterns(epochs)),
        weight_clipping=draw(_CLIPPINGS),
        generator_average=draw(_AVERAGES),
        discriminator_clipping=draw(_GRADIENTS),
        generator_clipping=draw(_GRADIENTS),
        discriminator_loss=draw(_discriminator_losses(score, penalties)),
        generator_loss=draw(_generator_losses(score)),
        discriminator_optimizer=draw(_optimizers(epochs)),
        generator_optimizer=draw(_optimizers(epochs)),
        steps_per_batch=draw(st.sampled_from([1, 1, 1, 2])),
        dropout_masks=masks,
        class_loss=draw(_CLASS_LOSSES) if num_told else None,
        second_class_loss=draw(_CLASS_LOSSES) if num_told > 1 else None,
        second_class_asked="again" if may_ask_again and draw(st.booleans()) else "together",
        distance_loss=draw(_DISTANCES),
        # Of a tolerance near which no score comes but one half itself, so that rounding does not decide when it ends.
        stop=StopRule(tolerance=1e-9) if stops else None,
    )


@st.composite
def _patterns(draw: Any, epochs: bool) -> StepPattern:
    period = draw(st.integers(1, NUM_STEPS))
    offsets = draw(st.sets(st.integers(0, period - 1), min_size=1))
    counted: Any = draw(st.sampled_from(["training", "epoch"])) if epochs else "training"
    return StepPattern(period=period, offsets=tuple(sorted(offsets)), counted=counted)


_MIXINGS: st.SearchStrategy[Any] = st.sampled_from(["sample", "entry"])


_Penalties = st.SearchStrategy[GradientPenalty] | st.SearchStrategy[None]


def _penalties(*, deviates: bool, together: bool, alone: bool) -> st.SearchStrategy[GradientPenalty]:
    """deviates: whether a batch has numbers enough for a standard deviation; together: perhaps of both at once.

    alone: the field.
    """
    places: list[dict[str, st.SearchStrategy[Any]]] = [
        {"at": st.sampled_from(["real", "fake", "both"] if together else ["real", "fake"])},
        {"at": st.just("mixed"), "mixing": _MIXINGS},
        {
            "at": st.just("perturbed"),
            "mixing": _MIXINGS,
            "perturbation": decimals(0.1, 2, digits=1),
            "deviation": st.sampled_from(["biased", "unbiased"]),
        },
    ][: 3 if deviates else 2]
    powers: list[dict[str, st.SearchStrategy[Any]]] = [
        {"target": st.sampled_from([1.0, 0.5])},
        {"target": st.just(0.0), "power": st.sampled_from([2, 4, 6])},
    ]
    how: dict[str, st.SearchStrategy[Any]] = {
        "weight": decimals(0.1, 10, digits=1),
        "norm": st.sampled_from(["channel", "sample"]),
        "over": st.sampled_from(["mean", "mean", "largest"]),
        "alone": st.just(alone),
    }
    return st.one_of(*(st.builds(GradientPenalty, **how, **at, **power) for at in places for power in powers))


def _discriminator_losses(score: str, penalties: _Penalties) -> st.SearchStrategy[Any]:
    shared: dict[str, Any] = {"reduction": _REDUCTIONS, "real_label": _LABELS}
    if score == "logits":
        return st.builds(CrossEntropyDiscriminatorLoss, **shared)
    penalty: dict[str, Any] = {"penalty": penalties}
    if score == "critic":
        wasserstein = st.builds(WassersteinDiscriminatorLoss, **shared, **penalty)
        margin = st.builds(
            MarginDiscriminatorLoss,
            margin=decimals(0.1, 2, digits=1),
            over=st.sampled_from(["sample", "batch"]),
            reduction=_REDUCTIONS,
            **penalty,
        )
        balanced = st.builds(
            BalancedDiscriminatorLoss,
            initial_balance=decimals(0, 1, digits=1),
            diversity=decimals(0, 1, digits=2),
            rate=decimals(0.001, 0.5, digits=3),
            reduction=_REDUCTIONS,
            **penalty,
        )
        return st.one_of(wasserstein, st.builds(HingeDiscriminatorLoss, **shared, **penalty), margin, balanced)
    if score == "squares":
        targets = {"real_target": _TARGETS, "fake_target": _TARGETS}
        how = {"factor": _FACTORS, "reduction": _REDUCTIONS}
        return st.builds(LeastSquaresDiscriminatorLoss, **how, **targets, **penalty)
    if score == "logit":
        targets = {"real_target": _SHARES, "fake_target": _SHARES}
        how = {"factor": _FACTORS, "reduction": _REDUCTIONS}
        relativistic = st.builds(RelativisticDiscriminatorLoss, average=st.booleans(), **how, **penalty)
        return st.one_of(st.builds(LogisticDiscriminatorLoss, **how, **targets, **penalty), relativistic)
    floors = {"log_floor": _LOG_FLOORS, "denominator_floor": _DENOMINATOR_FLOORS}
    return st.one_of(
        st.builds(MinimaxDiscriminatorLoss, probability_floor=_FLOORS, factor=_FACTORS, **shared, **penalty),
        st.builds(BinaryCrossEntropyDiscriminatorLoss, factor=_FACTORS, **floors, **shared, **penalty),
    )


def _generator_losses(score: str) -> st.SearchStrategy[Any]:
    shared = {"reduction": _REDUCTIONS, "real_label": _LABELS}
    if score == "critic":
        return st.builds(WassersteinGeneratorLoss, **shared)
    if score == "logits":
        return st.builds(CrossEntropyGeneratorLoss, **shared)
    if score == "squares":
        return st.builds(LeastSquaresGeneratorLoss, target=_TARGETS, factor=_FACTORS, reduction=_REDUCTIONS)
    if score == "logit":
        how = {"factor": _FACTORS, "reduction": _REDUCTIONS}
        terms = st.sampled_from(["both", "fake"])
        relativistic = st.builds(RelativisticGeneratorLoss, average=st.booleans(), terms=terms, **how)
        return st.one_of(st.builds(LogisticGeneratorLoss, target=_SHARES, **how), relativistic)
    floors = {"log_floor": _LOG_FLOORS, "denominator_floor": _DENOMINATOR_FLOORS}
    return st.one_of(
        st.builds(NonSaturatingGeneratorLoss, probability_floor=_FLOORS, **shared),
        st.builds(SaturatingGeneratorLoss, probability_floor=_FLOORS, **shared),
        st.builds(BinaryCrossEntropyGeneratorLoss, factor=_FACTORS, **floors, **shared),
        st.builds(BoundarySeekingGeneratorLoss, factor=_FACTORS, reduction=_REDUCTIONS),
    )


def _learning_rates(low: float, high: float, epochs: bool) -> st.SearchStrategy[LearningRate]:
    # Modest rates: three steps are to be taken, not survived.
    rates = decimals(low, high, digits=4)
    counted = st.sampled_from(["updates", "epochs"]) if epochs else st.just("updates")
    constant = st.builds(ConstantRate, value=rates)
    falling = (
        st.builds(
            ExponentialDecay,
            initial=rates,
            factor=decimals(0.3, 1.1, digits=2),
            every=st.integers(1, 3),
            staircase=st.booleans(),
            counted=counted,
        ),
        st.builds(
            LinearDecay,
            initial=rates,
            final=decimals(0.0, low, digits=4),
            begin=st.integers(0, 2),
            duration=st.integers(1, 3),
            counted=counted,
        ),
        st.builds(
            CosineDecay,
            initial=rates,
            final=decimals(0.0, low, digits=4),
            duration=st.integers(1, 3),
            beyond=st.sampled_from(["held", "mirrored"]),
            counted=counted,
        ),
        st.builds(
            PiecewiseRate,
            values=st.tuples(rates, rates),
            boundaries=st.tuples(st.integers(1, 2)),
            counted=counted,
        ),
    )
    warmed = st.builds(
        WarmUp,
        initial=decimals(0.0, low, digits=4),
        duration=st.integers(1, 2),
        after=st.one_of(*(() if epochs else (constant,)), *falling),
    )
    return st.one_of(constant, *falling, warmed)


def _optimizers(epochs: bool) -> st.SearchStrategy[Optimizer]:
    decays = st.one_of(st.none(), st.none(), _WEIGHT_DECAYS)
    momenta = {
        "momentum": st.sampled_from([0.0, 0.9, 0.5]),
        "momentum_of": st.sampled_from(["direction", "step"]),
        "weight_decay": decays,
    }
    return st.one_of(
        st.builds(GradientDescent, learning_rate=_learning_rates(0.001, 0.05, epochs), **momenta),
        st.builds(
            GradientDescent,
            learning_rate=_learning_rates(0.001, 0.05, epochs),
            nesterov=st.just(True),
            **(momenta | {"momentum": st.sampled_from([0.9, 0.5])}),
        ),
        st.builds(
            Adam,
            learning_rate=_learning_rates(0.0001, 0.02, epochs),
            beta1=st.sampled_from([0.9, 0.5, 0.0]),
            beta2=st.sampled_from([0.999, 0.99, 0.9]),
            epsilon=st.sampled_from([1e-8, 1e-7, 1e-3]),
            epsilon_placement=st.sampled_from(["outside", "hat"]),
            bias_correction=st.sampled_from([True, True, False]),
            amsgrad=st.sampled_from(["no", "no", "as_kept"]),
            weight_decay=decays,
        ),
        st.builds(
            Adam,
            learning_rate=_learning_rates(0.0001, 0.02, epochs),
            beta1=st.sampled_from([0.9, 0.0]),
            beta2=st.sampled_from([0.999, 0.9]),
            epsilon=st.sampled_from([1e-8, 1e-3]),
            epsilon_placement=st.just("outside"),
            bias_correction=st.just(True),
            amsgrad=st.just("corrected"),
            weight_decay=decays,
        ),
        st.builds(
            Adadelta,
            learning_rate=_learning_rates(0.1, 1.0, epochs),
            rho=st.sampled_from([0.9, 0.95, 0.5]),
            epsilon=st.sampled_from([1e-6, 1e-4]),
            weight_decay=decays,
        ),
        st.builds(
            Adagrad,
            learning_rate=_learning_rates(0.0001, 0.02, epochs),
            epsilon=st.sampled_from([1e-10, 1e-7, 1e-3]),
            epsilon_placement=st.sampled_from(["outside", "inside"]),
            initial_sum=st.sampled_from([0.0, 0.1]),
            weight_decay=decays,
        ),
        st.builds(
            RMSprop,
            learning_rate=_learning_rates(0.0001, 0.01, epochs),
            rho=st.sampled_from([0.99, 0.9, 0.5]),
            epsilon=st.sampled_from([1e-8, 1e-7, 1e-3]),
            epsilon_placement=st.sampled_from(["outside", "inside"]),
            centered=st.booleans(),
            **momenta,
        ),
    )


_WEIGHT_DECAYS = st.builds(
    WeightDecay,
    share=decimals(0.001, 0.1, digits=3),
    by=st.sampled_from(["gradient", "parameter", "parameter_alone"]),
)


@st.composite
def _pretrainings(draw: Any) -> Pretraining:
    data = DensityRegression(
        low=-3.0,
        high=3.0,
        mean=draw(decimals(-1, 1, digits=1)),
        standard_deviation=draw(decimals(0.3, 2, digits=1)),
    )
    return Pretraining(
        num_steps=draw(st.sampled_from([NUM_STEPS, 1, 0])),
        data=data,
        loss=MeanSquaredErrorLoss(reduction=draw(_REDUCTIONS)),
        optimizer=draw(_optimizers(False)),
    )
