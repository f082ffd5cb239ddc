"""Mistakes in what is recalled of earlier features: parts in another order, or other parts."""

from __future__ import annotations

from dataclasses import replace

from gan_rosetta.shared.faults.fault import Fault, Plant
from gan_rosetta.shared.faults.layer_fields import words_of
from gan_rosetta.shared.faults.places import Place, find_layers, input_shape_at, layer_at, output_of, replace_layer
from gan_rosetta.shared.spec import GanSpec, Recall

_Part = tuple[int, int]


def _plant(spec: GanSpec, place: Place, parts: tuple[_Part, ...]) -> Plant:
    layer: Recall = layer_at(spec, place)
    return Plant(
        spec=replace_layer(spec, place, replace(layer, parts=parts)),
        expected=output_of(spec, place),
        place=words_of(spec, place),
        found=_words(parts),
        expected_value=_words(layer.parts),
    )


def _words(parts: tuple[_Part, ...]) -> str:
    return ", ".join(f"{start} to {stop}" for start, stop in parts)


def _reversed(spec: GanSpec) -> list[Plant]:
    places = find_layers(spec, Recall, where=lambda layer: len(layer.parts) > 1)
    return [_plant(spec, place, layer_at(spec, place).parts[::-1]) for place in places]


def _beside(spec: GanSpec) -> list[Plant]:
    found = ((place, _parts_beside(spec, place)) for place in find_layers(spec, Recall))
    return [_plant(spec, place, parts) for place, parts in found if parts is not None]


def _parts_beside(spec: GanSpec, place: Place) -> tuple[_Part, ...] | None:
    """Return a layer's parts with as many features behind or before one in its place, where there are such."""
    parts: tuple[_Part, ...] = layer_at(spec, place).parts
    (num_features,) = input_shape_at(spec, place)
    for index, (start, stop) in enumerate(parts):
        size, others = stop - start, (*parts[:index], *parts[index + 1 :])
        for first, last in ((stop, stop + size), (start - size, start)):
            free = all(last <= other[0] or other[1] <= first for other in others)
            if first >= 0 and last <= num_features and free:
                return (*parts[:index], (first, last), *parts[index + 1 :])
    return None


FAULTS = (
    Fault(
        name="recalled-order",
        summary="parts of earlier features put together in another order",
        remedy="{place} takes the features {found}: put {expected} together, in this order.",
        plants=_reversed,
        together="every Recall of several parts",
    ),
    Fault(
        name="recalled-part",
        summary="the next part of the noise, or of what else is split among layers, or the one before",
        remedy="{place} takes the features {found}: take {expected}.",
        plants=_beside,
        together="every Recall",
    ),
)
