"""The GANs that public programs are read to be like, where the catalogue has none of their kind of D."""

from __future__ import annotations

import math
from dataclasses import replace

import gan_rosetta as gr
from gan_rosetta.shared.spec import (
    ZEROS,
    CrossEntropyDiscriminatorLoss,
    CrossEntropyGeneratorLoss,
    GanSpec,
    Linear,
    LogisticDiscriminatorLoss,
    LogisticGeneratorLoss,
    Reshape,
)


def of_logits(like: str, count: int, /) -> GanSpec:
    """Return a GAN of the catalogue with losses of a D of one logit, or of two that a softmax makes probabilities."""
    spec = gr.spec(like)
    losses = {
        1: {
            "discriminator_loss": LogisticDiscriminatorLoss(real_target=1, fake_target=0, factor=0.5, reduction="sum"),
            "generator_loss": LogisticGeneratorLoss(target=1, factor=1, reduction="sum"),
        },
        2: {
            "discriminator_loss": CrossEntropyDiscriminatorLoss(reduction="mean", real_label=1),
            "generator_loss": CrossEntropyGeneratorLoss(reduction="mean", real_label=1),
        },
    }[count]
    flat = Reshape(shape=(math.prod(spec.real.sample_shape),))
    layer = Linear(name="output", in_features=flat.shape[0], out_features=count, weight_init=ZEROS, bias_init=ZEROS)
    judge = replace(spec.discriminator, layers=(flat, layer))
    return replace(spec, name="of-logits", discriminator=judge, training=replace(spec.training, **losses))
