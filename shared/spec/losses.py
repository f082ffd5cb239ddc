"""The losses of both players. Each is one number a step; `reduction` says whether the batch is averaged or summed.

p is what D gives a sample: a probability, one or two logits, or a critic's score; or a map (1, height, width) of one
of these for each patch of an image (Isola et al. 2017, section 3.2.2), over all of which the batch's mean or sum then
runs. A loss of D may have a gradient penalty beside it, which is added; it is always a mean, whatever the reduction.
`real_label` is the label that D learns to give to real samples; the published GANs all use 1.
"""

from __future__ import annotations

from gan_rosetta.shared.spec.logit_losses import (
    BoundarySeekingGeneratorLoss,
    LogisticDiscriminatorLoss,
    LogisticGeneratorLoss,
    RelativisticDiscriminatorLoss,
    RelativisticGeneratorLoss,
)
from gan_rosetta.shared.spec.probability_losses import (
    BinaryCrossEntropyDiscriminatorLoss,
    BinaryCrossEntropyGeneratorLoss,
    CrossEntropyDiscriminatorLoss,
    CrossEntropyGeneratorLoss,
    MinimaxDiscriminatorLoss,
    NonSaturatingGeneratorLoss,
    SaturatingGeneratorLoss,
)
from gan_rosetta.shared.spec.score_losses import (
    BalancedDiscriminatorLoss,
    HingeDiscriminatorLoss,
    LeastSquaresDiscriminatorLoss,
    LeastSquaresGeneratorLoss,
    MarginDiscriminatorLoss,
    SoftmaxDiscriminatorLoss,
    SoftmaxGeneratorLoss,
    WassersteinDiscriminatorLoss,
    WassersteinGeneratorLoss,
)

DiscriminatorLoss = (
    MinimaxDiscriminatorLoss
    | BinaryCrossEntropyDiscriminatorLoss
    | CrossEntropyDiscriminatorLoss
    | WassersteinDiscriminatorLoss
    | HingeDiscriminatorLoss
    | MarginDiscriminatorLoss
    | BalancedDiscriminatorLoss
    | SoftmaxDiscriminatorLoss
    | LeastSquaresDiscriminatorLoss
    | LogisticDiscriminatorLoss
    | RelativisticDiscriminatorLoss
)
GeneratorLoss = (
    NonSaturatingGeneratorLoss
    | SaturatingGeneratorLoss
    | BinaryCrossEntropyGeneratorLoss
    | CrossEntropyGeneratorLoss
    | WassersteinGeneratorLoss
    | LeastSquaresGeneratorLoss
    | LogisticGeneratorLoss
    | RelativisticGeneratorLoss
    | SoftmaxGeneratorLoss
    | BoundarySeekingGeneratorLoss
)
# Losses of G that D's scores of the real batch are a part of.
OF_BOTH_BATCHES = (RelativisticGeneratorLoss, SoftmaxGeneratorLoss)
