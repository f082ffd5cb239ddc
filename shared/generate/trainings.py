"""Strategies for how both players train, and D before: turns, clippings, averages."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from gan_rosetta.shared.generate.draws import decimals
from gan_rosetta.shared.generate.losses import (
    CLASS_LOSSES,
    DISTANCES,
    REDUCTIONS,
    Penalties,
    discriminator_losses,
    generator_losses,
)
from gan_rosetta.shared.generate.optimizers import optimizers
from gan_rosetta.shared.spec import (
    EVERY_STEP,
    DensityRegression,
    GradientClipping,
    MeanSquaredErrorLoss,
    MovingAverage,
    Network,
    Pretraining,
    StepPattern,
    StopRule,
    Training,
    WeightClipping,
)

NUM_STEPS = 3

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
_CLIPPINGS = st.sampled_from([None, None, WeightClipping(bound=0.1), WeightClipping(bound=1.0)])


@st.composite
def trainings(
    draw: Any,
    score: str,
    *,
    penalties: Penalties,
    alone: bool,
    generator: Network,
    holed: bool,
    epochs: bool,
    num_told: int,
    drops: bool,
) -> Training:
    """Draw how both players train.

    score: the kind of D's, such as "logit"; penalties: what to draw its penalty from; alone: whether that is all that D
    follows; holed: whether G starts from images with holes; epochs: whether data has any; num_told: how many numbers D
    gives beside its score; drops: whether D drops numbers.
    """
    first = draw(st.sampled_from(["discriminator", "generator"]))
    may_reuse = not (first == "discriminator" and generator.has_buffers)
    reused = may_reuse and draw(st.booleans())
    separate = not reused and not holed and draw(st.booleans())
    stops = score == "probability" and not num_told and draw(st.booleans())
    detached = alone or first == "generator" or draw(st.booleans())
    masks: Any = draw(st.sampled_from(["separate", "shared"])) if drops else "separate"
    may_ask_again = num_told > 1 and masks == "separate"
    class_losses = [draw(CLASS_LOSSES) for _ in range(num_told)]
    joint = bool(num_told) and not holed and draw(st.booleans())
    if joint:
        class_losses = [replace(each, of_joint=weight) for each, weight in zip(class_losses, (0.5, 1.0), strict=False)]
    return Training(
        num_steps=NUM_STEPS,
        first=first,
        fake_batch="reused" if reused else "regenerated",
        latent_draws="separate" if separate else "shared",
        detach_fake=detached,
        discriminator_steps=EVERY_STEP if reused else draw(_patterns(epochs)),
        generator_steps=EVERY_STEP if reused or not detached else draw(_patterns(epochs)),
        weight_clipping=None if joint else draw(_CLIPPINGS),
        generator_average=None if joint else draw(_AVERAGES),
        discriminator_clipping=draw(_GRADIENTS),
        generator_clipping=draw(_GRADIENTS),
        discriminator_loss=draw(discriminator_losses(score, penalties)),
        generator_loss=draw(generator_losses(score)),
        discriminator_optimizer=draw(optimizers(epochs)),
        generator_optimizer=draw(optimizers(epochs)),
        steps_per_batch=draw(st.sampled_from([1, 1, 1, 2])),
        dropout_masks=masks,
        class_loss=class_losses[0] if num_told else None,
        second_class_loss=class_losses[1] if num_told > 1 else None,
        joint_optimizer=draw(optimizers(epochs)) if joint else None,
        second_class_asked="again" if may_ask_again and draw(st.booleans()) else "together",
        distance_loss=draw(DISTANCES),
        # Of a tolerance near which no score comes but one half itself, so that rounding does not decide when it ends.
        stop=StopRule(tolerance=1e-9) if stops else None,
    )


@st.composite
def _patterns(draw: Any, epochs: bool) -> StepPattern:
    period = draw(st.integers(1, NUM_STEPS))
    offsets = draw(st.sets(st.integers(0, period - 1), min_size=1))
    counted: Any = draw(st.sampled_from(["training", "epoch"])) if epochs else "training"
    return StepPattern(period=period, offsets=tuple(sorted(offsets)), counted=counted)


@st.composite
def pretrainings(draw: Any) -> Pretraining:
    """Draw a pretraining of D on a density."""
    data = DensityRegression(
        low=-3.0,
        high=3.0,
        mean=draw(decimals(-1, 1, digits=1)),
        standard_deviation=draw(decimals(0.3, 2, digits=1)),
    )
    return Pretraining(
        num_steps=draw(st.sampled_from([NUM_STEPS, 1, 0])),
        data=data,
        loss=MeanSquaredErrorLoss(reduction=draw(REDUCTIONS)),
        optimizer=draw(optimizers(False)),
    )
