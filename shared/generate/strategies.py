"""Hypothesis strategies for whole GANs: every layer, loss and optimizer of the vocabulary, with every field varied.

Specs are valid by construction. Degenerate corners, in which rounding decides and so nothing could be compared, are
left out where they are known; each is named where it is.
"""

from __future__ import annotations

import math
from typing import Any

from hypothesis import strategies as st

from gan_rosetta.shared.generate.losses import Penalties, penalties_of
from gan_rosetta.shared.generate.regimes import REGIMES
from gan_rosetta.shared.generate.stack import MAX_WIDTH, Stack, convolutions_to, decimals
from gan_rosetta.shared.generate.trainings import pretrainings, trainings
from gan_rosetta.shared.spec import (
    Conv2d,
    DigitsReal,
    Dropout,
    GanSpec,
    GaussianReal,
    GridReal,
    HoledLatent,
    LatentSource,
    LinearGaussianReal,
    Network,
    NormalLatent,
    RealSource,
    RingReal,
    Shape,
    SineReal,
    SpiralReal,
    StratifiedLatent,
    ToyReal,
    Upsample,
)

_MAX_BATCH = 8


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
    penalties: Penalties = st.none()
    alone = False
    if penalised:
        alone = draw(st.integers(0, 3)) == 3
        penalties = penalties_of(deviates=batch_size * math.prod(shape) > 1, together=together, alone=alone)
    generator, latent = draw(_generators(real, normalised=normalised))
    epochs = isinstance(real, LinearGaussianReal | DigitsReal)
    pretraining = None
    if shape == (1,) and discriminator.output_shape == (1,) and draw(st.booleans()):
        pretraining = draw(pretrainings())
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
            trainings(
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
