"""Mistakes where images become features."""

from __future__ import annotations

import numpy as np

from gan_rosetta.shared.faults.fault import Fault, Plant, TensorMap
from gan_rosetta.shared.faults.layer_fields import words_of
from gan_rosetta.shared.faults.places import Place, find_layers, layer_name, output_of
from gan_rosetta.shared.spec import GanSpec, Linear, Reshape, Shape

_IMAGE_RANK = 3


def _channels_last(spec: GanSpec) -> list[Plant]:
    def plant(place: Place, shape: Shape) -> Plant:
        load, unload = _maps(shape)
        return Plant(
            spec=spec,
            expected=output_of(spec, place),
            place=words_of(spec, place),
            tensor=f"{layer_name(spec, place)}.weight",
            load=load,
            unload=unload,
        )

    shapes = [(place, _flattened(spec, place)) for place in find_layers(spec, Linear)]
    return [plant(place, shape) for place, shape in shapes if shape is not None]


def _flattened(spec: GanSpec, place: Place) -> Shape | None:
    """Return the shape of the images that are flattened right before a layer, None where their order makes none."""
    network, index = place
    before = spec.networks()[network].placed[index - 1] if index else None
    if before is None or not isinstance(before.layer, Reshape) or len(before.input_shape) != _IMAGE_RANK:
        return None
    channels, height, width = before.input_shape
    return before.input_shape if channels > 1 and height * width > 1 else None


def _maps(shape: Shape) -> tuple[TensorMap, TensorMap]:
    """Return what takes a weight to the one that reads the same numbers of channels first, and back."""
    channels, height, width = shape

    def load(weight: np.ndarray) -> np.ndarray:
        return weight.reshape(-1, height, width, channels).transpose(0, 3, 1, 2).reshape(weight.shape)

    def unload(weight: np.ndarray) -> np.ndarray:
        return weight.reshape(-1, channels, height, width).transpose(0, 2, 3, 1).reshape(weight.shape)

    return load, unload


FAULTS = (
    Fault(
        name="flatten-channels-last",
        summary="images flattened with their channels last before a Linear",
        remedy="The images before {place} are flattened with their channels last, as Keras holds them: flatten "
        "(channels, height, width), or put the columns of its weight into the order of yours.",
        plants=_channels_last,
        together="every Linear behind images",
    ),
)
