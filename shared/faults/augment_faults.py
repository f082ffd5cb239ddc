"""Mistakes in what is drawn to augment images."""

from __future__ import annotations

from dataclasses import replace

from gan_rosetta.shared.faults.fault import Fault, Location, Plant
from gan_rosetta.shared.faults.places import Place, find_layers, layer_name, output_of
from gan_rosetta.shared.interface import Chunk
from gan_rosetta.shared.spec import Augment, GanSpec
from gan_rosetta.shared.spec.feeding import AUGMENT


def _shared_draws(spec: GanSpec) -> list[Plant]:
    """What is drawn for D's real batch serves its fake one too."""

    def plant(place: Place) -> Plant:
        name = layer_name(spec, place)
        real, fake = (f"{AUGMENT}.discriminator.{stream}.{name}" for stream in ("real", "fake"))

        def share(chunk: Chunk) -> Chunk:
            arrays = dict(chunk.arrays)
            return replace(chunk, arrays=arrays | {fake: arrays[real]} if real in arrays else arrays)

        expected = Location(phase="discriminator", quantities=("output",), names=(name,))
        return Plant(spec=spec, expected=expected, place=f"the Augment {name}", chunk=share)

    return [plant(place) for place in find_layers(spec, Augment) if place[0] == "discriminator"]


def _moved_back(spec: GanSpec) -> list[Plant]:
    """Images move the other way."""

    def plant(place: Place) -> Plant:
        name = layer_name(spec, place)

        def turn(chunk: Chunk) -> Chunk:
            moves = {own for own in chunk.arrays if own.startswith(f"{AUGMENT}.") and own.endswith(f".{name}")}
            arrays = {own: -array if own in moves else array for own, array in chunk.arrays.items()}
            return replace(chunk, arrays=arrays)

        return Plant(spec=spec, expected=output_of(spec, place), place=f"the Augment {name}", chunk=turn)

    return [plant(place) for place in find_layers(spec, Augment, where=_moves)]


def _moves(layer: Augment) -> bool:
    return layer.policy == "translation"


FAULTS = (
    Fault(
        name="augmentation-shared",
        summary="D's real and fake images augmented alike",
        remedy="{place} changes D's fake images by what was drawn for the real ones: draw for each batch anew.",
        plants=_shared_draws,
        together="every Augment",
    ),
    Fault(
        name="translation-turned",
        summary="augmented images moved the other way",
        remedy="{place} moves images the other way: the number at i becomes that at i + move.",
        plants=_moved_back,
        together="every Augment that moves images",
    ),
)
