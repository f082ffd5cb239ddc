"""Mistakes in self-attention: a product that is divided, as transformers do, and a gain that starts elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from gan_rosetta.shared.faults.branch_faults import plant_blocks
from gan_rosetta.shared.faults.fault import Fault, Location, Plant
from gan_rosetta.shared.faults.places import Place, find_layers, layer_name
from gan_rosetta.shared.spec import ONES, Branches, Conv2d, GanSpec, Layer, Scale


def _divided(block: Branches) -> Iterator[tuple[Layer, ...]]:
    query = block.branches[0].layers[-1:]
    if not (query and isinstance(query[0], Conv2d) and query[0].out_channels == 1):  # Divided by 1 it is the same.
        yield (replace(block, join="attend_scaled"),)


def _gains_of_one(spec: GanSpec) -> list[Plant]:
    def plant(place: Place) -> Plant:
        name = f"{layer_name(spec, place)}.weight"

        def start(state: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
            return {**state, name: np.ones_like(state[name])}

        expected = Location(phase="start", quantities=("parameter",), names=(name,))
        return Plant(spec=spec, expected=expected, place=name, start=start)

    return [plant(place) for place in find_layers(spec, Scale, where=lambda layer: layer.weight_init != ONES)]


FAULTS = (
    Fault(
        name="attention-divided",
        summary="attention's products divided by the root of their length, as transformers have it",
        remedy="{place} divides the products of query and key by the root of their channels, as "
        "scaled_dot_product_attention does in torch: leave them whole.",
        plants=lambda spec: plant_blocks(spec, "attend", _divided),
        together="every attention",
    ),
    Fault(
        name="scale-initialisation",
        summary="a learned gain that starts at 1",
        remedy="{place} does not hold the initial value that it was given, but 1: load the initial value.",
        plants=_gains_of_one,
    ),
)
