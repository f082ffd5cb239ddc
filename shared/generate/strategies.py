"""Hypothesis strategies for whole GANs: every layer, loss and optimizer of the vocabulary, with every field varied.

Specs are valid by construction. Degenerate corners, in which rounding decides and so nothing could be compared, are
left out where they are known; each is named where it is.
"""

from __future__ import annotations

import math
from typing import Any

from hypothesis import strategies as st

from gan_rosetta.shared.generate.branches import energy, perhaps_attention, perhaps_block, perhaps_modulated
from gan_rosetta.shared.generate.classes import heads, perhaps_class, projected
from gan_rosetta.shared.generate.draws import MAX_WIDTH
from gan_rosetta.shared.generate.images import (
    any_convolution,
    convolutions_to,
    foldings,
    perhaps_augmented,
    perhaps_global_pool,
    perhaps_pool,
    perhaps_shuffle,
    perhaps_upsample,
    upsample,
)
from gan_rosetta.shared.generate.losses import Penalties, penalties_of
from gan_rosetta.shared.generate.regimes import REGIMES
from gan_rosetta.shared.generate.sources import latent_sources, normal_latent, perhaps_holed, real_sources
from gan_rosetta.shared.generate.stack import Stack
from gan_rosetta.shared.generate.trainings import pretrainings, trainings
from gan_rosetta.shared.spec import (
    Conv2d,
    DigitsReal,
    Dropout,
    GanSpec,
    HoledLatent,
    LatentSource,
    LinearGaussianReal,
    Network,
    RealSource,
    Shape,
    SineReal,
    Upsample,
)

_MAX_BATCH = 8


@st.composite
def gan_specs(draw: Any) -> GanSpec:
    """Draw a GAN of three steps; a third of all are sent where GANs go badly, or far on."""
    score = draw(st.sampled_from(["probability", "logits", "logit", "critic", "squares"]))
    penalised = score != "logits" and draw(st.integers(0, 3)) in ((2, 3) if score == "critic" else (3,))
    batch_size = draw(_batch_sizes(score))
    real = draw(real_sources(batch_size, powers_of_two=score == "critic"))
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
def _discriminators(
    draw: Any, real: RealSource, score: str, *, plain: bool, normalised: bool, minibatch: bool
) -> Network:
    shape, classes = real.sample_shape, isinstance(real, DigitsReal)
    stack = Stack(draw, shape, plain=plain, normalised=normalised, classes=classes)
    image = len(shape) == 3
    if image:
        perhaps_augmented(stack)
        for _ in range(draw(st.integers(0, 2))):
            perhaps_upsample(stack)
            perhaps_shuffle(stack)
            any_convolution(stack)
            stack.after()
            perhaps_modulated(stack)
            perhaps_attention(stack)
            perhaps_block(stack)
            perhaps_pool(stack)
    # A convolution as wide as its image ends in (1, 1, 1), which a score may be; one of an entry in a map of scores.
    kernel = stack.shape[1] if image and len(set(stack.shape[1:])) == 1 else 0
    if image and score != "logits" and draw(st.integers(0, 3)) == 3 and _may_be_map(stack.shape, score):
        stack.convolution(Conv2d, 1, kernel=1, stride=1, padding=0)
    elif kernel and score != "logits" and draw(st.booleans()):
        stack.convolution(Conv2d, 1, kernel=kernel, stride=draw(st.integers(1, 2)), padding=0)
    else:
        perhaps_global_pool(stack)
        stack.flatten()
        perhaps_class(stack)
        for _ in range(draw(st.integers(0, 2))):
            _hidden(stack, minibatch=minibatch)
        if score not in ("logits", "critic") and classes and not plain and draw(st.booleans()):
            heads(stack, is_probability=score == "probability")
            return stack.network()
        if score != "logits" and classes and not plain and draw(st.integers(0, 2)) == 2:
            projected(stack)
        elif score not in ("logits", "probability") and not plain and draw(st.integers(0, 5)) == 5:
            energy(stack)
        else:
            stack.linear(2 if score == "logits" else 1)
        if score != "logits" and draw(st.integers(0, 5)) == 5:
            stack.reshape((1, 1, 1))
    if score == "probability":
        stack.sigmoid()
    return stack.network()


def _hidden(stack: Stack, /, *, minibatch: bool) -> None:
    """Add a Linear and what follows it, or a Linear seen as a small image by a convolution."""
    stack.linear(stack.draw(st.integers(1, MAX_WIDTH)))
    stack.after()
    perhaps_block(stack)
    choice = stack.draw(st.integers(0, 9))
    if choice in (6, 7, 8) and minibatch and not stack.plain:
        stack.minibatch()
        if stack.draw(st.booleans()):
            stack.activation()
    elif choice == 9:
        stack.reshape(stack.draw(st.sampled_from(foldings(stack.shape[0]))))
        any_convolution(stack)
        stack.after()
        stack.flatten()


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
    holed = perhaps_holed(draw, real)
    if holed is None and len(start) == 3 and convolutions and draw(st.booleans()):
        latent: LatentSource = normal_latent(draw, start)
        stack = Stack(draw, start, plain=False, normalised=normalised, classes=isinstance(real, DigitsReal))
    else:
        latent = draw(latent_sources()) if holed is None else holed
        classes = isinstance(real, DigitsReal)
        stack = Stack(draw, latent.sample_shape, plain=False, normalised=normalised, classes=classes)
        stack.flatten()
        perhaps_class(stack)
        for _ in range(draw(st.integers(0, 2))):
            _hidden(stack, minibatch=False)
        stack.linear(math.prod(start))
        if convolutions:
            stack.after()
        stack.reshape(start)
    for index, (kind, _, kernel, stride, padding) in enumerate(convolutions):
        if kind is Upsample:
            upsample(stack, kernel)
            continue
        last = index == len(convolutions) - 1
        channels = shape[0] if last else draw(st.integers(1, 3))
        stack.convolution(kind, channels, kernel=kernel, stride=stride, padding=padding)
        if not last:
            stack.after()
            perhaps_modulated(stack)
            perhaps_attention(stack)
            perhaps_block(stack)
    if draw(st.integers(0, 2)) == 2:
        stack.activation()
    return stack.network(), latent
