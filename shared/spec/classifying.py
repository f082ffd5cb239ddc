"""How wrong a network is about each sample's class: what D's second head gives of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from gan_rosetta.shared.spec.checks import require, require_choice, require_finite, require_positive_integer
from gan_rosetta.shared.spec.layer import LayerBase, Shape


@dataclass(frozen=True, kw_only=True)
class ClassCrossEntropy(LayerBase):
    """-log softmax(x)[c] of each sample's class c, from a logit a class. Odena et al. 2017.

    (num_classes,) to (1,). The classes are on the tape, as those of a ClassEmbedding are. At the end of D's second head
    it is what Training.class_loss weighs. A Softmax before it takes the softmax twice, as some published programs do.
    """

    kind: ClassVar[str] = "class_cross_entropy"
    fed: ClassVar[Literal["", "mask", "class"]] = "class"
    num_classes: int

    def __post_init__(self) -> None:
        require_positive_integer(self, "num_classes")

    def output_shape(self, input_shape: Shape, /) -> Shape:
        require(
            input_shape == (self.num_classes,),
            f"ClassCrossEntropy takes a logit for each of {self.num_classes} classes, but its input has shape "
            f"{input_shape}; expected {(self.num_classes,)}",
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
    fed: ClassVar[Literal["", "mask", "class"]] = "class"
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


# What may stand at the end of D's second head.
TELLS_CLASS = (ClassCrossEntropy, ClassContrast)
