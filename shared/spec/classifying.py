"""How wrong a network is about each sample's class: what D's second head gives in an auxiliary classifier GAN."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from gan_rosetta.shared.spec.checks import require, require_positive_integer
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
