"""Mistakes in what only some convolutions have: padding by side, dilation, groups, kernels that are no squares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from gan_rosetta.shared.faults.fault import Fault, Plant
from gan_rosetta.shared.faults.layer_fields import kernel_fault, words_of
from gan_rosetta.shared.faults.places import (
    Place,
    find_layers,
    input_shape_at,
    layer_at,
    layer_name,
    output_of,
    replace_layer,
)
from gan_rosetta.shared.spec import Conv2d, ConvTranspose2d, GanSpec, Margins, Shape, same_sides

_CONVOLUTIONS = (Conv2d, ConvTranspose2d)


def _plants(
    change: Callable[[Any, Shape], Any | None], words: Callable[[Any], str]
) -> Callable[[GanSpec], list[Plant]]:
    """Return the plants of another layer in place of each for which `change`, told its input's shape, has one."""

    def plant(spec: GanSpec, place: Place, changed: Any) -> Plant:
        return Plant(
            spec=replace_layer(spec, place, changed),
            expected=output_of(spec, place),
            place=words_of(spec, place),
            found=words(changed),
            expected_value=words(layer_at(spec, place)),
        )

    def plants(spec: GanSpec) -> list[Plant]:
        changed = (
            (place, change(layer_at(spec, place), input_shape_at(spec, place)))
            for place in find_layers(spec, _CONVOLUTIONS)
        )
        return [plant(spec, place, layer) for place, layer in changed if layer is not None]

    return plants


def _with_margins(layer: Any, margins: Margins, **fields: Any) -> Any | None:
    """Return a layer with other padding, None where some would be less than none."""
    sides = (*margins[0], *margins[1])
    if min(sides) < 0:
        return None
    if len(set(sides)) == 1:
        return replace(layer, padding=sides[0], sides=None, **fields)
    return replace(layer, padding=0, sides=sides, **fields)


def _other_sides(layer: Any, input_shape: Shape) -> Any | None:
    """Return a layer with its padding on the opposite sides."""
    del input_shape
    (top, bottom), (left, right) = layer.margins
    return None if layer.even_margins is not None else _with_margins(layer, ((bottom, top), (right, left)))


def _same(layer: Any, input_shape: Shape) -> Any | None:
    """Return a convolution with the padding SAME, where that is another and gives images of the same size."""
    if not isinstance(layer, Conv2d):
        return None
    size = (input_shape[1], input_shape[2])
    top, bottom, left, right = same_sides(size, kernel=layer.kernel, stride=layer.stride, dilation=layer.dilation)
    changed = _with_margins(layer, ((top, bottom), (left, right)))
    if changed is None or changed.output_shape(input_shape) != layer.output_shape(input_shape):
        return None
    return changed if changed.margins != layer.margins else None


def _undilated(layer: Any, input_shape: Shape) -> Any | None:
    """Return a layer whose kernel has no gaps, padded so much less that its output has the size that it had."""
    del input_shape
    if layer.reach == layer.kernel:
        return None
    spared = [reach - own for reach, own in zip(layer.reach, layer.kernel, strict=True)]
    (top, bottom), (left, right) = layer.margins
    halves = [(each // 2, each - each // 2) for each in spared]
    margins = ((top - halves[0][0], bottom - halves[0][1]), (left - halves[1][0], right - halves[1][1]))
    return _with_margins(layer, margins, dilation=1)


def _grown_in_front(layer: Any, input_shape: Shape) -> Any | None:
    """Return a transposed convolution whose output padding is at the top and the left."""
    del input_shape
    more = getattr(layer, "output_padding", 0)
    (top, bottom), (left, right) = layer.margins
    return None if not more else _with_margins(layer, ((top - more, bottom), (left - more, right)), output_padding=0)


def _sides_words(layer: Any) -> str:
    (top, bottom), (left, right) = layer.margins
    return f"{top} at the top, {bottom} at the bottom, {left} at the left and {right} at the right"


def _group_plants(spec: GanSpec) -> list[Plant]:
    def plant(place: Place) -> Plant:
        size = layer_at(spec, place).parameters()["weight"].shape[0] // layer_at(spec, place).groups
        return Plant(
            spec=spec,
            expected=output_of(spec, place),
            place=words_of(spec, place),
            tensor=f"{layer_name(spec, place)}.weight",
            load=lambda kernel: np.roll(kernel, size, axis=0),
            unload=lambda kernel: np.roll(kernel, -size, axis=0),
        )

    return [plant(place) for place in find_layers(spec, _CONVOLUTIONS, where=lambda layer: bool(layer.groups > 1))]


def _sideways(kernel: np.ndarray) -> np.ndarray:
    """Read the numbers of a kernel (..., height, width) as if they were stored (..., width, height)."""
    *channels, height, width = kernel.shape
    return kernel.reshape(*channels, width, height).swapaxes(2, 3).copy()


def _upright(kernel: np.ndarray) -> np.ndarray:
    return kernel.swapaxes(2, 3).reshape(kernel.shape).copy()


FAULTS = (
    Fault(
        name="conv-padding-other-side",
        summary="a convolution padded more in front than behind, or the other way round",
        remedy="The padding of {place} is {found}: pad {expected}. TensorFlow's and JAX's SAME put what is odd at the "
        "bottom and the right; torch and MXNet pad both sides alike.",
        plants=_plants(_other_sides, _sides_words),
        together="every convolution that is padded by side",
    ),
    Fault(
        name="conv-padding-same",
        summary="a convolution with the padding that TensorFlow and JAX call SAME",
        remedy="The padding of {place} is {found}, as SAME has it: pad {expected}.",
        plants=_plants(_same, _sides_words),
        together="every convolution with a stride",
    ),
    Fault(
        name="conv-dilation-missing",
        summary="a convolution without its dilation",
        remedy="The dilation of {place} is {found}: set it to {expected}.",
        plants=_plants(_undilated, lambda layer: str(layer.dilation)),
        together="every dilated convolution",
    ),
    Fault(
        name="conv-groups-swapped",
        summary="the kernels of a convolution's groups of channels one group further",
        remedy="{place} convolves each group of channels with the kernels of another: groups lie one after the other, "
        "outputs as inputs.",
        plants=_group_plants,
        together="every convolution in groups",
    ),
    Fault(
        name="conv-output-padding-in-front",
        summary="a transposed convolution's output padding at the top and the left",
        remedy="{place} grows by {found} rows at the bottom and columns at the right: let it grow by {expected} there, "
        "and not in front.",
        plants=_plants(_grown_in_front, lambda layer: str(layer.output_padding)),
        together="every transposed convolution with output padding",
    ),
    *(
        kernel_fault(
            f"{name}-kernel-sideways",
            f"a {words}'s kernel read as (width, height) in place of (height, width)",
            "The kernel of {place} is read as (width, height): its layout is (height, width).",
            kind,
            (_sideways, _upright),
            where=lambda layer: min(layer.kernel) > 1,
        )
        for name, words, kind in (
            ("conv", "convolution", Conv2d),
            ("conv-transpose", "transposed convolution", ConvTranspose2d),
        )
    ),
)
