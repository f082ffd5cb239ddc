"""What D's second head gives of each sample: how wrong D is about its class, or how like the batch's others it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from gan_rosetta.shared.spec.checks import (
    require,
    require_choice,
    require_finite,
    require_integer,
    require_positive_integer,
)
from gan_rosetta.shared.spec.layer import Fed, LayerBase, Shape


@dataclass(frozen=True, kw_only=True)
class ClassCrossEntropy(LayerBase):
    """-log softmax(x)[c · stride + offset] of each sample's class c, from num_logits logits. Odena et al. 2017.

    (num_logits,) to (1,). The classes are on the tape, as those of a ClassEmbedding are. At the end of D's second head
    it is what Training.class_loss weighs. A Softmax before it takes the softmax twice, as some published programs do.

    num_logits: None for one a class. stride, offset: 1 and 0 for the logit of the sample's own class; with 0 and 10
    every sample is of the eleventh, a class of their own for fakes (Odena 2016); with 2 and 0, or 2 and 1, a class has
    two logits, as real and as fake (ADC-GAN, Hou et al. 2022).
    """

    kind: ClassVar[str] = "class_cross_entropy"
    fed: ClassVar[Fed] = "class"
    num_classes: int
    num_logits: int | None = None
    stride: int = 1
    offset: int = 0

    def __post_init__(self) -> None:
        require_positive_integer(self, "num_classes")
        if self.num_logits is not None:
            require_positive_integer(self, "num_logits")
        require_integer(self, "stride", minimum=0)
        require_integer(self, "offset", minimum=0)
        last = self.logit_of(self.num_classes - 1)
        require(
            last < self.logits,
            f"ClassCrossEntropy: the last of {self.num_classes} classes is at logit {last} by stride {self.stride} and "
            f"offset {self.offset}, and there are {self.logits}; expected num_logits above {last}",
            "num_logits",
        )

    @property
    def logits(self) -> int:
        """How many logits it takes."""
        return self.num_classes if self.num_logits is None else self.num_logits

    def logit_of(self, classes: Any, /) -> Any:
        """Return the index of the logit of a class, or of each in any framework's array of them."""
        return classes if (self.stride, self.offset) == (1, 0) else classes * self.stride + self.offset

    def output_shape(self, input_shape: Shape, /) -> Shape:
        wanted = "a logit" if self.num_logits is None else f"{self.num_logits} logits"
        require(
            input_shape == (self.logits,),
            f"ClassCrossEntropy takes {wanted} for {'each of ' if self.num_logits is None else ''}{self.num_classes} "
            f"classes, but its input has shape {input_shape}; expected {(self.logits,)}",
        )
        return (1,)


@dataclass(frozen=True, kw_only=True)
class ClassContrast(LayerBase):
    """How near a sample is to its class's proxy and to its class's samples, beside how near it is to others.

    (2 · features,) to (1,): the first half is the sample's embedding e, the second its class's proxy: a ClassEmbedding
    of as many features, joined "after", gives both. Each is divided by its 2-norm, or by epsilon where that is smaller;
    s are the inner products of e with the batch's other embeddings, p that with the proxy, t the temperature.

    form: "conditional": log(exp(p / t) + Σ exp(s / t)) less the same of the class's own samples alone, ContraGAN's 2C
    (Kang and Park 2020, equation 8). "data-to-data": a + log(exp(-a) + Σ exp(r)), over the samples of other classes,
    with a = max(0, (margin - p) / t) and r = max(0, (s + margin - 1) / t) less the largest (s + margin - 1) / t, taken
    as a constant: ReACGAN's D2D-CE (Kang et al. 2021, equation 9) as its authors' StudioGAN has it. margin: of that
    form alone. Below a temperature of 0.02 float32's exponentials would overflow.
    """

    kind: ClassVar[str] = "class_contrast"
    is_samplewise: ClassVar[bool] = False
    fed: ClassVar[Fed] = "class"
    num_classes: int
    form: Literal["conditional", "data-to-data"]
    temperature: float
    epsilon: float
    margin: float | None = None

    def __post_init__(self) -> None:
        require_positive_integer(self, "num_classes")
        require_choice(self, "form", ("conditional", "data-to-data"))
        require_finite(self, "temperature", minimum=0.02)
        require_finite(self, "epsilon", above=0)
        require(
            (self.margin is None) == (self.form == "conditional"),
            f"ClassContrast: form is {self.form!r} and margin {self.margin!r}; expected one of 'data-to-data' alone",
            "margin",
        )
        if self.margin is not None:
            require_finite(self, "margin")

    def output_shape(self, input_shape: Shape, /) -> Shape:
        require(
            len(input_shape) == 1 and input_shape[0] % 2 == 0,
            f"ClassContrast takes an embedding and a proxy of as many features, but its input has shape {input_shape}; "
            "put a ClassEmbedding before it, joined 'after'",
        )
        return (1,)


@dataclass(frozen=True, kw_only=True)
class PullAway(LayerBase):
    """How alike each sample's features are to those of the batch's others: the mean of their cosines.

    (features,) to (1,): (Σ_j u_i · u_j - 1) / (N - 1), with u = x / ‖x‖ and N samples, itself among the j. The batch's
    mean is the pulling-away term of an energy-based GAN's G (Zhao et al. 2017, section 2.4, of the cosines themselves,
    as PyTorch-GAN's ebgan has it, where the paper squares them). No digit is right where a sample's features are all 0.
    """

    kind: ClassVar[str] = "pull_away"
    is_samplewise: ClassVar[bool] = False

    def output_shape(self, input_shape: Shape, /) -> Shape:
        require(
            len(input_shape) == 1,
            f"PullAway takes features, but its input has shape {input_shape}; put a Reshape before it",
        )
        return (1,)


# What may stand at the end of D's second head: what is fed a class, and what is not.
TELLS_CLASS = (ClassCrossEntropy, ClassContrast)
SECOND_HEADS = (*TELLS_CLASS, PullAway)
