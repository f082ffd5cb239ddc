"""Mistakes in what a conditional GAN makes of classes, and in what its losses have of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from gan_rosetta.shared.faults.data_faults import outputs_of
from gan_rosetta.shared.faults.fault import Fault, Location, Number, Plant
from gan_rosetta.shared.faults.places import (
    Place,
    find_layers,
    first_phase,
    layer_at,
    layer_name,
    loss_of,
    output_of,
    replace_layer,
    replace_training,
)
from gan_rosetta.shared.interface import Chunk, loss_label
from gan_rosetta.shared.spec import ClassContrast, ClassCrossEntropy, ClassEmbedding, ClassLoss, CodeError, GanSpec
from gan_rosetta.shared.spec.classifying import SECOND_HEADS
from gan_rosetta.shared.spec.feeding import REAL_LABEL, is_label, labels


def _joined_otherwise(spec: GanSpec) -> list[Plant]:
    def plant(place: Place) -> Plant:
        layer: ClassEmbedding = layer_at(spec, place)
        changed = replace(layer, joined="after" if layer.joined == "before" else "before")
        return Plant(
            spec=replace_layer(spec, place, changed),
            expected=output_of(spec, place),
            place=f"the ClassEmbedding {layer_name(spec, place)}",
            found=changed.joined,
            expected_value=layer.joined,
        )

    return [plant(place) for place in find_layers(spec, ClassEmbedding, where=lambda layer: layer.takes_input)]


def _rows_apart(spec: GanSpec) -> list[Plant]:
    def plant(place: Place) -> Plant:
        layer: ClassEmbedding = layer_at(spec, place)
        shape = (layer.num_classes, layer.rows_per_class, -1)

        def load(table: np.ndarray) -> np.ndarray:
            return table.reshape(shape[1], shape[0], -1).swapaxes(0, 1).reshape(table.shape)

        def unload(table: np.ndarray) -> np.ndarray:
            return table.reshape(shape).swapaxes(0, 1).reshape(table.shape)

        name = layer_name(spec, place)
        return Plant(
            spec=spec,
            expected=output_of(spec, place),
            place=f"the ClassEmbedding {name}",
            tensor=f"{name}.weight",
            load=load,
            unload=unload,
        )

    return [plant(place) for place in find_layers(spec, ClassEmbedding, where=lambda layer: layer.rows_per_class > 1)]


def _fed_other_classes(change: Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]) -> Callable[[Chunk], Chunk]:
    """Return what gives a chunk other classes; a chunk of pretraining has none."""

    def feed(chunk: Chunk) -> Chunk:
        own = {name: array for name, array in chunk.arrays.items() if is_label(name)}
        return replace(chunk, arrays={**chunk.arrays, **change(own)}) if own else chunk

    return feed


def _counted_from_one(spec: GanSpec) -> list[Plant]:
    places = find_layers(spec, ClassEmbedding)
    if not places:
        return []
    count = layer_at(spec, places[0]).num_classes
    changed = _fed_other_classes(lambda own: {name: (array + 1) % count for name, array in own.items()})
    return [Plant(spec=spec, expected=_first_outputs(spec), chunk=changed)]


def _first_outputs(spec: GanSpec) -> Location:
    """Return the outputs of the network that is first fed the classes of fakes in a step."""
    conditional = {network for network, _ in find_layers(spec, ClassEmbedding)}
    first = "generator" if "generator" in conditional else "discriminator"
    return outputs_of(spec, first, first_phase(spec, first))


def _fakes_of_real_classes(spec: GanSpec) -> list[Plant]:
    used = labels(spec)
    if REAL_LABEL not in used:
        return []

    def take(own: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {name: own[REAL_LABEL] for name in used if name != REAL_LABEL}

    return [Plant(spec=spec, expected=_first_outputs(spec), chunk=_fed_other_classes(take))]


def _real_samples_of_asked_classes(spec: GanSpec) -> list[Plant]:
    used = labels(spec)
    asked = spec.training.fed_in("discriminator", "label")
    if REAL_LABEL not in used or asked not in used:
        return []
    changed = _fed_other_classes(lambda own: {REAL_LABEL: own[asked]})
    return [Plant(spec=spec, expected=outputs_of(spec, "discriminator", "discriminator"), chunk=changed)]


def _weight(network: str, field: str, *, loss: str) -> Callable[[GanSpec], list[Plant]]:
    """Return what leaves a term of classes out of a player's loss, or where it is not in it adds it."""

    def plants(spec: GanSpec) -> list[Plant]:
        of_class: ClassLoss | None = getattr(spec.training, loss)
        if of_class is None:
            return []
        own: float = getattr(of_class, field)
        if field == "on_real" and _tells_code(spec, loss):
            return []
        if field == "of_joint" and spec.training.joint_optimizer is None:
            return []

        def with_value(value: float) -> GanSpec:
            changes: dict[str, Any] = {field: value}
            return replace_training(spec, **{loss: replace(of_class, **changes)})

        # Of the joint update's loss something has to be left.
        is_whole = field == "of_joint" and own == sum(each.of_joint for each in spec.training.class_losses)
        number = Number(expected=own, planted=2 * own if is_whole else 0.0 if own else 1.0, with_value=with_value)
        expected = loss_of(network)
        return [Plant(spec=with_value(number.planted), expected=expected, number=number)]

    return plants


def _tells_code(spec: GanSpec, loss: str) -> bool:
    """Whether what a loss weighs is how far off a code is, which real samples have none of."""
    told = [layer for layer in spec.discriminator.all_layers if isinstance(layer, (*SECOND_HEADS, CodeError))]
    return isinstance(told[0 if loss == "class_loss" else -1], CodeError)


def _weights() -> tuple[Fault, ...]:
    terms = {
        "on_real": ("discriminator", "the real samples' classes"),
        "on_fake": ("discriminator", "the fake samples' classes"),
        "of_generator": ("generator", "the classes that G was asked for"),
        "of_joint": ("joint", "the classes of the batch that both learn from"),
    }
    heads = {"class_loss": "", "second_class_loss": " told a second time"}
    return tuple(
        Fault(
            name=f"{loss}_{field}".replace("_", "-"),
            summary=f"the cross entropy of {what}{told} left out of the {loss_label(network)}",
            remedy=f"The {loss_label(network)} weighs the cross entropy of {what}{told} by {{found}}: weigh it by "
            "{expected}.",
            plants=_weight(network, field, loss=loss),
        )
        for loss, told in heads.items()
        for field, (network, what) in terms.items()
    )


def _other_logit(spec: GanSpec) -> list[Plant]:
    def plant(place: Place) -> Plant:
        layer: ClassCrossEntropy = layer_at(spec, place)
        moved = -1 if layer.logit_of(layer.num_classes - 1) + 1 >= layer.logits else 1
        changed = replace(layer, offset=layer.offset + moved)
        return Plant(
            spec=replace_layer(spec, place, changed),
            expected=output_of(spec, place),
            place=f"the ClassCrossEntropy {layer_name(spec, place)}",
            found=f"{changed.offset}",
            expected_value=f"{layer.offset}",
        )

    return [plant(place) for place in find_layers(spec, ClassCrossEntropy, where=_has_more_logits)]


def _has_more_logits(layer: ClassCrossEntropy) -> bool:
    return layer.logits > layer.num_classes


def _contrast_number(field: str, planted: Callable[[float], float]) -> Callable[[GanSpec], list[Plant]]:
    """Return what plants another number in each ClassContrast that has one."""

    def plants(spec: GanSpec) -> list[Plant]:
        places = find_layers(spec, ClassContrast, where=lambda layer: getattr(layer, field) is not None)
        return [_other_number(spec, place, field, planted) for place in places]

    return plants


def _other_number(spec: GanSpec, place: Place, field: str, planted: Callable[[float], float]) -> Plant:
    layer: ClassContrast = layer_at(spec, place)
    own: float = getattr(layer, field)

    def with_value(value: float) -> GanSpec:
        changes: dict[str, Any] = {field: value}
        return replace_layer(spec, place, replace(layer, **changes))

    number = Number(expected=own, planted=planted(own), with_value=with_value)
    named = f"the ClassContrast {layer_name(spec, place)}"
    return Plant(spec=with_value(number.planted), expected=output_of(spec, place), place=named, number=number)


def _other_form(spec: GanSpec) -> list[Plant]:
    def plant(place: Place) -> Plant:
        layer: ClassContrast = layer_at(spec, place)
        changed = replace(layer, **_OTHER_FORM[layer.form])
        return Plant(
            spec=replace_layer(spec, place, changed),
            expected=output_of(spec, place),
            place=f"the ClassContrast {layer_name(spec, place)}",
            found=changed.form,
            expected_value=layer.form,
        )

    return [plant(place) for place in find_layers(spec, ClassContrast)]


_OTHER_FORM: dict[str, dict[str, Any]] = {
    "conditional": {"form": "data-to-data", "margin": 0.98},
    "data-to-data": {"form": "conditional", "margin": None},
}

FAULTS = (
    *_weights(),
    Fault(
        name="class-logit",
        summary="the logit beside that of the class: of what is real for what is fake, or the other way round",
        remedy="{place} takes the logits from {found}: take them from {expected}.",
        plants=_other_logit,
        together="every ClassCrossEntropy",
    ),
    Fault(
        name="contrast-temperature",
        summary="the temperature of a contrast doubled",
        remedy="{place} has the temperature {found}: set it to {expected}.",
        plants=_contrast_number("temperature", lambda own: 2 * own),
        together="every ClassContrast",
    ),
    Fault(
        name="contrast-margin",
        summary="another margin of a contrast",
        remedy="{place} has the margin {found}: set it to {expected}.",
        plants=_contrast_number("margin", lambda own: own - 0.1),
        together="every ClassContrast",
    ),
    Fault(
        name="contrast-form",
        summary="the other form of a contrast: ContraGAN's for ReACGAN's, or the other way round",
        remedy="{place} is {found}: make it {expected}.",
        plants=_other_form,
        together="every ClassContrast",
    ),
    Fault(
        name="class-embedding-joined",
        summary="a class's embedding joined on the other side",
        remedy="{place} is joined {found} what the network is given: join it {expected} that.",
        plants=_joined_otherwise,
        together="every ClassEmbedding",
    ),
    Fault(
        name="class-rows-apart",
        summary="a class's rows taken from as many tables in place of one beside the other",
        remedy="{place} takes a class's rows from places that are as far apart as there are classes: take them one "
        "behind the other.",
        plants=_rows_apart,
        together="every ClassEmbedding of several rows a class",
    ),
    Fault(
        name="classes-from-one",
        summary="classes counted from 1",
        remedy="Every class is one more than it was given: count classes from 0.",
        plants=_counted_from_one,
    ),
    Fault(
        name="classes-of-real-samples",
        summary="G asked for the classes of the real samples",
        remedy="G is asked for the classes of the real samples: ask it for those that it was given.",
        plants=_fakes_of_real_classes,
    ),
    Fault(
        name="real-samples-of-asked-classes",
        summary="D shown real samples with the classes that G is asked for",
        remedy="D is told the classes that G is asked for beside the real samples: tell it the samples' own.",
        plants=_real_samples_of_asked_classes,
    ),
)
