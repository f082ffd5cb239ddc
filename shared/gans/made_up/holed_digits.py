"""Made-up GANs that fill holes in small digits: one is shown a part, one the whole beside what G started from."""

from __future__ import annotations

from dataclasses import replace

from gan_rosetta.shared.gans.made_up.parts import DIGITS, conv, norm, slopes
from gan_rosetta.shared.gans.made_up.pooled_digits import POOLED_SPEC
from gan_rosetta.shared.spec import (
    Branch,
    Branches,
    DistanceLoss,
    HoledLatent,
    LeakyReLU,
    Network,
    Recall,
    Reshape,
    SoftmaxDiscriminatorLoss,
    SoftmaxGeneratorLoss,
    Tanh,
)

HOLED_SPEC = replace(
    POOLED_SPEC,
    name="holed-digits",
    title="A G that fills holes in small digits it also sees made smaller, and a D that gives a score for each patch",
    real=replace(DIGITS, part=4),
    latent=HoledLatent(num_channels=1, size=8, hole=4, fill=1.0, reduced_by=2),
    generator=Network(
        input_shape=(80,),
        layers=(
            Recall(of=None, parts=((0, 64),)),
            Reshape(shape=(1, 8, 8)),
            replace(conv("conv1", 1, 4), stride=2),
            Branches(
                name="both",
                join="concatenate",
                branches=(
                    Branch(name="holed"),
                    Branch(name="smaller", layers=(Recall(of=None, parts=((64, 80),)), Reshape(shape=(1, 4, 4)))),
                ),
            ),
            LeakyReLU(slope=0.2),
            conv("conv2", 5, 1),
            Tanh(),
        ),
    ),
    discriminator=Network(
        input_shape=(1, 4, 4), layers=(conv("conv1", 1, 4), LeakyReLU(slope=0.2), conv("conv2", 4, 1))
    ),
    training=replace(
        POOLED_SPEC.training,
        class_loss=None,
        second_class_loss=None,
        distance_loss=DistanceLoss(by="absolute", weight=2.0),
    ),
)

PAIRED_SPEC = replace(
    HOLED_SPEC,
    name="paired-digits",
    title="A G that makes small digits with holes whole, and a D that is shown both, by a softmax over both batches",
    real=DIGITS,
    latent=HoledLatent(num_channels=1, size=8, hole=3, fill=-1.0),
    generator=Network(input_shape=(1, 8, 8), layers=(conv("conv1", 1, 4), slopes(1), conv("conv2", 4, 1))),
    discriminator=Network(
        input_shape=(2, 8, 8),
        layers=(replace(conv("conv1", 2, 4), stride=2), norm("norm1", 4, 4, affine=False), conv("conv2", 4, 1)),
    ),
    training=replace(
        HOLED_SPEC.training,
        first="discriminator",
        fake_batch="regenerated",
        detach_fake=False,
        discriminator_loss=SoftmaxDiscriminatorLoss(floor=0.5),
        generator_loss=SoftmaxGeneratorLoss(floor=0.5),
        distance_loss=DistanceLoss(by="squares", weight=0.5),
        start_shown="before",
    ),
)
