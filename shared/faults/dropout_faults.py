"""Mistakes in dropout."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from gan_rosetta.shared.data import streams
from gan_rosetta.shared.faults.fault import Fault, Location, Number, Plant
from gan_rosetta.shared.faults.places import Place, find_layers, layer_at, layer_name, output_of, replace_layer
from gan_rosetta.shared.interface import Chunk
from gan_rosetta.shared.spec import Dropout, GanSpec
from gan_rosetta.shared.spec.feeding import MaskDraw, mask_draws

_REDRAW_SEED = 2468
_UNITS = {"entry": "single numbers", "channel": "whole channels"}


def _dropouts(spec: GanSpec, plant: Callable[[GanSpec, Place], Plant | None]) -> list[Plant]:
    found = (plant(spec, place) for place in find_layers(spec, Dropout))
    return [each for each in found if each is not None]


def _words_of(spec: GanSpec, place: Place) -> str:
    return f"the Dropout {layer_name(spec, place)}"


def _kept_for_dropped(spec: GanSpec, place: Place) -> Plant | None:
    layer: Dropout = layer_at(spec, place)
    planted = 1 - layer.probability
    if planted in (1, layer.probability):
        return None
    number = Number(
        expected=layer.probability,
        planted=planted,
        with_value=lambda value: replace_layer(spec, place, replace(layer, probability=value)),
    )
    return Plant(
        spec=number.with_value(planted),
        expected=output_of(spec, place),
        place=_words_of(spec, place),
        number=number,
    )


def _other_unit(spec: GanSpec, place: Place) -> Plant | None:
    layer: Dropout = layer_at(spec, place)
    input_shape = getattr(spec, place[0]).placed[place[1]].input_shape
    if len(input_shape) != 3 or layer.probability == 0:
        return None
    changed = replace(layer, unit="entry" if layer.unit == "channel" else "channel")
    planted = replace_layer(spec, place, changed)
    return Plant(
        spec=planted,
        expected=output_of(spec, place),
        place=_words_of(spec, place),
        chunk=lambda chunk: _redrawn(planted, chunk, layer_name(spec, place)),
        found=_UNITS[changed.unit],
        expected_value=_UNITS[layer.unit],
    )


def _redrawn(spec: GanSpec, chunk: Chunk, layer: str) -> Chunk:
    """Return a chunk with the masks of a layer drawn anew, as the spec has them."""
    arrays = dict(chunk.arrays)
    for mask in mask_draws(spec, pretraining=chunk.phase == "pretraining"):
        if mask.name.endswith(f".{layer}"):
            arrays[mask.name] = drawn_mask(mask, chunk)
    return replace(chunk, arrays=arrays)


def drawn_mask(mask: MaskDraw, chunk: Chunk, /) -> np.ndarray:
    """Return a mask for a chunk that is not the tape's."""
    shape = (chunk.num_steps, chunk.batch_size, *mask.shape)
    size = int(np.prod(shape[1:]))
    drawn = streams.uniform(_REDRAW_SEED, mask.name, first_step=chunk.first_step, num_steps=shape[0], size=size)
    return mask.drawn(drawn.reshape(shape))


def _shared_mask(spec: GanSpec, place: Place) -> Plant | None:
    if place[0] != "discriminator" or layer_at(spec, place).probability == 0:
        return None
    name = layer_name(spec, place)
    real, fake = (f"mask.discriminator.{stream}.{name}" for stream in ("real", "fake"))

    def share(chunk: Chunk) -> Chunk:
        arrays = dict(chunk.arrays)
        return replace(chunk, arrays=arrays | {fake: arrays[real]} if real in arrays else arrays)

    expected = Location(phase="discriminator", quantities=("output",), names=(name,))
    return Plant(spec=spec, expected=expected, place=_words_of(spec, place), chunk=share)


def _other_masks_in_update(spec: GanSpec, place: Place) -> Plant | None:
    """In G's update, what D dropped in its own, or where it is that, something else."""
    if place[0] != "discriminator" or layer_at(spec, place).probability == 0:
        return None
    name, is_shared = layer_name(spec, place), spec.training.dropout_masks == "shared"
    own = {mask.name: mask for mask in mask_draws(spec, pretraining=False) if mask.name.startswith("mask.generator.")}
    own = {key: mask for key, mask in own.items() if key.endswith(f".{name}")}

    def feed(chunk: Chunk) -> Chunk:
        if chunk.phase == "pretraining":
            return chunk
        arrays = dict(chunk.arrays)
        for key, mask in own.items():
            shown = arrays[key.replace("generator", "discriminator", 1)]
            arrays[key] = drawn_mask(mask, chunk) if is_shared else shown
        return replace(chunk, arrays=arrays)

    ways = ("what D dropped in its own update", "others than in D's own update")
    found, expected = ways[::-1] if is_shared else ways
    return Plant(
        spec=spec,
        expected=Location(phase="generator", quantities=("output",), names=(name,)),
        place=_words_of(spec, place),
        chunk=feed,
        found=found,
        expected_value=expected,
    )


FAULTS = (
    Fault(
        name="dropout-keep-probability",
        summary="dropout's probability taken for that of keeping",
        remedy="{place} scales as if it dropped with probability {found}: set it to {expected}. TensorFlow 1 was told "
        "how often to keep, all others how often to drop.",
        plants=lambda spec: _dropouts(spec, _kept_for_dropped),
        together="every Dropout",
    ),
    Fault(
        name="dropout-unit",
        summary="single numbers dropped in place of whole channels",
        remedy="{place} drops {found}: it should drop {expected}. torch's Dropout2d and Keras's SpatialDropout2D drop "
        "whole channels, their Dropout single numbers.",
        plants=lambda spec: _dropouts(spec, _other_unit),
        together="every Dropout",
    ),
    Fault(
        name="dropout-mask-shared",
        summary="one mask for D's passes over real and over fake samples",
        remedy="{place} drops the same of real and of fake samples: draw a mask for each pass.",
        plants=lambda spec: _dropouts(spec, _shared_mask),
        together="every Dropout",
    ),
    Fault(
        name="dropout-masks-of-updates",
        summary="in G's update D drops what it dropped in its own, or where it should, others",
        remedy="{place} drops {found} of G's batch in G's update: it should drop {expected}. A program that shows D a "
        "batch once for both losses drops the same in both.",
        plants=lambda spec: _dropouts(spec, _other_masks_in_update),
        together="every Dropout",
    ),
)
