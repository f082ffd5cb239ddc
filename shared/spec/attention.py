"""What self-attention is made of beside convolutions and branches: a softmax, and a gain that is learned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from gan_rosetta.shared.spec.checks import label, require
from gan_rosetta.shared.spec.initializers import Initializer
from gan_rosetta.shared.spec.layer import LayerBase, ParameterSpec, Shape


@dataclass(frozen=True, kw_only=True)
class Softmax(LayerBase):
    """exp(x) / Σ exp(x) along one axis. axis: of a sample, 0 its features or channels."""

    kind: ClassVar[str] = "softmax"
    axis: int

    def __post_init__(self) -> None:
        good = isinstance(self.axis, int) and not isinstance(self.axis, bool) and self.axis >= 0
        require(good, f"{label(self)}: axis is {self.axis!r}; expected a whole number from 0", "axis")

    def output_shape(self, input_shape: Shape, /) -> Shape:
        require(
            self.axis < len(input_shape),
            f"Softmax along axis {self.axis}, but its input has shape {input_shape}; expected an axis below "
            f"{len(input_shape)}",
        )
        return input_shape


@dataclass(frozen=True, kw_only=True)
class Scale(LayerBase):
    """y = γ · x, with one number γ, the weight (1,), for all: what attention begins with at 0. Zhang et al. 2018."""

    kind: ClassVar[str] = "scale"
    name: str
    weight_init: Initializer

    def parameters(self) -> dict[str, ParameterSpec]:
        return {"weight": ParameterSpec(shape=(1,), initializer=self.weight_init, fan_in=1)}
