"""How a layer of Keras is made: the settings that all have."""

from __future__ import annotations

from typing import Any

from gan_rosetta.shared.spec import PlacedLayer


def named(placed: PlacedLayer, /) -> str:
    """Return the argument that names a layer as a state does."""
    return f'name="{placed.name}"'


def no_bias(layer: Any, /) -> list[str]:
    """Return the argument of a layer without a bias."""
    return ["use_bias=False"] if layer.bias_init is None else []
