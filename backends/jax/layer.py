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
