"""Faults of a layer's field, a number or one of few values, wherever a GAN has such a layer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from gan_rosetta.shared.faults.fault import Fault, Number, Plant, TensorMap, another
from gan_rosetta.shared.faults.places import Place, find_layers, layer_at, layer_name, output_of, replace_layer
from gan_rosetta.shared.spec import GanSpec


def number_fault(
    name: str,
    summary: str,
    remedy: str,
    kind: type,
    field: str,
    *,
    planted: float,
    subject: str,
    is_scale: bool = False,
) -> Fault:
    """Return a fault of a layer's field that is a number and shows in its output."""

    def plants(spec: GanSpec) -> list[Plant]:
        return [plant(spec, place) for place in find_layers(spec, kind)]

    def plant(spec: GanSpec, place: Place) -> Plant:
        number = number_of(spec, place, field, planted=planted, subject=subject, is_scale=is_scale)
        return Plant(
            spec=number.with_value(number.planted),
            expected=output_of(spec, place),
            place=words_of(spec, place),
            number=number,
        )

    return Fault(name=name, summary=summary, remedy=remedy, plants=plants, together=f"every {kind.__name__}")


def number_of(
    spec: GanSpec, place: Place, field: str, *, planted: float, subject: str, is_scale: bool = False
) -> Number:
    """Return the number in a layer's field, and how to put another there."""
    layer = layer_at(spec, place)
    return Number(
        expected=getattr(layer, field),
        planted=another(planted, expected=getattr(layer, field)),
        with_value=lambda value: replace_layer(spec, place, replace(layer, **{field: value})),
        subject=subject,
        is_scale=is_scale,
    )


def choice_fault(
    name: str,
    summary: str,
    remedy: str,
    kind: type,
    *,
    change: Callable[[Any], Any],
    words: Callable[[Any], str],
    where: Callable[[GanSpec, Place], bool] = lambda _spec, _place: True,
) -> Fault:
    """Return a fault of a layer's field of few values that shows in its output.

    words: what a layer has there. where: in which places another value makes a difference.
    """

    def plants(spec: GanSpec) -> list[Plant]:
        return [plant(spec, place) for place in find_layers(spec, kind) if where(spec, place)]

    def plant(spec: GanSpec, place: Place) -> Plant:
        layer = layer_at(spec, place)
        return Plant(
            spec=replace_layer(spec, place, change(layer)),
            expected=output_of(spec, place),
            place=words_of(spec, place),
            found=words(change(layer)),
            expected_value=words(layer),
        )

    return Fault(name=name, summary=summary, remedy=remedy, plants=plants, together=f"every {kind.__name__}")


def kernel_fault(
    name: str,
    summary: str,
    remedy: str,
    kind: type,
    maps: tuple[TensorMap, TensorMap],
    *,
    where: Callable[[Any], bool],
) -> Fault:
    """Return a fault of a weight that is held in another form. maps: into that form, and back."""

    def plants(spec: GanSpec) -> list[Plant]:
        return [plant(spec, place) for place in find_layers(spec, kind, where=where)]

    def plant(spec: GanSpec, place: Place) -> Plant:
        return Plant(
            spec=spec,
            expected=output_of(spec, place),
            place=words_of(spec, place),
            tensor=f"{layer_name(spec, place)}.weight",
            load=maps[0],
            unload=maps[1],
        )

    return Fault(name=name, summary=summary, remedy=remedy, plants=plants, together=f"every {kind.__name__}")


def words_of(spec: GanSpec, place: Place) -> str:
    """Return a layer's kind and name."""
    return f"the {type(layer_at(spec, place)).__name__} {layer_name(spec, place)}"
