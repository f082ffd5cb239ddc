"""What every layer of the vocabulary answers. Shapes are per sample: the batch axis is left out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

from gan_rosetta.shared.spec.initializers import Initializer

Shape = tuple[int, ...]
Fed = Literal["", "mask", "class", "code"]


@dataclass(frozen=True, kw_only=True)
class ParameterSpec:
    """A parameter or buffer of a layer: its canonical shape, how it starts, and its initializer's fan-in."""

    shape: Shape
    initializer: Initializer
    fan_in: int


class LayerBase:
    """What every layer answers; the dataclasses below override what differs.

    is_samplewise: False where a sample's output hangs on the rest of its batch. fed: what a pass is fed for the layer
    from the tape, beside the samples: "mask", "class" or "code" (see feeding.py), or "" for nothing.
    """

    kind: ClassVar[str]
    is_samplewise: ClassVar[bool] = True
    fed: ClassVar[Fed] = ""

    @property
    def takes_input(self) -> bool:
        """Whether the output hangs on what comes before; where not, the layer begins a branch."""
        return True

    def output_shape(self, input_shape: Shape, /) -> Shape:
        """Return the per-sample output shape; raises SpecError where the input does not fit."""
        return input_shape

    def parameters(self) -> dict[str, ParameterSpec]:
        """Return the trained tensors, by their short names, in canonical order."""
        return {}

    def buffers(self) -> dict[str, ParameterSpec]:
        """Return the tensors that training moves without a gradient."""
        return {}


def affine_parameters(
    weight_shape: Shape, num_outputs: int, weight_init: Initializer, bias_init: Initializer | None
) -> dict[str, ParameterSpec]:
    """Return the weight and, unless it is left out, the bias of a layer that is affine in its input."""
    fan_in = math.prod(weight_shape[1:])
    parameters = {"weight": ParameterSpec(shape=weight_shape, initializer=weight_init, fan_in=fan_in)}
    if bias_init is not None:
        parameters["bias"] = ParameterSpec(shape=(num_outputs,), initializer=bias_init, fan_in=fan_in)
    return parameters
