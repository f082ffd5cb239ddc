"""The embedding of a sample's class, joined to what a network is given of the sample, or by itself in a branch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from gan_rosetta.shared.spec.checks import require, require_choice, require_positive_integer
from gan_rosetta.shared.spec.initializers import Initializer
from gan_rosetta.shared.spec.layer import Fed, LayerBase, ParameterSpec, Shape
from gan_rosetta.shared.spec.spectral import SpectralNorm, spectral_buffers


@dataclass(frozen=True, kw_only=True)
class ClassEmbedding(LayerBase):
    """The row of W (num_classes, num_features) for each sample's class, joined to the sample; Mirza and Osindero 2014.

    (features,) to (features + num_features,). joined: whether the row comes "before" the sample's own numbers or
    "after" them, or is "alone", (num_features,), as the first layer of a branch, whose input then only says how many
    samples there are: so a class becomes a gain, a bias or what a score is projected on. The classes are on the tape:
    of real samples their own, of fakes those that G was asked for. Where a network is only asked, and not trained, the
    batch's samples are of the classes in turn, 0, 1, …, 0, 1, …. spectral_norm: of W, a class a row; None for none.
    rows_per_class: of W, (num_classes · rows_per_class, num_features), a class has so many rows, one behind the other
    as its features: with 2 a proxy as real and one as fake, as ADC-GAN has them.
    """

    kind: ClassVar[str] = "class_embedding"
    fed: ClassVar[Fed] = "class"
    name: str
    num_classes: int
    num_features: int
    joined: Literal["before", "after", "alone"]
    weight_init: Initializer
    spectral_norm: SpectralNorm | None = None
    rows_per_class: int = 1

    def __post_init__(self) -> None:
        require_positive_integer(self, "num_classes")
        require_positive_integer(self, "num_features")
        require_positive_integer(self, "rows_per_class")
        require_choice(self, "joined", ("before", "after", "alone"))

    @property
    def takes_input(self) -> bool:
        return self.joined != "alone"

    @property
    def table(self) -> tuple[int, int]:
        """The shape of W."""
        return (self.num_classes * self.rows_per_class, self.num_features)

    @property
    def width(self) -> int:
        """How many features a class has, those of all its rows."""
        return self.num_features * self.rows_per_class

    def output_shape(self, input_shape: Shape, /) -> Shape:
        if not self.takes_input:
            return (self.width,)
        require(
            len(input_shape) == 1,
            f"ClassEmbedding {self.name!r} is joined to vectors, but its input has shape {input_shape}; put a Reshape "
            "before it",
        )
        return (input_shape[0] + self.width,)

    def parameters(self) -> dict[str, ParameterSpec]:
        return {"weight": ParameterSpec(shape=self.table, initializer=self.weight_init, fan_in=self.num_features)}

    def buffers(self) -> dict[str, ParameterSpec]:
        return spectral_buffers(self.spectral_norm, self.table)
