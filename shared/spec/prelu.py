"""A leaky ReLU whose slope is learned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from gan_rosetta.shared.spec.checks import require, require_positive_integer
from gan_rosetta.shared.spec.initializers import Initializer
from gan_rosetta.shared.spec.layer import LayerBase, ParameterSpec, Shape


@dataclass(frozen=True, kw_only=True)
class PReLU(LayerBase):
    """x where x > 0, w · x elsewhere, with learned slopes w, the weight (num_parameters,). He et al. 2015.

    num_parameters: 1 for one slope for all, or as many as there are features or channels, axis 0 of a sample. The
    gradient at 0 is the slope.
    """

    kind: ClassVar[str] = "prelu"
    name: str
    num_parameters: int
    weight_init: Initializer

    def __post_init__(self) -> None:
        require_positive_integer(self, "num_parameters")

    @property
    def by_channel(self) -> bool:
        """Whether each feature or channel has a slope of its own."""
        return self.num_parameters > 1

    def output_shape(self, input_shape: Shape, /) -> Shape:
        require(
            not self.by_channel or input_shape[0] == self.num_parameters,
            f"PReLU {self.name!r} has num_parameters={self.num_parameters}, but its input has shape {input_shape}; "
            f"expected 1, one slope for all, or {input_shape[0]}",
        )
        return input_shape

    def parameters(self) -> dict[str, ParameterSpec]:
        return {"weight": ParameterSpec(shape=(self.num_parameters,), initializer=self.weight_init, fan_in=1)}
