"""What the layers' functions have in common: their tensors by name, and what they compute by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

# A layer's parameters and buffers, or those of a network by its layers' names.
LayerTensors = Mapping[str, Any]
Tensors = dict[str, dict[str, Any]]
Convolve = Callable[..., Any]
Multiply = Callable[[Any, Any], Any]
# Under what short name a layer finds, among its tensors, what its pass is fed for it; absent where it is fed nothing.
FED = "fed"


def with_bias(outputs: Any, tensors: LayerTensors, /) -> Any:
    """Return outputs and a layer's bias, where it has any."""
    return outputs + by_channel(tensors["bias"], outputs) if "bias" in tensors else outputs


def by_channel(values: Any, outputs: Any, /) -> Any:
    """Return values (channels,) in a shape that broadcasts against (B, channels, ...)."""
    return values.reshape(-1, *(1,) * (outputs.ndim - 2))
