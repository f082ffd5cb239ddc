"""What public GAN programs are made of, each with the part of the vocabulary that describes it, or none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, is_dataclass
from typing import Literal, get_args, get_type_hints

from gan_rosetta.shared import spec

Kind = Literal["network", "loss", "step", "fed"]


@dataclass(frozen=True, kw_only=True)
class Need:
    """What a program needs.

    kind: of which part of a program; "fed" is what a run takes from outside where the vocabulary has no source of it:
    real samples from a tape, first values from a state. parts: of the vocabulary, all of which describe it together,
    each a class, `Class.field` or `Class.field=value`; none where there is nothing for it.
    """

    name: str
    kind: Kind
    title: str
    parts: tuple[str, ...] = ()

    @property
    def is_there(self) -> bool:
        """Whether the vocabulary has every part; False where no part is named."""
        return bool(self.parts) and all(map(has_part, self.parts))


def has_part(part: str, /) -> bool:
    """Return whether the vocabulary has a class, a class's field, or a value among those that a field may have."""
    name, _, field = part.partition(".")
    owner = getattr(spec, name, None)
    if owner is None or not field:
        return owner is not None
    field, _, value = field.partition("=")
    if not is_dataclass(owner) or field not in {each.name for each in fields(owner)}:
        return False
    return not value or value in map(str, get_args(get_type_hints(owner)[field]))


def _needs(kind: Kind, rows: Iterable[tuple[str, str, str]]) -> list[Need]:
    return [Need(name=name, kind=kind, title=title, parts=tuple(parts.split())) for name, title, parts in rows]


_NETWORK = (
    ("linear", "fully connected layers", "Linear"),
    ("convolution", "convolutions", "Conv2d"),
    ("transposed-convolution", "transposed convolutions", "ConvTranspose2d"),
    ("one-sided-padding", "padding that differs by side", "Conv2d.sides"),
    ("reflection-padding", "padding by reflection", ""),
    ("upsampling", "upsampling", "Upsample"),
    ("pixel-shuffle", "pixel shuffles", "PixelShuffle"),
    ("average-pooling", "average pooling", "Pool2d"),
    ("maximum-pooling", "maximum pooling", "Pool2d.mode=maximum"),
    ("global-sum", "the sum over each channel", "GlobalPool.mode=sum"),
    ("adaptive-pooling", "pooling to a given size", "GlobalPool.mode=average"),
    ("batch-norm", "batch norm", "BatchNorm"),
    ("instance-norm", "instance norm", "GroupNorm"),
    ("layer-norm-by-channel", "layer norm with a weight for each channel", "GroupNorm"),
    (
        "conditional-batch-norm",
        "batch norm conditional on a class",
        "BatchNorm.affine Branches.join=modulate ClassEmbedding.joined=alone",
    ),
    ("adaptive-instance-norm", "instance norm whose weights another network makes", ""),
    ("spectral-norm", "spectral norm", "SpectralNorm"),
    ("dropout", "dropout", "Dropout"),
    ("relu", "ReLU", "ReLU"),
    ("leaky-relu", "LeakyReLU", "LeakyReLU"),
    ("prelu", "PReLU", "PReLU"),
    ("softmax", "softmax", "Softmax"),
    ("class-embedding", "a class embedding joined to an input", "ClassEmbedding"),
    ("class-planes", "classes as channels beside an image", ""),
    (
        "class-multiplied",
        "a class embedding multiplied with the noise",
        "ClassEmbedding.joined=alone Branches.join=multiply",
    ),
    ("shared-embedding", "one class embedding that all layers share", "ClassEmbedding Recall.of"),
    ("split-noise", "noise that is split among layers", "Recall.parts"),
    ("residual", "residual blocks", "Branches.join=add"),
    ("skips", "connections past layers, concatenated", "Branches.join=concatenate"),
    ("attention", "self-attention", "Branches.join=attend Scale"),
    ("projection", "a class projected onto D's features", "Branches.join=dot ClassEmbedding.joined=alone"),
    ("class-head", "D's head that tells the class", "ClassCrossEntropy Branches.join=concatenate"),
    ("class-scores", "a score for each class in D", ""),
    ("contrastive-head", "D's head for a contrastive loss", "ClassContrast ClassEmbedding.joined=after"),
    ("paired-proxies", "a proxy as real and one as fake for each class", "ClassEmbedding.rows_per_class"),
    ("code-head", "D's head that finds the code again", "CodeError Branches.join=concatenate"),
    ("patch-scores", "a score for each patch", "LeastSquaresDiscriminatorLoss"),
    ("autoencoding-discriminator", "a D that gives its input back", "Branches.join=squared_error"),
    ("image-conditioned", "a G that starts from an image", "HoledLatent"),
    ("smaller-image", "a G that starts from a smaller image", ""),
    ("image-inside", "a second image that G takes up further on", "HoledLatent.reduced_by Recall.of"),
    ("image-pairs", "a D that is shown two images", "Training.start_shown"),
    ("more-networks", "more networks than G and D", ""),
    ("pretrained-network", "features of a pretrained network", ""),
    ("style-mapping", "a mapping network and styles", ""),
    ("modulated-convolution", "modulated convolutions with noise", ""),
    ("alias-free", "alias-free layers", ""),
    ("minibatch-deviation", "the minibatch's standard deviation as a channel", ""),
)

_LOSS = (
    ("bce", "cross entropy of a probability", "BinaryCrossEntropyDiscriminatorLoss"),
    ("half", "the mean of D's two terms", "BinaryCrossEntropyDiscriminatorLoss.factor"),
    ("logistic", "cross entropy of a logit", "LogisticDiscriminatorLoss LogisticGeneratorLoss"),
    ("least-squares", "least squares", "LeastSquaresDiscriminatorLoss LeastSquaresGeneratorLoss"),
    ("hinge", "hinge", "HingeDiscriminatorLoss"),
    ("wasserstein", "Wasserstein", "WassersteinDiscriminatorLoss WassersteinGeneratorLoss"),
    ("relativistic", "relativistic loss of D", "RelativisticDiscriminatorLoss"),
    ("relativistic-generator", "relativistic loss of G", "RelativisticGeneratorLoss"),
    ("boundary-seeking", "boundary seeking loss of G", "BoundarySeekingGeneratorLoss"),
    ("softmax-loss", "softmax loss over both batches", "SoftmaxDiscriminatorLoss"),
    ("multi-hinge", "hinge over classes", ""),
    ("class-loss", "cross entropy of the class", "ClassLoss"),
    ("class-of-fakes", "a class of their own for fakes", "ClassCrossEntropy.offset Training.second_class_loss"),
    ("contrastive-loss", "a contrastive loss", "ClassContrast.form ClassLoss"),
    ("twin-class-loss", "a second classifier's loss", "Training.second_class_loss"),
    ("code-loss", "loss of the code that is found again", "CodeError.form ClassLoss"),
    ("energy-margin", "energy with a margin", "MarginDiscriminatorLoss"),
    ("energy-balance", "energy with a balance that the losses move", "BalancedDiscriminatorLoss"),
    ("pull-away", "how alike D's features of a batch are", "PullAway"),
    ("reconstruction", "distance from a given image", "DistanceLoss"),
    ("cycle", "distance from the image that came back", ""),
    ("divergence", "divergence of a code from a normal distribution", ""),
    ("gradient-penalty", "gradient penalty of fully connected layers", "GradientPenalty"),
    ("convolutional-penalty", "gradient penalty through convolutions", "GradientPenalty Conv2d"),
    ("penalty-by-power", "penalty of a power of the gradient, at real and fake samples", "GradientPenalty.power"),
    ("perturbed-penalty", "penalty at perturbed real samples", "GradientPenalty.at=perturbed"),
    ("largest-penalty", "penalty of the largest gradient", "GradientPenalty.over=largest"),
    ("zero-penalty", "penalty of the gradient at real samples (R1)", "GradientPenalty.at=real"),
    ("path-length", "penalty of path lengths", ""),
    ("feature-matching", "matching of D's features", ""),
    ("consistency", "consistency under augmentation", ""),
    ("latent-consistency", "consistency in the latent", ""),
    ("moving-regularisation", "regularisation by moving averages of scores (LeCam)", ""),
)

_STEP = (
    ("adam", "Adam", "Adam"),
    ("rmsprop", "RMSprop", "RMSprop"),
    ("turns", "a G that trains every so many steps", "StepPattern"),
    ("weight-clipping", "clipped weights", "WeightClipping"),
    ("linear-decay", "a rate that falls in a line", "LinearDecay"),
    ("moving-average", "a moving average of G", "MovingAverage"),
    ("accumulation", "gradients of several batches added up", ""),
    ("joint-optimizer", "a loss that updates G and a part of D together", ""),
    ("joint-update", "a third update, of both players by what D finds again", "Training.joint_optimizer"),
    ("penalty-alone", "a D updated by its penalty alone", "GradientPenalty.alone"),
    ("earlier-fakes", "fakes of earlier steps shown to D", ""),
    ("asked-twice", "a D that is shown G's batch twice in its update", "Training.second_class_asked"),
    ("augmentation", "augmentation that gradients pass", "Augment"),
    ("adaptive-augmentation", "augmentation that adapts to D", ""),
    ("pseudo-augmentation", "fakes among D's real samples", ""),
    ("latent-optimisation", "a latent that is moved before G's update", ""),
    ("lazy-regularisation", "penalties every so many steps", ""),
)

_FED = (
    ("digits", "handwritten digits", "DigitsReal"),
    ("images", "other images", ""),
    ("flips", "images flipped at random", ""),
    ("normal-noise", "normal noise", "NormalLatent"),
    ("uniform-noise", "uniform noise", "UniformLatent"),
    ("code", "codes beside the noise", "JoinedLatent CategoryLatent"),
    ("orthogonal", "orthogonal first values", ""),
)

NEEDS: dict[str, Need] = {
    need.name: need
    for need in (
        *_needs("network", _NETWORK),
        *_needs("loss", _LOSS),
        *_needs("step", _STEP),
        *_needs("fed", _FED),
    )
}
